//! The indexes of the tenants at work, bounded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use entity::TenantId;
use tokio::sync::RwLock;

use super::{Index, Space};

/// Memory all indexes may take, about.
const MAX_BYTES: usize = 256 * 1024 * 1024;
/// An index that nobody asked for this long is let go.
const IDLE: Duration = Duration::from_secs(15 * 60);

/// The index of one tenant in one space, and until when it has read the table.
#[derive(Debug)]
pub struct Held {
    /// The vectors.
    pub index: Index,
    /// The last approval that is in it.
    pub until: Option<DateTime<Utc>>,
}

impl Held {
    /// One with nothing in it.
    pub fn new(space: &Space) -> Self {
        Self {
            index: Index::new(space.dimension),
            until: None,
        }
    }
}

type Slot = Arc<RwLock<Held>>;

/// Indexes by tenant and space.
#[derive(Default)]
pub struct Shelf {
    kept: Mutex<HashMap<(TenantId, Space), Kept>>,
}

struct Kept {
    slot: Slot,
    bytes: usize,
    used: Instant,
}

impl Shelf {
    /// The index of a tenant, empty when there was none.
    pub fn find(&self, tenant: TenantId, space: &Space) -> Slot {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = kept.entry((tenant, space.clone())).or_insert_with(|| Kept {
            slot: Arc::new(RwLock::new(Held::new(space))),
            bytes: 0,
            used: Instant::now(),
        });
        entry.used = Instant::now();
        Arc::clone(&entry.slot)
    }

    /// Notes what an index takes, and lets go of what is idle or too much; never of the one just used.
    pub fn note(&self, tenant: TenantId, space: &Space, bytes: usize) {
        self.tidy(&(tenant, space.clone()), bytes, Instant::now());
    }

    /// Forgets a tenant's index: what is in the table is read anew.
    pub fn forget(&self, tenant: TenantId, space: &Space) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(&(tenant, space.clone()));
    }

    fn tidy(&self, used: &(TenantId, Space), bytes: usize, now: Instant) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = kept.get_mut(used) {
            entry.bytes = bytes;
        }
        kept.retain(|key, entry| key == used || now.saturating_duration_since(entry.used) < IDLE);
        let mut total: usize = kept.values().map(|entry| entry.bytes).sum();
        while total > MAX_BYTES {
            let oldest = kept
                .iter()
                .filter(|(key, _)| *key != used)
                .min_by_key(|(_, entry)| entry.used)
                .map(|(key, _)| key.clone());
            let Some(gone) = oldest.and_then(|key| kept.remove(&key)) else {
                return;
            };
            total -= gone.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_too_much_goes_the_longest_unused_first() {
        let shelf = Shelf::default();
        let tenant = |n| TenantId(Uuid::from_u128(n));
        for n in 1..=3 {
            shelf.find(tenant(n), &Space::hashed());
            shelf.note(tenant(n), &Space::hashed(), MAX_BYTES / 2);
        }
        let kept = |n| {
            let kept = shelf.kept.lock().unwrap();
            kept.contains_key(&(tenant(n), Space::hashed()))
        };
        assert!(!kept(1) && kept(2) && kept(3));
        let later = Instant::now() + IDLE;
        shelf.tidy(&(tenant(2), Space::hashed()), 1, later);
        assert!(kept(2) && !kept(3));
    }
}
