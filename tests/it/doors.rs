//! Guessing is slow at the doors without a password, too: passkeys and identity providers.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::journey::{LINK, OLIVE, START, START_LINK, Told};
use crate::support::{
    Answer, Authenticator, Client, PASSWORD, Path, Provider, Reply, Setup, Someone, TestApp,
};

const ADD: &str = "mutation { startPasskeyRegistration { challenge { token options } } }";
const ADDED: &str = "mutation($input: FinishPasskeyRegistrationInput!) {
    finishPasskeyRegistration(input: $input) { errors { message } }
}";
const ASK: &str = "mutation { startPasskeySignIn { challenge { token options } } }";
const ANSWER: &str = "mutation($input: FinishPasskeySignInInput!) {
    finishPasskeySignIn(input: $input) { session { expiresAt } errors { field } }
}";
const EXCHANGE: &str = "mutation($input: ExchangeSignInCodeInput!) {
    exchangeSignInCode(input: $input) { session { expiresAt } errors { field } }
}";
const HERE: &str = "203.0.113.7";
const THERE: &str = "203.0.113.8";

/// An app that believes its proxy about addresses: those on this machine are not limited.
async fn start(provider: &Provider) -> TestApp {
    let setup = Setup {
        adjust: |config| config.trust_proxy = 1,
        providers: Some(provider.setting(false)),
        ..Setup::default()
    };
    TestApp::start_with(setup).await
}

/// Asks from an address.
async fn run(client: &Client, from: &str, document: &str, input: &Value) -> Answer {
    let request = client
        .request(Method::POST, "/graphql")
        .header("x-forwarded-for", from)
        .json(&json!({ "query": document, "variables": { "input": input } }));
    Answer::of(&client.send(request).await)
}

/// Opens a page from an address.
async fn open(app: &TestApp, from: &str, path: &str, cookie: &str) -> Reply {
    let request = app
        .anybody()
        .request(Method::GET, path)
        .header("x-forwarded-for", from)
        .header("cookie", cookie);
    app.anybody().send(request).await
}

/// Goes to the provider and back.
async fn visit(app: &TestApp, provider: &Provider, from: &str, who: &Someone) -> Reply {
    let left = open(app, from, START, "").await;
    let cookie = left
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let back = provider.authorize(&left.header("location").parse().unwrap(), who);
    let path = format!("{}?{}", back.path(), back.query().unwrap());
    open(app, from, &path, &cookie).await
}

#[tokio::test]
async fn wrong_passkeys_make_the_next_one_wait_for_the_person_and_the_address() {
    let app = start(&Provider::start().await).await;
    let olive = app.tenant("acme").await.owner();
    let mut key = Authenticator::new(1);
    let asked = olive.run(ADD, json!({})).await.ok();
    let asked = asked.path("startPasskeyRegistration.challenge");
    let made = json!({ "token": asked["token"], "credential": key.create(&asked["options"]), "name": "Key" });
    olive.run(ADDED, json!({ "input": made })).await.ok();
    let anybody = app.anybody();
    let mut sign = async || {
        let asked = anybody.run(ASK, json!({})).await.ok();
        let asked = asked.path("startPasskeySignIn.challenge").clone();
        json!({ "token": asked["token"], "credential": key.get(&asked["options"]) })
    };
    let right = sign().await;
    run(&anybody, HERE, ANSWER, &right).await.ok();
    // the same answer again is wrong, as often as it is given
    for _ in 0..6 {
        let wrong = run(&anybody, HERE, ANSWER, &right).await;
        assert_eq!(wrong.user_errors().len(), 1, "{:#}", wrong.body);
    }
    let next = sign().await;
    for from in [HERE, THERE] {
        let waits = run(&anybody, from, ANSWER, &next).await;
        assert_eq!(waits.error_code(), "RATE_LIMITED", "{:#}", waits.body);
    }
    app.advance(TimeDelta::seconds(5));
    run(&anybody, HERE, ANSWER, &next).await.ok();
    // and all is forgotten
    let wrong = run(&anybody, HERE, ANSWER, &next).await;
    assert_eq!(wrong.user_errors().len(), 1, "{:#}", wrong.body);
    let next = sign().await;
    run(&anybody, HERE, ANSWER, &next).await.ok();
    app.finish().await;
}

