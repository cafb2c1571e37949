//! Public documents that clients may keep: a tag of their content, and `304` for whoever has it already.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// What is the same for everybody, with the tag of its content.
pub struct Document {
    media: &'static str,
    body: Bytes,
    tag: HeaderValue,
    keep: HeaderValue,
}

impl Document {
    /// A document that copies of are good for so long without asking.
    pub fn new(media: &'static str, body: impl Into<Bytes>, keep_seconds: u32) -> Self {
        let body = body.into();
        let hash: String = Sha256::digest(&body)[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let value = |text: String| HeaderValue::from_str(&text).expect("it is plain text");
        Self {
            media,
            // weak: it holds for the compressed form too
            tag: value(format!("W/\"{hash}\"")),
            keep: value(format!("public, max-age={keep_seconds}")),
            body,
        }
    }

    /// The document, or that the client has it.
    pub fn answer(&self, headers: &HeaderMap) -> Response {
        let about = [
            (header::CACHE_CONTROL, self.keep.clone()),
            (header::ETAG, self.tag.clone()),
        ];
        let tag = self.tag.to_str().unwrap_or_default();
        if is_known(headers, tag.trim_start_matches("W/")) {
            return (StatusCode::NOT_MODIFIED, about).into_response();
        }
        let media = [(header::CONTENT_TYPE, self.media)];
        (about, media, self.body.clone()).into_response()
    }
}

/// Whether the client says it holds what has this tag.
pub fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag || known.trim() == "*")
}
