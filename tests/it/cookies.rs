//! Sessions in cookies: what a browser is given, and what a foreign page cannot do with it.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::journey::{OLIVE, START, Told, arrive, exchange, leave};
use crate::support::own_account::with_app;
use crate::support::{Client, PASSWORD, Path, Provider, Reply, Setup, Someone, TestApp};

const OURS: (&str, &str) = ("origin", "http://app.example");
const EVIL: (&str, &str) = ("origin", "http://evil.example");
const HEADER: (&str, &str) = ("x-requested-with", "fetch");
const MODE: (&str, &str) = ("x-session-mode", "cookie");

/// Headers of a request.
type Headers<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn a_browser_keeps_its_session_in_cookies_its_scripts_cannot_read() {
    let app = TestApp::start().await;
    app.tenant("acme").await;
    let browser = app.anybody();
    let reply = post(
        &browser,
        "/api/v1/auth/sign-in",
        &[OURS, MODE],
        credentials(),
    )
    .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let data = reply.json();
    assert_eq!(data.text("data.tokenType"), "Cookie");
    assert!(
        data["data"].get("accessToken").is_none() && data["data"].get("refreshToken").is_none()
    );
    let set = cookies(&reply);
    assert_eq!(set.len(), 2);
    assert!(set[0].starts_with("balance_access=") && set[0].contains("; Path=/; Max-Age=900; "));
    assert!(set[1].starts_with("balance_refresh=") && set[1].contains("; Path=/api/v1/auth; "));
    for cookie in &set {
        assert!(cookie.ends_with("; HttpOnly; SameSite=Strict"), "{cookie}");
    }

    let jar = jar(&set);
    let jar = ("cookie", jar.as_str());
    let reply = browser
        .send(with(&browser, Method::GET, "/api/v1/events", &[jar]))
        .await;
    assert_eq!(reply.status, 200);
    let viewer = json!({ "query": "{ viewer { role } }" });
    let reply = post(&browser, "/graphql", &[jar, OURS, HEADER], viewer).await;
    assert_eq!(reply.json().text("data.viewer.role"), "OWNER");
    let mut socket = browser.socket_with(&[jar, OURS]).await.unwrap();
    socket.send(&json!({ "type": "connection_init" })).await;
    assert_eq!(socket.next().await["type"], "connection_ack");

    // the refresh token comes from its cookie, and the next pair goes where it was
    app.advance(TimeDelta::minutes(14));
    let reply = post(
        &browser,
        "/api/v1/auth/refresh",
        &[jar, OURS, HEADER],
        json!({}),
    )
    .await;
    assert_eq!((reply.status, cookies(&reply).len()), (200, 2));
    assert!(reply.json()["data"].get("accessToken").is_none());
    let next = self::jar(&cookies(&reply));
    assert_ne!(next, jar.1);
    let next = ("cookie", next.as_str());
    let reply = post(
        &browser,
        "/api/v1/auth/sign-out",
        &[next, OURS, HEADER],
        json!({}),
    )
    .await;
    assert_eq!(reply.status, 200);
    let gone = cookies(&reply);
    assert!(gone.len() == 2 && gone.iter().all(|cookie| cookie.contains("Max-Age=0")));
    for cookie in [jar, next] {
        let reply = browser
            .send(with(&browser, Method::GET, "/api/v1/events", &[cookie]))
            .await;
        assert_eq!(reply.status, 401);
    }
    // a refresh that is not in force takes the cookies away
    let reply = post(&browser, "/api/v1/auth/refresh", &[next, HEADER], json!({})).await;
    assert_eq!((reply.status, cookies(&reply).len()), (401, 2));
    app.finish().await;
}

