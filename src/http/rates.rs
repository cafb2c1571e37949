//! How often nobody may call the REST edge from one address, and how clients are told: `RateLimit-Policy` and `RateLimit`
//! of draft-ietf-httpapi-ratelimit-headers-11, and `Retry-After` when it was too often.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::caller::Caller;
use super::{Edge, envelope};
use crate::error::Error;
use crate::throttle::{Throttle, Used, collect, is_exempt, place};

/// What a class of calls may do.
pub const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What is left of it.
pub const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// What shows a proof of its own: webhooks are signed, links of uploads and exports are made for somebody, and refreshes
/// are counted by session, for a whole office has one address. And health, which machines ask for.
const EXEMPT: [&str; 5] = [
    "/webhooks/",
    "/uploads/",
    "/exports/tenants/",
    "/auth/refresh",
    "/health",
];

/// Counts calls of nobody signed in; whoever shows a token that is not good is nobody.
pub async fn limit(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    if EXEMPT.iter().any(|exempt| path.starts_with(exempt)) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let Ok(caller) = Caller::from_request_parts(&mut parts, &edge).await;
    let request = Request::from_parts(parts, body);
    let address = caller.origin.address.as_deref();
    // a token that cannot be looked up now is for the handler to say
    let signed_in = match caller.ctx().await {
        Ok(ctx) => ctx.is_some(),
        Err(error) => error.is_transient(),
    };
    let handles = &edge.handles;
    if signed_in || is_exempt(&handles.config, address) {
        let (mut response, used) = collect(next.run(request)).await;
        tell(&mut response, &used);
        return response;
    }
    let quota = handles.config.rates.rate_anonymous;
    let key = format!("anonymous:{:032x}", place(&handles.secrets, address));
    let now = handles.clock.now();
    let throttle = handles.kept.of::<Throttle>();
    let tried = throttle.count(&handles.bus, now, &key, &quota).await;
    let class = "anonymous";
    let mut told = vec![Used {
        class,
        quota,
        tried,
    }];
    let mut response = if tried.attempts > u64::from(quota.attempts) {
        envelope::failure(&caller.request_id, &Error::rate_limited(tried.rest))
    } else {
        let (response, used) = collect(next.run(request)).await;
        told.extend(used);
        response
    };
    tell(&mut response, &told);
    response
}

/// Names each class that counted a request, and what is left of it.
fn tell(response: &mut Response, used: &[Used]) {
    let policies = used.iter().map(|Used { class, quota, .. }| {
        let (limit, window) = (quota.attempts, quota.within.num_seconds());
        format!("\"{class}\";q={limit};w={window}")
    });
    let left = used.iter().map(
        |Used {
             class,
             quota,
             tried,
         }| {
            let left = u64::from(quota.attempts).saturating_sub(tried.attempts);
            let rest = (tried.rest.num_milliseconds().max(0) as u64).div_ceil(1_000);
            format!("\"{class}\";r={left};t={rest}")
        },
    );
    let told = [
        (POLICY, policies.collect::<Vec<_>>()),
        (LEFT, left.collect()),
    ];
    for (name, values) in told {
        if let Ok(value) = HeaderValue::from_str(&values.join(", "))
            && !values.is_empty()
        {
            response.headers_mut().insert(name, value);
        }
    }
}
