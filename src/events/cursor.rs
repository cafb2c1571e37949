//! A place in the log of a tenant, as clients keep it.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use entity::event;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};

/// Says how the bytes that follow are to be read.
const VERSION: &[u8; 2] = b"v1";

/// The place before the oldest event that is kept, as clients write it.
const START: &str = "START";

/// A place in the log of a tenant: after the event of that sequence. Opaque to clients. It carries when that event was
/// recorded, so that a log cut into parts by time can be read on from the right part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    sequence: i64,
    recorded_at: DateTime<Utc>,
}

impl Cursor {
    /// Before the oldest event that is kept, whichever that is.
    pub const START: Self = Self {
        sequence: -1,
        recorded_at: DateTime::UNIX_EPOCH,
    };

    /// After the event of that sequence; 0 is before the first.
    pub fn new(sequence: i64, recorded_at: DateTime<Utc>) -> Self {
        Self {
            sequence,
            recorded_at,
        }
    }

    /// After an event.
    pub fn of(event: &event::Model) -> Self {
        Self::new(event.sequence, event.recorded_at)
    }

    /// Reads the text that clients keep, or `START`.
    pub fn parse(text: &str) -> Result<Self> {
        text.parse()
    }

    /// The sequence of the last event before this place; 0 when there is none, and for [`START`](Self::START).
    pub fn sequence(self) -> i64 {
        self.sequence.max(0)
    }

    /// Whether it means the oldest event kept rather than a place.
    pub fn is_start(self) -> bool {
        self == Self::START
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_start() {
            return f.write_str(START);
        }
        let mut bytes = [0; 18];
        bytes[..2].copy_from_slice(VERSION);
        bytes[2..10].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[10..].copy_from_slice(&self.recorded_at.timestamp_micros().to_be_bytes());
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == START {
            return Ok(Self::START);
        }
        read(text).ok_or_else(|| {
            Error::invalid(
                "after",
                "is no cursor of this log; use a `cursor` it gave, or START",
            )
        })
    }
}

fn read(text: &str) -> Option<Cursor> {
    let bytes: [u8; 18] = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    if bytes[..2] != VERSION[..] {
        return None;
    }
    let sequence = i64::from_be_bytes(bytes[2..10].try_into().ok()?);
    let micros = i64::from_be_bytes(bytes[10..].try_into().ok()?);
    let recorded_at = DateTime::from_timestamp_micros(micros)?;
    (sequence >= 0).then_some(Cursor::new(sequence, recorded_at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_reads_back(sequence in 0..=i64::MAX, micros in 0..4_102_444_800_000_000_i64) {
            let cursor = Cursor::new(sequence, DateTime::from_timestamp_micros(micros).unwrap());
            prop_assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        }

        #[test]
        fn any_other_text_is_refused_without_a_panic(text in "\\PC{0,30}") {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }
    }

    #[test]
    fn start_is_a_word_and_no_place() {
        let start: Cursor = "START".parse().unwrap();
        assert!(start.is_start());
        assert_eq!((start.sequence(), start.to_string().as_str()), (0, "START"));
        assert!(!Cursor::new(0, DateTime::UNIX_EPOCH).is_start());
    }
}
