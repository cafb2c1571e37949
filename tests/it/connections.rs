//! Signed webhooks: who is believed, and what a delivery becomes.

use balance::integrations::webhook::sign;
use serde_json::{Value, json};

use crate::support::{Client, Path, Reply, TestApp};

const CREATE: &str = "mutation($input: CreateConnectionInput!) {
    createConnection(input: $input) { connection { id url } secret errors { message } }
}";
const DELIVERIES: &str = "{ deliveries(first: 10) { edges { node {
    webhookId status newRows duplicateRows error connection { name }
} } } }";

struct Sender<'a> {
    app: &'a TestApp,
    path: String,
    secret: String,
}

impl Sender<'_> {
    async fn send(&self, id: &str, body: &Value) -> Reply {
        let at = self.app.clock.now().timestamp();
        self.send_at(id, at, body).await
    }

    async fn send_at(&self, id: &str, at: i64, body: &Value) -> Reply {
        let body = body.to_string();
        let signature = sign(&self.secret, id, at, body.as_bytes()).expect("the secret signs");
        let anybody = self.app.anybody();
        let request = anybody
            .request(reqwest::Method::POST, &self.path)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", signature)
            .body(body);
        anybody.send(request).await
    }
}

async fn connection<'a>(app: &'a TestApp, owner: &Client) -> (String, Sender<'a>) {
    let input = json!({ "input": { "name": "Bank" } });
    let made = owner.run(CREATE, input).await.ok();
    let url = made.text("createConnection.connection.url");
    let path = url[url.find("/api/").expect("it is on the REST edge")..].to_owned();
    let secret = made.text("createConnection.secret");
    let id = made.text("createConnection.connection.id");
    (id, Sender { app, path, secret })
}

fn body() -> Value {
    json!({ "type": "transactions.created", "data": [
        { "externalId": "1", "occurredOn": "2026-03-01", "amount": "-2.50", "currency": "EUR",
          "description": "Coffee", "account": "NL91 ABNA 0417 1643 00" },
        { "externalId": "2", "occurredOn": "2026-03-01", "amount": "9", "currency": "EUR", "description": "Refund" },
    ] })
}

#[tokio::test]
async fn a_repeated_message_is_one_delivery_and_repeated_rows_are_one_record() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let (_, sender) = connection(&app, &owner).await;

    let first = sender.send("m1", &body()).await;
    assert_eq!(first.status, 202, "{}", first.text());
    let again = sender.send("m1", &body()).await;
    assert_eq!(again.status, 202);
    assert_eq!(
        first.json().path("data.deliveryId"),
        again.json().path("data.deliveryId")
    );
    assert_eq!(sender.send("m2", &body()).await.status, 202);
    let bad = json!({ "type": "t", "data": [{ "amount": 1 }] });
    assert_eq!(sender.send("m3", &bad).await.status, 202);
    app.run_background_work().await;

    let found = owner.run(DELIVERIES, json!({})).await.ok();
    let rows: Vec<_> = found
        .list("deliveries.edges")
        .iter()
        .map(|edge| {
            let node = edge.path("node");
            let rows = (node.number("newRows"), node.number("duplicateRows"));
            (node.text("webhookId"), node.text("status"), rows)
        })
        .collect();
    let expected = [
        ("m3".to_owned(), "REFUSED".to_owned(), (0, 0)),
        ("m2".to_owned(), "INGESTED".to_owned(), (0, 2)),
        ("m1".to_owned(), "INGESTED".to_owned(), (2, 0)),
    ];
    assert_eq!(rows, expected);
    assert!(
        found
            .text("deliveries.edges[0].node.error")
            .contains("data[0].amount")
    );
    let accounts = owner
        .run(
            "{ accounts(first: 5) { edges { node { number } } } }",
            json!({}),
        )
        .await
        .ok();
    assert_eq!(
        accounts.text("accounts.edges[0].node.number"),
        "NL91ABNA0417164300"
    );
    app.finish().await;
}

#[tokio::test]
async fn only_a_recent_message_under_a_secret_in_force_is_believed() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let (id, old) = connection(&app, &owner).await;
    let now = app.clock.now().timestamp();
    assert_eq!(old.send_at("m1", now - 600, &body()).await.status, 401);

    let rotated = owner
        .run(
            "mutation($id: ID!) { rotateConnectionSecret(input: { connectionId: $id }) {
                secret errors { message }
            } }",
            json!({ "id": id }),
        )
        .await
        .ok();
    let new = Sender {
        app: &app,
        path: old.path.clone(),
        secret: rotated.text("rotateConnectionSecret.secret"),
    };
    assert_eq!(old.send("m1", &body()).await.status, 202);
    assert_eq!(new.send("m2", &body()).await.status, 202);
    app.advance(chrono::TimeDelta::hours(25));
    assert_eq!(old.send("m3", &body()).await.status, 401);
    assert_eq!(new.send("m4", &body()).await.status, 202);
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn a_disabled_connection_answers_like_one_that_does_not_exist() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let (id, sender) = connection(&app, &owner).await;
    let switch = |verb: &'static str| {
        let (owner, id) = (owner.clone(), id.clone());
        let document = format!(
            "mutation($id: ID!) {{ {verb}(input: {{ connectionId: $id }}) {{ errors {{ message }} }} }}"
        );
        async move { owner.run(&document, json!({ "id": id })).await.ok() }
    };
    switch("disableConnection").await;
    let disabled = sender.send("m1", &body()).await;
    let stranger =
        balance::graphql::node::global("Connection", entity::ConnectionId(uuid::Uuid::nil()));
    let nobody = Sender {
        app: &app,
        path: format!("/api/v1/webhooks/{}", stranger.as_str()),
        secret: sender.secret.clone(),
    };
    let unknown = nobody.send("m1", &body()).await;
    assert_eq!((disabled.status, unknown.status), (401, 401));
    assert_eq!(disabled.json().path("error"), unknown.json().path("error"));

    switch("enableConnection").await;
    assert_eq!(sender.send("m1", &body()).await.status, 202);
    app.run_background_work().await;
    app.finish().await;
}
