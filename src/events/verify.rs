//! The proof that a log is whole: every hash made again, every place in order, the head where it says.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::{TenantId, event, stream_head};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::ctx::{Ctx, Handles, chain};
use crate::error::{Error, Result};

/// Events looked at in one statement.
const PAGE: u64 = 1_000;

/// Problems that are told; a log with more is not read further.
const ENOUGH: usize = 100;

/// What looking at a whole log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Events looked at.
    pub events: u64,
    /// The last sequence, as the head tells.
    pub head: i64,
    /// What is wrong, in order; nothing in a log that is whole. At most a hundred are told.
    pub problems: Vec<Problem>,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Something wrong in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The first sequence it concerns.
    pub sequence: i64,
    /// What is wrong there.
    pub what: String,
}

/// Reads the whole log of a tenant up to its head of now, and makes every hash again. Events that come meanwhile are
/// left for the next time; no transaction is held open over the length of a log.
pub async fn verify(handles: &Arc<Handles>, tenant: TenantId) -> Result<Verdict> {
    let ctx = Ctx::system(Arc::clone(handles), tenant);
    let (head, beyond) = head(&ctx).await?;
    let mut chain = Chain::new(tenant);
    while chain.sequence < head.sequence && chain.problems.len() < ENOUGH {
        ctx.refresh().await;
        let read = ctx.read().await?;
        let events = read
            .select::<event::Entity>()
            .filter(event::Column::Sequence.gt(chain.sequence))
            .filter(event::Column::Sequence.lte(head.sequence))
            .order_by_asc(event::Column::Sequence)
            .limit(PAGE)
            .all(read.on())
            .await?;
        if events.is_empty() {
            break;
        }
        events.iter().for_each(|event| chain.check(event));
    }
    let events = chain.events;
    let mut problems = chain.finish(&head);
    problems.extend(beyond);
    Ok(Verdict {
        events,
        head: head.sequence,
        problems,
    })
}

/// The head, and whether events lie beyond it: both of one moment.
async fn head(ctx: &Ctx) -> Result<(stream_head::Model, Option<Problem>)> {
    let read = ctx.snapshot().await?;
    let head = read
        .select::<stream_head::Entity>()
        .one(read.on())
        .await?
        .ok_or(Error::NotFound("event log"))?;
    let beyond: Option<i64> = read
        .select::<event::Entity>()
        .select_only()
        .column(event::Column::Sequence)
        .filter(event::Column::Sequence.gt(head.sequence))
        .order_by_asc(event::Column::Sequence)
        .limit(1)
        .into_tuple()
        .one(read.on())
        .await?;
    let beyond = beyond.map(|sequence| Problem {
        sequence,
        what: format!("it lies beyond the head, which is at {}", head.sequence),
    });
    Ok((head, beyond))
}

/// A log as far as it has been looked at.
struct Chain {
    tenant: TenantId,
    events: u64,
    sequence: i64,
    hash: Vec<u8>,
    recorded_at: DateTime<Utc>,
    problems: Vec<Problem>,
}

