//! A browser on its way to an identity provider and back.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::json;
use url::Url;

use super::{Answer, Client, Path, Provider, Reply, Someone, TestApp};

/// Where a sign-in begins.
pub const START: &str = "/api/v1/oauth/test/start?returnTo=http%3A%2F%2Fapp.example%2Fin%3Ftab%3D1";
/// Links the account that a code stands for.
pub const LINK: &str = "mutation($input: LinkIdentityInput!) {
    linkIdentity(input: $input) { linkedIdentity { id provider active } errors { field message code } }
}";
/// Begins to link an account.
pub const START_LINK: &str = "mutation($input: StartIdentityLinkInput!) {
    startIdentityLink(input: $input) { url errors { field message code } }
}";
/// Somebody who has an account at the provider.
pub const OLIVE: Someone = Someone {
    subject: "olive-at-test",
    email: "owner@acme.example",
    verified: true,
};
const EXCHANGE: &str = "mutation($input: ExchangeSignInCodeInput!) {
    exchangeSignInCode(input: $input) {
        session { accessToken viewer { user { email } } }
        challenge { token }
        errors { field message code }
    }
}";

/// A browser at the provider's door.
pub struct Outside {
    /// Where it goes.
    pub url: Url,
    /// The cookie it must come back with.
    pub cookie: String,
}

impl Outside {
    /// One that is sent away.
    #[track_caller]
    pub fn of(reply: &Reply) -> Self {
        assert_eq!(reply.status, 303, "{}", reply.text());
        let set = reply.header("set-cookie");
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(set.contains(attribute), "{set}");
        }
        assert_eq!(reply.header("cache-control"), "no-store");
        Self {
            url: reply.header("location").parse().unwrap(),
            cookie: set.split(';').next().unwrap().to_owned(),
        }
    }
}

/// What the app is told in the end.
pub struct Told {
    /// The page that is opened.
    pub page: String,
    /// What is added to its address.
    pub query: HashMap<String, String>,
}

impl Told {
    /// What a redirect tells.
    #[track_caller]
    pub fn of(reply: &Reply) -> Self {
        assert_eq!(reply.status, 303, "{}", reply.text());
        let url: Url = reply.header("location").parse().unwrap();
        let query = url.query_pairs().into_owned().collect();
        let page = url.as_str().split('?').next().unwrap().to_owned();
        Self { page, query }
    }
}

/// A browser that leaves by this path.
pub async fn leave(app: &TestApp, path: &str) -> Outside {
    Outside::of(&app.anybody().get(path).await)
}

/// The browser is sent back to the public address; here that is this server.
pub async fn arrive(app: &TestApp, back: &Url, cookie: &str) -> Reply {
    let path = format!("{}?{}", back.path(), back.query().unwrap_or(""));
    let request = app
        .anybody()
        .request(Method::GET, &path)
        .header("cookie", cookie);
    app.anybody().send(request).await
}

/// There and back: what the app is told.
pub async fn come_and_go(app: &TestApp, provider: &Provider, who: &Someone) -> Told {
    let outside = leave(app, START).await;
    let back = provider.authorize(&outside.url, who);
    Told::of(&arrive(app, &back, &outside.cookie).await)
}

/// The app exchanges the code it was told.
pub async fn exchange(app: &TestApp, told: &Told, verifier: Option<&str>) -> Answer {
    let input = json!({ "code": told.query["code"], "codeVerifier": verifier });
    app.anybody().run(EXCHANGE, json!({ "input": input })).await
}

/// There and back, to link an account.
pub async fn go_to_link(
    app: &TestApp,
    provider: &Provider,
    person: &Client,
    who: &Someone,
) -> Told {
    let input = json!({ "input": { "provider": "test", "returnTo": "/settings" } });
    let url = person
        .run(START_LINK, input)
        .await
        .ok()
        .text("startIdentityLink.url");
    let outside = leave(app, &url[url.find("/api/").unwrap()..]).await;
    let back = provider.authorize(&outside.url, who);
    let told = Told::of(&arrive(app, &back, &outside.cookie).await);
    assert_eq!(told.page, "http://127.0.0.1:4000/settings");
    told
}

/// Links an account, from the beginning to the end.
pub async fn link(app: &TestApp, provider: &Provider, person: &Client, who: &Someone) -> Answer {
    let told = go_to_link(app, provider, person, who).await;
    person
        .run(LINK, json!({ "input": { "code": told.query["code"] } }))
        .await
}

/// An address with another value of one of its parameters.
pub fn with(url: &Url, name: &str, value: &str) -> Url {
    let mut changed = url.clone();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    changed.query_pairs_mut().clear().extend_pairs(
        pairs
            .iter()
            .map(|(n, v)| (n.as_str(), if n == name { value } else { v.as_str() })),
    );
    changed
}
