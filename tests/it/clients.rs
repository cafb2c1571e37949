//! Apps that speak GraphQL: what each may send, what it has registered, and how that is used.

use std::time::Duration;

use serde_json::{Value, json};

use crate::documents::{
    CODES, CREATE, REGISTER, RULES, UPDATE, client, code, document_id, get, persisted, register,
    sha256,
};
use crate::support::{Answer, Client, Path, Process, Setup, TestApp};

const REMOVE: &str = "mutation($input: RemoveDocumentsInput!) {
    removeDocuments(input: $input) { removedIds errors { field message code } }
}";

#[tokio::test]
async fn a_strict_client_sends_what_it_has_registered_and_nothing_else() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let id = client(&owner, "web", "STRICT").await;
    let registered = register(&owner, &id, &[CODES]).await;
    assert_eq!(registered.text("results[0].status"), "REGISTERED");
    assert_eq!(registered.text("results[0].documentId"), document_id(CODES));

    let web = Some("web");
    for known in [
        json!({ "documentId": document_id(CODES) }),
        json!({ "documentId": sha256(CODES) }),
        json!({ "extensions": persisted(CODES) }),
        json!({ "query": CODES, "extensions": persisted(CODES) }),
        json!({ "query": CODES }),
    ] {
        assert_eq!(code(&owner, web, &known).await, "data", "{known}");
    }
    let others = [
        json!({ "query": RULES }),
        json!({ "query": RULES, "extensions": persisted(RULES) }),
        json!({ "extensions": persisted(RULES) }),
        json!({ "documentId": document_id(RULES) }),
        json!({ "documentId": "rules" }),
    ];
    for other in &others {
        assert_eq!(
            code(&owner, web, other).await,
            "PERSISTED_QUERY_REQUIRED",
            "{other}"
        );
    }
    let (extensions, rules) = (persisted(RULES).to_string(), document_id(RULES));
    for parameters in [
        ("query", RULES),
        ("extensions", &extensions),
        ("documentId", &rules),
    ] {
        let refused = Answer::of(&get(&owner, "web", &[parameters]).await);
        assert_eq!(
            refused.error_code(),
            "PERSISTED_QUERY_REQUIRED",
            "{parameters:?}"
        );
    }
    let mut socket = owner.bare_socket().await;
    let token = owner.token.clone().unwrap();
    let payload =
        json!({ "Authorization": format!("Bearer {token}"), "GraphQL-Client-Name": "web" });
    socket
        .send(&json!({ "type": "connection_init", "payload": payload }))
        .await;
    assert_eq!(socket.next().await["type"], "connection_ack");
    for (number, other) in others.iter().enumerate() {
        let ask = json!({ "id": number.to_string(), "type": "subscribe", "payload": other });
        socket.send(&ask).await;
        let told = socket.next().await;
        assert_eq!(
            told.text("payload[0].extensions.code"),
            "PERSISTED_QUERY_REQUIRED"
        );
    }
    let known = json!({ "documentId": document_id(CODES) });
    socket
        .send(&json!({ "id": "known", "type": "subscribe", "payload": known }))
        .await;
    assert_eq!(socket.next().await["type"], "next");

    // another app, and the same person without one, are free
    assert_eq!(code(&owner, Some("other"), &others[0]).await, "data");
    assert_eq!(code(&owner, None, &others[0]).await, "data");

    balance::clients::write(&app.app().handles).await.unwrap();
    let told = "query($id: ID!) { graphqlClient(id: $id) { refusedCount lastRefusedAt } }";
    let told = owner.run(told, json!({ "id": id })).await.ok();
    assert_eq!(told.path("graphqlClient.refusedCount"), &json!(13));
    assert!(told.path("graphqlClient.lastRefusedAt").is_string());
    app.finish().await;
}

