//! The event log over REST, read only, for downstream agents.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Edge;
use super::caller::Caller;
use super::envelope;
use super::shapes::{EventPage, Success};
use crate::error::{Error, Result};
use crate::events::{self, Cursor, Filter};

/// What can be asked of the feed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// A cursor, or `START`, which is the default.
    #[param(example = "START")]
    after: Option<String>,
    /// Public names of kinds, comma separated; all kinds when absent.
    #[param(example = "TX_APPROVED,TX_REJECTED")]
    kinds: Option<String>,
    /// Recorded from this instant, included.
    #[param(example = "2026-11-01T00:00:00Z")]
    from: Option<DateTime<Utc>>,
    /// Recorded to this instant, excluded.
    #[param(example = "2026-12-01T00:00:00Z")]
    to: Option<DateTime<Utc>>,
    /// How many; 100 when absent.
    #[param(minimum = 1, maximum = 500, example = 100)]
    first: Option<u64>,
}

/// `GET /api/v1/events?after=&kinds=A,B&from=&to=&first=`: events after a cursor, oldest first.
#[utoipa::path(
    get, path = "/api/v1/events", operation_id = "eventFeed", tag = "events", security(("bearer" = []), ("cookie" = [])),
    params(Asked),
    responses((status = 200, description = "A page of the log", body = Success<EventPage>)),
)]
pub async fn feed(State(_): State<Edge>, caller: Caller, Query(asked): Query<Asked>) -> Response {
    match read(&caller, asked).await {
        Ok(page) => envelope::success(&caller, StatusCode::OK, page),
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}

async fn read(caller: &Caller, asked: Asked) -> Result<EventPage> {
    let ctx = caller.signed_in().await?;
    let after = Cursor::parse(asked.after.as_deref().unwrap_or("START"))?;
    let first = asked.first.unwrap_or(100);
    if !(1..=500).contains(&first) {
        return Err(Error::invalid(
            "first",
            format!("is {first}; 1 to 500 are accepted"),
        ));
    }
    let kinds = asked.kinds.as_deref().unwrap_or_default();
    let kinds = kinds
        .split(',')
        .map(str::trim)
        .filter(|kind| !kind.is_empty())
        .map(str::to_owned)
        .collect();
    let filter = Filter {
        kinds,
        from: asked.from,
        to: asked.to,
        ..Filter::default()
    };
    let page = events::feed(&ctx, after, &filter, first).await?;
    Ok(EventPage {
        events: page.events.iter().map(events::to_json).collect(),
        cursor: page.cursor.to_string(),
        has_more: page.has_more,
    })
}
