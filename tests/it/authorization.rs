//! Who may do what: every operation and every route, as everybody. The table is a snapshot, so an operation without a
//! row fails, and a reviewer reads who gained or lost what.
//!
//! Accept a change with `INSTA_UPDATE=always cargo test --test it authorization`, and read the difference.

use std::fmt::Write;
use std::fs;
use std::time::Duration;

use balance::permission::Permissions;
use entity::membership::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Ids, Operation, Path, Schema, TestApp, nowhere};

const ROLES: [(&str, Option<Role>); 11] = [
    ("anonymous", None),
    ("buyer", Some(Role::Buyer)),
    ("seller", Some(Role::Seller)),
    ("resolver", Some(Role::Resolver)),
    ("guard", Some(Role::Guard)),
    ("viewer", Some(Role::Viewer)),
    ("user", Some(Role::User)),
    ("reviewer", Some(Role::Reviewer)),
    ("manager", Some(Role::Manager)),
    ("admin", Some(Role::Admin)),
    ("owner", Some(Role::Owner)),
];

/// The routes of the REST edge, with a request each. Those that are the same for everybody are listed too.
const ROUTES: &[(&str, &str, &str)] = &[
    ("GET", "/", ""),
    ("GET", "/graphiql/session", ""),
    ("GET", "/graphql", "?query=%7B__typename%7D"),
    ("POST", "/graphql", ""),
    ("GET", "/schema.graphql", ""),
    ("GET", "/.well-known/jwks.json", ""),
    ("GET", "/health", ""),
    ("GET", "/health/live", ""),
    ("GET", "/health/ready", ""),
    ("GET", "/health/startup", ""),
    ("GET", "/api/events", ""),
    ("GET", "/api/v2", ""),
    ("GET", "/api/{*rest}", ""),
    ("POST", "/api/v1/auth/sign-in", ""),
    ("POST", "/api/v1/auth/complete-sign-in", ""),
    ("POST", "/api/v1/auth/request-password-reset", ""),
    ("POST", "/api/v1/auth/reset-password", ""),
    ("POST", "/api/v1/auth/verify-email", ""),
    ("POST", "/api/v1/auth/refresh", ""),
    ("POST", "/api/v1/auth/sign-out", ""),
    ("GET", "/api/v1/oauth/{provider}/start", ""),
    ("GET", "/api/v1/oauth/{provider}/callback", ""),
    ("GET", "/api/v1/events", ""),
    ("GET", "/api/v1/exports/audit.csv", ""),
    ("GET", "/api/v1/exports/records.csv", ""),
    ("GET", "/api/v1/exports/reports/{report}", ""),
    ("GET", "/api/v1/exports/simulations/{simulation}", ""),
    ("GET", "/api/v1/exports/tenants/{token}", ""),
    ("GET", "/api/v1/health", ""),
    ("GET", "/api/v1/health/live", ""),
    ("GET", "/api/v1/health/ready", ""),
    ("GET", "/api/v1/health/startup", ""),
    ("GET", "/api/v1/openapi.json", ""),
    ("GET", "/api/v1/queues", ""),
    ("PUT", "/api/v1/uploads/{token}", ""),
    ("POST", "/api/v1/webhooks/{connection}", ""),
    ("GET", "/admin/queues", ""),
    ("GET", "/admin/queues.css", ""),
    ("GET", "/admin/queues.js", ""),
    ("GET", "/graphiql", ""),
    ("GET", "/graphiql/licenses", ""),
];

