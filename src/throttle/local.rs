//! Counts inside this process.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Patience, Quota};

/// Keys that are counted at most. An attacker who brings more makes room among the oldest, at a price: each cost a
/// failure or an attempt.
const CAPACITY: usize = 100_000;

#[derive(Default)]
pub(super) struct Local {
    failures: HashMap<String, Failures>,
    attempts: HashMap<String, Attempts>,
}

struct Failures {
    count: u32,
    until: DateTime<Utc>,
    forget: DateTime<Utc>,
}

struct Attempts {
    window: i64,
    count: u64,
    over: DateTime<Utc>,
}

impl Local {
    pub(super) fn wait(&self, now: DateTime<Utc>, keys: &[&str]) -> TimeDelta {
        let waits = keys.iter().filter_map(|key| self.failures.get(*key));
        let waits = waits.map(|failures| failures.until - now);
        waits.max().unwrap_or_default()
    }

    pub(super) fn failed(&mut self, now: DateTime<Utc>, key: &str, patience: &Patience) {
        if self.failures.len() >= CAPACITY {
            self.failures.retain(|_, failures| now < failures.forget);
            if self.failures.len() >= CAPACITY {
                self.failures.retain(|_, failures| now < failures.until);
            }
        }
        let failures = self.failures.entry(key.to_owned()).or_insert(Failures {
            count: 0,
            until: now,
            forget: now,
        });
        if failures.forget < now {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        if let Some(over) = failures.count.checked_sub(patience.free + 1) {
            let wait = patience.first * (1 << over.min(20));
            failures.until = now + wait.min(patience.longest);
        }
        failures.forget = now + patience.forget;
    }

    pub(super) fn clear(&mut self, key: &str) {
        self.failures.remove(key);
    }

    pub(super) fn attempt(
        &mut self,
        now: DateTime<Utc>,
        window: i64,
        key: &str,
        quota: &Quota,
    ) -> u64 {
        if self.attempts.len() >= CAPACITY {
            self.attempts.retain(|_, attempts| now < attempts.over);
            if self.attempts.len() >= CAPACITY {
                self.attempts.clear();
            }
        }
        let over = now + quota.within;
        let attempts = self.attempts.entry(key.to_owned()).or_insert(Attempts {
            window,
            count: 0,
            over,
        });
        if attempts.window != window {
            *attempts = Attempts {
                window,
                count: 0,
                over,
            };
        }
        attempts.count += 1;
        attempts.count
    }
}
