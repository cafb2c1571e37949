//! Isolation, seen from outside: everything that can be asked is asked by another tenant, with the ids of the first.
//!
//! What belongs to somebody else must look exactly like what does not exist.

mod belongings;

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::ID;
use balance::graphql::node::split;
use serde_json::{Value, json};

pub(crate) use self::belongings::fill;
use crate::support::{Client, Ids, Operation, Path, Reply, Schema, TestApp, nowhere};

/// Kinds of ids that a tenant is not shown: there is none to ask with.
const NOT_MADE: &[&str] = &[
    // a passkey and a linked account need an authenticator and a provider: `passkeys.rs` and `oauth.rs` ask as others
    "LinkedIdentity",
    "Passkey",
    // made by a job that takes the whole tenant along: `exports.rs` asks as others
    "TenantExport",
];

/// Ids by their kind.
type Known = BTreeMap<String, BTreeSet<String>>;

#[tokio::test]
async fn a_stranger_finds_nothing_and_changes_nothing() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.tenant("acme").await, app.tenant("globex").await);
    let our_file = fill(&app, &ours, "Zanzibar").await;
    let their_file = fill(&app, &theirs, "Globular").await;
    let (us, them) = (ours.owner(), theirs.owner());
    let schema = Schema::read();
    let mut our_ids = known(&schema, &us).await;
    let mut their_ids = known(&schema, &them).await;
    // a file is not shown again after its upload
    our_ids.insert("File".to_owned(), [our_file].into());
    their_ids.insert("File".to_owned(), [their_file].into());
    for kind in schema.nodes() {
        assert!(
            our_ids.contains_key(&kind),
            "no {kind} was made, so none can be protected"
        );
    }
    let head = json!({ "head": us.run("{ eventCursor }", json!({})).await.ok() });

    // by id, one by one and all together
    let all: Vec<&String> = our_ids.values().flatten().collect();
    for ids in all.chunks(100) {
        let found = them
            .run(
                "query($ids: [ID!]!) { nodes(ids: $ids) { id } }",
                json!({ "ids": ids }),
            )
            .await
            .ok();
        assert!(found.list("nodes").iter().all(Value::is_null), "{found:#}");
    }
    // in every list, report and export
    for operation in queries(&schema) {
        let seen = read(&schema, operation, &them).await;
        assert_nothing_of(&our_ids, &seen, &operation.name);
    }
    let export = them.get("/api/v1/exports/records.csv").await.text()
        + &them.get("/api/v1/exports/audit.csv").await.text()
        + &them.get("/api/v1/events?first=500").await.text();
    assert_nothing_of(&our_ids, &export, "the exports");

    // wherever an id can be given
    let mut alike = Vec::new();
    for operation in schema.operations() {
        for path in operation.id_paths(&schema) {
            if let Some(difference) =
                differs(&schema, operation, &path, &them, &our_ids, &their_ids).await
            {
                alike.push(difference);
            }
        }
    }
    assert!(
        alike.is_empty(),
        "a stranger can tell what exists:\n{}",
        alike.join("\n")
    );
    rest(&them, &our_ids).await;

    assert_eq!(
        json!({ "head": us.run("{ eventCursor }", json!({})).await.ok() }),
        head,
        "something of ours was changed"
    );
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_learnt_from_one_tenant_is_not_proposed_to_another() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.tenant("acme").await, app.tenant("globex").await);
    fill(&app, &ours, "Zanzibar").await;
    let them = theirs.owner();
    let account = them.make_account("Main").await;
    them.import_rows(&account, 0..5).await;
    app.run_background_work().await;
    let proposals = them
        .run(
            "{ approvals(first: 10) { edges { node { source proposedCategory { id } } } } }",
            json!({}),
        )
        .await
        .ok();
    let proposals = proposals.list("approvals.edges");
    assert_eq!(proposals.len(), 5);
    for proposal in proposals {
        assert!(
            proposal.path("node.proposedCategory").is_null(),
            "{proposal}"
        );
    }
    app.finish().await;
}

