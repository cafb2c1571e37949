//! How often something may be tried: counted in Redis when there is one, so that all processes count together, else in
//! this process. A Redis that does not answer is stood in for by this process, so counting never fails and never stops
//! anybody for longer than a count would.
//!
//! Three kinds of count: attempts within a window of time; failures that make the next attempt wait, ever longer; and
//! points, which are spent and come back.

mod entrance;
mod link;
mod local;
mod place;
mod points;
mod redis;
mod redis_points;
mod used;

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
pub use entrance::{Entrance, Full};
pub use place::{is_exempt, place};
pub use points::{Balance, Payer, Terms};
pub use used::{Used, collect, note};

use self::link::Link;
use self::local::Local;
use self::points::Points;
use crate::bus::Bus;
pub use crate::config::Quota;

/// How failures make the next attempt wait.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Failures that cost nothing.
    pub free: u32,
    /// The wait after the next one; each further failure doubles it.
    pub first: TimeDelta,
    /// The longest wait.
    pub longest: TimeDelta,
    /// After how long without a failure all is forgotten.
    pub forget: TimeDelta,
}

/// How often something was tried in a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Attempts so far, this one included.
    pub attempts: u64,
    /// When the next window begins.
    pub rest: TimeDelta,
}

/// The counts of a process, or its way to those in Redis.
#[derive(Default)]
pub struct Throttle {
    local: Mutex<Local>,
    points: Points,
    link: Link,
}

impl Throttle {
    /// How long to wait until none of these keys is held back by failures any more; nothing when none is.
    pub async fn wait(&self, bus: &Bus, now: DateTime<Utc>, keys: &[&str]) -> Option<TimeDelta> {
        let wait = match bus.redis() {
            Some(shared) => redis::wait(&self.link, shared, now, keys).await,
            None => None,
        };
        let wait = wait.unwrap_or_else(|| self.local().wait(now, keys));
        (wait > TimeDelta::zero()).then_some(wait)
    }

    /// Counts a failure.
    pub async fn failed(&self, bus: &Bus, now: DateTime<Utc>, key: &str, patience: &Patience) {
        let counted = match bus.redis() {
            Some(shared) => redis::failed(&self.link, shared, now, key, patience).await,
            None => None,
        };
        if counted.is_none() {
            self.local().failed(now, key, patience);
        }
    }

    /// Forgets the failures of a key.
    pub async fn clear(&self, bus: &Bus, key: &str) {
        if let Some(shared) = bus.redis() {
            redis::clear(shared, key).await;
        }
        self.local().clear(key);
    }

    /// Counts an attempt; how long to wait when the quota is used up.
    pub async fn attempt(
        &self,
        bus: &Bus,
        now: DateTime<Utc>,
        key: &str,
        quota: &Quota,
    ) -> Option<TimeDelta> {
        let tried = self.count(bus, now, key, quota).await;
        (tried.attempts > u64::from(quota.attempts)).then_some(tried.rest)
    }

    /// Counts an attempt; how often it was tried in this window.
    pub async fn count(&self, bus: &Bus, now: DateTime<Utc>, key: &str, quota: &Quota) -> Tried {
        let length = quota.within.num_milliseconds().max(1);
        let window = now.timestamp_millis().div_euclid(length);
        let counted = match bus.redis() {
            Some(shared) => redis::attempt(&self.link, shared, window, key, quota).await,
            None => None,
        };
        Tried {
            attempts: counted.unwrap_or_else(|| self.local().attempt(now, window, key, quota)),
            rest: TimeDelta::milliseconds((window + 1) * length - now.timestamp_millis()),
        }
    }

    /// Takes points from the buckets of a payer, from all or from none.
    pub async fn take(
        &self,
        bus: &Bus,
        now: DateTime<Utc>,
        payer: Payer,
        terms: &Terms,
        cost: u64,
    ) -> Balance {
        let shared = match bus.redis() {
            Some(shared) => redis_points::take(&self.link, shared, payer, terms, cost).await,
            None => None,
        };
        shared.unwrap_or_else(|| self.points.take(now, payer, terms, cost))
    }

    /// Gives points back.
    pub async fn give(
        &self,
        bus: &Bus,
        now: DateTime<Utc>,
        payer: Payer,
        terms: &Terms,
        points: u64,
    ) {
        let shared = match bus.redis() {
            Some(shared) => redis_points::give(&self.link, shared, payer, terms, points).await,
            None => None,
        };
        if shared.is_none() {
            self.points.give(now, payer, terms, points);
        }
    }

    fn local(&self) -> std::sync::MutexGuard<'_, Local> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        free: 2,
        first: TimeDelta::seconds(5),
        longest: TimeDelta::seconds(30),
        forget: TimeDelta::minutes(15),
    };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
    }

    #[tokio::test]
    async fn failures_make_the_next_attempt_wait_ever_longer() {
        let (throttle, bus) = (Throttle::default(), Bus::local());
        let mut waits = Vec::new();
        let mut now = 0;
        for _ in 0..7 {
            throttle.failed(&bus, at(now), "a", &PATIENCE).await;
            let wait = throttle.wait(&bus, at(now), &["b", "a"]).await;
            let wait = wait.map_or(0, |wait| wait.num_seconds());
            waits.push(wait);
            now += wait;
            assert_eq!(throttle.wait(&bus, at(now), &["a", "b"]).await, None);
        }
        assert_eq!(waits, [0, 0, 5, 10, 20, 30, 30]);
        throttle.clear(&bus, "a").await;
        throttle.failed(&bus, at(now), "a", &PATIENCE).await;
        assert_eq!(throttle.wait(&bus, at(now), &["a"]).await, None);
    }

    #[tokio::test]
    async fn old_failures_are_forgotten() {
        let (throttle, bus) = (Throttle::default(), Bus::local());
        for _ in 0..3 {
            throttle.failed(&bus, at(0), "a", &PATIENCE).await;
        }
        throttle.failed(&bus, at(16 * 60), "a", &PATIENCE).await;
        assert_eq!(throttle.wait(&bus, at(16 * 60), &["a"]).await, None);
    }

    #[tokio::test]
    async fn a_quota_is_for_a_window() {
        let (throttle, bus) = (Throttle::default(), Bus::local());
        let quota = Quota {
            attempts: 3,
            within: TimeDelta::minutes(1),
        };
        for second in [0, 1, 2] {
            let wait = throttle.attempt(&bus, at(second), "a", &quota).await;
            assert_eq!(wait, None);
        }
        let wait = throttle.attempt(&bus, at(40), "a", &quota).await;
        assert_eq!(wait, Some(TimeDelta::seconds(20)));
        assert_eq!(throttle.attempt(&bus, at(40), "b", &quota).await, None);
        assert_eq!(throttle.attempt(&bus, at(60), "a", &quota).await, None);
    }
}