#[tokio::test]
async fn everybody_may_do_what_the_table_says() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let owner = people.iter().find(|(_, role)| *role == Some(Role::Owner));
    let keys = Keys::make(&owner.unwrap().0).await;
    let schema = Schema::read();
    let mut table = String::new();
    let mut wrong = Vec::new();
    for operation in schema.operations() {
        let name = format!("{} {}", operation.kind, operation.name);
        let mut outcomes = Vec::new();
        for (person, role) in &people {
            let outcome = outcome(&schema, operation, person).await;
            match promised(operation, *role) {
                Some(expected) if expected.contains(&outcome) => {}
                Some(expected) => wrong.push(format!(
                    "{name}: {outcome} for {role:?}, but it promises {expected:?}"
                )),
                None => wrong.push(format!("{name} does not say what it needs")),
            }
            outcomes.push(outcome);
        }
        let outcome = outcome(&schema, operation, keys.without(operation)).await;
        if !promised_to_a_key(operation).contains(&outcome) {
            wrong.push(format!("{name}: {outcome} for a key without the scope"));
        }
        outcomes.push(outcome);
        row(&mut table, &name, &outcomes);
    }
    for (method, path, query) in ROUTES {
        let mut outcomes = Vec::new();
        for (person, _) in &people {
            outcomes.push(route(person, method, &format!("{path}{query}")).await);
        }
        outcomes.push(route(&keys.rules, method, &format!("{path}{query}")).await);
        row(&mut table, &format!("{method} {path}"), &outcomes);
    }
    app.run_background_work().await;
    app.finish().await;

    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("snapshots");
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("authorization", table));
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_id_opens_no_door_that_the_list_keeps_shut() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let made = "mutation { createConnection(input: { name: \"Shop\" }) { connection { id } } }";
    let made = tenant.owner().run(made, json!({})).await.ok();
    let id = made.text("createConnection.connection.id");
    let by_id = "query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }";
    let asked = json!({ "id": id });
    let seen = tenant.reviewer().await.run(by_id, asked.clone()).await.ok();
    assert_eq!(seen.text("node.id"), id);
    let viewer = tenant.viewer().await.run(by_id, asked).await;
    assert_eq!(viewer.error_code(), "FORBIDDEN", "{:#}", viewer.body);
    app.finish().await;
}

#[test]
fn every_route_has_its_row() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http");
    let mut missing = Vec::new();
    for file in ["mod.rs", "graphiql.rs"] {
        let text = fs::read_to_string(format!("{folder}/{file}")).unwrap();
        for part in text.split(".route(").skip(1) {
            let path = part.split('"').nth(1).unwrap();
            // files of the page are the same for everybody
            let listed = |(_, known, _): &&(&str, &str, &str)| {
                *known == path || *known == format!("/api/v1{path}")
            };
            if ROUTES.iter().find(listed).is_none() && !path.starts_with("/graphiql/assets") {
                missing.push(path.to_owned());
            }
        }
    }
    assert!(
        missing.is_empty(),
        "routes without a row in the table: {missing:?}"
    );
}

/// Somebody of each role, and nobody.
async fn people(app: &TestApp) -> Vec<(Client, Option<Role>)> {
    let tenant = app.tenant("acme").await;
    let mut people = Vec::new();
    for (_, role) in ROLES {
        let person = match role {
            None => app.anybody(),
            Some(Role::Owner) => tenant.owner(),
            Some(role) => tenant.join(&format!("{role:?}").to_uppercase()).await,
        };
        people.push((person, role));
    }
    people
}

/// What an operation answers somebody who asks for a thing that does not exist.
async fn outcome(schema: &Schema, operation: &Operation, person: &Client) -> &'static str {
    if operation.kind == "subscription" {
        return followed(schema, operation, person).await;
    }
    let answer = operation
        .run(schema, person, &mut Ids::new(), &nowhere)
        .await;
    of_code(answer.body["errors"][0]["extensions"]["code"].as_str())
}

async fn followed(schema: &Schema, operation: &Operation, person: &Client) -> &'static str {
    if person.token.is_none() {
        // a socket opens for those who are signed in only; `sockets.rs` has the codes
        return "UNAUTHENTICATED";
    }
    let mut ids = Ids::new();
    loop {
        let mut socket = person.socket().await;
        let (document, variables) = operation.document(schema, &ids, &nowhere, "__typename");
        let payload = json!({ "query": document, "variables": variables });
        socket
            .send(&json!({ "id": "1", "type": "subscribe", "payload": payload }))
            .await;
        let Some(message) = socket.next_within(Duration::from_millis(400)).await else {
            return "allowed";
        };
        let errors = match &message["payload"] {
            Value::Array(errors) => errors.first().cloned(),
            payload => payload["errors"].get(0).cloned(),
        };
        let Some(error) = errors else {
            return "allowed";
        };
        if !operation.learn(schema, &json!({ "errors": [error] }), &mut ids) {
            return of_code(error["extensions"]["code"].as_str());
        }
    }
}

