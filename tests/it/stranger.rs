//! Isolation, seen from outside: everything that can be asked is asked by another tenant, with the ids of the first.
//!
//! What belongs to somebody else must look exactly like what does not exist.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::ID;
use balance::graphql::node::split;
use balance::integrations::webhook::sign;
use serde_json::{Value, json};

use crate::support::{Client, Ids, Operation, Path, Reply, Schema, Tenant, TestApp, nowhere};

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

/// Files two payees often enough that rules for them are suggested.
async fn confirm(app: &TestApp, owner: &Client, account: &str, word: &str, category: &str) {
    let row = |number: usize| {
        // not the whole word: the rule made of it would say so already
        let payee = [
            format!("Bakery {}", &word[1..]),
            format!("Garage {}", &word[1..]),
        ];
        let payee = &payee[number % 2];
        json!({ "externalId": format!("confirmed {number}"), "occurredOn": "2026-02-27", "amount": "-2.50",
                "currency": "EUR", "description": payee })
    };
    let rows: Vec<Value> = (0..6).map(row).collect();
    let input = json!({ "accountId": account, "rows": rows });
    let imported = owner.run("mutation($input: ImportRecordsInput!) { importRecords(input: $input) { rows { record { id } } errors { message } } }", json!({ "input": input })).await.ok();
    app.run_background_work().await;
    for row in imported.list("importRecords.rows") {
        let decide =
            json!({ "input": { "recordId": row.text("record.id"), "categoryId": category } });
        owner.run("mutation($input: OverrideRecordInput!) { overrideRecord(input: $input) { errors { message } } }", decide).await.ok();
    }
    app.run_background_work().await;
}

/// One of everything, with a word in it that nobody else uses; the id of the file.
pub(crate) async fn fill(app: &TestApp, tenant: &Tenant, word: &str) -> String {
    let owner = tenant.owner();
    tenant.viewer().await;
    let invite =
        json!({ "input": { "email": format!("{word}@waiting.example"), "role": "VIEWER" } });
    owner
        .run(
            "mutation($input: AddMemberInput!) { addMember(input: $input) { errors { message } } }",
            invite,
        )
        .await
        .ok();

    let program = json!({ "input": { "name": word, "permissions": ["records:read"] } });
    let program = owner.run("mutation($input: CreateServiceAccountInput!) { createServiceAccount(input: $input) { serviceAccount { id } errors { message } } }", program).await.ok();
    let key = json!({ "input": { "name": word, "serviceAccountId": program.text("createServiceAccount.serviceAccount.id") } });
    owner.run("mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { errors { message } } }", key).await.ok();

    let client = json!({ "input": { "name": word } });
    let client = owner.run("mutation($input: CreateGraphqlClientInput!) { createGraphqlClient(input: $input) { graphqlClient { id } errors { message } } }", client).await.ok();
    let document = format!("query {word} {{ __typename }}");
    let documents = json!({ "input": { "graphqlClientId": client.text("createGraphqlClient.graphqlClient.id"), "documents": [{ "text": document }] } });
    owner.run("mutation($input: RegisterDocumentsInput!) { registerDocuments(input: $input) { errors { message } } }", documents).await.ok();

    let account = owner.make_account(word).await;
    owner.import_rows(&account, 0..20).await;
    let made = owner.run(&format!("mutation {{ createConnection(input: {{ name: \"{word}\", accountId: \"{account}\" }}) {{ connection {{ id }} secret errors {{ message }} }} }}"), json!({})).await.ok();
    deliver(app, &owner, made.path("createConnection"), word).await;
    let file = statement(&owner, &account, word).await;
    app.run_background_work().await;

    let chart = owner
        .run(
            "{ categories { id code } approvals(first: 3, filter: { status: [PENDING] }) { edges { node { id } } } }",
            json!({}),
        )
        .await
        .ok();
    let categories = chart.list("categories");
    let category = categories.last().unwrap().text("id");
    let group = json!({ "input": { "name": word } });
    let group = owner.run("mutation($input: CreateRuleGroupInput!) { createRuleGroup(input: $input) { ruleGroup { id } errors { message } } }", group).await.ok();
    let rule = json!({ "input": {
        "name": word, "groupId": group.text("createRuleGroup.ruleGroup.id"), "conditions": { "text": { "op": "CONTAINS", "value": word } }, "actions": { "categoryId": category },
    } });
    owner.run("mutation($input: CreateRuleInput!) { createRule(input: $input) { errors { message } } }", rule).await.ok();
    let decide = json!({ "input": { "approvalId": chart.text("approvals.edges[0].node.id"), "categoryId": category, "note": word } });
    owner.run("mutation($input: OverrideRecordInput!) { overrideRecord(input: $input) { errors { message } } }", decide).await.ok();
    confirm(app, &owner, &account, word, &category).await;
    let project = format!(
        "mutation {{ createProject(input: {{ name: \"{word} project\" }}) {{ project {{ id }} errors {{ message }} }} }}"
    );
    let project = owner.run(&project, json!({})).await.ok();
    let team = json!({ "input": { "name": word, "projectIds": [project.text("createProject.project.id")] } });
    owner.run("mutation($input: CreateTeamInput!) { createTeam(input: $input) { errors { message } } }", team).await.ok();
    let role = format!(
        "mutation {{ createRole(input: {{ name: \"{word}\", grants: [{{ permission: \"records:read\" }}] }}) {{ errors {{ message }} }} }}"
    );
    owner.run(&role, json!({})).await.ok();
    belonging_together(&owner, &account, word).await;
    let report = json!({ "input": { "from": "2026-01-01", "to": "2026-12-31" } });
    owner.run("mutation($input: GenerateReportInput!) { generateReport(input: $input) { errors { message } } }", report).await.ok();
    let simulation = json!({ "input": { "from": "2026-01-01", "to": "2026-12-31", "knowledge": "NOW", "rules": [{ "add": {
        "name": word, "conditions": { "direction": "OUT" }, "actions": { "categoryId": categories[1].text("id") },
    } }] } });
    let simulation = owner.run("mutation($input: SimulatePipelineInput!) { simulatePipeline(input: $input) { simulation { id } errors { message } } }", simulation).await.ok();
    app.run_background_work().await;
    let apply = json!({ "input": { "simulationId": simulation.text("simulatePipeline.simulation.id"), "waiting": "PROPOSE_AGAIN" } });
    let applied = owner.run("mutation($input: ApplySimulationInput!) { applySimulation(input: $input) { changeSet { id } errors { message } } }", apply).await.ok();
    assert_eq!(applied.path("applySimulation.errors"), &json!([]));
    app.run_background_work().await;
    file
}

