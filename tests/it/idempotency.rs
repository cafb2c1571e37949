//! The same request twice, carried out once.

use std::collections::BTreeSet;
use std::time::Duration;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, TypeKind, TypeSystemDefinition};
use balance::graphql::idempotency::{KEY, UNKEYED};
use balance::graphql::schema::sdl;
use balance::idempotency::prune;
use chrono::TimeDelta;
use entity::idempotency_key;
use futures::future::join_all;
use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Path, Schema, TestApp};

const ACCOUNT: &str = "mutation($input: CreateAccountInput!) { createAccount(input: $input) {
    account { id name } errors { field message code }
} }";

fn account(key: &str, name: &str) -> Value {
    json!({ "input": { "name": name, "idempotencyKey": key } })
}

/// Paths of the mutations that were answered from before.
fn replayed(answer: &Answer) -> Value {
    answer.body["extensions"]["replayed"].clone()
}

async fn accounts(client: &Client) -> Vec<String> {
    let listed = client
        .run(
            "{ accounts(first: 100) { edges { node { name } } } }",
            json!({}),
        )
        .await
        .ok();
    let edges = listed.list("accounts.edges").iter();
    edges.map(|edge| edge.text("node.name")).collect()
}

async fn head(client: &Client) -> String {
    client
        .run("{ eventCursor }", json!({}))
        .await
        .ok()
        .text("eventCursor")
}

/// The rows of keys, as they are.
#[expect(
    clippy::disallowed_methods,
    reason = "the test asks for rows as they are, past every verb"
)]
async fn rows(app: &TestApp) -> Vec<idempotency_key::Model> {
    let inside = app.app();
    let tx = inside.handles.db.begin_snapshot(None).await.unwrap();
    idempotency_key::Entity::find().all(&tx).await.unwrap()
}

#[tokio::test]
async fn a_mutation_sent_again_is_answered_again_and_not_repeated() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let first = owner.run(ACCOUNT, account("k1", "Main")).await;
    assert_eq!(replayed(&first), Value::Null);
    let before = head(&owner).await;

    let again = owner.run(ACCOUNT, account("k1", "Main")).await;
    assert_eq!(replayed(&again), json!([["createAccount"]]));
    assert_eq!(again.body["data"], first.body["data"]);
    assert_eq!(accounts(&owner).await, ["Main"]);
    assert_eq!(head(&owner).await, before, "nothing happened");

    // the order in which members are written is no difference; another input, and another question, are
    let spelled =
        "mutation { made: createAccount(input: { idempotencyKey: \"k1\", name: \"Main\" }) {
        account { id name } errors { field message code }
    } }";
    let spelled = owner.run(spelled, json!({})).await;
    assert_eq!(replayed(&spelled), json!([["made"]]));
    assert_eq!(
        spelled.body["data"]["made"],
        first.body["data"]["createAccount"]
    );
    let other = owner.run(ACCOUNT, account("k1", "Other")).await;
    assert_eq!(other.error_code(), "CONFLICT");
    let shorter =
        "mutation($input: CreateAccountInput!) { createAccount(input: $input) { account { id } } }";
    let shorter = owner.run(shorter, account("k1", "Main")).await;
    assert_eq!(shorter.error_code(), "CONFLICT");
    assert_eq!(
        shorter.body.text("errors[0].extensions.subjectId"),
        first.body.text("data.createAccount.account.id"),
        "it names what was made"
    );
    assert_eq!(accounts(&owner).await, ["Main"]);

    // without a key, or with another one, it is another request
    owner.run(ACCOUNT, account("k2", "Main 2")).await.ok();
    owner.make_account("Main 3").await;
    assert_eq!(accounts(&owner).await.len(), 3);
    for unfit in ["", "  ", &"x".repeat(256)] {
        let refused = owner.run(ACCOUNT, account(unfit, "Never")).await;
        assert_eq!(refused.error_code(), "BAD_USER_INPUT");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_key_is_known_to_who_used_it_in_its_tenant_and_for_its_mutation() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.tenant("acme").await, app.tenant("globex").await);
    let owner = ours.owner();
    let first = owner.run(ACCOUNT, account("k", "Main")).await.ok();
    // somebody else in the tenant, and somebody in another one, with the very same request
    let admin = ours.join("ADMIN").await;
    for other in [&admin, &theirs.owner()] {
        let answer = other.run(ACCOUNT, account("k", "Main")).await;
        assert_eq!(replayed(&answer), Value::Null);
        let made = answer.ok();
        assert_ne!(made, first);
        // and with another one: the key of somebody else is no conflict
        let answer = other.run(ACCOUNT, account("k", "Main")).await;
        assert_eq!(replayed(&answer), json!([["createAccount"]]));
        assert_eq!(answer.ok(), made);
    }
    let project = "mutation($input: CreateProjectInput!) { createProject(input: $input) { project { id } errors { message } } }";
    let made = owner
        .run(
            project,
            json!({ "input": { "name": "Main", "idempotencyKey": "k" } }),
        )
        .await;
    assert_eq!(replayed(&made), Value::Null);
    made.ok();
    // who may not is told so, key or not
    let viewer = ours.viewer().await;
    for _ in 0..2 {
        let refused = viewer.run(ACCOUNT, account("k", "Main")).await;
        assert_eq!(refused.error_code(), "FORBIDDEN");
    }
    let nobody = app.anybody().run(ACCOUNT, account("k", "Main")).await;
    assert_eq!(nobody.error_code(), "UNAUTHENTICATED");
    app.finish().await;
}

