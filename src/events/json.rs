//! An event as it leaves: the same over REST and in whatever carries JSON.

use chrono::SecondsFormat;
use entity::event;
use serde_json::{Value, json};

use super::Cursor;

/// An event with everything it says. The hashes are those of the log, in hexadecimal digits.
pub fn to_json(event: &event::Model) -> Value {
    let instant =
        |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
    json!({
        "cursor": Cursor::of(event).to_string(),
        "sequence": event.sequence,
        "id": event.id,
        "kind": event.kind,
        "sourceAgent": event.source_agent,
        "actor": event.actor,
        "subject": { "kind": event.subject_kind, "id": event.subject_id },
        "payload": parse(&event.payload),
        "diff": event.diff.as_deref().map(parse),
        "occurredAt": instant(event.occurred_at),
        "recordedAt": instant(event.recorded_at),
        "contentHash": hex(&event.content_hash),
        "hash": hex(&event.hash),
    })
}

/// What was stored is canonical JSON; if it is not any more, it is shown as the text it is.
pub(super) fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