/// Two pairs that look like transfers and two that look like refunds.
async fn belonging_together(owner: &Client, account: &str, word: &str) {
    let savings = owner.make_account(&format!("{word} savings")).await;
    let row = |amount: &str, text: &str| {
        json!({ "externalId": format!("{text}{amount}"), "occurredOn": "2026-02-26", "amount": amount,
                "currency": "EUR", "description": format!("{word} {text}"), "tags": [word, text] })
    };
    let ours = [
        row("-1001.11", "saved"),
        row("-1002.22", "set aside"),
        row("-1061.01", "bookshop"),
        row("1061.01", "bookshop"),
        row("-1062.02", "bakery"),
        row("1062.02", "bakery"),
    ];
    let there = [row("1001.11", "saved"), row("1002.22", "set aside")];
    let import = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) { errors { message } } }";
    for (account, rows) in [(account, &ours[..]), (&*savings, &there[..])] {
        let input = json!({ "input": { "accountId": account, "rows": rows } });
        owner.run(import, input).await.ok();
    }
}

async fn deliver(app: &TestApp, owner: &Client, connection: &Value, word: &str) {
    let body = json!({ "type": "transactions", "data": [{
        "externalId": word, "occurredOn": "2026-02-28", "amount": "-7.00", "currency": "EUR", "description": format!("{word} webhook"),
    }] }).to_string();
    let at = app.clock.now().timestamp();
    let signature = sign(&connection.text("secret"), word, at, body.as_bytes()).unwrap();
    let path = format!("/api/v1/webhooks/{}", connection.text("connection.id"));
    let request = owner
        .request(reqwest::Method::POST, &path)
        .header("content-type", "application/json");
    let request = request
        .header("webhook-id", word)
        .header("webhook-timestamp", at)
        .header("webhook-signature", signature);
    let delivered = owner.send(request.body(body)).await;
    assert_eq!(delivered.status, 202, "{}", delivered.text());
}

async fn statement(owner: &Client, account: &str, word: &str) -> String {
    let upload = owner.run(&format!("mutation {{ createUpload(input: {{ name: \"{word}.csv\" }}) {{ upload {{ fileId url }} errors {{ message }} }} }}"), json!({})).await.ok();
    let url = upload.text("createUpload.upload.url");
    let path = &url[url.find("/api/").unwrap()..];
    let csv = format!(
        "date,description,amount\n2026-02-25,{word} coffee,-3.20\n2026-02-26,{word} books,-18.00\n"
    );
    assert_eq!(owner.put(path, csv).await.status, 201);
    let input = json!({ "input": { "fileId": upload.text("createUpload.upload.fileId"), "accountId": account, "defaultCurrency": "EUR" } });
    owner.run("mutation($input: ImportStatementInput!) { importStatement(input: $input) { import { id } errors { field message } } }", input).await.ok();
    upload.text("createUpload.upload.fileId")
}