impl Chain {
    fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            events: 0,
            sequence: 0,
            hash: chain::ORIGIN.to_vec(),
            recorded_at: DateTime::<Utc>::MIN_UTC,
            problems: Vec::new(),
        }
    }

    /// Looks at the next event. The stored hashes are taken as given for what follows: one change is one problem.
    fn check(&mut self, event: &event::Model) {
        let expected = self.sequence + 1;
        if event.sequence != expected {
            let last = event.sequence - 1;
            let what = if last == expected {
                "it is missing".to_owned()
            } else {
                format!("everything from here to {last} is missing")
            };
            self.found(expected, what);
        }
        let content_hash = chain::Content::of(event).hash();
        if event.content_hash != content_hash {
            self.found(event.sequence, "what it says was changed");
        }
        let link = chain::link(&self.hash, self.tenant, event.sequence, &event.content_hash);
        // after a gap the hash before is not known; the gap has been told
        if event.hash != link && event.sequence == expected {
            self.found(
                event.sequence,
                "its hash does not follow from the one before",
            );
        }
        if event.recorded_at < self.recorded_at {
            self.found(event.sequence, "it was recorded before the one before it");
        }
        self.events += 1;
        self.sequence = event.sequence;
        self.hash.clone_from(&event.hash);
        self.recorded_at = event.recorded_at;
    }

    /// Compares the end with the head.
    fn finish(mut self, head: &stream_head::Model) -> Vec<Problem> {
        if self.problems.len() >= ENOUGH {
            self.problems.truncate(ENOUGH);
            return self.problems;
        }
        if self.sequence != head.sequence {
            self.found(
                self.sequence + 1,
                format!(
                    "the log ends before it, and the head is at {}",
                    head.sequence
                ),
            );
        } else if self.hash != head.hash {
            self.found(head.sequence, "the hash of the head is another");
        } else if self.events > 0 && self.recorded_at != head.recorded_at {
            self.found(head.sequence, "the time of the head is another");
        }
        self.problems
    }

    fn found(&mut self, sequence: i64, what: impl Into<String>) {
        let what = what.into();
        self.problems.push(Problem { sequence, what });
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use entity::EventId;
    use uuid::Uuid;

    use super::*;

    const TENANT: TenantId = TenantId(Uuid::from_u128(7));

    fn log(length: i64) -> (Vec<event::Model>, stream_head::Model) {
        let mut hash = chain::ORIGIN.to_vec();
        let mut events = Vec::new();
        for sequence in 1..=length {
            let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(sequence);
            let mut event = event::Model {
                tenant_id: TENANT,
                sequence,
                id: EventId(Uuid::from_u128(sequence as u128)),
                kind: "PROCESSED".to_owned(),
                source_agent: "balance".to_owned(),
                actor: "system".to_owned(),
                subject_kind: "record".to_owned(),
                subject_id: Uuid::nil(),
                payload: "{}".to_owned(),
                diff: None,
                occurred_at: at,
                recorded_at: at,
                content_hash: Vec::new(),
                hash: Vec::new(),
            };
            event.content_hash = chain::Content::of(&event).hash().to_vec();
            hash = chain::link(&hash, TENANT, sequence, &event.content_hash).to_vec();
            event.hash.clone_from(&hash);
            events.push(event);
        }
        let head = stream_head::Model {
            tenant_id: TENANT,
            sequence: length,
            hash,
            recorded_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(length),
            access_sequence: 0,
        };
        (events, head)
    }

    fn problems(events: &[event::Model], head: &stream_head::Model) -> Vec<(i64, String)> {
        let mut chain = Chain::new(TENANT);
        events.iter().for_each(|event| chain.check(event));
        let problems = chain.finish(head);
        problems.into_iter().map(|p| (p.sequence, p.what)).collect()
    }

    #[test]
    fn a_log_that_nobody_touched_is_whole() {
        for length in [0, 1, 9] {
            let (events, head) = log(length);
            assert_eq!(problems(&events, &head), []);
        }
    }

    #[test]
    fn a_changed_event_is_found_where_it_is_and_only_there() {
        let (mut events, head) = log(9);
        events[4].payload = r#"{"amount":"1"}"#.to_owned();
        let found = [(5, "what it says was changed".to_owned())];
        assert_eq!(problems(&events, &head), found);
        // even when the hash of its content is made to fit
        events[4].content_hash = chain::Content::of(&events[4]).hash().to_vec();
        let found = [(5, "its hash does not follow from the one before".to_owned())];
        assert_eq!(problems(&events, &head), found);
    }

    #[test]
    fn missing_events_are_found_wherever_they_were() {
        let (events, head) = log(9);
        assert_eq!(
            problems(&events[2..], &head),
            [(1, "everything from here to 2 is missing".to_owned())]
        );
        let without = [&events[..4], &events[5..]].concat();
        assert_eq!(problems(&without, &head), [(5, "it is missing".to_owned())]);
        assert_eq!(problems(&events[..7], &head)[0].0, 8);
    }

    #[test]
    fn events_in_another_order_and_another_head_are_found() {
        let (mut events, mut head) = log(3);
        events[2].recorded_at = DateTime::UNIX_EPOCH;
        assert_eq!(
            problems(&events, &head)[0].1,
            "it was recorded before the one before it"
        );
        let (events, _) = log(3);
        head.hash[0] ^= 1;
        assert_eq!(
            problems(&events, &head),
            [(3, "the hash of the head is another".to_owned())]
        );
    }
}
