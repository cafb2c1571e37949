//! What was worked out before, kept for as long as what it was made of has not changed.
//!
//! A key names the state that a value was made from, such as the head of a tenant's log. A change makes another key, on
//! every node and at the moment it commits, so nothing has to be forgotten in time and nothing is ever out of date; what
//! nobody asks for any more grows old and leaves. The same goes for who asks: what limits them is part of the key.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

/// How long a value is kept.
const LIFE: TimeDelta = TimeDelta::minutes(5);
/// What all values may weigh together, in bytes as their keepers estimate them.
const CAPACITY: usize = 32 * 1024 * 1024;

/// The name of a value: a hash of all it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of these parts; each is told apart from the next.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

/// Values of one kind that this process made lately.
pub struct Recent<T> {
    kept: Mutex<Kept<T>>,
    found: AtomicU64,
}

struct Kept<T> {
    values: HashMap<Key, Entry<T>>,
    weight: usize,
}

struct Entry<T> {
    value: Arc<T>,
    weight: usize,
    at: DateTime<Utc>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        let (values, weight) = (HashMap::new(), 0);
        Self {
            kept: Mutex::new(Kept { values, weight }),
            found: AtomicU64::new(0),
        }
    }
}

impl<T> Recent<T> {
    /// The value of a key, if it was made lately.
    pub fn find(&self, key: &Key, now: DateTime<Utc>) -> Option<Arc<T>> {
        let kept = self.lock();
        let entry = kept.values.get(key).filter(|entry| entry.is_good(now))?;
        self.found.fetch_add(1, Ordering::Relaxed);
        Some(Arc::clone(&entry.value))
    }

    /// Keeps a value; the oldest make room.
    pub fn keep(&self, key: Key, value: Arc<T>, weight: usize, now: DateTime<Utc>) {
        if weight > CAPACITY / 8 {
            return;
        }
        let mut kept = self.lock();
        kept.forget(&key);
        if kept.weight + weight > CAPACITY {
            kept.make_room(now);
        }
        kept.weight += weight;
        let at = now;
        kept.values.insert(key, Entry { value, weight, at });
    }

    /// How often a value was there.
    pub fn found(&self) -> u64 {
        self.found.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Kept<T> {
    fn forget(&mut self, key: &Key) {
        if let Some(gone) = self.values.remove(key) {
            self.weight -= gone.weight;
        }
    }

    /// Lets go of what is too old, and of the older half if that is not enough: seldom, so that it costs little.
    fn make_room(&mut self, now: DateTime<Utc>) {
        self.values.retain(|_, entry| entry.is_good(now));
        self.weigh();
        if self.weight > CAPACITY / 2 {
            let mut ages: Vec<_> = self.values.values().map(|entry| entry.at).collect();
            let middle = ages.len() / 2;
            let (.., median, _) = ages.select_nth_unstable(middle);
            let median = *median;
            self.values.retain(|_, entry| entry.at > median);
            self.weigh();
        }
    }

    fn weigh(&mut self) {
        self.weight = self.values.values().map(|entry| entry.weight).sum();
    }
}

impl<T> Entry<T> {
    fn is_good(&self, now: DateTime<Utc>) -> bool {
        // a clock that was set back makes nothing live longer
        now >= self.at && now - self.at < LIFE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_secs(1_772_442_000 + seconds).unwrap()
    }

    #[test]
    fn a_value_is_kept_for_its_key_and_its_time() {
        let (cache, key) = (Recent::default(), Key::of(&[b"a", b"b"]));
        cache.keep(key, Arc::new(7), 1, at(0));
        assert_eq!(cache.find(&key, at(299)).as_deref(), Some(&7));
        assert_eq!(cache.find(&key, at(300)), None);
        assert_eq!(cache.find(&key, at(-1)), None);
        assert_eq!(cache.find(&Key::of(&[b"ab"]), at(0)), None);
        assert_eq!(cache.find(&Key::of(&[b"a", b"", b"b"]), at(0)), None);
        assert_eq!(cache.found(), 1);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let cache = Recent::default();
        let key = |n: usize| Key::of(&[&n.to_be_bytes()]);
        let large = CAPACITY / 10;
        for n in 0..100 {
            cache.keep(key(n), Arc::new(n), large, at(n as i64));
            assert!(cache.lock().weight <= CAPACITY);
            assert_eq!(cache.find(&key(n), at(n as i64)).as_deref(), Some(&n));
        }
        assert!(cache.find(&key(90), at(99)).is_none() || cache.lock().values.len() <= 10);
        cache.keep(key(1_000), Arc::new(0), CAPACITY, at(100));
        assert_eq!(
            cache.find(&key(1_000), at(100)),
            None,
            "one value is not all"
        );
        // all at one moment, too
        let cache = Recent::default();
        (0..100).for_each(|n| cache.keep(key(n), Arc::new(n), large, at(0)));
        assert!(cache.lock().weight <= CAPACITY);
    }
}
