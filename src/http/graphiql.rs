//! GraphiQL, served from the binary.
//!
//! The page is built by Vite into `graphiql/dist` and embedded at compile time, so it
//! works with no internet and `cargo build` needs no Node. A strict content security
//! policy holds the page to this origin; nothing it loads comes from elsewhere.
//!
//! Built files carry a hash of their content in their name and may be cached for ever;
//! only the page that names them may not.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::conditional::is_known;

/// What the page may do. Scripts and workers are files of ours, never inline or `blob:`.
/// Inline styles stay allowed: Monaco writes its theme and the position of every glyph
/// into `<style>` elements and `style` attributes. `data:` is for the small icons that
/// its stylesheets carry. The sockets are named by scheme because older browsers do not
/// count `ws:` as `'self'`.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; \
     font-src 'self' data:; img-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'none'; \
     frame-ancestors 'none'; form-action 'none'";

const FOR_EVER: &str = "public, max-age=31536000, immutable";

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/graphiql/dist"]
struct Files;

/// The page at `/graphiql` with all it loads. Who may see it, and
/// `GET /graphiql/session`, are the caller's to add.
pub fn router<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new()
        .route("/graphiql", get(page))
        .route("/graphiql/licenses", get(licences))
        .route("/graphiql/assets/{*path}", get(asset))
}

