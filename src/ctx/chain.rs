//! The hashes of the event log: what makes a changed, missing or inserted event visible.

use chrono::{DateTime, SecondsFormat, Utc};
use entity::{EventId, TenantId, event};
use sha2::{Digest, Sha256};

/// Version of what is hashed.
const VERSION: &str = "1";

/// The hash before the first event of a log.
pub const ORIGIN: [u8; 32] = [0; 32];

/// What an event says, as it is hashed.
pub struct Content<'a> {
    /// Its id.
    pub id: EventId,
    /// Its public name.
    pub kind: &'a str,
    /// Who caused it.
    pub source_agent: &'a str,
    /// Who acted.
    pub actor: &'a str,
    /// What kind of thing it is about.
    pub subject_kind: &'a str,
    /// Which one.
    pub subject_id: uuid::Uuid,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The payload as stored.
    pub payload: &'a str,
    /// The diff as stored.
    pub diff: Option<&'a str>,
}

impl<'a> Content<'a> {
    /// What a stored event says.
    pub fn of(event: &'a event::Model) -> Self {
        Self {
            id: event.id,
            kind: &event.kind,
            source_agent: &event.source_agent,
            actor: &event.actor,
            subject_kind: &event.subject_kind,
            subject_id: event.subject_id,
            occurred_at: event.occurred_at,
            payload: &event.payload,
            diff: event.diff.as_deref(),
        }
    }

    /// SHA-256 over its parts, each with its length before it, so that no two contents share a text.
    pub fn hash(&self) -> [u8; 32] {
        let occurred_at = self
            .occurred_at
            .to_rfc3339_opts(SecondsFormat::Micros, true);
        let (id, subject_id) = (self.id.to_string(), self.subject_id.to_string());
        let parts = [
            VERSION,
            self.kind,
            &id,
            self.source_agent,
            self.actor,
            self.subject_kind,
            &subject_id,
            &occurred_at,
            self.payload,
            self.diff.unwrap_or(""),
        ];
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().into()
    }
}

/// SHA-256 over the hash before, the tenant, the sequence and the content: the link of the chain.
pub fn link(previous: &[u8], tenant: TenantId, sequence: i64, content_hash: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(tenant.0.as_bytes());
    hasher.update(sequence.to_be_bytes());
    hasher.update(content_hash);
    hasher.finalize().into()
}
