//! The REST edge is what `openapi.json` says, and nothing else. Every answer of the suite is held to it as well; see
//! `support/contract.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path as File;

use balance::http::openapi;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Path, TestApp, contract};

/// Operations whose success another test sees, by the name of that test's file.
const ELSEWHERE: [(&str, &str); 9] = [
    ("completeSignIn", "factors"),
    ("requestPasswordReset", "factors"),
    ("resetPassword", "factors"),
    ("verifyEmail", "factors"),
    ("startOauth", "oauth"),
    ("finishOauth", "oauth"),
    ("deliverWebhook", "connections"),
    ("exportTenant", "exports"),
    ("queues", "queues"),
];
/// Routes that are no part of the REST edge.
const NOT_REST: [&str; 8] = [
    "/",
    "/admin/",
    "/graphql",
    "/graphiql",
    "/graphiql/",
    "/api/{*rest}",
    "/api/v2",
    "/api/v2/",
];

#[test]
fn the_committed_document_is_the_document() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let committed = fs::read_to_string(path).unwrap_or_default();
    let same = committed.trim_end() == openapi::text().trim_end();
    assert!(same, "write it again: cargo run -- openapi > openapi.json");
}

#[test]
fn every_route_is_described_and_every_description_is_of_a_route() {
    let described: BTreeSet<_> = contract::operations()
        .map(|(method, path, _)| (path.to_owned(), method.to_owned()))
        .collect();
    let routed = routes();
    let silent: Vec<_> = routed.difference(&described).collect();
    assert!(
        silent.is_empty(),
        "without an operation in src/http/openapi.rs: {silent:?}"
    );
    let made_up: Vec<_> = described.difference(&routed).collect();
    assert!(made_up.is_empty(), "no such route: {made_up:?}");
}

