//! Sessions in cookies, for browsers: a script of the page cannot read them, so one that does not belong there cannot
//! take them away. A client asks for them with the header `X-Session-Mode: cookie` when it signs in.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use chrono::{DateTime, Utc};

use crate::config::Config;
use crate::identity::SignedIn;

/// The header by which a client asks for cookies.
pub const MODE: HeaderName = HeaderName::from_static("x-session-mode");
/// The routes that need the refresh token; no other request carries it.
const REFRESH_PATH: &str = "/api/v1/auth";

/// The names of the two cookies. Over https their prefixes make browsers insist on how they are set.
pub struct Names {
    /// Of the access token.
    pub access: &'static str,
    /// Of the refresh token.
    pub refresh: &'static str,
    secure: bool,
}

impl Names {
    /// As this deployment is reached: plain http is for development only.
    pub fn of(config: &Config) -> Self {
        let public = config.public_url.as_deref();
        let secure = config.is_production() || public.is_some_and(|url| url.starts_with("https:"));
        let (access, refresh) = match secure {
            true => ("__Host-balance_access", "__Secure-balance_refresh"),
            false => ("balance_access", "balance_refresh"),
        };
        Self {
            access,
            refresh,
            secure,
        }
    }

    /// Whether a request carries either.
    pub fn are_in(&self, headers: &HeaderMap) -> bool {
        find(headers, self.access).is_some() || find(headers, self.refresh).is_some()
    }

    fn cookie(&self, name: &str, value: &str, path: &str, seconds: i64) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!(
            "{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
        );
        HeaderValue::from_str(&text).expect("tokens are plain text")
    }
}

/// The value of a cookie.
pub fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    let pairs = lines.filter_map(|line| line.to_str().ok());
    let mut pairs = pairs.flat_map(|line| line.split(';'));
    pairs.find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name && !value.is_empty()).then_some(value)
    })
}

/// Whether a client asks for cookies.
pub fn are_wanted(headers: &HeaderMap) -> bool {
    headers.get(MODE).is_some_and(|mode| mode == "cookie")
}

/// Gives a session to a browser.
pub fn set(headers: &mut HeaderMap, config: &Config, now: DateTime<Utc>, session: &SignedIn) {
    let names = Names::of(config);
    let access = (session.expires_at - now).num_seconds().max(0);
    let refresh = config.refresh_token_days.saturating_mul(86_400);
    let cookies = [
        names.cookie(names.access, &session.access_token, "/", access),
        names.cookie(names.refresh, &session.refresh_token, REFRESH_PATH, refresh),
    ];
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// Takes a session back from a browser.
pub fn clear(headers: &mut HeaderMap, config: &Config) {
    let names = Names::of(config);
    for (name, path) in [(names.access, "/"), (names.refresh, REFRESH_PATH)] {
        headers.append(header::SET_COOKIE, names.cookie(name, "", path, 0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; xb=2;b=3=4"));
        headers.append(header::COOKIE, HeaderValue::from_static("c=5; d="));
        let found = ["a", "b", "c", "d", "x"].map(|name| find(&headers, name));
        assert_eq!(found, [Some("1"), Some("3=4"), Some("5"), None, None]);
    }
}