#[tokio::test]
async fn codes_and_states_that_are_not_waiting_make_their_address_wait() {
    let provider = Provider::start().await;
    let app = start(&provider).await;
    app.tenant("acme").await;
    let invented = json!({ "code": "x" });
    let callback = "/api/v1/oauth/test/callback?state=x&code=x";
    for attempt in 0..21 {
        if attempt % 2 == 0 {
            let wrong = run(&app.anybody(), HERE, EXCHANGE, &invented).await;
            assert_eq!(wrong.user_errors().len(), 1, "{attempt}: {:#}", wrong.body);
        } else {
            let wrong = open(&app, HERE, callback, "balance-oauth=x").await;
            assert_eq!(wrong.status, 400, "{attempt}: {}", wrong.text());
        }
    }
    let waits = run(&app.anybody(), HERE, EXCHANGE, &invented).await;
    assert_eq!(waits.error_code(), "RATE_LIMITED", "{:#}", waits.body);
    let waits = open(&app, HERE, callback, "balance-oauth=x").await;
    assert_eq!((waits.status, waits.header("retry-after")), (429, "5"));
    // nobody else does
    let wrong = run(&app.anybody(), THERE, EXCHANGE, &invented).await;
    assert_eq!(wrong.user_errors().len(), 1);
    app.advance(TimeDelta::seconds(5));
    let wrong = run(&app.anybody(), HERE, EXCHANGE, &invented).await;
    assert_eq!(wrong.user_errors().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn an_account_that_is_linked_to_nobody_is_not_tried_for_ever() {
    let provider = Provider::start().await;
    let app = start(&provider).await;
    let olive = app.tenant("acme").await.owner();
    for _ in 0..6 {
        let told = Told::of(&visit(&app, &provider, HERE, &OLIVE).await);
        assert_eq!(told.query["error"], "not_linked");
    }
    let told = Told::of(&visit(&app, &provider, THERE, &OLIVE).await);
    assert_eq!(told.query["error"], "try_later");
    // somebody else's is another matter
    let other = Someone {
        subject: "somebody else",
        ..OLIVE
    };
    let told = Told::of(&visit(&app, &provider, HERE, &other).await);
    assert_eq!(told.query["error"], "not_linked");

    // whoever links it meanwhile is let in once the wait is over
    let begun = olive
        .run(START_LINK, json!({ "input": { "provider": "test" } }))
        .await
        .ok();
    let url = begun.text("startIdentityLink.url");
    let left = open(&app, HERE, &url[url.find("/api/").unwrap()..], "").await;
    let cookie = left
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let back = provider.authorize(&left.header("location").parse().unwrap(), &OLIVE);
    let path = format!("{}?{}", back.path(), back.query().unwrap());
    let told = Told::of(&open(&app, HERE, &path, &cookie).await);
    olive
        .run(LINK, json!({ "input": { "code": told.query["code"] } }))
        .await
        .ok();
    app.advance(TimeDelta::seconds(5));
    let told = Told::of(&visit(&app, &provider, HERE, &OLIVE).await);
    run(
        &app.anybody(),
        HERE,
        EXCHANGE,
        &json!({ "code": told.query["code"] }),
    )
    .await
    .ok();
    app.finish().await;
}

#[tokio::test]
async fn an_open_session_is_no_place_to_guess_the_password_from() {
    let app = start(&Provider::start().await).await;
    let olive = app.tenant("acme").await.owner();
    let change = "mutation($input: ChangePasswordInput!) { changePassword(input: $input) { errors { field } } }";
    let delete = "mutation($input: DeleteMyAccountInput!) { deleteMyAccount(input: $input) { errors { field } } }";
    let guess = |password: &str| {
        let changed =
            json!({ "currentPassword": password, "newPassword": "another horse battery" });
        let deleted = json!({ "email": "owner@acme.example", "password": password });
        (changed, deleted)
    };
    let (changed, deleted) = guess("wrong horse battery");
    for _ in 0..3 {
        for (document, input) in [(change, &changed), (delete, &deleted)] {
            let wrong = run(&olive, HERE, document, input).await.user_errors();
            assert!(
                wrong[0].text("field").to_lowercase().contains("password"),
                "{wrong:?}"
            );
        }
    }
    let (changed, deleted) = guess(PASSWORD);
    for (document, input) in [(change, &changed), (delete, &deleted)] {
        let waits = run(&olive, THERE, document, input).await;
        assert_eq!(waits.error_code(), "RATE_LIMITED", "{:#}", waits.body);
    }
    // the owner still comes in, with their password
    let request = app
        .anybody()
        .request(Method::POST, "/api/v1/auth/sign-in")
        .header("x-forwarded-for", THERE)
        .json(&json!({ "email": "owner@acme.example", "password": PASSWORD }));
    assert_eq!(app.anybody().send(request).await.status, 200);
    app.advance(TimeDelta::seconds(5));
    run(&olive, HERE, change, &changed).await.ok();
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_address_costs_its_sender_like_a_wrong_password() {
    let app = start(&Provider::start().await).await;
    let sign_in = "mutation($input: SignInInput!) { signIn(input: $input) { session { expiresAt } errors { field } } }";
    let input = json!({ "email": "no address", "password": PASSWORD });
    for _ in 0..21 {
        let wrong = run(&app.anybody(), HERE, sign_in, &input).await;
        assert_eq!(wrong.user_errors().len(), 1);
    }
    let waits = run(&app.anybody(), HERE, sign_in, &input).await;
    assert_eq!(waits.error_code(), "RATE_LIMITED", "{:#}", waits.body);
    app.finish().await;
}