#[tokio::test]
async fn keys_of_a_bound_service_account_are_their_client_whatever_they_say() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let (account, key) = key(&owner).await;
    let id = client(&owner, "partner", "STRICT").await;
    client(&owner, "free", "PERMISSIVE").await;
    register(&owner, &id, &[CODES]).await;
    assert_eq!(code(&key, None, &json!({ "query": RULES })).await, "data");
    let input = json!({ "graphqlClientId": id, "serviceAccountId": account });
    owner.run(UPDATE, json!({ "input": input })).await.ok();

    for name in [None, Some("partner"), Some("free"), Some("nobody")] {
        let refused = code(&key, name, &json!({ "query": RULES })).await;
        assert_eq!(refused, "PERSISTED_QUERY_REQUIRED", "{name:?}");
        let known = json!({ "documentId": document_id(CODES) });
        assert_eq!(code(&key, name, &known).await, "data", "{name:?}");
    }
    let mut socket = key.socket().await;
    let ask = json!({ "id": "1", "type": "subscribe", "payload": { "query": RULES } });
    socket.send(&ask).await;
    let told = socket.next().await;
    assert_eq!(
        told.text("payload[0].extensions.code"),
        "PERSISTED_QUERY_REQUIRED"
    );

    // an account is bound once, and to a client that is there
    let again = json!({ "name": "second", "mode": "STRICT", "serviceAccountId": account });
    let refused = owner.run(CREATE, json!({ "input": again })).await;
    assert_eq!(refused.user_errors()[0]["field"], "serviceAccountId");
    let archive = "mutation($id: ID!) { archiveGraphqlClient(input: { graphqlClientId: $id }) { errors { message } } }";
    owner.run(archive, json!({ "id": id })).await.ok();
    assert_eq!(code(&key, None, &json!({ "query": RULES })).await, "data");
    app.finish().await;
}

/// A service account that reads rules and accounts, and somebody who shows its key.
async fn key(owner: &Client) -> (String, Client) {
    let account = "mutation { createServiceAccount(input: { name: \"Partner\", permissions: [\"rules:read\", \"accounts:read\", \"documents:register\"] }) { serviceAccount { id } errors { message } } }";
    let made = owner.run(account, json!({})).await.ok();
    let account = made.text("createServiceAccount.serviceAccount.id");
    let input = json!({ "serviceAccountId": account, "name": "Sync" });
    let key = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { key errors { message } } }";
    let made = owner.run(key, json!({ "input": input })).await.ok();
    (account, owner.with_token(&made.text("createApiKey.key")))
}

#[tokio::test]
async fn other_nodes_follow_within_a_second() {
    let app = TestApp::start_with(Setup {
        real_time: true,
        ..Setup::default()
    })
    .await;
    let owner = app.tenant("acme").await.owner();
    let there = app
        .another_node()
        .await
        .with_token(&owner.token.clone().unwrap());
    let id = client(&owner, "web", "STRICT").await;
    let known = json!({ "documentId": document_id(CODES) });
    until(&there, &known, "PERSISTED_QUERY_REQUIRED").await;
    let registered = register(&owner, &id, &[CODES]).await;
    until(&there, &known, "data").await;
    let ids = json!([registered.text("results[0].graphqlDocumentId")]);
    let input = json!({ "graphqlClientId": id, "graphqlDocumentIds": ids });
    owner
        .run(REMOVE, json!({ "input": input.clone() }))
        .await
        .ok();
    until(&there, &known, "PERSISTED_QUERY_REQUIRED").await;
    let again = owner.run(REMOVE, json!({ "input": input })).await;
    assert_eq!(again.user_errors()[0]["code"], "NOT_FOUND");
    app.finish().await;
}

/// Asks until the answer is this; never for longer than a change may take, and a moment.
async fn until(from: &Client, body: &Value, wanted: &str) {
    let asked = async {
        while code(from, Some("web"), body).await != wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(5), asked).await;
    seen.unwrap_or_else(|_| panic!("the node did not come to {wanted}"));
}