#[tokio::test]
async fn a_foreign_page_can_do_nothing_with_them() {
    let app = TestApp::start().await;
    app.tenant("acme").await;
    let browser = app.anybody();
    let reply = post(&browser, "/api/v1/auth/sign-in", &[MODE], credentials()).await;
    let jar = jar(&cookies(&reply));
    let jar = ("cookie", jar.as_str());
    let change = json!({ "query": "{ viewer { role } }" });
    let token = browser
        .post("/api/v1/auth/sign-in", &credentials())
        .await
        .json();
    let bearer = format!("Bearer {}", token.text("data.accessToken"));
    let bearer = ("authorization", bearer.as_str());
    let cases: [(&str, Headers<'_>, u16); 9] = [
        ("/graphql", &[jar], 403),
        ("/graphql", &[jar, OURS], 403),
        ("/graphql", &[jar, EVIL, HEADER], 403),
        ("/graphql", &[jar, ("origin", "null"), HEADER], 403),
        (
            "/graphql",
            &[jar, HEADER, ("sec-fetch-site", "cross-site")],
            403,
        ),
        ("/api/v1/auth/refresh", &[jar, EVIL], 403),
        ("/api/v1/auth/sign-out", &[jar], 403),
        // a bearer is not sent by itself, so it may come from anywhere
        ("/graphql", &[jar, EVIL, bearer], 200),
        ("/graphql", &[jar, OURS, HEADER], 200),
    ];
    for (path, headers, status) in cases {
        let body = match path {
            "/graphql" => change.clone(),
            _ => json!({}),
        };
        let reply = post(&browser, path, headers, body).await;
        assert_eq!(reply.status, status, "{path} {headers:?}: {}", reply.text());
        if status == 403 {
            let json = reply.json();
            let code = json["errors"][0]["extensions"]["code"].as_str();
            let code = code.or(json["error"]["code"].as_str());
            assert_eq!(code, Some("FORBIDDEN"), "{json}");
        }
    }
    // signing somebody in as oneself is an attack too
    let reply = post(
        &browser,
        "/api/v1/auth/sign-in",
        &[MODE, EVIL],
        credentials(),
    )
    .await;
    assert_eq!((reply.status, cookies(&reply).len()), (403, 0));
    let foreign = [jar, ("sec-fetch-site", "cross-site")];
    let reply = browser
        .send(with(&browser, Method::GET, "/api/v1/events", &foreign))
        .await;
    assert_eq!(reply.status, 403);
    assert_eq!(browser.socket_with(&[jar, EVIL]).await.err(), Some(403));
    app.finish().await;
}

#[tokio::test]
async fn over_https_browsers_insist_on_how_cookies_are_set() {
    let app = TestApp::start_with(Setup {
        adjust: |config| config.public_url = Some("https://books.example".to_owned()),
        ..Setup::default()
    })
    .await;
    app.tenant("acme").await;
    let browser = app.anybody();
    let from = ("origin", "https://books.example");
    let reply = post(
        &browser,
        "/api/v1/auth/sign-in",
        &[from, MODE],
        credentials(),
    )
    .await;
    let set = cookies(&reply);
    assert!(
        set[0].starts_with("__Host-balance_access=")
            && set[1].starts_with("__Secure-balance_refresh=")
    );
    assert!(
        set.iter()
            .all(|cookie| cookie.ends_with("; HttpOnly; SameSite=Strict; Secure"))
    );
    let jar = jar(&set);
    let events = with(
        &browser,
        Method::GET,
        "/api/v1/events",
        &[("cookie", jar.as_str())],
    );
    assert_eq!(browser.send(events).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_browser_that_wants_cookies_comes_back_from_a_provider_with_them() {
    let (app, provider) = provider().await;
    let olive = app.tenant("acme").await.owner();
    let path = format!("{START}&session=cookie");
    let outside = leave(&app, &path).await;
    let back = provider.authorize(&outside.url, &OLIVE);
    let reply = arrive(&app, &back, &outside.cookie).await;
    let told = Told::of(&reply);
    assert_eq!(told.page, "http://app.example/in");
    assert!(!told.query.contains_key("code") && !told.query.contains_key("error"));
    let set = cookies(&reply);
    assert_eq!(set.len(), 2, "{set:?}");
    assert!(set[0].starts_with("balance_access=") && set[1].starts_with("balance_refresh="));
    for cookie in &set {
        assert!(cookie.ends_with("; HttpOnly; SameSite=Strict"), "{cookie}");
    }
    let jar = jar(&set);
    let browser = app.anybody();
    let asked = with(&browser, Method::GET, "/api/v1/events", &[("cookie", &jar)]);
    assert_eq!(browser.send(asked).await.status, 200);
    let mine = olive
        .run(
            "{ mySignIns(first: 1) { edges { node { factor outcome } } } }",
            json!({}),
        )
        .await
        .ok();
    assert_eq!(mine.text("mySignIns.edges[0].node.factor"), "PROVIDER");

    // nobody is let in who would not be otherwise, and a second tab that came back gets nothing
    let again = arrive(&app, &back, &outside.cookie).await;
    assert_eq!((again.status, cookies(&again).len()), (400, 0));
    let nobody = Someone {
        subject: "nobody",
        email: "nobody@nowhere.example",
        verified: true,
    };
    let outside = leave(&app, &path).await;
    let back = provider.authorize(&outside.url, &nobody);
    let reply = arrive(&app, &back, &outside.cookie).await;
    assert_eq!(Told::of(&reply).query["error"], "not_linked");
    assert!(cookies(&reply).is_empty());
    let refused = app.anybody().get(&format!("{START}&session=token")).await;
    assert_eq!((refused.status, refused.header("location")), (400, ""));
    app.finish().await;
}

#[tokio::test]
async fn whoever_owes_a_second_factor_shows_it_before_the_cookies_come() {
    let (app, provider) = provider().await;
    let olive = app.tenant("acme").await.owner();
    let (phone, _) = with_app(&app, &olive, PASSWORD).await;
    let outside = leave(&app, &format!("{START}&session=cookie")).await;
    let back = provider.authorize(&outside.url, &OLIVE);
    let reply = arrive(&app, &back, &outside.cookie).await;
    assert!(cookies(&reply).is_empty());
    let owed = exchange(&app, &Told::of(&reply), None).await.ok();
    let owed = owed.path("exchangeSignInCode");
    assert!(owed.path("session").is_null());

    app.advance(TimeDelta::seconds(30));
    let shown =
        json!({ "challenge": owed.text("challenge.token"), "code": phone.code(app.clock.now()) });
    let path = "/api/v1/auth/complete-sign-in";
    let reply = post(&app.anybody(), path, &[OURS, MODE], shown).await;
    assert_eq!(
        (reply.status, cookies(&reply).len()),
        (200, 2),
        "{}",
        reply.text()
    );
    app.run_background_work().await;
    app.finish().await;
}

/// An app, and a provider that is trusted for addresses.
async fn provider() -> (TestApp, Provider) {
    let provider = Provider::start().await;
    let setup = Setup {
        providers: Some(provider.setting(true)),
        ..Setup::default()
    };
    (TestApp::start_with(setup).await, provider)
}

fn credentials() -> Value {
    json!({ "email": "owner@acme.example", "password": PASSWORD })
}

fn with(
    client: &Client,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> reqwest::RequestBuilder {
    let request = client.request(method, path);
    headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    })
}

async fn post(client: &Client, path: &str, headers: &[(&str, &str)], body: Value) -> Reply {
    client
        .send(with(client, Method::POST, path, headers).json(&body))
        .await
}

fn cookies(reply: &Reply) -> Vec<String> {
    let set = reply.headers.get_all("set-cookie").iter();
    set.map(|cookie| cookie.to_str().unwrap().to_owned())
        .collect()
}

/// The cookies as a browser sends them back.
fn jar(set: &[String]) -> String {
    let pairs = set.iter().map(|cookie| cookie.split(';').next().unwrap());
    pairs.collect::<Vec<_>>().join("; ")
}
