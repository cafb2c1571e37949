//! Leaving a provider alone that keeps failing, so that it delays nobody.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// Failures in a row after which a provider is left alone.
const FAILURES: u32 = 3;
/// For how long.
const REST: TimeDelta = TimeDelta::seconds(60);

/// Counts failures in a row. After the rest it is asked again; one more failure and it rests again.
#[derive(Debug, Default)]
pub struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<DateTime<Utc>>,
}

impl Breaker {
    /// Whether the provider may be asked now. After the rest one may, and the others wait for what comes of it.
    pub fn allows(&self, now: DateTime<Utc>) -> bool {
        let mut state = self.state();
        match state.open_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                state.open_until = Some(now + REST);
                true
            }
        }
    }

    /// It answered.
    pub fn succeeded(&self) {
        *self.state() = State::default();
    }

    /// It failed. True when it is left alone from now on.
    pub fn failed(&self, now: DateTime<Utc>) -> bool {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        let opens = state.failures >= FAILURES;
        if opens {
            state.open_until = Some(now + REST);
        }
        opens
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_a_row_give_a_minute_of_rest() {
        let breaker = Breaker::default();
        let now = DateTime::UNIX_EPOCH;
        assert!(!breaker.failed(now) && !breaker.failed(now));
        breaker.succeeded();
        assert!(!breaker.failed(now) && !breaker.failed(now) && breaker.allows(now));
        assert!(breaker.failed(now));
        assert!(!breaker.allows(now + TimeDelta::seconds(59)));
        assert!(breaker.allows(now + TimeDelta::seconds(60)));
        // the others wait for what comes of it
        assert!(!breaker.allows(now + TimeDelta::seconds(61)));
    }

    #[test]
    fn one_more_failure_after_the_rest_closes_it_again_and_a_success_opens_it() {
        let breaker = Breaker::default();
        let now = DateTime::UNIX_EPOCH;
        (0..3).for_each(|_| {
            breaker.failed(now);
        });
        let later = now + TimeDelta::seconds(61);
        assert!(breaker.failed(later) && !breaker.allows(later));
        breaker.succeeded();
        assert!(breaker.allows(later));
    }
}