#[tokio::test]
async fn documents_are_registered_all_or_none() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let id = client(&owner, "web", "PERMISSIVE").await;
    let two = "query A { __typename } query B { __typename }";
    let deep = format!("query Deep {}", "{ a ".repeat(70) + &"}".repeat(70));
    for (broken, said) in [
        ("query X { nothingLikeThat }", "nothingLikeThat"),
        ("query {", "Syntax error"),
        (two, "one operation"),
        (&deep, "nest"),
    ] {
        let answer = register(&owner, &id, &[CODES, broken]).await;
        assert_eq!(answer.text("results[0].status"), "HELD_BACK");
        assert_eq!(answer.text("results[1].status"), "REFUSED");
        assert_eq!(answer.text("errors[0].field"), "documents[1]");
        assert!(
            answer.text("errors[0].message").contains(said),
            "{answer:#}"
        );
    }
    let with_id = async |id: &str, text: &str, of: &str| {
        let input = json!({ "graphqlClientId": of, "documents": [{ "id": id, "text": text }] });
        let answer = owner.run(REGISTER, json!({ "input": input })).await;
        answer.body["data"]["registerDocuments"].clone()
    };
    let wrong = with_id(&sha256(RULES), CODES, &id).await;
    assert!(
        wrong.text("errors[0].message").contains("SHA-256"),
        "{wrong}"
    );

    assert_eq!(
        register(&owner, &id, &[CODES, RULES])
            .await
            .list("errors")
            .len(),
        0
    );
    let again = register(&owner, &id, &[RULES, CODES]).await;
    assert_eq!(again.text("results[0].status"), "UNCHANGED");
    let twice = register(&owner, &id, &[CODES, CODES]).await;
    assert_eq!(twice.text("results[1].status"), "REFUSED");

    // a manifest may have ids of its own; one id is one text for good
    let other = client(&owner, "relay", "STRICT").await;
    assert_eq!(
        with_id("codes-1", CODES, &other)
            .await
            .text("results[0].status"),
        "REGISTERED"
    );
    assert_eq!(
        with_id("codes-1", RULES, &other)
            .await
            .text("results[0].status"),
        "REFUSED"
    );
    assert_eq!(
        with_id("codes-2", CODES, &other)
            .await
            .text("results[0].status"),
        "REFUSED"
    );
    let by_id = json!({ "documentId": "codes-1" });
    assert_eq!(code(&owner, Some("relay"), &by_id).await, "data");

    // a program may register, and make no clients; a reviewer may do neither
    let (_, program) = key(&owner).await;
    let viewer = "query V { viewer { user { id } } }";
    assert_eq!(
        register(&program, &id, &[viewer])
            .await
            .text("results[0].status"),
        "REGISTERED"
    );
    let input = json!({ "name": "mine" });
    let refused = program.run(CREATE, json!({ "input": input })).await;
    assert_eq!(refused.error_code(), "FORBIDDEN");
    let reviewer = tenant.reviewer().await;
    let input = json!({ "graphqlClientId": id, "documents": [{ "text": RULES }] });
    let refused = reviewer.run(REGISTER, json!({ "input": input })).await;
    assert_eq!(refused.error_code(), "FORBIDDEN");
    app.finish().await;
}

#[tokio::test]
async fn uses_are_counted_by_document_and_by_client() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let id = client(&owner, "web", "STRICT").await;
    let page = "query Page($first: Int!) { records(first: $first) { edges { node { id } } } }";
    register(&owner, &id, &[page, CODES]).await;
    for first in [1, 1, 1, 1, 100] {
        let body = json!({ "documentId": document_id(page), "variables": { "first": first } });
        assert_eq!(code(&owner, Some("web"), &body).await, "data");
    }
    balance::clients::write(&app.app().handles).await.unwrap();
    let body = json!({ "documentId": document_id(page), "variables": { "first": 1 } });
    code(&owner, Some("web"), &body).await;
    // what two times or two nodes counted adds up
    balance::clients::write(&app.app().handles).await.unwrap();
    let list = "query($id: ID) { graphqlDocuments(graphqlClientId: $id, first: 10) { totalCount edges { node {
        documentId name operationType useCount lastUsedAt p95Cost cost
    } } } }";
    let told = owner.run(list, json!({ "id": id })).await.ok();
    assert_eq!(told.path("graphqlDocuments.totalCount"), &json!(2));
    let nodes = told
        .list("graphqlDocuments.edges")
        .iter()
        .map(|edge| edge["node"].clone());
    let nodes: Vec<Value> = nodes.collect();
    let of = |text: &str| {
        let mut nodes = nodes.iter();
        nodes
            .find(|node| node["documentId"] == document_id(text))
            .unwrap()
    };
    assert_eq!(
        (&of(page)["useCount"], &of(CODES)["useCount"]),
        (&json!(6), &json!(0))
    );
    assert_eq!(
        (&of(page)["p95Cost"], &of(page)["cost"]),
        (&json!(110), &json!(22))
    );
    assert!(of(page)["lastUsedAt"].is_string() && of(CODES)["lastUsedAt"].is_null());
    app.finish().await;
}

