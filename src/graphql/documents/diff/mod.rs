//! What changed between two schemas, and for whom it breaks something.
//!
//! *Breaking*: a document that was valid may be no more, or its answer may have another shape. *Dangerous*: documents
//! stay valid, but a client may meet a value or a type it has never seen. *Safe*: everything else. The rules are those of
//! the reference implementation's `findBreakingChanges` and `findDangerousChanges`.

mod compare;
mod model;
mod types;

pub use compare::compare;
pub use model::Model;

/// For whom a change matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Documents break.
    Breaking,
    /// Clients may be surprised.
    Dangerous,
    /// Nobody notices who does not look.
    Safe,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// For whom it matters.
    pub severity: Severity,
    /// The member, such as `Record.amount` or `Query.records(first:)`.
    pub member: String,
    /// What happened to it.
    pub what: String,
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Breaking => "breaking",
            Self::Dangerous => "dangerous",
            Self::Safe => "safe",
        })
    }
}

#[cfg(test)]
mod tests;
