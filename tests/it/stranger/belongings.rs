//! What a tenant owns: one of everything, so that there is something to protect.
//!
//! A new kind of thing is made here too; `stranger.rs` fails until it is.

use balance::integrations::webhook::sign;
use serde_json::{Value, json};

use crate::support::{Client, Path, Tenant, TestApp};

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
