//! An identity provider of a test's own, which can be told to lie. The real one is driven by `tests/clients/oidc.mjs`.

mod tokens;

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use url::Url;

pub use self::tokens::Tokens;
use super::START;
use super::authenticator::{key, public_key};

const CLIENT: (&str, &str) = ("balance", "a secret of two");

/// What the provider does with the next code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Tells the truth.
    None,
    /// Signs for another client.
    Audience,
    /// Signs as somebody else.
    Issuer,
    /// Signs what is over.
    Expired,
    /// Leaves the nonce out.
    NoNonce,
    /// Signs with a key it does not publish.
    Key,
    /// Does not sign.
    Unsigned,
    /// Signs with the secret that both know.
    Shared,
    /// Answers with nonsense.
    Nonsense,
    /// Points to somebody else.
    Redirect,
}

/// Who signs in at the provider.
#[derive(Clone, Debug)]
pub struct Someone {
    /// What the provider calls them.
    pub subject: &'static str,
    /// Their address there.
    pub email: &'static str,
    /// Whether the provider verified it.
    pub verified: bool,
}

/// A running provider.
#[derive(Clone)]
pub struct Provider {
    /// Where it is.
    pub issuer: String,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    codes: HashMap<String, Granted>,
    lie: Lie,
    key: usize,
    tokens: Tokens,
}

struct Granted {
    who: Someone,
    nonce: String,
    challenge: String,
    back: String,
    lasting: bool,
}

impl Provider {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let inner = Inner {
            codes: HashMap::new(),
            lie: Lie::None,
            key: 0,
            tokens: Tokens::default(),
        };
        let provider = Self {
            issuer: format!("http://{address}"),
            inner: Arc::new(Mutex::new(inner)),
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discover))
            .route("/jwks", get(keys))
            .route("/token", post(token))
            .route("/userinfo", get(tokens::userinfo))
            .route("/revoke", post(tokens::revoke))
            .with_state(provider.clone());
        // it ends with the test's runtime
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    /// The setting that names it, trusted for addresses or not.
    pub fn setting(&self, trust_email: bool) -> String {
        json!([{
            "name": "test", "label": "Test", "issuer": self.issuer, "clientId": CLIENT.0,
            "clientSecret": CLIENT.1, "trustEmail": trust_email,
        }])
        .to_string()
    }

    /// The setting that names it and has its tokens kept.
    pub fn keeping(&self) -> String {
        let mut setting: Value = serde_json::from_str(&self.setting(false)).expect("it is JSON");
        setting[0]["scopes"] = json!(["email", "profile", "offline_access"]);
        setting.to_string()
    }

    /// What it does from now on.
    pub fn lie(&self, lie: Lie) {
        self.inner.lock().expect("no test panics here").lie = lie;
    }

    /// Signs with another key from now on, and publishes it.
    pub fn rotate(&self) {
        self.inner.lock().expect("no test panics here").key = 1;
    }

    /// What somebody does who signs in there: the address that their browser is sent back to.
    pub fn authorize(&self, asked: &Url, who: &Someone) -> Url {
        let asked: HashMap<String, String> = asked.query_pairs().into_owned().collect();
        assert_eq!(asked["client_id"], CLIENT.0);
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["code_challenge_method"], "S256");
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"));
        let granted = Granted {
            who: who.clone(),
            nonce: asked["nonce"].clone(),
            challenge: asked["code_challenge"].clone(),
            back: asked["redirect_uri"].clone(),
            // OpenID Connect Core, 11: without consent the scope is passed over
            lasting: asked["scope"]
                .split(' ')
                .any(|scope| scope == "offline_access")
                && asked
                    .get("prompt")
                    .is_some_and(|prompt| prompt == "consent"),
        };
        let mut inner = self.inner.lock().expect("no test panics here");
        let code = format!("code-{}", inner.codes.len());
        let mut back: Url = granted.back.parse().expect("it is an address");
        inner.codes.insert(code.clone(), granted);
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &asked["state"])
            .append_pair("iss", &self.issuer);
        back
    }
}

async fn discover(State(provider): State<Provider>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", provider.issuer);
    Json(json!({
        "issuer": provider.issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"), "revocation_endpoint": at("/revoke"), "jwks_uri": at("/jwks"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        // a provider may say what it likes; the server has a list of its own
        "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
    }))
}

async fn keys(State(provider): State<Provider>) -> Json<Value> {
    let number = provider.inner.lock().expect("no test panics here").key;
    let (x, y) = public_key(number);
    Json(json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "use": "sig", "kid": format!("key-{number}"), "alg": "ES256",
        "x": BASE64.encode(x), "y": BASE64.encode(y),
    }] }))
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let refused =
        |why: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": why }))).into_response();
    if !knows(&headers) {
        return refused("invalid_client");
    }
    if form
        .get("grant_type")
        .is_some_and(|kind| kind == "refresh_token")
    {
        return tokens::refresh(&provider, &form).await;
    }
    let mut inner = provider.inner.lock().expect("no test panics here");
    let Some(granted) = inner
        .codes
        .remove(form.get("code").map_or("", String::as_str))
    else {
        return refused("invalid_grant");
    };
    let verifier = form.get("code_verifier").map_or("", String::as_str);
    if BASE64.encode(Sha256::digest(verifier)) != granted.challenge
        || form.get("redirect_uri") != Some(&granted.back)
    {
        return refused("invalid_grant");
    }
    let (lie, number) = (inner.lie, inner.key);
    let mut claims = json!({
        "iss": provider.issuer, "aud": CLIENT.0, "sub": granted.who.subject, "nonce": granted.nonce,
        "iat": START.timestamp(), "exp": START.timestamp() + 3_600,
        "email": granted.who.email, "email_verified": granted.who.verified,
    });
    match lie {
        Lie::Audience => claims["aud"] = json!("somebody else"),
        Lie::Issuer => claims["iss"] = json!("https://accounts.example"),
        Lie::Expired => claims["exp"] = json!(START.timestamp() - 1),
        Lie::NoNonce => claims["nonce"] = Value::Null,
        Lie::Nonsense => return "nonsense".into_response(),
        Lie::Redirect => {
            return (StatusCode::FOUND, [("location", "http://127.0.0.1:1/")]).into_response();
        }
        Lie::None | Lie::Key | Lie::Unsigned | Lie::Shared => {}
    }
    let kid = Some(format!("key-{number}"));
    let signed = |algorithm, key: &EncodingKey| {
        let header = Header {
            kid: kid.clone(),
            ..Header::new(algorithm)
        };
        jsonwebtoken::encode(&header, &claims, key).expect("it signs")
    };
    let token = match lie {
        Lie::Key => signed(Algorithm::ES256, &key(1 - number)),
        Lie::Shared => signed(
            Algorithm::HS256,
            &EncodingKey::from_secret(CLIENT.1.as_bytes()),
        ),
        Lie::Unsigned => {
            let part = |value: &Value| BASE64.encode(value.to_string());
            format!("{}.{}.", part(&json!({ "alg": "none" })), part(&claims))
        }
        _ => signed(Algorithm::ES256, &key(number)),
    };
    let mut answer = inner.tokens.give(&granted.who, granted.lasting);
    answer["id_token"] = token.into();
    Json(answer).into_response()
}

/// Whether a request shows the secret that both know.
fn knows(headers: &HeaderMap) -> bool {
    let basic = BASE64_STANDARD.encode(format!("{}:{}", CLIENT.0, CLIENT.1.replace(' ', "+")));
    let sent = headers.get("authorization");
    sent.is_some_and(|sent| *sent == format!("Basic {basic}"))
}
