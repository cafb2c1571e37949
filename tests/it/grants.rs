//! Tokens of providers that are kept: what they are good for, and that nobody gets to see them.

use balance::db;
use balance::secret::stored::OAUTH_GRANT;
use chrono::TimeDelta;
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Alias, Query};
use serde_json::{Value, json};

use crate::support::journey::{OLIVE, START_LINK, come_and_go, exchange, link};
use crate::support::{Client, PASSWORD, Path, Process, Provider, Setup, Someone, TestApp};

const MINE: &str = "{ myIdentities { id status keepsTokens lastCheckedAt } }";
const REFRESH: &str = "mutation($input: RefreshLinkedIdentityInput!) {
    refreshLinkedIdentity(input: $input) {
        linkedIdentity { id status lastCheckedAt }
        account { name email emailVerified }
        errors { field message code }
    }
}";
const UNLINK: &str = "mutation($input: UnlinkIdentityInput!) {
    unlinkIdentity(input: $input) { unlinkedIdentityId tokensRevoked errors { code } }
}";
const DELETE: &str = "mutation($input: DeleteMyAccountInput!) {
    deleteMyAccount(input: $input) { errors { message } }
}";
const NEW_KEY: &str = "the data key that comes next, long enough";

async fn start() -> (TestApp, Provider) {
    let provider = Provider::start().await;
    let setup = Setup {
        providers: Some(provider.keeping()),
        ..Setup::default()
    };
    (TestApp::start_with(setup).await, provider)
}

/// Links an account whose tokens are kept; its id.
async fn linked(app: &TestApp, provider: &Provider, person: &Client) -> Value {
    let linked = link(app, provider, person, &OLIVE).await.ok();
    listen_for(app, provider);
    json!({ "input": { "linkedIdentityId": linked.text("linkIdentity.linkedIdentity.id") } })
}

/// No token that was given may be told to anybody: the end of the test fails if one was.
fn listen_for(app: &TestApp, provider: &Provider) {
    for token in provider.given() {
        app.anybody().watch.secret("a token of a provider", &token);
    }
}

async fn status(person: &Client) -> String {
    let mine = person.run(MINE, json!({})).await.ok();
    mine.text("myIdentities[0].status")
}

