//! Calling identity providers, for `openidconnect`, which brings no client of its own here.

use futures::StreamExt;
use openidconnect::{HttpRequest, HttpResponse, http};

use super::client;

/// The longest answer that is read: key sets are a few kilobytes.
const MAX_BYTES: usize = 1024 * 1024;

/// Why a provider did not answer usefully. It tells nothing of what was sent.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It could not be reached, or did not answer in time.
    #[error("the provider could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// It answered without end.
    #[error("the provider's answer is too long")]
    TooLong,
    /// The request or the answer was malformed.
    #[error("the provider was not spoken to in HTTP")]
    Malformed(#[source] http::Error),
}

/// One request to a provider. A redirect is not followed but is the answer: a provider that is taken over must not
/// choose whom this server calls.
pub async fn call(request: HttpRequest) -> Result<HttpResponse, Failure> {
    let request = reqwest::Request::try_from(request).map_err(Failure::Unreachable)?;
    let sent = client::traced(reqwest::RequestBuilder::from_parts(
        client::without_redirects().clone(),
        request,
    ));
    let answer = sent
        .send()
        .await
        .map_err(|error| Failure::Unreachable(error.without_url()))?;
    let mut response = http::Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    let mut body = Vec::new();
    let mut parts = answer.bytes_stream();
    while let Some(part) = parts.next().await {
        body.extend_from_slice(&part.map_err(|error| Failure::Unreachable(error.without_url()))?);
        if body.len() > MAX_BYTES {
            return Err(Failure::TooLong);
        }
    }
    response.body(body).map_err(Failure::Malformed)
}