async fn route(person: &Client, method: &str, path: &str) -> &'static str {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let path = path.replace("{report}", &format!("{}.csv", nowhere("Report")));
    let simulation = format!("{}.csv", nowhere("Simulation"));
    let path = path.replace("{simulation}", &simulation);
    let path = path.replace("{connection}", &nowhere("Connection"));
    let path = path.replace("{token}", "x").replace("{*rest}", "nowhere");
    let request = person.request(method.clone(), &path);
    let request = if method == Method::POST {
        request.json(&json!({ "query": "{ __typename }" }))
    } else {
        request
    };
    match person.send(request).await.status {
        401 => "UNAUTHENTICATED",
        403 => "FORBIDDEN",
        _ => "allowed",
    }
}

fn of_code(code: Option<&str>) -> &'static str {
    match code {
        Some("UNAUTHENTICATED") => "UNAUTHENTICATED",
        Some("FORBIDDEN") => "FORBIDDEN",
        // one that went wrong was let in
        _ => "allowed",
    }
}

/// Two API keys with a scope each, so that one of them lacks what an operation needs.
struct Keys {
    rules: Client,
    reports: Client,
}

impl Keys {
    async fn make(owner: &Client) -> Self {
        let made = "mutation { createServiceAccount(input: { name: \"Partner\", permissions: [\"rules:read\", \"reports:read\"] }) { serviceAccount { id } } }";
        let made = owner.run(made, json!({})).await.ok();
        let account = made.text("createServiceAccount.serviceAccount.id");
        let key = async |scope: &str| {
            let made = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { key errors { message } } }";
            let input = json!({ "serviceAccountId": account, "name": scope, "scopes": [scope] });
            let made = owner.run(made, json!({ "input": input })).await.ok();
            owner.with_token(&made.text("createApiKey.key"))
        };
        Self {
            rules: key("rules:read").await,
            reports: key("reports:read").await,
        }
    }

    fn without(&self, operation: &Operation) -> &Client {
        match operation.description.contains("`rules:read`") {
            true => &self.reports,
            false => &self.rules,
        }
    }
}

/// What the description of an operation promises to a key that lacks what it needs. What needs a sign-in only may be
/// for people.
fn promised_to_a_key(operation: &Operation) -> &'static [&'static str] {
    let words: Vec<_> = operation.description.split_whitespace().collect();
    let text = words.join(" ");
    if text.contains("Needs no sign-in") {
        &["allowed", "UNAUTHENTICATED"]
    } else if text.contains("Needs a sign-in") {
        &["allowed", "FORBIDDEN"]
    } else {
        &["FORBIDDEN"]
    }
}

/// What the description of an operation promises to a role.
fn promised(operation: &Operation, role: Option<Role>) -> Option<&'static [&'static str]> {
    let words: Vec<_> = operation.description.split_whitespace().collect();
    let text = words.join(" ");
    if text.contains("Needs no sign-in") {
        // a refresh token may be a bad one
        return Some(&["allowed", "UNAUTHENTICATED"]);
    }
    let Some(role) = role else {
        return Some(&["UNAUTHENTICATED"]);
    };
    if text.contains("Needs a sign-in") {
        return Some(&["allowed"]);
    }
    // "Needs `rules:read` and `records:read`. …"; conditions on them are looked at in `reach.rs`
    let (_, needs) = text.split_once("Needs `")?;
    let sentence = needs.split(['.', ';', ',']).next()?;
    let needed = sentence.split('`').filter(|word| word.contains(':'));
    let has = |name: &str| Permissions::of(role).iter().any(|own| own.as_str() == name);
    let may = needed.into_iter().all(has);
    Some(if may { &["allowed"] } else { &["FORBIDDEN"] })
}

fn row(table: &mut String, name: &str, outcomes: &[&str]) {
    if table.is_empty() {
        let names = ROLES.map(|(name, _)| format!("{name:<16}")).concat() + "key without scope";
        writeln!(table, "{:<44}{}", "", names.trim_end()).unwrap();
    }
    let cells: String = outcomes
        .iter()
        .map(|outcome| format!("{outcome:<16}"))
        .collect();
    writeln!(table, "{name:<44}{}", cells.trim_end()).unwrap();
}
