//! The event log over REST, read only, for downstream agents.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;

use super::Edge;
use super::caller::Caller;
use super::envelope;
use crate::error::{Error, Result};
use crate::events::{self, Cursor, Filter};

/// What can be asked of the feed.
#[derive(Deserialize)]
pub struct Asked {
    after: Option<String>,
    kinds: Option<String>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    first: Option<u64>,
}

/// `GET /api/v1/events?after=&kinds=A,B&from=&to=&first=`: events after a cursor, oldest first.
pub async fn feed(State(_): State<Edge>, caller: Caller, Query(asked): Query<Asked>) -> Response {
    match read(&caller, asked).await {
        Ok(page) => envelope::success(&caller, StatusCode::OK, page),
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}

async fn read(caller: &Caller, asked: Asked) -> Result<serde_json::Value> {
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
    let events: Vec<_> = page.events.iter().map(events::to_json).collect();
    Ok(json!({ "events": events, "cursor": page.cursor.to_string(), "hasMore": page.has_more }))
}
