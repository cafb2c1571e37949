//! Bodies on their way in: they come as they are, and they keep coming.
//!
//! Whoever reads a body waits for its client. So a client has `SLOW_CLIENT_SECONDS` to send the next part, and each part
//! gives back the time that `SLOWEST` would have taken: who stops is refused, and so is who sends a byte now and then,
//! while an upload over a poor line may take as long as it needs.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::{Error, Json};
use http_body::{Frame, SizeHint};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, Sleep};

use super::{Edge, envelope};
use crate::config::Config;
use crate::graphql::refusal::Code;

/// The bytes a second that a client must send in the long run.
const SLOWEST: f64 = 1_024.0;

/// Refuses a body that is compressed, and one that does not come.
pub async fn guard<F>(
    config: &Config,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    if request.body().is_end_stream() {
        return next(request).await;
    }
    if is_encoded(request.headers()) {
        let message = "the body is compressed; send it as it is";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let mut response = envelope::refuse_here(&request, status, Code::BadRequest, message);
        let as_it_is = HeaderValue::from_static("identity");
        let headers = response.headers_mut();
        headers.insert(header::ACCEPT_ENCODING, as_it_is);
        return response;
    }
    let late = Arc::new(AtomicBool::new(false));
    let place = envelope::Place::of(&request);
    let patience = config.slow_client();
    let request = request.map(|body| Body::new(Patient::new(body, patience, Arc::clone(&late))));
    let response = next(request).await;
    if !late.load(Ordering::Relaxed) {
        return response;
    }
    let message = "the body did not come in time; send it again";
    let mut response = place.refuse(StatusCode::REQUEST_TIMEOUT, Code::BadRequest, message);
    // what is still to come of it is no next request
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A body of JSON as it was read, or why its value cannot be used. What is too long, or not said to be JSON, is refused.
pub struct Sent<T>(pub crate::error::Result<T>);

impl<T: DeserializeOwned> FromRequest<Edge> for Sent<T> {
    type Rejection = Response;

    async fn from_request(request: Request, edge: &Edge) -> Result<Self, Response> {
        let place = envelope::Place::of(&request);
        let rejection = match Json::from_request(request, edge).await {
            Ok(Json(body)) => return Ok(Self(Ok(body))),
            Err(rejection) => rejection,
        };
        let status = rejection.status();
        let message = match status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                "the body is too long: at most 10 MB are accepted here"
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "send the body as application/json",
            _ => {
                let wrong = crate::error::Error::invalid("body", rejection.body_text());
                return Ok(Self(Err(wrong)));
            }
        };
        Err(place.refuse(status, Code::BadRequest, message))
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    let named = headers.get_all(header::CONTENT_ENCODING).into_iter();
    named
        .map(HeaderValue::as_bytes)
        .any(|named| !named.is_empty() && !named.eq_ignore_ascii_case(b"identity"))
}

/// A body whose client is waited for, and not for ever.
struct Patient {
    body: Body,
    patience: Duration,
    /// For how long the client is still waited for.
    left: Duration,
    /// Since when, and until when; only while nothing comes.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    /// Set when that was too long.
    late: Arc<AtomicBool>,
}

impl Patient {
    fn new(body: Body, patience: Duration, late: Arc<AtomicBool>) -> Self {
        Self {
            body,
            patience,
            left: patience,
            waiting: None,
            late,
        }
    }

    /// Reckons with a part that came.
    fn received(&mut self, bytes: usize) {
        let waited = self.waiting.take().map(|(since, _)| since.elapsed());
        self.left = left_after(self.left, waited.unwrap_or_default(), bytes, self.patience);
    }
}

/// For how long a client is still waited for that was `waited` for and then sent something.
fn left_after(left: Duration, waited: Duration, bytes: usize, patience: Duration) -> Duration {
    let earned = Duration::from_secs_f64(bytes as f64 / SLOWEST);
    left.saturating_sub(waited)
        .saturating_add(earned)
        .min(patience)
}

impl HttpBody for Patient {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            let data = frame.as_ref().and_then(|frame| frame.as_ref().ok());
            let bytes = data.and_then(Frame::data_ref).map_or(0, Bytes::len);
            this.received(bytes);
            return Poll::Ready(frame);
        }
        let left = this.left;
        let (_, until) = this
            .waiting
            .get_or_insert_with(|| (Instant::now(), Box::pin(tokio::time::sleep(left))));
        ready!(until.as_mut().poll(cx));
        this.late.store(true, Ordering::Relaxed);
        let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
        Poll::Ready(Some(Err(Error::new(late))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether all parts of so many bytes arrive that come so many seconds apart.
    fn arrives(parts: u32, bytes: usize, apart: f64) -> bool {
        let (patience, apart) = (Duration::from_secs(30), Duration::from_secs_f64(apart));
        let mut left = patience;
        (0..parts).all(|_| {
            let in_time = apart < left;
            left = left_after(left, apart, bytes, patience);
            in_time
        })
    }

    #[test]
    fn who_keeps_sending_is_waited_for_and_who_stops_is_not() {
        assert!(arrives(180, 40_000, 20.0), "an hour over a poor line");
        assert!(arrives(3, 100_000, 29.0));
        assert!(!arrives(1, 100_000, 31.0));
        assert!(!arrives(100, 1, 1.0), "a byte now and then");
        assert!(!arrives(2, 100, 29.0));
    }
}
