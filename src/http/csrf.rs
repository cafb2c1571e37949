//! A browser sends its cookies along with whatever any page makes it send. So a request that comes with the cookies of a
//! session counts only when it comes from a page that may call, and a change only with a header that a foreign page
//! cannot add without being asked first (and CORS says no).
//!
//! A socket is opened by the same origins that CORS lets call, whatever it comes with: browsers ask nobody before they
//! open one.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use super::{cookies, envelope};
use crate::config::Config;
use crate::graphql::refusal::Code;

/// Headers that a foreign page cannot add: any of them will do.
const CUSTOM: [HeaderName; 4] = [
    HeaderName::from_static("x-requested-with"),
    HeaderName::from_static("graphql-require-preflight"),
    HeaderName::from_static("apollo-require-preflight"),
    cookies::MODE,
];
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what a foreign page made a browser send.
pub async fn guard<F>(
    config: &Config,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    let headers = request.headers();
    let by_bearer = headers.contains_key(header::AUTHORIZATION);
    let by_cookie = cookies::Names::of(config).are_in(headers) || cookies::are_wanted(headers);
    let socket = asks_for_a_socket(headers);
    if !socket && (by_bearer || !by_cookie) {
        return next(request).await;
    }
    match judge(config, request.method(), headers) {
        Ok(()) => next(request).await,
        Err(reason) => {
            let status = StatusCode::FORBIDDEN;
            envelope::refuse_here(&request, status, Code::Forbidden, reason)
        }
    }
}

fn judge(config: &Config, method: &Method, headers: &HeaderMap) -> Result<(), &'static str> {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    match text(&header::ORIGIN) {
        Some(origin) if is_ours(config, origin, text(&header::HOST)) => {}
        Some(_) => return Err("a page of this origin may not call; see FRONTEND_URL"),
        // a browser that names no origin still says whether the page was foreign
        None if text(&FETCH_SITE) == Some("cross-site") => {
            return Err("a foreign page may not use the session of the browser");
        }
        None => {}
    }
    let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && !CUSTOM.iter().any(|name| headers.contains_key(name)) {
        return Err("with cookies, send the header X-Requested-With");
    }
    Ok(())
}

/// Whether a request is to become a WebSocket.
pub(super) fn asks_for_a_socket(headers: &HeaderMap) -> bool {
    let is_websocket =
        |upgrade: &HeaderValue| upgrade.as_bytes().eq_ignore_ascii_case(b"websocket");
    headers.get(header::UPGRADE).is_some_and(is_websocket)
}

/// Whether an origin is this server's own, or one of the single-page apps that may call.
fn is_ours(config: &Config, origin: &str, host: Option<&str>) -> bool {
    let origin = origin.trim_end_matches('/');
    let own = origin.split_once("://").map(|(_, authority)| authority);
    let mut apps = config.frontend_url.iter();
    own.is_some_and(|own| host == Some(own))
        || apps.any(|app| app.trim_end_matches('/') == origin)
        || config.public_url() == origin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(method: Method, sent: &[(&'static str, &'static str)]) -> bool {
        let config = Config {
            frontend_url: vec!["https://app.example/".to_owned()],
            public_url: Some("https://books.example".to_owned()),
            ..Config::development()
        };
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, HeaderValue::from_static(value));
        }
        judge(&config, &method, &headers).is_ok()
    }

    #[test]
    fn a_foreign_page_is_refused_and_our_own_is_not() {
        let header = ("x-requested-with", "fetch");
        for (origin, fine) in [
            ("https://app.example", true),
            ("https://books.example", true),
            ("http://10.0.0.1:4000", true),
            ("https://evil.example", false),
            ("https://app.example.evil.example", false),
            ("http://app.example", false),
            ("null", false),
        ] {
            let sent = [("origin", origin), ("host", "10.0.0.1:4000"), header];
            assert_eq!(judged(Method::POST, &sent), fine, "{origin}");
            assert_eq!(judged(Method::GET, &sent), fine, "a socket of {origin}");
        }
        assert!(!judged(Method::GET, &[("sec-fetch-site", "cross-site")]));
        assert!(judged(Method::GET, &[("sec-fetch-site", "none")]));
    }

    #[test]
    fn a_change_needs_a_header_that_a_form_cannot_send() {
        let from = ("origin", "https://app.example");
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            assert!(!judged(method.clone(), &[from]));
            assert!(!judged(method.clone(), &[]));
            assert!(judged(method, &[from, ("graphql-require-preflight", "1")]));
        }
    }
}