/// Asks an operation with an id of ours and with one of nobody's at the same place; what differs.
async fn differs(
    schema: &Schema,
    operation: &Operation,
    path: &str,
    them: &Client,
    ours: &Known,
    theirs: &Known,
) -> Option<String> {
    let id = |kind: &str| match kind.split_once(':') {
        Some(("ours", kind)) => any(ours, kind).unwrap_or_else(|| nowhere(kind)),
        Some((_, kind)) => nowhere(kind),
        None => any(theirs, kind).unwrap_or_else(|| nowhere(kind)),
    };
    // learn which kind it wants there, from an answer to one of its own
    let mut ids = Ids::from([(path.to_owned(), operation.guess(path))]);
    if operation.kind == "subscription" {
        return followed(schema, operation, path, them, ours, &id).await;
    }
    operation.run(schema, them, &mut ids, &nowhere).await;
    let kind = ids[path].clone();
    if any(ours, &kind).is_none() && !NOT_MADE.contains(&kind.as_str()) {
        let name = &operation.name;
        return Some(format!(
            "{name}({path}): no {kind} was made, so none can be protected"
        ));
    }
    let mut answers = Vec::new();
    for whose in ["ours", "nobody's"] {
        ids.insert(path.to_owned(), format!("{whose}:{kind}"));
        let (document, variables) =
            operation.document(schema, &ids, &id, &operation.select(schema));
        // of alternatives that hold each other only one is asked, and one that is not tells nothing
        let asked = id(&ids[path]);
        if !variables.to_string().contains(&asked) && !document.contains(&asked) {
            return None;
        }
        let mut body = them.run(&document, variables).await.body;
        assert!(
            !body.to_string().contains("INTERNAL"),
            "{}({path}) breaks: {body:#}",
            operation.name
        );
        if let Some(error) = body["errors"].get_mut(0) {
            error["extensions"]["requestId"] = Value::Null;
        }
        answers.push(masked(
            &body.to_string(),
            &[&any(ours, &kind).unwrap_or_default(), &nowhere(&kind)],
        ));
    }
    (answers[0] != answers[1]).then(|| {
        format!(
            "{} {}({path}: {kind}):\n  {}\n  {}",
            operation.kind, operation.name, answers[0], answers[1]
        )
    })
}

async fn followed(
    schema: &Schema,
    operation: &Operation,
    path: &str,
    them: &Client,
    ours: &Known,
    id: &dyn Fn(&str) -> String,
) -> Option<String> {
    let kind = operation.guess(path);
    if any(ours, &kind).is_none() {
        let name = &operation.name;
        return Some(format!(
            "{name}({path}): no {kind} was made, so none can be protected"
        ));
    }
    let mut heard = Vec::new();
    for whose in ["ours", "nobody's"] {
        let ids = Ids::from([(path.to_owned(), format!("{whose}:{kind}"))]);
        let (document, variables) = operation.document(schema, &ids, id, "__typename");
        let mut socket = them.socket().await;
        let payload = json!({ "query": document, "variables": variables });
        socket
            .send(&json!({ "id": "1", "type": "subscribe", "payload": payload }))
            .await;
        let message = socket
            .next_within(std::time::Duration::from_millis(500))
            .await;
        let code = message.map(|message| {
            (
                message["type"].clone(),
                message["payload"].to_string().contains("NOT_FOUND"),
            )
        });
        heard.push(format!("{code:?}"));
    }
    (heard[0] != heard[1]).then(|| format!("subscription {}: {heard:?}", operation.name))
}

/// Places of the REST edge that take an id: its kind, and what stands around it.
const REST_IDS: &[(&str, &str, &str)] = &[
    ("Report", "/api/v1/exports/reports/", ".csv"),
    ("Simulation", "/api/v1/exports/simulations/", ".csv"),
    ("Account", "/api/v1/exports/records.csv?accountId=", ""),
    ("Category", "/api/v1/exports/records.csv?categoryId=", ""),
    ("User", "/api/v1/exports/audit.csv?actorId=", ""),
    ("ServiceAccount", "/api/v1/exports/audit.csv?actorId=", ""),
    ("Record", "/api/v1/exports/audit.csv?resourceId=", ""),
];

