//! Signing in at identity providers: what gets in, and what does not.

use balance::graphql::node::local;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use chrono::TimeDelta;
use entity::{UserId, user};
use reqwest::Method;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::journey::{
    LINK, OLIVE, Outside, START, START_LINK, Told, arrive, come_and_go, exchange, go_to_link,
    leave, link, with,
};
use crate::support::{Answer, Client, Lie, Path, Provider, Reply, Setup, Someone, TestApp};

const UNLINK: &str = "mutation($input: UnlinkIdentityInput!) {
    unlinkIdentity(input: $input) { unlinkedIdentityId errors { field message code } }
}";
const MINE: &str = "{ myIdentities { id provider active createdAt lastUsedAt } }";

#[tokio::test]
async fn a_linked_account_signs_in() {
    let (app, provider) = start(false).await;
    let olive = app.tenant("acme").await.owner();
    let linked = link(&app, &provider, &olive, &OLIVE).await.ok();
    assert_eq!(linked.text("linkIdentity.linkedIdentity.provider"), "Test");

    let shown = app
        .anybody()
        .run("{ signInProviders { name label startUrl } }", json!({}))
        .await
        .ok();
    assert_eq!(shown.list("signInProviders").len(), 1);
    assert_eq!(
        shown.text("signInProviders[0].startUrl"),
        "http://127.0.0.1:4000/api/v1/oauth/test/start"
    );

    let told = come_and_go(&app, &provider, &OLIVE).await;
    assert_eq!(told.page, "http://app.example/in");
    assert_eq!(told.query["tab"], "1", "what the app put there stays");
    let session = exchange(&app, &told, None).await.ok();
    assert_eq!(
        session.text("exchangeSignInCode.session.viewer.user.email"),
        "owner@acme.example"
    );
    let back = app
        .anybody()
        .with_token(&session.text("exchangeSignInCode.session.accessToken"));
    let mine = back.run(MINE, json!({})).await.ok();
    assert!(
        mine.path("myIdentities[0].lastUsedAt").is_string(),
        "{mine:#}"
    );
    let log = back.get("/api/v1/events?first=500").await.text();
    assert!(log.contains("IDENTITY_LINKED"), "{log}");
    assert!(
        !log.contains(OLIVE.subject),
        "who somebody is elsewhere is nothing for the log"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_state_is_good_once_in_its_browser_for_ten_minutes() {
    let (app, provider) = start(false).await;
    app.tenant("acme").await;
    let mut outside = leave(&app, START).await;
    let back = provider.authorize(&outside.url, &OLIVE);
    // no cookie, and that of another browser: nobody is sent anywhere, and the state still waits
    let other = leave(&app, START).await;
    for cookie in [String::new(), other.cookie.clone()] {
        let refused = arrive(&app, &back, &cookie).await;
        assert_lost(&refused);
    }
    assert_eq!(arrive(&app, &back, &outside.cookie).await.status, 303);
    assert_lost(&arrive(&app, &back, &outside.cookie).await);

    // one that was invented, and one that took too long
    let invented = with(&back, "state", "x");
    assert_lost(&arrive(&app, &invented, &outside.cookie).await);
    outside = leave(&app, START).await;
    let late = provider.authorize(&outside.url, &OLIVE);
    app.advance(TimeDelta::minutes(10));
    assert_lost(&arrive(&app, &late, &outside.cookie).await);
    app.finish().await;
}

#[tokio::test]
async fn two_tabs_of_one_browser_do_not_disturb_each_other() {
    let (app, provider) = start(false).await;
    let first = leave(&app, START).await;
    let request = app
        .anybody()
        .request(Method::GET, START)
        .header("cookie", &first.cookie);
    let second = Outside::of(&app.anybody().send(request).await);
    assert_eq!(first.cookie, second.cookie);
    for tab in [second, first] {
        let back = provider.authorize(&tab.url, &OLIVE);
        assert_eq!(arrive(&app, &back, &tab.cookie).await.status, 303);
    }
    app.finish().await;
}

#[tokio::test]
async fn what_the_provider_did_not_sign_for_us_signs_nobody_in() {
    let (app, provider) = start(true).await;
    app.tenant("acme").await;
    for lie in [
        Lie::Audience,
        Lie::Issuer,
        Lie::Expired,
        Lie::NoNonce,
        Lie::Key,
        Lie::Unsigned,
        Lie::Shared,
        Lie::Nonsense,
        Lie::Redirect,
    ] {
        provider.lie(lie);
        let told = come_and_go(&app, &provider, &OLIVE).await;
        assert_eq!(
            told.query.get("error").map(String::as_str),
            Some("failed"),
            "{lie:?}"
        );
        assert!(!told.query.contains_key("code"), "{lie:?}");
    }
    provider.lie(Lie::None);
    // whoever swaps the nonce, the challenge or the code on the way gets nothing
    for name in ["nonce", "code_challenge"] {
        let outside = leave(&app, START).await;
        let other = BASE64.encode(Sha256::digest("another"));
        let back = provider.authorize(&with(&outside.url, name, &other), &OLIVE);
        let told = Told::of(&arrive(&app, &back, &outside.cookie).await);
        assert_eq!(told.query["error"], "failed", "{name}");
    }
    for (name, value) in [("code", "x"), ("iss", "https://accounts.example")] {
        let outside = leave(&app, START).await;
        let back = provider.authorize(&outside.url, &OLIVE);
        let told = Told::of(&arrive(&app, &with(&back, name, value), &outside.cookie).await);
        assert_eq!(told.query["error"], "failed", "{name}");
    }
    let told = come_and_go(&app, &provider, &OLIVE).await;
    exchange(&app, &told, None).await.ok();
    app.finish().await;
}

#[tokio::test]
async fn who_changes_their_mind_at_the_provider_is_told_so() {
    let (app, _provider) = start(false).await;
    let outside = leave(&app, START).await;
    let state = outside
        .url
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1;
    let back = format!("http://x/api/v1/oauth/test/callback?error=access_denied&state={state}");
    let told = Told::of(&arrive(&app, &back.parse().unwrap(), &outside.cookie).await);
    assert_eq!(told.query["error"], "access_denied");
    app.finish().await;
}

#[tokio::test]
async fn new_keys_of_a_provider_are_found() {
    let (app, provider) = start(true).await;
    app.tenant("acme").await;
    let told = come_and_go(&app, &provider, &OLIVE).await;
    exchange(&app, &told, None).await.ok();
    provider.rotate();
    let told = come_and_go(&app, &provider, &OLIVE).await;
    exchange(&app, &told, None).await.ok();
    app.finish().await;
}

#[tokio::test]
async fn nobody_is_sent_elsewhere() {
    let (app, _provider) = start(false).await;
    let olive = app.tenant("acme").await.owner();
    for page in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
    ] {
        let request = app
            .anybody()
            .request(Method::GET, "/api/v1/oauth/test/start");
        let refused = app
            .anybody()
            .send(request.query(&[("returnTo", page)]))
            .await;
        assert_eq!(
            (refused.status, refused.header("location")),
            (400, ""),
            "{page}"
        );
        let input = json!({ "input": { "provider": "test", "returnTo": page } });
        let refused = olive.run(START_LINK, input).await.user_errors();
        assert_eq!(refused[0].text("field"), "returnTo", "{page}");
    }
    let unknown = app.anybody().get("/api/v1/oauth/nobody/start").await;
    assert_eq!(unknown.status, 404, "{}", unknown.text());
    app.finish().await;
}

#[tokio::test]
async fn an_address_opens_no_account_unless_the_provider_is_trusted_and_verified_it() {
    for (trusted, verified, lets_in) in [
        (false, true, false),
        (true, false, false),
        (false, false, false),
        (true, true, true),
    ] {
        let (app, provider) = start(trusted).await;
        app.tenant("acme").await;
        let who = Someone {
            verified,
            email: "Owner@ACME.example",
            ..OLIVE
        };
        let told = come_and_go(&app, &provider, &who).await;
        if lets_in {
            exchange(&app, &told, None).await.ok();
            // from now on the account is known by its subject, whatever its address becomes
            let moved = Someone {
                email: "else@where.example",
                verified: false,
                ..OLIVE
            };
            let told = come_and_go(&app, &provider, &moved).await;
            exchange(&app, &told, None).await.ok();
        } else {
            assert_eq!(
                told.query["error"], "not_linked",
                "trusted {trusted}, verified {verified}"
            );
        }
        // an address that nobody has here gets the same answer
        let nobody = Someone {
            subject: "nobody",
            email: "nobody@nowhere.example",
            verified: true,
        };
        assert_eq!(
            come_and_go(&app, &provider, &nobody).await.query["error"],
            "not_linked"
        );
        app.finish().await;
    }
}

#[tokio::test]
async fn a_code_is_good_once_for_a_minute_and_for_the_app_that_asked() {
    let (app, provider) = start(true).await;
    app.tenant("acme").await;
    let told = come_and_go(&app, &provider, &OLIVE).await;
    exchange(&app, &told, None).await.ok();
    assert_refused(&exchange(&app, &told, None).await, "code");

    let late = come_and_go(&app, &provider, &OLIVE).await;
    app.advance(TimeDelta::minutes(1));
    assert_refused(&exchange(&app, &late, None).await, "code");

    let challenge = BASE64.encode(Sha256::digest("a verifier of the app's own"));
    let path = format!("{START}&codeChallenge={challenge}");
    for (verifier, lets_in) in [
        (None, false),
        (Some("another"), false),
        (Some("a verifier of the app's own"), true),
    ] {
        let outside = leave(&app, &path).await;
        let back = provider.authorize(&outside.url, &OLIVE);
        let told = Told::of(&arrive(&app, &back, &outside.cookie).await);
        let outcome = exchange(&app, &told, verifier).await;
        match lets_in {
            true => drop(outcome.ok()),
            false => assert_refused(&outcome, "code"),
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn only_who_began_to_link_ends_it() {
    let (app, provider) = start(false).await;
    let tenant = app.tenant("acme").await;
    let (olive, victor) = (tenant.owner(), tenant.viewer().await);
    // victor is lured to a page with olive's code, and olive to one with his: neither gains anything
    let told = go_to_link(&app, &provider, &olive, &OLIVE).await;
    let code = json!({ "input": { "code": told.query["code"] } });
    assert_refused(&victor.run(LINK, code.clone()).await, "code");
    // nor does it sign anybody in
    assert_refused(&exchange(&app, &told, None).await, "code");
    olive.run(LINK, code.clone()).await.ok();
    assert_refused(&olive.run(LINK, code).await, "code");

    // a code that signs in links nothing
    let told = come_and_go(&app, &provider, &OLIVE).await;
    let code = json!({ "input": { "code": told.query["code"] } });
    assert_refused(&olive.run(LINK, code).await, "code");

    // and what is linked to one is nobody else's
    let taken = link(&app, &provider, &victor, &OLIVE).await.user_errors();
    assert_eq!(taken[0].text("code"), "CONFLICT", "{taken:?}");
    let twice = link(&app, &provider, &olive, &OLIVE).await.user_errors();
    assert_eq!(twice[0].text("code"), "CONFLICT", "{twice:?}");
    assert!(
        victor
            .run(MINE, json!({}))
            .await
            .ok()
            .list("myIdentities")
            .is_empty()
    );

    // a ticket works once
    let input = json!({ "input": { "provider": "test" } });
    let url = olive
        .run(START_LINK, input)
        .await
        .ok()
        .text("startIdentityLink.url");
    let path = &url[url.find("/api/").unwrap()..];
    assert_eq!(app.anybody().get(path).await.status, 303);
    assert_eq!(app.anybody().get(path).await.status, 400);
    app.finish().await;
}

#[tokio::test]
async fn a_linked_account_is_a_way_in_and_the_last_one_stays() {
    let (app, provider) = start(false).await;
    let tenant = app.tenant("acme").await;
    let olive = tenant.owner();
    let linked = link(&app, &provider, &olive, &OLIVE).await.ok();
    let id = linked.text("linkIdentity.linkedIdentity.id");
    let unlink = json!({ "input": { "linkedIdentityId": id } });
    let refused = tenant
        .viewer()
        .await
        .run(UNLINK, unlink.clone())
        .await
        .user_errors();
    assert_eq!(refused[0].text("code"), "NOT_FOUND");

    set_password(&app, &olive, None).await;
    let refused = olive.run(UNLINK, unlink.clone()).await.user_errors();
    assert_eq!(refused[0].text("code"), "CONFLICT", "{refused:?}");
    let told = come_and_go(&app, &provider, &OLIVE).await;
    exchange(&app, &told, None).await.ok();

    set_password(&app, &olive, Some("not a hash, but a way in")).await;
    olive.run(UNLINK, unlink).await.ok();
    let told = come_and_go(&app, &provider, &OLIVE).await;
    assert_eq!(told.query["error"], "not_linked");
    let log = olive.get("/api/v1/events?first=500").await.text();
    assert!(log.contains("IDENTITY_UNLINKED"), "{log}");
    app.finish().await;
}

#[tokio::test]
async fn a_provider_that_is_away_is_said_to_be() {
    let setting = json!([{
        "name": "test", "issuer": "http://127.0.0.1:9", "clientId": "us", "clientSecret": "s3cret",
    }]);
    let setup = Setup {
        providers: Some(setting.to_string()),
        ..Setup::default()
    };
    let app = TestApp::start_with(setup).await;
    let refused = app.anybody().get(START).await;
    assert_eq!(
        (refused.status, refused.json().text("error.code").as_str()),
        (502, "UPSTREAM")
    );
    assert!(!refused.text().contains("s3cret"));
    app.finish().await;
}

/// Nobody is sent on: whoever made this address does not know the browser.
#[track_caller]
fn assert_lost(reply: &Reply) {
    assert_eq!(
        (reply.status, reply.header("location")),
        (400, ""),
        "{}",
        reply.text()
    );
}

#[track_caller]
fn assert_refused(answer: &Answer, field: &str) {
    let errors: Vec<Value> = answer.user_errors();
    assert_eq!(errors.len(), 1, "{:#}", answer.body);
    assert_eq!(errors[0].text("field"), field, "{errors:?}");
    assert_eq!(errors[0].text("code"), "BAD_USER_INPUT", "{errors:?}");
}

/// Gives somebody a password or none, as they are who came in another way from the start.
#[expect(clippy::disallowed_methods, reason = "no client can bring this about")]
async fn set_password(app: &TestApp, person: &Client, hash: Option<&str>) {
    let viewer = person
        .run("{ viewer { user { id } } }", json!({}))
        .await
        .ok();
    let id: UserId = local("User", "id", &viewer.text("viewer.user.id").into()).unwrap();
    let inside = app.app();
    let tx = inside.handles.db.begin(None).await.unwrap();
    user::Entity::update_many()
        .col_expr(
            user::Column::PasswordHash,
            Expr::value(hash.map(str::to_owned)),
        )
        .filter(user::Column::Id.eq(id))
        .exec(&tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn start(trust_email: bool) -> (TestApp, Provider) {
    let provider = Provider::start().await;
    let setup = Setup {
        providers: Some(provider.setting(trust_email)),
        ..Setup::default()
    };
    (TestApp::start_with(setup).await, provider)
}
