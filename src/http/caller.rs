//! Who calls: read from a request once, the same way by every route.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::{HeaderMap, header, request::Parts};

use super::Edge;
use super::layers::RequestId;
use crate::ctx::{Ctx, Handles};
use crate::error::{Error, Result};
use crate::graphql::op::Origin;
use crate::identity;

/// A request's name, origin and proof of identity.
#[derive(Clone)]
pub struct Caller {
    /// What the process shares.
    pub handles: Arc<Handles>,
    /// The name of the request.
    pub request_id: String,
    /// Where it came from.
    pub origin: Origin,
    /// The bearer token, if one was sent.
    pub bearer: Option<String>,
    /// The agent the caller acts as, if it says so.
    pub source_agent: Option<String>,
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

    /// The operation behind a token.
    pub async fn ctx_of(&self, bearer: &str) -> Result<Ctx> {
        let mut ctx = identity::authenticate(&self.handles, bearer)
            .await?
            .with_request_id(&self.request_id);
        if let Some(agent) = &self.source_agent {
            ctx = ctx.with_source_agent(agent);
        }
        Ok(ctx)
    }
}

impl FromRequestParts<Edge> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Infallible> {
        let text = |name: header::HeaderName| parts.headers.get(name).and_then(|v| v.to_str().ok());
        let address = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|peer| peer.0.ip().to_string());
        Ok(Self {
            handles: Arc::clone(&edge.handles),
            request_id: parts
                .extensions
                .get::<RequestId>()
                .map(|id| id.0.clone())
                .unwrap_or_default(),
            origin: Origin {
                address,
                user_agent: text(header::USER_AGENT).map(|agent| agent.chars().take(200).collect()),
            },
            bearer: bearer(&parts.headers),
            source_agent: text(header::HeaderName::from_static("x-source-agent"))
                .filter(|agent| (1..=64).contains(&agent.len()))
                .map(str::to_owned),
        })
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}
