//! The HTTP client: one for the process, with timeouts.

use std::sync::LazyLock;
use std::time::Duration;

use reqwest::{Client, RequestBuilder};

use crate::telemetry::trace::Trace;

#[expect(clippy::disallowed_methods, reason = "the one place that builds it")]
static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(30))
        .user_agent(concat!("balance/", env!("CARGO_PKG_VERSION")))
        .build()
        .expect("the settings above are valid and a TLS provider is installed")
});

#[expect(clippy::disallowed_methods, reason = "the one place that builds it")]
static WITHOUT_REDIRECTS: LazyLock<Client> = LazyLock::new(|| {
    Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("balance/", env!("CARGO_PKG_VERSION")))
        .build()
        .expect("the settings above are valid and a TLS provider is installed")
});

/// A client that stays where it is sent. It gives up connecting after 5 s and on an answer after 10 s.
pub fn without_redirects() -> &'static Client {
    &WITHOUT_REDIRECTS
}

/// A call that tells which trace it belongs to, where it belongs to one.
pub fn traced(request: RequestBuilder) -> RequestBuilder {
    let named = Trace::outgoing().into_iter();
    named.fold(request, |request, (name, value)| {
        request.header(name, value)
    })
}

/// The client. It gives up connecting after 5 s and on an answer after 30 s.
pub fn client() -> &'static Client {
    &CLIENT
}
