//! The last events of one log, shared by all who follow it.

use std::collections::VecDeque;
use std::sync::Arc;

use entity::event;

/// Events that are kept at hand.
const KEPT: usize = 1_000;

/// The events after `floor` up to `end()`, without gaps.
pub(super) struct Ring {
    floor: i64,
    events: VecDeque<Arc<event::Model>>,
}

/// What a ring has for a reader.
pub(super) enum Taken {
    /// What follows its place.
    Events(Vec<Arc<event::Model>>),
    /// Nothing yet.
    Nothing,
    /// What follows its place has left the ring: the database has it.
    Left,
}

impl Ring {
    /// An empty ring at a place.
    pub(super) fn at(floor: i64) -> Self {
        Self {
            floor,
            events: VecDeque::new(),
        }
    }

    /// The last sequence it has seen.
    pub(super) fn end(&self) -> i64 {
        self.events.back().map_or(self.floor, |last| last.sequence)
    }

    /// Takes in what follows its end; the oldest give way.
    pub(super) fn extend(&mut self, events: impl IntoIterator<Item = event::Model>) {
        for event in events {
            debug_assert_eq!(event.sequence, self.end() + 1, "a ring has no gaps");
            self.events.push_back(Arc::new(event));
        }
        while self.events.len() > KEPT {
            self.floor = self
                .events
                .pop_front()
                .map_or(self.floor, |gone| gone.sequence);
        }
    }

    /// What follows a place, at most `limit`.
    pub(super) fn after(&self, sequence: i64, limit: usize) -> Taken {
        if sequence >= self.end() {
            return Taken::Nothing;
        }
        let Ok(skip) = usize::try_from(sequence - self.floor) else {
            return Taken::Left;
        };
        Taken::Events(self.events.range(skip..).take(limit).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use entity::{EventId, TenantId};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn event(sequence: i64) -> event::Model {
        event::Model {
            tenant_id: TenantId(Uuid::nil()),
            sequence,
            id: EventId(Uuid::from_u128(sequence as u128)),
            kind: "PROCESSED".to_owned(),
            source_agent: "balance".to_owned(),
            actor: "system".to_owned(),
            subject_kind: "record".to_owned(),
            subject_id: Uuid::nil(),
            payload: "{}".to_owned(),
            diff: None,
            occurred_at: DateTime::UNIX_EPOCH,
            recorded_at: DateTime::UNIX_EPOCH,
            content_hash: Vec::new(),
            hash: Vec::new(),
        }
    }

    proptest! {
        #[test]
        fn readers_of_any_pace_see_each_event_once_in_order(
            from in 0_i64..50,
            steps in prop::collection::vec((0_i64..400, 1_usize..200), 1..30),
        ) {
            let mut ring = Ring::at(from);
            let mut at = from;
            for (written, limit) in steps {
                let end = ring.end();
                ring.extend((end + 1..=end + written).map(event));
                prop_assert_eq!(ring.end(), end + written);
                match ring.after(at, limit) {
                    Taken::Events(events) => {
                        prop_assert!(events.len() <= limit && !events.is_empty());
                        for event in events {
                            prop_assert_eq!(event.sequence, at + 1);
                            at = event.sequence;
                        }
                    }
                    Taken::Nothing => prop_assert_eq!(at, ring.end()),
                    Taken::Left => {
                        prop_assert!(ring.end() - at > KEPT as i64);
                        // the database would have it
                        at = ring.end() - KEPT as i64;
                    }
                }
            }
        }
    }

    #[test]
    fn a_reader_ahead_of_the_ring_waits_for_it() {
        let mut ring = Ring::at(5);
        assert!(matches!(ring.after(9, 10), Taken::Nothing));
        ring.extend((6..=10).map(event));
        let Taken::Events(events) = ring.after(9, 10) else {
            panic!("the ring has passed the reader");
        };
        assert_eq!(events[0].sequence, 10);
        assert!(matches!(ring.after(4, 10), Taken::Left));
    }
}