/// The routes that take an id.
async fn rest(them: &Client, ours: &Known) {
    let ask = async |request: reqwest::RequestBuilder| {
        let reply: Reply = them.send(request).await;
        let body = serde_json::from_slice::<Value>(&reply.body).map(|body| body["error"].clone());
        (reply.status, body.unwrap_or_else(|_| json!(reply.text())))
    };
    let get = |path: String| them.request(reqwest::Method::GET, &path);
    for (kind, before, after) in REST_IDS {
        let our = ask(get(format!("{before}{}{after}", any(ours, kind).unwrap()))).await;
        let nobodys = ask(get(format!("{before}{}{after}", nowhere(kind)))).await;
        assert_eq!(our, nobodys, "{before}");
    }
    let post = |connection: &str| {
        let path = format!("/api/v1/webhooks/{connection}");
        let request = them.request(reqwest::Method::POST, &path);
        let request = request
            .header("webhook-id", "m")
            .header("webhook-timestamp", "1772442000");
        request.header("webhook-signature", "v1,AAAA").body("{}")
    };
    let our = ask(post(&any(ours, "Connection").unwrap())).await;
    assert_eq!(our, ask(post(&nowhere("Connection"))).await, "webhooks");
}

/// Every parameter of the REST edge that is an id is asked with.
#[test]
fn every_id_of_the_rest_edge_is_asked_with() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http");
    let exports = std::fs::read_to_string(format!("{folder}/exports.rs")).unwrap();
    let mut forgotten = Vec::new();
    for line in exports.lines() {
        let Some((name, _)) = line.trim().split_once("_id: Option<String>") else {
            continue;
        };
        let parameter = format!("?{name}Id=");
        if !REST_IDS
            .iter()
            .any(|(_, before, _)| before.ends_with(&parameter))
        {
            forgotten.push(parameter);
        }
    }
    let routes = std::fs::read_to_string(format!("{folder}/mod.rs")).unwrap();
    for part in routes.split(".route(").skip(1) {
        let path = part.split('"').nth(1).unwrap();
        let Some((before, _)) = path.split_once('{') else {
            continue;
        };
        let asked = REST_IDS.iter().any(|(_, known, _)| known.ends_with(before));
        // a signature and a sealed link are proofs of their own; providers are of the server, not of a tenant; the last
        // one is no route
        let others = [
            "/webhooks/",
            "/uploads/",
            "/exports/tenants/",
            "/oauth/",
            "/api/",
        ];
        let others = others.contains(&before);
        if !asked && !others {
            forgotten.push(path.to_owned());
        }
    }
    assert!(
        forgotten.is_empty(),
        "not asked by a stranger: {forgotten:?}"
    );
}

fn queries(schema: &Schema) -> Vec<&Operation> {
    schema
        .operations()
        .iter()
        .filter(|operation| {
            operation.kind == "query"
                && operation
                    .id_paths(schema)
                    .iter()
                    .all(|path| !operation.needs(path))
        })
        .collect()
}

/// Everything a query shows, as text.
async fn read(schema: &Schema, operation: &Operation, person: &Client) -> String {
    let (document, variables) =
        operation.document(schema, &Ids::new(), &nowhere, &operation.select(schema));
    let answer = person.run(&document, variables).await;
    assert!(
        answer.body.get("errors").is_none(),
        "{document}: {:#}",
        answer.body
    );
    answer.body["data"].to_string()
}

/// Every id somebody can see.
async fn known(schema: &Schema, person: &Client) -> Known {
    let mut known = Known::new();
    for operation in queries(schema) {
        for text in read(schema, operation, person).await.split('"') {
            if let Some((kind, _)) = split(&ID(text.to_owned())) {
                known.entry(kind).or_default().insert(text.to_owned());
            }
        }
    }
    known
}

fn any(known: &Known, kind: &str) -> Option<String> {
    known.get(kind)?.first().cloned()
}

fn assert_nothing_of(ours: &Known, text: &str, what: &str) {
    assert!(
        !text.contains("Zanzibar") && !text.contains("acme"),
        "{what} shows what we wrote: {text}"
    );
    for id in ours.values().flatten() {
        assert!(!text.contains(id.as_str()), "{what} shows our {id}: {text}");
    }
}

/// The answer without the ids that were asked about, whichever they were.
fn masked(text: &str, ids: &[&str]) -> String {
    let mut text = text.to_owned();
    for id in ids.iter().filter(|id| !id.is_empty()) {
        text = text.replace(*id, "ID");
    }
    text
}
