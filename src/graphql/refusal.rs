//! Why a request was not carried out, in the words and codes of the API contract.
//!
//! A [`Refusal`] is about the request as a whole: its transport, its document, its limits. What
//! goes wrong in a single field is an ordinary field error and carries the same [`Code`]s.

use std::fmt;

use async_graphql::{ErrorExtensionValues, Pos, ServerError, Value, value};

/// The closed list of `extensions.code` values. A client may match on these and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The request is not a GraphQL request: bad JSON, wrong shapes, no operation chosen.
    BadRequest,
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not fit the schema or a structural limit.
    GraphqlValidationFailed,
    /// A variable or an argument has a value that cannot be used.
    BadUserInput,
    /// Nobody is signed in, or the token is not valid any more.
    Unauthenticated,
    /// Signed in, but not allowed.
    Forbidden,
    /// The thing does not exist for this tenant.
    NotFound,
    /// Somebody else was faster, or the same idempotency key came with other input.
    Conflict,
    /// Too many requests in the current window.
    RateLimited,
    /// The operation costs more than one request may.
    CostLimit,
    /// The plan of the tenant does not include this, or its quota is used up.
    PlanLimit,
    /// The hash is unknown here: send the text along.
    PersistedQueryNotFound,
    /// This client may send registered documents only.
    PersistedQueryRequired,
    /// The cursor points before what is still kept.
    CursorExpired,
    /// A provider we depend on did not answer.
    Upstream,
    /// The operation took too long.
    Timeout,
    /// Our fault.
    Internal,
}

impl Code {
    /// Every code, in the order of the contract.
    pub const ALL: [Self; 17] = [
        Self::BadRequest,
        Self::GraphqlParseFailed,
        Self::GraphqlValidationFailed,
        Self::BadUserInput,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::RateLimited,
        Self::CostLimit,
        Self::PlanLimit,
        Self::PersistedQueryNotFound,
        Self::PersistedQueryRequired,
        Self::CursorExpired,
        Self::Upstream,
        Self::Timeout,
        Self::Internal,
    ];

    /// The public name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::RateLimited => "RATE_LIMITED",
            Self::CostLimit => "COST_LIMIT",
            Self::PlanLimit => "PLAN_LIMIT",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::PersistedQueryRequired => "PERSISTED_QUERY_REQUIRED",
            Self::CursorExpired => "CURSOR_EXPIRED",
            Self::Upstream => "UPSTREAM",
            Self::Timeout => "TIMEOUT",
            Self::Internal => "INTERNAL",
        }
    }

    /// The code of that public name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }

    /// The HTTP status when the whole request fails for this reason.
    ///
    /// A wrong variable is 400, as the audit suite of GraphQL over HTTP has it. And 404 and 410 may be kept by caches without being asked to, so a document or a cursor we do
    /// not have is a plain 400.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest
            | Self::GraphqlParseFailed
            | Self::GraphqlValidationFailed
            | Self::BadUserInput
            | Self::CostLimit
            | Self::PersistedQueryNotFound
            | Self::CursorExpired => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden | Self::PlanLimit | Self::PersistedQueryRequired => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::RateLimited => 429,
            Self::Upstream => 502,
            Self::Timeout => 504,
            Self::Internal => 500,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A limit that was passed: `extensions.limit`, `extensions.maximum`, `extensions.actual`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// The stable name of the limit, such as `depth`.
    pub limit: &'static str,
    /// What is accepted.
    pub maximum: u64,
    /// What was asked for; a lower bound where counting stopped at the limit.
    pub actual: u64,
}

/// One value that cannot be used: an entry of `extensions.details`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// The variable and the way into it, such as `input.lines.0.amount`.
    pub path: String,
    /// What is wrong with it.
    pub msg: String,
}

/// A request that is not carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// What a program reads.
    pub code: Code,
    /// What a person reads; never repeats the document or a secret.
    pub message: String,
    /// The HTTP status under `application/graphql-response+json`.
    pub status: u16,
    /// The limit that was passed, when it was one.
    pub exceeded: Option<Box<Exceeded>>,
    /// The values that cannot be used, when it is about those.
    pub details: Box<[Detail]>,
    /// Where in the document.
    pub locations: Vec<Pos>,
    /// The `Allow` header of a 405.
    pub allow: Option<&'static str>,
    /// In how many seconds to try again, when that can help.
    pub retry_after: Option<u64>,
}

impl Refusal {
    /// A refusal with the usual status of its code.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            status: code.status(),
            exceeded: None,
            details: Box::default(),
            locations: Vec::new(),
            allow: None,
            retry_after: None,
        }
    }

    /// A limit was passed.
    pub fn exceeded(code: Code, exceeded: Exceeded, message: impl Into<String>) -> Self {
        Self {
            exceeded: Some(Box::new(exceeded)),
            ..Self::new(code, message)
        }
    }

    /// The same with another HTTP status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same, worth trying again in so many seconds.
    #[must_use]
    pub fn again_in(self, seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    /// The same, pointing into the document.
    #[must_use]
    pub fn at(mut self, positions: impl IntoIterator<Item = Pos>) -> Self {
        self.locations.extend(positions);
        self
    }

    /// The GraphQL error a client receives.
    pub fn into_server_error(self, request_id: &str) -> ServerError {
        let mut error = ServerError::from(self);
        error
            .extensions
            .get_or_insert_default()
            .set("requestId", request_id);
        error
    }
}

impl From<Refusal> for ServerError {
    fn from(refusal: Refusal) -> Self {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", refusal.code.as_str());
        if let Some(exceeded) = refusal.exceeded {
            extensions.set("limit", exceeded.limit);
            extensions.set("maximum", Value::from(exceeded.maximum));
            extensions.set("actual", Value::from(exceeded.actual));
        }
        if let Some(seconds) = refusal.retry_after {
            extensions.set("retryAfterSeconds", Value::from(seconds));
        }
        if !refusal.details.is_empty() {
            let details = refusal.details.into_iter();
            let entry = |detail: Detail| value!({"path": detail.path, "msg": detail.msg});
            extensions.set("details", Value::List(details.map(entry).collect()));
        }
        let mut error = ServerError::new(refusal.message, None);
        error.locations = refusal.locations;
        error.extensions = Some(extensions);
        error
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_own_name() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(code));
            assert!((400..600).contains(&code.status()));
        }
        assert_eq!(Code::parse("SOMETHING_ELSE"), None);
    }

    #[test]
    fn a_limit_tells_its_name_and_figures() {
        let exceeded = Exceeded {
            limit: "depth",
            maximum: 12,
            actual: 31,
        };
        let refusal = Refusal::exceeded(Code::GraphqlValidationFailed, exceeded, "Too deep.");
        let error = serde_json::to_value(refusal.into_server_error("req-1")).unwrap();
        assert_eq!(
            error,
            serde_json::json!({
                "message": "Too deep.",
                "extensions": {
                    "code": "GRAPHQL_VALIDATION_FAILED",
                    "limit": "depth",
                    "maximum": 12,
                    "actual": 31,
                    "requestId": "req-1",
                }
            })
        );
    }
}
