//! Secrets at rest: which keys they hang on, and how keys are replaced.

use std::collections::BTreeSet;
use std::fs;

use balance::db;
use balance::integrations::webhook::sign;
use balance::secret::{Form, stored};
use serde_json::json;

use crate::support::{Client, Path, Process, TestApp};

const NEW_KEY: &str = "the data key that comes next, long enough";

/// Columns of bytes that hold neither a hash nor a secret.
const PLAIN: &[(&str, &str)] = &[
    ("model_snapshot", "bytes"),
    // what an authenticator calls a passkey: it tells it to every page of the site
    ("passkey", "credential_id"),
    ("signing_key", "public_key"),
    ("text_vector", "bytes"),
    ("tombstone", "seal"),
];

struct Sender {
    path: String,
    secret: String,
}

impl Sender {
    async fn make(owner: &Client, name: &str) -> (String, Self) {
        let made = format!(
            "mutation {{ createConnection(input: {{ name: \"{name}\" }}) {{ connection {{ id url }} secret }} }}"
        );
        let made = owner.run(&made, json!({})).await.ok();
        let url = made.text("createConnection.connection.url");
        let path = url[url.find("/api/").unwrap()..].to_owned();
        let secret = made.text("createConnection.secret");
        let id = made.text("createConnection.connection.id");
        (id, Self { path, secret })
    }

    async fn send(&self, to: &Client, app: &TestApp, id: &str) -> u16 {
        let body = json!({ "type": "transactions", "data": [] }).to_string();
        let at = app.clock.now().timestamp();
        let signature = sign(&self.secret, id, at, body.as_bytes()).unwrap();
        let request = to
            .request(reqwest::Method::POST, &self.path)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", signature);
        to.send(request.body(body)).await.status
    }
}

#[tokio::test]
async fn secrets_move_to_a_new_key_while_servers_work() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let (id, old) = Sender::make(&owner, "Bank").await;
    let rotate = "mutation($id: ID!) { rotateConnectionSecret(input: { connectionId: $id }) { secret errors { message } } }";
    let rotated = owner.run(rotate, json!({ "id": id })).await.ok();
    let new = Sender {
        path: old.path.clone(),
        secret: rotated.text("rotateConnectionSecret.secret"),
    };
    let (_, other) = Sender::make(&owner, "Shop").await;

    // a server that was started with the new key opens what the old one sealed, and seals with the new one
    let next = app
        .another_node_with(|config| config.data_key = Some(NEW_KEY.to_owned()))
        .await;
    assert_eq!(old.send(&next, &app, "m1").await, 202);
    let them = next.with_token(owner.token.as_deref().unwrap());
    let (_, third) = Sender::make(&them, "Till").await;
    let inside = app.last_app();
    let (db, vault) = (&inside.handles.db, &inside.handles.vault);
    let before = db::census(db, vault).await.unwrap();
    let values: Vec<_> = before
        .iter()
        .map(|((table, key), values)| (*table, *key == vault.current(), *values))
        .collect();
    let expected = [
        ("connection_key", true, 1),
        ("connection_key", false, 3),
        ("signing_key", false, 1),
    ];
    assert_eq!(BTreeSet::from_iter(values), BTreeSet::from(expected));

    let run = Process::start_with(&app, &["secrets", "rotate"], &[("DATA_KEY", NEW_KEY)]);
    assert!(run.end().await.success());
    let after = db::census(db, vault).await.unwrap();
    let key = vault.current();
    let expected = [(("connection_key", key), 4), (("signing_key", key), 1)];
    assert_eq!(after.into_iter().collect::<Vec<_>>(), expected);
    // run again, it finds nothing to do
    let mut resealed = 0;
    db::reseal(db, vault, |progress| resealed += progress.resealed)
        .await
        .unwrap();
    assert_eq!(resealed, 0);
    for (number, sender) in [&old, &new, &other, &third].into_iter().enumerate() {
        let id = format!("after-{number}");
        assert_eq!(sender.send(&next, &app, &id).await, 202, "{id}");
    }

    // the doctor sees whether a key is missing
    let well = Process::start_with(&app, &["doctor"], &[("DATA_KEY", NEW_KEY)]);
    assert!(well.end().await.success());
    assert!(!Process::start(&app, &["doctor"]).end().await.success());
    app.run_background_work().await;
    app.finish().await;
}

/// A column of bytes is a hash, or it is sealed and the rotation knows of it.
#[test]
fn no_sealed_column_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migration/src");
    let mut known = BTreeSet::new();
    for stored in stored::ALL
        .iter()
        .filter(|stored| stored.form == Form::Bytes)
    {
        for column in stored.columns {
            known.insert((stored.table.to_owned(), (*column).to_owned()));
        }
    }
    let mut found = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let mut table = String::new();
        for line in text.lines() {
            for start in ["create table {", "alter table {"] {
                if let Some((_, rest)) = line.split_once(start) {
                    let (_, name) = rest.split_once('}').unwrap();
                    let name = name.trim_matches('"');
                    table = name
                        .chars()
                        .take_while(|c| c.is_alphanumeric() || *c == '_')
                        .collect();
                }
            }
            if let Some((before, _)) = line.split_once(" {bytes}") {
                let column = before.split_whitespace().next_back().unwrap().to_owned();
                found.insert((table.clone(), column));
            }
        }
    }
    assert!(found.len() > 5, "the columns were not found");
    let plain = |table: &str, column: &str| PLAIN.contains(&(table, column));
    let forgotten: Vec<_> = found
        .iter()
        .filter(|(table, column)| !column.ends_with("hash") && !plain(table, column))
        .filter(|column| !known.contains(*column))
        .collect();
    assert!(
        forgotten.is_empty(),
        "neither a hash, nor in src/secret/stored.rs, nor in PLAIN of this test: {forgotten:?}"
    );
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(
        gone.is_empty(),
        "listed as sealed, but not in the schema: {gone:?}"
    );
}
