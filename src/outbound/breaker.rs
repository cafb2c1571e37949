//! Leaving a provider alone that keeps failing, so that it delays nobody.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Failures in a row after which a provider is left alone.
const FAILURES: u32 = 3;
/// For how long.
const REST: TimeDelta = TimeDelta::seconds(60);
/// For how long at most, whatever it asks for.
const LONGEST_REST: TimeDelta = TimeDelta::minutes(15);

/// Counts failures in a row. After the rest it is asked again; one more failure and it rests again.
#[derive(Debug, Default)]
pub struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<DateTime<Utc>>,
    /// Until when it asked to be left alone.
    paused_until: Option<DateTime<Utc>>,
}

impl Breaker {
    /// Whether the provider may be asked now. After the rest one may, and the others wait for what comes of it.
    pub fn allows(&self, now: DateTime<Utc>) -> bool {
        let mut state = self.state();
        if state.paused_until.is_some_and(|until| now < until) {
            return false;
        }
        match state.open_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                state.open_until = Some(now + REST);
                true
            }
        }
    }

    /// It answered. A pause that it asked for on another question stays.
    pub fn succeeded(&self) {
        let mut state = self.state();
        state.failures = 0;
        state.open_until = None;
    }

    /// It failed, and may have asked for a pause, which it is given at once, up to 15 minutes. True when it is left alone for
    /// failures in a row from now on.
    pub fn failed(&self, now: DateTime<Utc>, asks_for: Option<Duration>) -> bool {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        let opens = state.failures >= FAILURES;
        if opens {
            state.open_until = Some(now + REST);
        }
        if let Some(pause) = asks_for {
            let pause =
                TimeDelta::from_std(pause).map_or(LONGEST_REST, |pause| pause.min(LONGEST_REST));
            state.paused_until = state.paused_until.max(Some(now + pause));
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
        assert!(!breaker.failed(now, None) && !breaker.failed(now, None));
        breaker.succeeded();
        assert!(!breaker.failed(now, None) && !breaker.failed(now, None) && breaker.allows(now));
        assert!(breaker.failed(now, None));
        assert!(!breaker.allows(now + TimeDelta::seconds(59)));
        assert!(breaker.allows(now + TimeDelta::seconds(60)));
        // the others wait for what comes of it
        assert!(!breaker.allows(now + TimeDelta::seconds(61)));
    }

    #[test]
    fn a_pause_that_is_asked_for_is_given_within_reason() {
        let breaker = Breaker::default();
        let now = DateTime::UNIX_EPOCH;
        assert!(!breaker.failed(now, Some(Duration::from_secs(20))));
        assert!(!breaker.allows(now + TimeDelta::seconds(19)));
        // an answer to what was asked before does not shorten it
        breaker.succeeded();
        assert!(!breaker.allows(now + TimeDelta::seconds(19)));
        assert!(breaker.allows(now + TimeDelta::seconds(20)));

        breaker.failed(now, Some(Duration::MAX));
        assert!(!breaker.allows(now + TimeDelta::seconds(899)));
        assert!(breaker.allows(now + LONGEST_REST));
        // nor is the rest after failures in a row cut short
        (0..3).for_each(|_| {
            breaker.failed(now + LONGEST_REST, Some(Duration::ZERO));
        });
        assert!(!breaker.allows(now + LONGEST_REST + TimeDelta::seconds(59)));
    }

    #[test]
    fn one_more_failure_after_the_rest_closes_it_again_and_a_success_opens_it() {
        let breaker = Breaker::default();
        let now = DateTime::UNIX_EPOCH;
        (0..3).for_each(|_| {
            breaker.failed(now, None);
        });
        let later = now + TimeDelta::seconds(61);
        assert!(breaker.failed(later, None) && !breaker.allows(later));
        breaker.succeeded();
        assert!(breaker.allows(later));
    }
}
