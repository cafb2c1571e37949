//! What a client does who holds tokens of OAuth 2.0: refreshing them (RFC 6749, section 6), using them (RFC 6750) and
//! revoking them (RFC 7009).

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::http::{Method, Request, StatusCode, header};
use openidconnect::{HttpRequest, HttpResponse, http};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::oidc::call;

/// Where the tokens of a provider are refreshed and revoked, and what proves who asks.
#[derive(Clone)]
pub struct Server {
    /// Its token endpoint.
    pub token: Url,
    /// Its revocation endpoint, if it has one.
    pub revocation: Option<Url>,
    /// What it calls this server.
    pub client_id: String,
    /// What proves to it that this is that server.
    pub client_secret: String,
    /// Whether it takes that proof in the body only.
    pub by_body: bool,
}

/// Tokens of one grant.
#[derive(Clone, Serialize, Deserialize)]
pub struct Tokens {
    /// What opens the provider's API.
    pub access: String,
    /// What the next access token is had for, if the provider gives such.
    pub refresh: Option<String>,
    /// When the access token lapses, if the provider says so.
    pub expires_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(…)")
    }
}

/// Why a provider did not do what it was asked. It tells nothing of what was sent.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It does not honour the token (any more).
    #[error("the provider does not honour the token")]
    Refused,
    /// It could not be asked.
    #[error(transparent)]
    Unreachable(#[from] super::oidc::Failure),
    /// It answered with something else.
    #[error("the provider answered with status {0}")]
    Status(StatusCode),
    /// It answered, with nothing that can be used.
    #[error("the provider's answer was not usable: {0}")]
    Unusable(&'static str),
    /// Its address cannot be called.
    #[error("the provider cannot be asked")]
    Malformed(#[from] http::Error),
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    refresh_token: Option<String>,
    expires_in: Option<i64>,
}

#[derive(Deserialize)]
struct Denied {
    error: String,
}

/// Exchanges a refresh token for the next tokens. A provider that rotates them gives another one; one that does not
/// leaves the old one good.
pub async fn refresh(
    server: &Server,
    refresh_token: &str,
    now: DateTime<Utc>,
) -> Result<Tokens, Failure> {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
    ];
    let answer = call(post(server, &server.token, &fields)?).await?;
    if !answer.status().is_success() {
        let denied: Option<Denied> = serde_json::from_slice(answer.body()).ok();
        return Err(match denied {
            // what else it may complain about is ours to put right, and no reason to throw tokens away
            Some(denied) if denied.error == "invalid_grant" => Failure::Refused,
            _ => Failure::Status(answer.status()),
        });
    }
    let granted: Granted = read(&answer)?;
    Ok(Tokens {
        access: granted.access_token,
        refresh: granted
            .refresh_token
            .or_else(|| Some(refresh_token.to_owned())),
        expires_at: granted.expires_in.and_then(|s| lapses(now, s)),
    })
}

/// Reads a document that the token opens.
pub async fn get<T: DeserializeOwned>(url: &Url, access_token: &str) -> Result<T, Failure> {
    let request = Request::builder()
        .method(Method::GET)
        .uri(url.as_str())
        .header(header::ACCEPT, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {access_token}"))
        .body(Vec::new())?;
    let answer = call(request).await?;
    match answer.status() {
        StatusCode::UNAUTHORIZED => Err(Failure::Refused),
        status if !status.is_success() => Err(Failure::Status(status)),
        _ => read(&answer),
    }
}

/// Asks the provider to forget a grant; whether it has an endpoint for that. Revoking what it does not know is a success.
pub async fn revoke(server: &Server, tokens: &Tokens) -> Result<bool, Failure> {
    let Some(endpoint) = &server.revocation else {
        return Ok(false);
    };
    // a refresh token takes the access tokens made of it with it
    let (token, hint) = match &tokens.refresh {
        Some(refresh) => (refresh, "refresh_token"),
        None => (&tokens.access, "access_token"),
    };
    let fields = [("token", token.as_str()), ("token_type_hint", hint)];
    let answer = call(post(server, endpoint, &fields)?).await?;
    if answer.status().is_success() {
        Ok(true)
    } else {
        Err(Failure::Status(answer.status()))
    }
}

/// When something lapses that is good for so many seconds.
pub fn lapses(now: DateTime<Utc>, seconds: i64) -> Option<DateTime<Utc>> {
    now.checked_add_signed(TimeDelta::try_seconds(seconds)?)
}

fn post(server: &Server, to: &Url, fields: &[(&str, &str)]) -> Result<HttpRequest, http::Error> {
    let mut form = Serializer::new(String::new());
    form.extend_pairs(fields);
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(to.as_str())
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if server.by_body {
        form.append_pair("client_id", &server.client_id)
            .append_pair("client_secret", &server.client_secret);
    } else {
        request = request.header(header::AUTHORIZATION, basic(server));
    }
    request.body(form.finish().into_bytes())
}

/// Both halves are encoded as in a form before they are joined (RFC 6749, section 2.3.1).
fn basic(server: &Server) -> String {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let (id, secret) = (encode(&server.client_id), encode(&server.client_secret));
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

fn read<T: DeserializeOwned>(answer: &HttpResponse) -> Result<T, Failure> {
    serde_json::from_slice(answer.body()).map_err(|_| Failure::Unusable("it is no such JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_show_nothing_when_they_are_printed() {
        let tokens = Tokens {
            access: "at-1".to_owned(),
            refresh: Some("rt-1".to_owned()),
            expires_at: None,
        };
        assert_eq!(format!("{tokens:?}"), "Tokens(…)");
    }

    #[test]
    fn a_secret_is_encoded_before_it_is_joined() {
        let server = Server {
            token: "https://id.example/token".parse().unwrap(),
            revocation: None,
            client_id: "us:them".to_owned(),
            client_secret: "a b".to_owned(),
            by_body: false,
        };
        let expected = BASE64_STANDARD.encode("us%3Athem:a+b");
        assert_eq!(basic(&server), format!("Basic {expected}"));
    }
}
