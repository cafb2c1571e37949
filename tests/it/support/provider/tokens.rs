//! The tokens that the provider gives: it rotates refresh tokens, and takes a second use of one for theft, as strict
//! providers do.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use axum::Json;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Provider, Someone, knows};

/// Every token that was given, and what is left of it.
#[derive(Default)]
pub struct Tokens {
    /// Who an access token stands for.
    access: HashMap<String, Someone>,
    /// Who the refresh token in force stands for.
    refresh: HashMap<String, Someone>,
    used: HashSet<String>,
    given: Vec<String>,
    /// How often tokens were refreshed.
    pub refreshes: usize,
    /// Tokens that were revoked.
    pub revoked: Vec<String>,
    /// Whether it answers with an error of its own.
    pub broken: bool,
    /// How long an access token lives, in seconds; an hour when absent.
    pub life: Option<i64>,
}

impl Tokens {
    /// Gives tokens; with one that lasts if it was asked for.
    pub fn give(&mut self, who: &Someone, lasting: bool) -> Value {
        let mut answer =
            json!({ "token_type": "Bearer", "expires_in": self.life.unwrap_or(3_600) });
        let access = self.make("at");
        self.access.insert(access.clone(), who.clone());
        answer["access_token"] = access.into();
        if lasting {
            let refresh = self.make("rt");
            self.refresh.insert(refresh.clone(), who.clone());
            answer["refresh_token"] = refresh.into();
        }
        answer
    }

    fn make(&mut self, kind: &str) -> String {
        let token = format!("{kind}-{}", balance::secret::token());
        self.given.push(token.clone());
        token
    }

    /// Answers the exchange of a refresh token.
    pub fn refresh(&mut self, token: &str) -> Response {
        if self.broken {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        self.refreshes += 1;
        let Some(who) = self.refresh.remove(token) else {
            if self.used.contains(token) {
                // somebody else has it as well: nobody keeps it
                self.forget();
            }
            let denied = json!({ "error": "invalid_grant" });
            return (StatusCode::BAD_REQUEST, Json(denied)).into_response();
        };
        self.used.insert(token.to_owned());
        Json(self.give(&who, true)).into_response()
    }

    /// Honours nothing that was given so far.
    pub fn forget(&mut self) {
        self.access.clear();
        self.refresh.clear();
    }

    /// Honours no access token that was given so far.
    pub fn lapse(&mut self) {
        self.access.clear();
    }
}

impl Provider {
    /// What it knows of its tokens.
    pub fn tokens<T>(&self, ask: impl FnOnce(&mut Tokens) -> T) -> T {
        ask(&mut self.inner.lock().expect("no test panics here").tokens)
    }

    /// Every token it gave so far.
    pub fn given(&self) -> Vec<String> {
        self.tokens(|tokens| tokens.given.clone())
    }
}

/// Who an access token stands for.
pub async fn userinfo(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    let shown = headers.get("authorization");
    let shown = shown.and_then(|shown| shown.to_str().ok()?.strip_prefix("Bearer "));
    let who = provider.tokens(|tokens| {
        (!tokens.broken).then(|| tokens.access.get(shown.unwrap_or_default()).cloned())
    });
    match who {
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(None) => StatusCode::UNAUTHORIZED.into_response(),
        Some(Some(who)) => Json(json!({
            "sub": who.subject, "name": "Olive Elsewhere", "email": who.email,
            // as Cognito writes it
            "email_verified": who.verified.to_string(),
        }))
        .into_response(),
    }
}

/// Exchanges a refresh token, slowly, so that two who do it meet.
pub async fn refresh(provider: &Provider, form: &HashMap<String, String>) -> Response {
    tokio::time::sleep(Duration::from_millis(100)).await;
    let token = form.get("refresh_token").map_or("", String::as_str);
    provider.tokens(|tokens| tokens.refresh(token))
}

/// Forgets a token.
pub async fn revoke(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> StatusCode {
    if !knows(&headers) {
        return StatusCode::UNAUTHORIZED;
    }
    let token = form["token"].clone();
    provider.tokens(|tokens| {
        tokens.access.remove(&token);
        tokens.refresh.remove(&token);
        tokens.revoked.push(token);
    });
    StatusCode::OK
}
