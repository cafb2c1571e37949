//! Who calls: read from a request once, the same way by every route.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::{Extensions, HeaderMap, header, request::Parts};

use super::Edge;
use super::cookies;
use super::layers::RequestId;
use crate::config::Config;
use crate::ctx::{Ctx, Handles};
use crate::error::{Error, Result};
use crate::graphql::documents::Who;
use crate::graphql::op::Origin;
use crate::identity;

/// The headers in which an app names itself, the first of them ours.
pub const CLIENT_NAMES: [&str; 2] = ["graphql-client-name", "apollographql-client-name"];

/// A request's name, origin and proof of identity.
#[derive(Clone)]
pub struct Caller {
    /// What the process shares.
    pub handles: Arc<Handles>,
    /// The name of the request.
    pub request_id: String,
    /// Where it came from.
    pub origin: Arc<Origin>,
    /// The bearer token, if one was sent.
    pub bearer: Option<String>,
    /// The agent the caller acts as, if it says so.
    pub source_agent: Option<String>,
    /// The GraphQL client the caller is, if it says so.
    pub client_name: Option<String>,
}

impl Caller {
    /// The operation of the caller; nobody signed in is `None`, a bad token is an error.
    pub async fn ctx(&self) -> Result<Option<Ctx>> {
        match &self.bearer {
            None => Ok(None),
            Some(bearer) => self.ctx_of(bearer).await.map(Some),
        }
    }

    /// The operation of the caller, who must be signed in.
    pub async fn signed_in(&self) -> Result<Ctx> {
        self.ctx().await?.ok_or(Error::Unauthenticated(
            "send an access token as `Authorization: Bearer …`",
        ))
    }

    /// Whose document is to be found.
    pub fn who<'a>(&'a self, ctx: Option<&'a Ctx>) -> Who<'a> {
        Who {
            handles: &self.handles,
            ctx,
            client_name: self.client_name.as_deref(),
            address: self.origin.address.as_deref(),
        }
    }

    /// The operation behind a token.
    pub async fn ctx_of(&self, bearer: &str) -> Result<Ctx> {
        let mut ctx = identity::authenticate(&self.handles, bearer)
            .await?
            .with_request_id(&*self.request_id)
            .with_origin(Arc::clone(&self.origin));
        if let Some(agent) = &self.source_agent {
            ctx = ctx.with_source_agent(&**agent);
        }
        Ok(ctx)
    }
}

impl FromRequestParts<Edge> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Infallible> {
        let text = |name: header::HeaderName| parts.headers.get(name).and_then(|v| v.to_str().ok());
        Ok(Self {
            handles: Arc::clone(&edge.handles),
            request_id: parts
                .extensions
                .get::<RequestId>()
                .map(|id| id.0.clone())
                .unwrap_or_default(),
            // read already, where the layers stand around
            origin: Origin::current().unwrap_or_else(|| {
                Arc::new(origin(
                    &edge.handles.config,
                    &parts.headers,
                    &parts.extensions,
                ))
            }),
            bearer: bearer(&parts.headers).or_else(|| {
                let names = cookies::Names::of(&edge.handles.config);
                cookies::find(&parts.headers, names.access).map(str::to_owned)
            }),
            source_agent: text(header::HeaderName::from_static("x-source-agent"))
                .filter(|agent| (1..=64).contains(&agent.len()))
                .map(str::to_owned),
            client_name: CLIENT_NAMES
                .iter()
                .find_map(|name| text(header::HeaderName::from_static(name)))
                .map(str::to_owned),
        })
    }
}

/// Where a request came from: its connection, or the proxies in front, know the address; it itself says what it is.
pub fn origin(config: &Config, headers: &HeaderMap, extensions: &Extensions) -> Origin {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    let address = forwarded(headers, config.trust_proxy)
        .or_else(|| peer.map(|peer| peer.0.ip()))
        .map(|address| address.to_string());
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|v| v.to_str().ok());
    Origin {
        address,
        user_agent: agent.map(|agent| agent.chars().take(200).collect()),
    }
}

/// The address that the outermost of our proxies saw: counted from the right, since a client may write to the left of it
/// what it likes.
fn forwarded(headers: &HeaderMap, proxies: u8) -> Option<IpAddr> {
    let behind = usize::from(proxies.checked_sub(1)?);
    let lines = headers.get_all("x-forwarded-for").into_iter();
    let lines: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
    let mut seen = lines.iter().rev().flat_map(|line| line.rsplit(','));
    seen.nth(behind)?.trim().parse().ok()
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    bearer_in(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}

/// The token of an `Authorization: Bearer …`; the scheme may be written in any case (RFC 9110).
pub fn bearer_in(authorization: &str) -> Option<String> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_proxies_are_believed() {
        let mut headers = HeaderMap::new();
        for line in ["6.6.6.6, 9.9.9.9", "203.0.113.7, 10.0.0.2"] {
            headers.append("x-forwarded-for", header::HeaderValue::from_static(line));
        }
        let seen = |proxies| forwarded(&headers, proxies).map(|address| address.to_string());
        assert_eq!(seen(0), None);
        assert_eq!(seen(1).as_deref(), Some("10.0.0.2"));
        assert_eq!(seen(2).as_deref(), Some("203.0.113.7"));
        assert_eq!(seen(9), None);
    }
}