#[tokio::test]
async fn the_command_line_pushes_lists_checks_and_prunes() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let data = app.environment();
    let (_, data) = data.iter().find(|(name, _)| *name == "DATA_DIR").unwrap();
    let file = |name: &str, text: &str| {
        let path = std::path::Path::new(data).join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let manifest = json!({
        "format": "apollo-persisted-query-manifest", "version": 1,
        "operations": [
            { "id": sha256(CODES), "name": "Codes", "type": "query", "body": CODES },
            { "id": sha256(RULES), "name": "Rules", "type": "query", "body": RULES },
        ],
    });
    let manifest = file("apollo.json", &manifest.to_string());
    let of = ["--tenant", "acme", "--client", "web"];
    let run = async |arguments: &[&str]| {
        let arguments = [&["operations"], arguments].concat();
        Process::output(&app, &arguments).await
    };
    let pushed = run(&[&["push", &manifest, "--create"], &of[..]].concat()).await;
    assert!(
        pushed.contains("2 documents registered, 0 known"),
        "{pushed}"
    );
    let relay = file("relay.json", &json!({ sha256(CODES): CODES }).to_string());
    let pushed = run(&[&["push", &relay], &of[..]].concat()).await;
    assert!(
        pushed.contains("0 documents registered, 1 known"),
        "{pushed}"
    );
    let body = json!({ "documentId": document_id(CODES) });
    until(&owner, &body, "data").await;
    let listed = run(&[&["list"], &of[..]].concat()).await;
    assert!(
        listed.contains(&document_id(RULES)) && listed.contains("Codes"),
        "{listed}"
    );

    let checked = run(&["check"]).await;
    assert!(
        checked.contains("2 documents checked, 0 not valid"),
        "{checked}"
    );
    let next = file(
        "next.graphql",
        "type Query { categories: [Category!]! } type Category { code: String! }",
    );
    let failed = Process::start(&app, &["operations", "check", &next])
        .end()
        .await;
    assert_eq!(failed.code(), Some(1), "rules are gone in it");
    let broken = file(
        "broken.json",
        &json!({ "x": "query X { nothingLikeThat }" }).to_string(),
    );
    let arguments = [&["operations", "push", &broken], &of[..]].concat();
    assert_eq!(Process::start(&app, &arguments).end().await.code(), Some(1));

    let old = file("old.graphql", "type Query { gone: Int }");
    let same = file("same.graphql", &balance::graphql::schema::sdl());
    assert_eq!(
        Process::start(&app, &["schema", "diff", &old])
            .end()
            .await
            .code(),
        Some(1)
    );
    let checked = run(&["check", &same]).await;
    assert!(
        checked.contains("2 documents checked, 0 not valid"),
        "{checked}"
    );
    let diff = Process::output(&app, &["schema", "diff", &same]).await;
    assert_eq!(diff.trim(), "0 breaking, 0 dangerous, 0 safe");

    // registered on the day on which tests begin, which is long ago for the program
    let clients = "{ graphqlClients(first: 1) { edges { node { id } } } }";
    let clients = owner.run(clients, json!({})).await.ok();
    let id = clients.text("graphqlClients.edges[0].node.id");
    let ancient = "query Ancient { system { version } }";
    register(&owner, &id, &[ancient]).await;
    for arguments in [&["prune", "--dry-run"][..], &["prune"]] {
        let pruned = run(&[arguments, &of[..]].concat()).await;
        assert!(pruned.contains("1 documents "), "{pruned}");
        assert!(pruned.contains(&document_id(ancient)), "{pruned}");
    }
    let listed = run(&[&["list"], &of[..]].concat()).await;
    assert!(
        !listed.contains("Ancient") && listed.contains("Rules"),
        "{listed}"
    );
    app.finish().await;
}
