//! The queues and how each is worked.

use std::time::Duration;

/// A queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Files and deliveries that become records.
    Ingest,
    /// Records that need a decision.
    Process,
    /// Reports and exports.
    Reports,
    /// What-if replays: long work, which nothing waits behind.
    Simulations,
    /// Records that a change set changes, or puts back.
    Changes,
    /// Mails.
    Emails,
    /// Everything of a tenant as a file. Worked on though the tenant is suspended.
    Exports,
    /// Vectors of what was approved.
    Vectors,
    /// Rules that approvals suggest.
    Suggestions,
    /// Proposals that wait, in the light of what was approved since.
    Reconsideration,
    /// Cleaning up.
    Maintenance,
}

/// How a queue is worked.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Claims one process works on at a time.
    pub concurrency: usize,
    /// Jobs of one tenant in a claim.
    pub batch: u64,
    /// Attempts before a job is dead.
    pub attempts: i32,
    /// How long a claim holds without being renewed.
    pub lease: Duration,
    /// Whether it is worked though the tenant is suspended.
    pub while_suspended: bool,
    /// The first delay after a failure; it doubles from there.
    pub backoff: Duration,
}

impl Queue {
    /// Every queue.
    pub const ALL: [Self; 11] = [
        Self::Ingest,
        Self::Process,
        Self::Reports,
        Self::Simulations,
        Self::Changes,
        Self::Emails,
        Self::Exports,
        Self::Vectors,
        Self::Suggestions,
        Self::Reconsideration,
        Self::Maintenance,
    ];

    /// Its public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "records:ingest",
            Self::Process => "records:process",
            Self::Reports => "reports:generate",
            Self::Simulations => "simulations:run",
            Self::Changes => "changes:apply",
            Self::Emails => "emails",
            Self::Exports => "tenants:export",
            Self::Vectors => "vectors",
            Self::Suggestions => "rules:suggest",
            Self::Reconsideration => "approvals:reconsider",
            Self::Maintenance => "maintenance",
        }
    }

    /// The queue of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.as_str() == name)
    }

    /// How it is worked.
    pub fn policy(self) -> Policy {
        let usual = Policy {
            concurrency: 2,
            batch: 1,
            attempts: 3,
            lease: Duration::from_secs(30),
            while_suspended: false,
            backoff: Duration::from_secs(2),
        };
        match self {
            Self::Ingest => usual,
            Self::Process => Policy {
                batch: 200,
                lease: Duration::from_secs(15),
                ..usual
            },
            Self::Reports => usual,
            // each holds a copy of what its tenant taught
            Self::Simulations => Policy {
                concurrency: 1,
                ..usual
            },
            // in order: one set of a tenant is at work at a time
            Self::Changes => Policy {
                concurrency: 1,
                ..usual
            },
            // a mail server that is busy is busy for a while
            Self::Emails => Policy {
                concurrency: 10,
                backoff: Duration::from_secs(30),
                // people of a suspended tenant still get their mail
                while_suspended: true,
                ..usual
            },
            Self::Exports => Policy {
                concurrency: 1,
                while_suspended: true,
                ..usual
            },
            // patient: an embedding service that is down for hours costs its vectors nothing but time
            Self::Vectors => Policy {
                concurrency: 1,
                batch: 50,
                attempts: 12,
                backoff: Duration::from_secs(5),
                ..usual
            },
            // many approvals of one tenant are looked at together
            Self::Suggestions | Self::Reconsideration => Policy {
                concurrency: 1,
                batch: 200,
                ..usual
            },
            Self::Maintenance => Policy {
                concurrency: 1,
                ..usual
            },
        }
    }
}

impl Policy {
    /// How long to wait after failed attempt `attempt` (from 1): exponential, with up to a quarter of jitter so that
    /// jobs that failed together do not return together.
    pub fn delay(&self, attempt: i32) -> Duration {
        let doubled = self.backoff * 2_u32.saturating_pow(attempt.clamp(1, 12) as u32 - 1);
        doubled.mul_f64(1.0 + rand::random::<f64>() / 4.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_delay_is_about_twice_the_one_before() {
        let policy = Queue::Process.policy();
        for (attempt, seconds) in [(1, 2.0), (2, 4.0), (3, 8.0)] {
            let delay = policy.delay(attempt).as_secs_f64();
            assert!(
                (seconds..=seconds * 1.25).contains(&delay),
                "{delay} after attempt {attempt}"
            );
        }
    }

    #[test]
    fn a_queue_is_found_by_its_name() {
        for queue in Queue::ALL {
            assert_eq!(Queue::named(queue.as_str()), Some(queue));
        }
    }
}
