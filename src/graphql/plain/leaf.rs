//! Scalars and enums that write themselves, as async-graphql would.

use async_graphql::resolver_utils::EnumType;
use async_graphql::{ID, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::graphql::accounts::AccountKind;
use crate::graphql::approvals::ApprovalStatus;
use crate::graphql::categories::CategoryKind;
use crate::graphql::decisions::DecisionSource;
use crate::graphql::records::RecordStatus;
use crate::graphql::scalar::{Date, Decimal};

/// A scalar or an enum that writes itself as JSON.
pub trait Leaf {
    /// Writes it.
    fn write(&self, out: &mut Vec<u8>);
}

/// Writes through serde. Writing to memory cannot fail, and what is written has text keys only.
fn json(value: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

macro_rules! through_serde {
    ($($type:ty),*) => {
        $(impl Leaf for $type {
            fn write(&self, out: &mut Vec<u8>) {
                json(self, out);
            }
        })*
    };
}
through_serde!(str, String, Vec<String>, bool, i32, i64, f64);

impl Leaf for std::borrow::Cow<'_, str> {
    fn write(&self, out: &mut Vec<u8>) {
        json(&**self, out);
    }
}

impl Leaf for ID {
    fn write(&self, out: &mut Vec<u8>) {
        json(self.as_str(), out);
    }
}

impl Leaf for Date {
    fn write(&self, out: &mut Vec<u8>) {
        json(&self.0, out);
    }
}

impl Leaf for Decimal {
    fn write(&self, out: &mut Vec<u8>) {
        json(&self.0, out);
    }
}

impl Leaf for DateTime<Utc> {
    fn write(&self, out: &mut Vec<u8>) {
        // serde would end it with `Z`
        json(&self.to_rfc3339(), out);
    }
}

impl<T: Serialize> Leaf for Json<T> {
    fn write(&self, out: &mut Vec<u8>) {
        json(&self.0, out);
    }
}

impl<T: Leaf> Leaf for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

macro_rules! enums {
    ($($type:ty),* $(,)?) => {
        $(impl Leaf for $type {
            fn write(&self, out: &mut Vec<u8>) {
                let item = Self::items().iter().find(|item| item.value == *self);
                json(&item.map(|item| item.name), out);
            }
        })*
    };
}
enums!(
    AccountKind,
    ApprovalStatus,
    CategoryKind,
    DecisionSource,
    RecordStatus
);
