//! GraphQL over Server-Sent Events: the distinct connections mode of graphql-sse
//! (<https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>), one operation a request.
//!
//! Comments tell where the stream stands. Where the operation names its `after`, events carry their cursors as ids too:
//! an `EventSource` that lost its connection sends the last one back, and that is where it goes on.

use std::time::Duration;

use async_graphql::ServerError;
use axum::body::Bytes;

use super::access::Ending;
use super::streaming::Told;
use crate::events::Cursor;

/// How often a quiet stream says that it is there; proxies give up after 30 s or more.
pub const BEAT: Duration = Duration::from_secs(12);

/// The end as the protocol has it. Without `data` an `EventSource` would not tell of it.
const COMPLETE: &str = "event: complete\ndata:\n\n";

/// One thing told, as bytes of an event stream; `ids` when cursors are ids of events.
pub fn write(told: Told, ids: bool) -> Bytes {
    let id = |cursor: Option<Cursor>| match cursor {
        Some(cursor) if ids => format!("id: {cursor}\n"),
        _ => String::new(),
    };
    match told {
        Told::Beat(None) => Bytes::from_static(b":\n\n"),
        Told::Beat(Some(cursor)) => {
            Bytes::from(format!(": cursor {cursor}\n{}\n", id(Some(cursor))))
        }
        Told::Next(json, cursor) => {
            let head = format!("event: next\n{}data: ", id(cursor));
            let mut event = Vec::with_capacity(head.len() + json.len() + 2);
            event.extend_from_slice(head.as_bytes());
            // JSON has no line breaks of its own
            event.extend_from_slice(&json);
            event.extend_from_slice(b"\n\n");
            Bytes::from(event)
        }
        Told::End => Bytes::from_static(COMPLETE.as_bytes()),
        // not complete: a client that misses the end connects again, elsewhere
        Told::Cut(Ending::Stopping, error) => Bytes::from(format!(": {}\n\n", error.message)),
        Told::Cut(_, error) => refused(&error),
    }
}

/// A stream that tells an error and is over.
pub fn refused(error: &ServerError) -> Bytes {
    let errors = serde_json::json!({ "errors": [error] });
    Bytes::from(format!("event: next\ndata: {errors}\n\n{COMPLETE}"))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn written(told: Told, ids: bool) -> String {
        String::from_utf8(write(told, ids).into()).unwrap()
    }

    #[test]
    fn events_are_written_as_the_protocol_has_them() {
        let cursor = Cursor::new(7, DateTime::UNIX_EPOCH);
        let next = || Told::Next(b"{\"data\":1}".to_vec(), Some(cursor));
        assert_eq!(
            written(next(), false),
            "event: next\ndata: {\"data\":1}\n\n"
        );
        assert_eq!(
            written(next(), true),
            format!("event: next\nid: {cursor}\ndata: {{\"data\":1}}\n\n")
        );
        assert_eq!(written(Told::Beat(None), true), ":\n\n");
        assert_eq!(
            written(Told::Beat(Some(cursor)), false),
            format!(": cursor {cursor}\n\n")
        );
        assert_eq!(
            written(Told::Beat(Some(cursor)), true),
            format!(": cursor {cursor}\nid: {cursor}\n\n")
        );
        assert_eq!(written(Told::End, true), "event: complete\ndata:\n\n");
    }

    #[test]
    fn only_a_server_that_goes_away_leaves_the_stream_open_ended() {
        let cut = |ending: Ending| {
            let error = ending.refusal().into_server_error("req-1");
            written(Told::Cut(ending, error), false)
        };
        let expired = cut(Ending::Expired);
        assert!(expired.contains("UNAUTHENTICATED") && expired.ends_with(COMPLETE));
        let stopping = cut(Ending::Stopping);
        assert!(stopping.starts_with(':') && !stopping.contains("event"));
    }
}