/// The page itself: never stored, for it names the files of this build.
pub async fn page() -> Response {
    match Files::get("index.html") {
        Some(file) => (
            [
                (CONTENT_TYPE, "text/html; charset=utf-8"),
                (CACHE_CONTROL, "no-store"),
            ],
            guards(),
            file.data,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The licences of everything in the bundle; they ask to travel with it.
pub async fn licences() -> Response {
    match Files::get("LICENSES.txt") {
        Some(file) => (
            [(CONTENT_TYPE, "text/plain; charset=utf-8")],
            guards(),
            file.data,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A script, style sheet or font of the page, compressed when the client reads brotli.
pub async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    // the compressed copies are representations, not files of their own; and a debug
    // build reads from the folder, where `..` would mean something
    if path.ends_with(".br") || path.contains("..") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let name = format!("assets/{path}");
    let Some((file, brotli)) = choose(&name, &headers) else {
        return StatusCode::NOT_FOUND.into_response();
    };

    let tag = tag_of(&file);
    let common = (
        [
            (CACHE_CONTROL, FOR_EVER),
            (ETAG, tag.as_str()),
            (VARY, "accept-encoding"),
        ],
        guards(),
    );
    if is_known(&headers, &tag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let mut response = (common, [(CONTENT_TYPE, content_type(&path))], file.data).into_response();
    if brotli {
        response
            .headers_mut()
            .insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    response
}

/// Headers that hold for the page and its files alike. A worker obeys the policy its own
/// script came with, so files carry it too.
fn guards() -> [(HeaderName, &'static str); 3] {
    [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
    ]
}

/// The compressed copy where there is one and the client reads it, else the plain file.
fn choose(name: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, bool)> {
    let plain = Files::get(name)?;
    if !reads_brotli(headers) {
        return Some((plain, false));
    }
    Some(Files::get(&format!("{name}.br")).map_or((plain, false), |copy| (copy, true)))
}

/// Whether `Accept-Encoding` lists `br` and does not weigh it zero.
fn reads_brotli(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
            let refused = weight
                .trim()
                .strip_prefix("q=")
                .and_then(|q| q.parse::<f32>().ok())
                == Some(0.0);
            name.trim().eq_ignore_ascii_case("br") && !refused
        })
}

/// A strong tag: the hash of the bytes that are sent, so each encoding has its own.
fn tag_of(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let hex: String = hash[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{hex}\"")
}

fn content_type(path: &str) -> String {
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    match mime.type_() {
        mime_guess::mime::TEXT => format!("{mime}; charset=utf-8"),
        _ => mime.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use axum::http::header::IF_NONE_MATCH;
    use tower::ServiceExt;

    async fn get_with(path: &str, header: Option<(HeaderName, &str)>) -> Response {
        let mut request = Request::get(path);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let request = request.body(Body::empty()).unwrap();
        router::<()>().oneshot(request).await.unwrap()
    }

    fn header(response: &Response, name: HeaderName) -> &str {
        response
            .headers()
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    async fn body(response: Response) -> Vec<u8> {
        to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap()
            .to_vec()
    }

    async fn page_text() -> String {
        String::from_utf8(body(get_with("/graphiql", None).await).await).unwrap()
    }

    /// The script the page starts with: the build names it by its hash.
    async fn script() -> String {
        let page = page_text().await;
        let from = page.find("/graphiql/assets/").unwrap();
        page[from..].split('"').next().unwrap().to_owned()
    }

    #[tokio::test]
    async fn the_page_is_held_to_this_origin_and_never_stored() {
        let page = get_with("/graphiql", None).await;
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(header(&page, CONTENT_TYPE), "text/html; charset=utf-8");
        assert_eq!(header(&page, CACHE_CONTROL), "no-store");
        assert_eq!(header(&page, CONTENT_SECURITY_POLICY), POLICY);
        assert_eq!(header(&page, X_CONTENT_TYPE_OPTIONS), "nosniff");
    }

    #[tokio::test]
    async fn the_page_has_no_inline_script_and_names_no_other_origin() {
        let page = page_text().await;
        for script in page.split("<script").skip(1) {
            assert!(
                script.contains("src=\"/graphiql/assets/"),
                "inline script: {script}"
            );
        }
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("\"//"));
    }

    #[tokio::test]
    async fn every_file_the_page_names_is_embedded() {
        let page = page_text().await;
        let named: Vec<_> = page
            .split('"')
            .filter(|part| part.starts_with("/graphiql/assets/"))
            .collect();
        assert!(named.len() >= 2, "a script and a style sheet");
        for path in named {
            assert_eq!(
                get_with(path, None).await.status(),
                StatusCode::OK,
                "{path}"
            );
        }
    }

    #[tokio::test]
    async fn a_built_file_may_be_cached_for_ever() {
        let script = get_with(&script().await, None).await;
        assert_eq!(header(&script, CACHE_CONTROL), FOR_EVER);
        assert_eq!(
            header(&script, CONTENT_TYPE),
            "text/javascript; charset=utf-8"
        );
        assert_eq!(header(&script, VARY), "accept-encoding");
        assert_eq!(header(&script, X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(header(&script, CONTENT_SECURITY_POLICY), POLICY);
    }

    #[tokio::test]
    async fn brotli_goes_to_those_who_read_it_only() {
        let path = script().await;
        let plain = get_with(&path, Some((ACCEPT_ENCODING, "gzip, br;q=0"))).await;
        let packed = get_with(&path, Some((ACCEPT_ENCODING, "gzip, deflate, br"))).await;

        assert_eq!(header(&plain, CONTENT_ENCODING), "");
        assert_eq!(header(&packed, CONTENT_ENCODING), "br");
        assert_eq!(header(&packed, CONTENT_TYPE), header(&plain, CONTENT_TYPE));
        assert_ne!(header(&packed, ETAG), header(&plain, ETAG));
        assert!(body(packed).await.len() < body(plain).await.len() / 2);
    }

    #[tokio::test]
    async fn a_file_the_client_holds_is_not_sent_again() {
        let path = script().await;
        let tag = header(&get_with(&path, None).await, ETAG).to_owned();
        let again = get_with(&path, Some((IF_NONE_MATCH, &format!("\"other\", W/{tag}")))).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(header(&again, ETAG), tag);
        assert!(body(again).await.is_empty());
    }

    #[tokio::test]
    async fn nothing_but_the_built_files_can_be_reached() {
        let packed = format!("{}.br", script().await);
        for path in [
            packed.as_str(),
            "/graphiql/assets/none.js",
            "/graphiql/assets/../index.html",
            "/graphiql/assets/..%2F..%2Fpackage.json",
            "/graphiql/assets/%2Fetc%2Fpasswd",
        ] {
            assert_eq!(
                get_with(path, None).await.status(),
                StatusCode::NOT_FOUND,
                "{path}"
            );
        }
    }

    #[tokio::test]
    async fn the_licences_travel_with_the_bundle() {
        let text =
            String::from_utf8(body(get_with("/graphiql/licenses", None).await).await).unwrap();
        for package in ["graphiql 5", "monaco-editor 0", "react 19", "graphql-ws 6"] {
            assert!(text.contains(&format!("\n{package}")), "{package}");
        }
    }
}