/// What a table holds, as text.
async fn stored(app: &TestApp, table: &str) -> String {
    let tx = app.app().handles.db.begin_read(None).await.unwrap();
    let all = Query::select()
        .column(sea_orm::sea_query::Asterisk)
        .from(Alias::new(table))
        .to_owned();
    let rows = tx.query_all(&all).await.unwrap();
    let sealed = rows.iter().map(|row| {
        let bytes: Vec<u8> = row.try_get("", OAUTH_GRANT.columns[0]).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    });
    sealed.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_provider_of_a_linked_account_is_asked_while_nobody_is_there() {
    let (app, provider) = start().await;
    let olive = app.tenant("acme").await.owner();
    let this = linked(&app, &provider, &olive).await;
    let mine = olive.run(MINE, json!({})).await.ok();
    let one = mine.path("myIdentities[0]");
    assert_eq!(one.text("status"), "CONNECTED");
    assert_eq!(one.path("keepsTokens"), &json!(true));
    assert!(one.path("lastCheckedAt").is_null());

    let asked = olive.run(REFRESH, this).await.ok();
    let told = asked.path("refreshLinkedIdentity");
    assert_eq!(told.path("errors"), &json!([]));
    let expected =
        json!({ "name": "Olive Elsewhere", "email": "owner@acme.example", "emailVerified": true });
    assert_eq!(told.path("account"), &expected);
    assert!(told.path("linkedIdentity.lastCheckedAt").is_string());

    // it is sealed where it lies, and the log tells that somebody asked and no more
    let given = provider.given();
    assert_eq!(given.len(), 2);
    let lies = stored(&app, "oauth_grant").await;
    assert!(!lies.is_empty() && given.iter().all(|token| !lies.contains(token)));
    let log = olive.get("/api/v1/events?first=500").await.text();
    assert!(log.contains("IDENTITY_CHECKED"), "{log}");
    assert!(!log.contains("Elsewhere"), "{log}");
    app.finish().await;
}

#[tokio::test]
async fn a_token_that_lapsed_is_refreshed_and_the_next_one_replaces_it() {
    let (app, provider) = start().await;
    let olive = app.tenant("acme").await.owner();
    let this = linked(&app, &provider, &olive).await;
    for round in 1..=3 {
        match round {
            // by a clock that is not ours
            1 => provider.tokens(|tokens| tokens.lapse()),
            _ => app.advance(TimeDelta::hours(1)),
        }
        let olive = sign_in(&app).await;
        let asked = olive.run(REFRESH, this.clone()).await.ok();
        let told = asked.path("refreshLinkedIdentity");
        assert_eq!(told.text("linkedIdentity.status"), "CONNECTED", "{told:#}");
        assert_eq!(provider.tokens(|tokens| tokens.refreshes), round);
    }
    listen_for(&app, &provider);
    app.finish().await;
}

#[tokio::test]
async fn tokens_that_live_for_seconds_are_refreshed_once_for_each_question() {
    let (app, provider) = start().await;
    provider.tokens(|tokens| tokens.life = Some(1));
    let olive = app.tenant("acme").await.owner();
    let this = linked(&app, &provider, &olive).await;
    for asked in 1..=3 {
        let told = olive.run(REFRESH, this.clone()).await.ok();
        assert_eq!(
            told.text("refreshLinkedIdentity.account.name"),
            "Olive Elsewhere"
        );
        assert_eq!(provider.tokens(|tokens| tokens.refreshes), asked);
    }
    app.finish().await;
}

#[tokio::test]
async fn those_who_refresh_at_once_do_not_lock_each_other_out() {
    let (app, provider) = start().await;
    let olive = app.tenant("acme").await.owner();
    let this = linked(&app, &provider, &olive).await;
    let node = app.another_node().await;
    let there = node.with_token(olive.token.as_deref().unwrap());
    provider.tokens(|tokens| tokens.lapse());
    let asking = [&olive, &there, &olive, &there, &olive, &there]
        .map(|person| person.run(REFRESH, this.clone()));
    for asked in futures::future::join_all(asking).await {
        let asked = asked.ok();
        let told = asked.path("refreshLinkedIdentity");
        assert_eq!(told.text("linkedIdentity.status"), "CONNECTED", "{told:#}");
        assert_eq!(told.text("account.name"), "Olive Elsewhere");
    }
    // whoever uses a refresh token twice loses it: one of them used it, once
    assert_eq!(provider.tokens(|tokens| tokens.refreshes), 1);
    app.finish().await;
}

#[tokio::test]
async fn what_the_provider_no_longer_honours_needs_signing_in_again() {
    let (app, provider) = start().await;
    let olive = app.tenant("acme").await.owner();
    let this = linked(&app, &provider, &olive).await;
    provider.tokens(|tokens| tokens.forget());
    for _ in 0..2 {
        let asked = olive.run(REFRESH, this.clone()).await.ok();
        let told = asked.path("refreshLinkedIdentity");
        assert_eq!(told.text("linkedIdentity.status"), "NEEDS_SIGN_IN");
        assert!(told.path("account").is_null());
    }
    assert_eq!(status(&olive).await, "NEEDS_SIGN_IN");
    // it is asked once, and remembered
    assert_eq!(provider.tokens(|tokens| tokens.refreshes), 1);

    // it still signs in, with a token that does not last
    let told = come_and_go(&app, &provider, &OLIVE).await;
    exchange(&app, &told, None).await.ok();
    assert_eq!(status(&olive).await, "CONNECTED");
    provider.tokens(|tokens| tokens.lapse());
    olive.run(REFRESH, this.clone()).await.ok();
    assert_eq!(status(&olive).await, "NEEDS_SIGN_IN");

    // linking it again mends it for good, and a sign-in takes nothing from that
    let again = link(&app, &provider, &olive, &OLIVE).await.ok();
    assert_eq!(again.path("linkIdentity.errors"), &json!([]));
    let told = come_and_go(&app, &provider, &OLIVE).await;
    exchange(&app, &told, None).await.ok();
    provider.tokens(|tokens| tokens.lapse());
    olive.run(REFRESH, this).await.ok();
    assert_eq!(status(&olive).await, "CONNECTED");
    listen_for(&app, &provider);
    app.finish().await;
}

#[tokio::test]
async fn a_provider_that_does_not_answer_costs_no_token() {
    let (app, provider) = start().await;
    let olive = app.tenant("acme").await.owner();
    let this = linked(&app, &provider, &olive).await;
    provider.tokens(|tokens| {
        tokens.lapse();
        tokens.broken = true;
    });
    let refused = olive.run(REFRESH, this.clone()).await;
    assert_eq!(refused.error_code(), "UPSTREAM", "{:#}", refused.body);
    assert_eq!(status(&olive).await, "CONNECTED");
    provider.tokens(|tokens| tokens.broken = false);
    let asked = olive.run(REFRESH, this).await.ok();
    assert_eq!(
        asked.text("refreshLinkedIdentity.account.name"),
        "Olive Elsewhere"
    );
    app.finish().await;
}

#[tokio::test]
async fn nobody_asks_about_the_account_of_somebody_else() {
    let (app, provider) = start().await;
    let tenant = app.tenant("acme").await;
    let (olive, victor) = (tenant.owner(), tenant.viewer().await);
    let this = linked(&app, &provider, &olive).await;
    for person in [&victor, &app.tenant("globex").await.owner()] {
        let refused = person.run(REFRESH, this.clone()).await.user_errors();
        assert_eq!(refused[0].text("code"), "NOT_FOUND");
    }
    assert_eq!(provider.tokens(|tokens| tokens.refreshes), 0);
    app.finish().await;
}

#[tokio::test]
async fn tokens_go_when_the_account_is_unlinked_or_its_person_leaves() {
    let (app, provider) = start().await;
    let tenant = app.tenant("acme").await;
    let olive = tenant.owner();
    let this = linked(&app, &provider, &olive).await;
    let gone = olive.run(UNLINK, this).await.ok();
    assert_eq!(gone.path("unlinkIdentity.tokensRevoked"), &json!(true));
    let refresh = &provider.given()[1];
    assert_eq!(
        &provider.tokens(|tokens| tokens.revoked.clone()),
        std::slice::from_ref(refresh)
    );
    assert_eq!(stored(&app, "oauth_grant").await, "");

    let victor = tenant.viewer().await;
    let who = Someone {
        subject: "victor-at-test",
        email: "viewer1@acme.example",
        verified: true,
    };
    link(&app, &provider, &victor, &who).await.ok();
    assert_ne!(stored(&app, "oauth_grant").await, "");
    let confirmed = json!({ "input": { "email": "viewer1@acme.example", "password": PASSWORD } });
    victor.run(DELETE, confirmed).await.ok();
    assert_eq!(stored(&app, "oauth_grant").await, "");
    let refresh = provider.given()[3].clone();
    assert!(provider.tokens(|tokens| tokens.revoked.contains(&refresh)));
    app.finish().await;
}

#[tokio::test]
async fn tokens_are_kept_only_where_the_configuration_says_so() {
    let provider = Provider::start().await;
    let setup = Setup {
        providers: Some(provider.setting(false)),
        ..Setup::default()
    };
    let app = TestApp::start_with(setup).await;
    let olive = app.tenant("acme").await.owner();
    let this = linked(&app, &provider, &olive).await;
    assert_eq!(status(&olive).await, "SIGN_IN_ONLY");
    assert_eq!(stored(&app, "oauth_grant").await, "");
    let refused = olive.run(REFRESH, this.clone()).await.user_errors();
    assert_eq!(refused[0].text("code"), "CONFLICT");
    let gone = olive.run(UNLINK, this).await.ok();
    assert!(gone.path("unlinkIdentity.tokensRevoked").is_null());
    // and a browser is asked for its consent only where that gives something
    let begun = json!({ "input": { "provider": "test" } });
    let begun = olive.run(START_LINK, begun).await.ok();
    let url = begun.text("startIdentityLink.url");
    let left = app.anybody().get(&url[url.find("/api/").unwrap()..]).await;
    assert!(!left.header("location").contains("prompt="));
    app.finish().await;
}

#[tokio::test]
async fn tokens_move_to_a_new_data_key() {
    let (app, provider) = start().await;
    let olive = app.tenant("acme").await.owner();
    let this = linked(&app, &provider, &olive).await;
    let run = Process::start_with(&app, &["secrets", "rotate"], &[("DATA_KEY", NEW_KEY)]);
    assert!(run.end().await.success());
    let node = app
        .another_node_with(|config| config.data_key = Some(NEW_KEY.to_owned()))
        .await;
    let handles = &app.last_app().handles;
    let census = db::census(&handles.db, &handles.vault).await.unwrap();
    assert_eq!(census[&(OAUTH_GRANT.table, handles.vault.current())], 1);
    let there = node.with_token(olive.token.as_deref().unwrap());
    let asked = there.run(REFRESH, this).await.ok();
    assert_eq!(
        asked.text("refreshLinkedIdentity.account.name"),
        "Olive Elsewhere"
    );
    app.finish().await;
}

/// The owner, signed in again.
async fn sign_in(app: &TestApp) -> Client {
    let credentials = json!({ "email": "owner@acme.example", "password": PASSWORD });
    let reply = app
        .anybody()
        .post("/api/v1/auth/sign-in", &credentials)
        .await;
    app.anybody()
        .with_token(&reply.json().text("data.accessToken"))
}