#[test]
fn everything_in_the_document_is_described_and_has_an_example() {
    let mut ids = BTreeMap::new();
    let mut wrong = Vec::new();
    for (method, path, operation) in contract::operations() {
        let what = format!("{method} {path}");
        let id = operation.text("operationId");
        assert_eq!(
            ids.insert(id, what.clone()),
            None,
            "{what}: its name is taken"
        );
        let described = operation.get("summary").or(operation.get("description"));
        if described.is_none() || operation.list("tags").is_empty() {
            wrong.push(format!("{what}: what it does, and its tag"));
        }
        if operation.get("security").is_none() {
            wrong.push(format!("{what}: who may call it"));
        }
        let bodies = operation["responses"].as_object().unwrap().values();
        for body in bodies.chain(operation.get("requestBody")) {
            for (media, body) in contract::resolved(body)["content"]
                .as_object()
                .into_iter()
                .flatten()
            {
                match body.get("example") {
                    Some(example) => contract::validate(&what, &body["schema"], example),
                    None if media != "application/json" => {}
                    // whatever a sender sends, and the document itself
                    None if path.contains("webhooks") || path.contains("openapi") => {}
                    None => wrong.push(format!("{what}: an example of {body}")),
                }
            }
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter.get("description").is_none_or(|text| text == "") {
                wrong.push(format!("{what}: {}", parameter["name"]));
            }
        }
    }
    let document = openapi::document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let described = property.get("description").is_some() || property.get("$ref").is_some();
            if !described {
                wrong.push(format!("{name}.{field}: what it means"));
            }
        }
    }
    assert!(wrong.is_empty(), "not said:\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_document_is_served_and_kept() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    let served = anybody.get("/api/v1/openapi.json").await;
    assert_eq!(served.status, 200);
    assert_eq!(served.text(), openapi::text());
    assert_eq!(served.json().text("openapi"), "3.1.0");
    for path in [
        "/api/v1/openapi.json",
        "/schema.graphql",
        "/.well-known/jwks.json",
    ] {
        let first = anybody.get(path).await;
        assert_eq!(
            first.header("cache-control"),
            "public, max-age=300",
            "{path}"
        );
        let tag = first.header("etag");
        let again = async |known: &str| {
            let request = anybody.request(reqwest::Method::GET, path);
            let response = request.header("if-none-match", known).send().await.unwrap();
            (
                response.status().as_u16(),
                response.bytes().await.unwrap().len(),
            )
        };
        assert_eq!(again(tag).await, (304, 0), "{path}");
        assert_eq!(
            again(&format!("\"other\", {tag}")).await,
            (304, 0),
            "{path}"
        );
        assert_eq!(again("\"other\"").await, (200, first.body.len()), "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn every_operation_does_what_it_says() {
    let app = TestApp::start().await;
    let (anybody, owner) = (app.anybody(), app.tenant("acme").await.owner());
    let account = owner.make_account("Main").await;
    owner.import_rows(&account, 0..3).await;
    app.run_background_work().await;

    let credentials = json!({ "email": "owner@acme.example", "password": PASSWORD });
    let session = anybody
        .post("/api/v1/auth/sign-in", &credentials)
        .await
        .json();
    let token = json!({ "refreshToken": session.path("data.refreshToken") });
    let session = anybody.post("/api/v1/auth/refresh", &token).await.json();
    let token = json!({ "refreshToken": session.path("data.refreshToken") });
    anybody.post("/api/v1/auth/sign-out", &token).await;

    let asked = "mutation($input: GenerateReportInput!) { generateReport(input: $input) { report { id } errors { message } } }";
    let asked = owner
        .run(
            asked,
            json!({ "input": { "from": "2026-01-01", "to": "2026-12-31" } }),
        )
        .await
        .ok();
    let report = asked.text("generateReport.report.id");
    let simulated = "mutation { simulatePipeline(input: { from: \"2026-01-01\", to: \"2026-12-31\" }) { simulation { id } } }";
    let simulated = owner.run(simulated, json!({})).await.ok();
    let simulation = simulated.text("simulatePipeline.simulation.id");
    app.run_background_work().await;
    let upload = "mutation { createUpload(input: { name: \"march.csv\" }) { upload { url } } }";
    let upload = owner
        .run(upload, json!({}))
        .await
        .ok()
        .text("createUpload.upload.url");
    owner
        .put(
            &upload[upload.find("/api/").unwrap()..],
            "the bytes of march",
        )
        .await;

    let report = format!("/api/v1/exports/reports/{report}.csv");
    let simulation = format!("/api/v1/exports/simulations/{simulation}.csv");
    for path in [
        "/api/events",
        "/api/v1/events?first=3",
        "/api/v1/exports/records.csv?from=2026-01-01",
        "/api/v1/exports/audit.csv",
        &report,
        &simulation,
        "/api/v1/openapi.json",
        "/schema.graphql",
        "/.well-known/jwks.json",
        "/health",
        "/health/live",
        "/health/ready",
        "/health/startup",
        "/api/v1/health",
        "/api/v1/health/live",
        "/api/v1/health/ready",
        "/api/v1/health/startup",
    ] {
        let reply = owner.get(path).await;
        assert!(
            reply.status < 400,
            "{path}: {} {}",
            reply.status,
            reply.text()
        );
    }
    let seen = contract::succeeded();
    let unseen = contract::operations().map(|(.., operation)| operation.text("operationId"));
    let elsewhere = |id: &str| ELSEWHERE.iter().any(|(name, _)| *name == id);
    let unseen: Vec<_> = unseen
        .filter(|id| !seen.contains(id) && !elsewhere(id))
        .collect();
    assert!(
        unseen.is_empty(),
        "nobody has seen these succeed: {unseen:?}"
    );
    app.finish().await;
}

/// Every route of the REST edge with its method, read from the source: axum does not tell.
fn routes() -> BTreeSet<(String, String)> {
    let folder = File::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let mut found = BTreeSet::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                None => folders.push(path),
                Some(_) => found.extend(routes_of(&fs::read_to_string(path).unwrap())),
            }
        }
    }
    let not_rest = |path: &str| {
        NOT_REST.iter().any(|other| {
            *other == path || (other.len() > 1 && other.ends_with('/') && path.starts_with(other))
        })
    };
    found.retain(|(path, _)| !not_rest(path));
    found
}

fn routes_of(source: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut prefixes: &[&str] = &[""];
    for statement in source.split(';') {
        if statement.contains("let api = Router") {
            prefixes = &["/api/v1"];
        } else if statement.contains("let mut router") {
            prefixes = &[""];
        } else if statement.contains("fn health() -> Router") {
            prefixes = &["", "/api/v1"];
        }
        for route in statement.split(".route(").skip(1) {
            let Some(path) = route.split('"').nth(1) else {
                continue;
            };
            for method in ["get", "post", "put", "patch", "delete", "any"] {
                let called = |before: char| route.contains(&format!("{before}{method}("));
                if called(' ') || called('.') || called('(') {
                    let routes = prefixes.iter();
                    found.extend(
                        routes.map(|prefix| (format!("{prefix}{path}"), method.to_owned())),
                    );
                }
            }
        }
    }
    found
}

#[test]
fn routes_are_found_in_their_source() {
    let source = "let api = Router::new().route(\"/a\", get(a::b).post(c)).route(\n\"/b/{c}\",\n put(d));\nlet mut router = x.route(\"/e\", get(f));";
    let found: Vec<_> = routes_of(source)
        .into_iter()
        .map(|(path, method)| format!("{method} {path}"))
        .collect();
    assert_eq!(
        found,
        [
            "get /api/v1/a",
            "post /api/v1/a",
            "put /api/v1/b/{c}",
            "get /e"
        ]
    );
    assert!(routes().len() > 20);
    let _: Value = openapi::document();
}
