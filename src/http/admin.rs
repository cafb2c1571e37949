//! Pages for whoever runs balance, served from the binary: no internet, no build, nothing inline.
//!
//! A page holds no data and is the same for everybody. What it shows it asks for through the API, as whoever is signed in,
//! so it opens nothing that the API does not.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// What the page may do: run its script, wear its style, and ask this server.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

const HTML: &str = include_str!("admin/queues.html");
const SCRIPT: &str = include_str!("admin/queues.js");
const STYLE: &str = include_str!("admin/queues.css");

/// The page of the queues with what it loads.
pub fn router<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new()
        .route(
            "/admin/queues",
            get(|| async { file("text/html; charset=utf-8", HTML) }),
        )
        .route(
            "/admin/queues.js",
            get(|| async { file("text/javascript; charset=utf-8", SCRIPT) }),
        )
        .route(
            "/admin/queues.css",
            get(|| async { file("text/css; charset=utf-8", STYLE) }),
        )
}

/// Small enough to be asked for each time: the three always belong to one build.
fn file(media: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, media),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_nothing_but_files_of_its_own_and_holds_nothing_inline() {
        for text in [HTML, SCRIPT, STYLE] {
            assert!(!text.contains("http://") && !text.contains("https://"));
        }
        assert_eq!(HTML.matches("<script").count(), 1);
        assert!(HTML.contains("<script src=\"/admin/queues.js\" type=\"module\"></script>"));
        assert!(HTML.contains("<link rel=\"stylesheet\" href=\"/admin/queues.css\""));
        assert!(!HTML.contains("style=") && !HTML.contains("<style") && !HTML.contains(" on"));
        // what the server tells is text, never markup
        assert!(!SCRIPT.contains("innerHTML") && !SCRIPT.contains("insertAdjacentHTML"));
    }
}