#[tokio::test]
async fn what_was_refused_is_carried_out_the_next_time() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let refused = owner.run(ACCOUNT, account("k", "")).await;
    assert_eq!(refused.user_errors().len(), 1);
    assert!(rows(&app).await.is_empty(), "nothing is kept of it");
    let made = owner.run(ACCOUNT, account("k", "Main")).await;
    assert_eq!(replayed(&made), Value::Null);
    made.ok();
    app.finish().await;
}

#[tokio::test]
async fn a_secret_is_told_again_and_kept_sealed() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let program = "mutation { createServiceAccount(input: { name: \"Shop\", permissions: [\"records:read\"] }) { serviceAccount { id } errors { message } } }";
    let program = owner.run(program, json!({})).await.ok();
    let id = program.text("createServiceAccount.serviceAccount.id");
    let make = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { key apiKey { id } errors { message } } }";
    let input = json!({ "input": { "serviceAccountId": id, "name": "one", "idempotencyKey": "retry of the api key" } });
    let first = owner.run(make, input.clone()).await.ok();
    let again = owner.run(make, input).await;
    assert_eq!(replayed(&again), json!([["createApiKey"]]));
    assert_eq!(again.ok(), first);

    let kept = rows(&app).await;
    let [kept] = &kept[..] else {
        panic!("one key was used: {kept:?}");
    };
    let sealed = kept.answer.as_deref().unwrap();
    let all = [
        kept.id.as_bytes(),
        &kept.input_hash,
        &kept.view_hash,
        sealed,
    ]
    .concat();
    let all = String::from_utf8_lossy(&all);
    assert!(!all.contains(&first.text("createApiKey.key")));
    assert!(!all.contains("createApiKey\":") && !all.contains("retry of"));
    let place = balance::secret::stored::ANSWER.of(&kept.id);
    let opened = app.app().handles.vault.open(&place, sealed).unwrap();
    let opened: Value = serde_json::from_slice(&opened).unwrap();
    assert_eq!(opened, first["createApiKey"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_with_one_key_are_carried_out_once() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let elsewhere = app.another_node().await;
    let elsewhere = elsewhere.with_token(owner.token.as_deref().unwrap());
    for round in 0..5 {
        let name = format!("Account {round}");
        let at_once = (0..8).map(|number| {
            let client = if number % 2 == 0 { &owner } else { &elsewhere };
            client.run(ACCOUNT, account(&format!("round {round}"), &name))
        });
        let answers = join_all(at_once).await;
        let first = answers[0].body["data"].clone();
        let carried_out = answers.iter().filter(|answer| replayed(answer).is_null());
        assert_eq!(carried_out.count(), 1, "{answers:#?}");
        for answer in answers {
            assert_eq!(answer.ok(), first);
        }
    }
    assert_eq!(accounts(&owner).await.len(), 5);
    app.finish().await;
}

#[tokio::test]
async fn each_mutation_of_a_document_has_a_key_of_its_own() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    owner.run(ACCOUNT, account("one", "One")).await.ok();
    let several = "mutation {
        first: createAccount(input: { name: \"One\", idempotencyKey: \"one\" }) { account { id name } errors { field message code } }
        second: createAccount(input: { name: \"Two\", idempotencyKey: \"two\" }) { account { id name } errors { field message code } }
        third: createAccount(input: { name: \"Three\" }) { account { id name } errors { field message code } }
    }";
    let answer = owner.run(several, json!({})).await;
    assert_eq!(replayed(&answer), json!([["first"]]));
    let again = owner.run(several, json!({})).await;
    assert_eq!(replayed(&again), json!([["first"], ["second"]]));
    assert_eq!(again.body["data"]["second"], answer.body["data"]["second"]);
    assert_eq!(accounts(&owner).await, ["One", "Three", "Three", "Two"]);
    assert_eq!(rows(&app).await.len(), 2, "what has no key leaves none");
    app.finish().await;
}

#[tokio::test]
async fn a_socket_knows_the_same_keys() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let mut socket = owner.socket().await;
    let mut told = Vec::new();
    for id in ["1", "2"] {
        let payload = json!({ "query": ACCOUNT, "variables": account("k", "Main") });
        socket
            .send(&json!({ "id": id, "type": "subscribe", "payload": payload }))
            .await;
        told.push(socket.next().await["payload"].clone());
        assert_eq!(socket.next().await["type"], "complete");
    }
    assert_eq!(told[0]["data"], told[1]["data"]);
    assert_eq!(told[0]["extensions"].get("replayed"), None);
    assert_eq!(
        told[1]["extensions"]["replayed"],
        json!([["createAccount"]])
    );
    let by_post = owner.run(ACCOUNT, account("k", "Main")).await;
    assert_eq!(replayed(&by_post), json!([["createAccount"]]));
    assert_eq!(by_post.ok(), told[0]["data"]);
    assert_eq!(accounts(&owner).await, ["Main"]);
    app.finish().await;
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test does to a row what a crash would have done"
)]
async fn what_a_crash_left_without_its_answer_is_not_carried_out_again() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let first = owner.run(ACCOUNT, account("k", "Main")).await.ok();
    let tx = app.app().handles.db.begin(None).await.unwrap();
    let none = Expr::value(Option::<Vec<u8>>::None);
    idempotency_key::Entity::update_many()
        .col_expr(idempotency_key::Column::Answer, none)
        .exec(&tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    // long enough that nobody can be at it any more
    app.clock.advance(TimeDelta::minutes(1));
    let again = owner.run(ACCOUNT, account("k", "Main")).await;
    assert_eq!(again.error_code(), "CONFLICT");
    assert_eq!(
        again.body.text("errors[0].extensions.subjectId"),
        first.text("createAccount.account.id")
    );
    assert_eq!(accounts(&owner).await, ["Main"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hangs_up_and_asks_again_gets_the_one_answer() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    for number in 0..12 {
        let name = format!("Account {number}");
        let asked = account(&format!("key {number}"), &name);
        // cut somewhere between the arrival of the request and the leaving of the answer
        let first = owner.run(ACCOUNT, asked.clone());
        let cut = tokio::time::timeout(Duration::from_micros(number * 700), first);
        let first = cut.await.ok().map(|answer| answer.body["data"].clone());
        let answer = owner.run(ACCOUNT, asked).await.ok();
        assert_eq!(answer.text("createAccount.account.name"), name);
        assert!(first.is_none_or(|first| first == answer));
    }
    assert_eq!(accounts(&owner).await.len(), 12);
    app.finish().await;
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    owner.run(ACCOUNT, account("k", "Main")).await.ok();
    let handles = app.app().handles.clone();
    app.clock.advance(TimeDelta::hours(23));
    assert_eq!(prune(&handles).await.unwrap(), 0);
    app.clock.advance(TimeDelta::hours(2));
    assert_eq!(prune(&handles).await.unwrap(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_tenant_is_opened_once() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let create = "mutation($input: CreateTenantInput!) { createTenant(input: $input) {
        session { accessToken viewer { tenant { id } } } errors { field message code }
    } }";
    let input = json!({ "input": { "tenantName": "Second", "idempotencyKey": "k" } });
    let first = owner.run(create, input.clone()).await.ok();
    let again = owner.run(create, input).await;
    assert_eq!(replayed(&again), json!([["createTenant"]]));
    assert_eq!(again.ok(), first);
    let mine = owner
        .run("{ myTenants(first: 10) { totalCount } }", json!({}))
        .await
        .ok();
    assert_eq!(mine.number("myTenants.totalCount"), 2);
    app.finish().await;
}

#[tokio::test]
async fn a_narrower_key_of_the_same_program_is_not_told_what_a_wider_one_made() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let program = "mutation { createServiceAccount(input: { name: \"Shop\", permissions: [\"accounts:write\", \"accounts:read\", \"records:read\"] }) { serviceAccount { id } errors { field message } } }";
    let program = owner.run(program, json!({})).await.ok();
    let id = program.text("createServiceAccount.serviceAccount.id");
    let mut keys = Vec::new();
    for scopes in [
        json!(["accounts:write", "accounts:read"]),
        json!(["records:read"]),
    ] {
        let make = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { key errors { field message } } }";
        let input = json!({ "serviceAccountId": id, "name": "one", "scopes": scopes });
        let made = owner.run(make, json!({ "input": input })).await.ok();
        keys.push(owner.with_token(&made.text("createApiKey.key")));
    }
    keys[0].run(ACCOUNT, account("k", "Main")).await.ok();
    let told = keys[1].run(ACCOUNT, account("k", "Main")).await;
    assert_eq!(told.error_code(), "CONFLICT");
    assert!(!told.body["data"].to_string().contains("Main"));
    app.finish().await;
}

#[test]
fn every_mutation_has_the_key_or_a_reason() {
    let document = parse_schema(sdl()).unwrap();
    let types = document
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(ty) => Some(&ty.node),
            _ => None,
        });
    let inputs: BTreeSet<&str> = types
        .filter(|ty| match &ty.kind {
            TypeKind::InputObject(input) => {
                input.fields.iter().any(|field| field.node.name.node == KEY)
            }
            _ => false,
        })
        .map(|ty| ty.name.node.as_str())
        .collect();
    let mut without = BTreeSet::new();
    let mut used = BTreeSet::new();
    for mutation in Schema::read().fields("Mutation") {
        let input = mutation
            .arguments
            .iter()
            .find(|of| of.node.name.node == "input");
        let input = input.map(|of| match &of.node.ty.node.base {
            BaseType::Named(name) => name.to_string(),
            BaseType::List(_) => panic!("{} takes a list", mutation.name.node),
        });
        match input {
            Some(input) if inputs.contains(input.as_str()) => {
                assert!(used.insert(input.clone()), "{input} is of two mutations");
            }
            _ => {
                without.insert(mutation.name.node.to_string());
            }
        }
    }
    let listed: BTreeSet<String> = UNKEYED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(without, listed, "have no key; are listed as having none");
    let used: BTreeSet<&str> = used.iter().map(String::as_str).collect();
    assert_eq!(used, inputs, "a key where nothing is carried out");
}
