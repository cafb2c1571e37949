//! Versions of the REST edge: the beta that is empty, and routes that are about to leave.

use axum::Router;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::any;
use chrono::{NaiveDate, NaiveTime};

use super::Edge;
use super::caller::Caller;
use super::envelope;
use crate::graphql::refusal::Code;

/// A route that is about to leave.
pub struct Retirement {
    /// Since when it should not be used.
    since: NaiveDate,
    /// From when it may be gone.
    until: NaiveDate,
    /// What to use instead.
    successor: &'static str,
}

const OLDER_EVENTS: Retirement = Retirement {
    since: day(2026, 11, 21),
    until: day(2027, 12, 31),
    successor: "/api/v1/events",
};

/// `/api/v2`, where features are tried before they are promised. There are none.
pub fn beta() -> Router<Edge> {
    Router::new()
        .route("/api/v2", any(nothing_in_beta))
        .route("/api/v2/", any(nothing_in_beta))
        .route("/api/v2/{*rest}", any(nothing_in_beta))
}

async fn nothing_in_beta(caller: Caller) -> Response {
    let message = "no feature is in beta, so /api/v2 is empty; see /api/v1/openapi.json";
    let (status, code) = (StatusCode::NOT_FOUND, Code::NotFound);
    envelope::refuse(&caller.request_id, status, code, message, Vec::new())
}

/// `GET /api/events`: the older way to the event log, which leads to `/api/v1/events`.
#[utoipa::path(
    get, path = "/api/events", operation_id = "olderEventFeed", tag = "events", security(()),
    responses((
        status = 308, description = "To the versioned route, with the same parameters",
        headers(
            ("location" = String),
            ("Deprecation" = String, description = "Since when it should not be used (RFC 9745)"),
            ("Sunset" = String, description = "From when it may be gone (RFC 8594)"),
            ("Link" = String, description = "What to use instead"),
        ),
    )),
)]
pub async fn older_events(RawQuery(query): RawQuery) -> Response {
    let successor = OLDER_EVENTS.successor;
    let to = match query {
        Some(query) => format!("{successor}?{query}"),
        None => successor.to_owned(),
    };
    let mut response = Redirect::permanent(&to).into_response();
    OLDER_EVENTS.announce(response.headers_mut());
    response
}

impl Retirement {
    /// Tells a client when it has to be gone, and where to.
    pub fn announce(&self, headers: &mut HeaderMap) {
        let at = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        let sunset = at(self.until).format("%a, %d %b %Y %H:%M:%S GMT");
        let link = format!("<{}>; rel=\"successor-version\"", self.successor);
        let told = [
            ("deprecation", format!("@{}", at(self.since).timestamp())),
            ("sunset", sunset.to_string()),
            (header::LINK.as_str(), link),
        ];
        for (name, value) in told {
            let value = HeaderValue::from_str(&value).expect("dates and routes are plain text");
            headers.insert(name, value);
        }
    }
}

const fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("it is in the calendar")
}
