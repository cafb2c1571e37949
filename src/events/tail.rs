//! One log being read as it grows: one reading per wake-up, however many follow.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use entity::{TenantId, event};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::read;
use super::ring::{Ring, Taken};
use crate::ctx::{Ctx, Handles};
use crate::error::{Error, Result};

/// How often the log is looked at without being woken: what a lost wake-up costs at most.
const TICK: Duration = Duration::from_secs(2);

/// The first and the longest wait after the database did not answer.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// A log that is followed.
pub(super) struct Tail {
    ring: RwLock<Option<Ring>>,
    wake: Notify,
    /// The furthest sequence a wake-up told of.
    told: AtomicI64,
}

impl Tail {
    pub(super) fn new() -> Self {
        Self {
            ring: RwLock::new(None),
            wake: Notify::new(),
            told: AtomicI64::new(0),
        }
    }

    /// Tells that the log has reached a sequence. News of what has been read already wakes nobody.
    pub(super) fn tell(&self, sequence: i64) {
        if self.told.fetch_max(sequence, Ordering::AcqRel) < sequence
            && self.end().is_none_or(|end| end < sequence)
        {
            self.wake.notify_one();
        }
    }

    /// Tells that something may have been missed.
    pub(super) fn look(&self) {
        self.wake.notify_one();
    }

    /// What is at hand after a place; nothing before the first reading.
    pub(super) fn after(&self, sequence: i64, limit: usize) -> Taken {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        ring.as_ref()
            .map_or(Taken::Nothing, |ring| ring.after(sequence, limit))
    }

    fn end(&self) -> Option<i64> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        ring.as_ref().map(Ring::end)
    }

    fn begin(&self, at: i64) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Some(Ring::at(at));
    }

    fn extend(&self, events: Vec<event::Model>) {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(ring) = ring.as_mut() {
            ring.extend(events);
        }
    }

    /// Reads the log as it grows and lets followers know, until `unused` says that it may end. A database that does
    /// not answer is asked again, ever more patiently, from the same place.
    pub(super) async fn run(
        &self,
        handles: &Arc<Handles>,
        tenant: TenantId,
        moved: watch::Sender<i64>,
        unused: impl Fn(&watch::Sender<i64>) -> bool,
    ) {
        let mut backoff = BACKOFF.0;
        loop {
            match self.read_on(handles, tenant, &moved).await {
                Ok(()) => {
                    backoff = BACKOFF.0;
                    let tick = Instant::now() + TICK;
                    tokio::select! {
                        () = self.wake.notified() => {}
                        () = tokio::time::sleep_until(tick) => {}
                    }
                }
                Err(error) => {
                    warn(tenant, &error);
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(BACKOFF.1);
                }
            }
            if unused(&moved) {
                return;
            }
        }
    }

    /// Takes in everything after the end of the ring.
    async fn read_on(
        &self,
        handles: &Arc<Handles>,
        tenant: TenantId,
        moved: &watch::Sender<i64>,
    ) -> Result<()> {
        loop {
            let Some(end) = self.end() else {
                let ctx = Ctx::system(Arc::clone(handles), tenant);
                let head = read::head(&ctx.read().await?).await?.sequence();
                self.begin(head);
                moved.send_replace(head);
                continue;
            };
            let events = match read::page(handles, tenant, end).await {
                Ok(events) => events,
                // what follows was removed meanwhile: begin again at the head, and let followers find out by reading
                Err(Error::CursorExpired) => {
                    let ctx = Ctx::system(Arc::clone(handles), tenant);
                    let head = read::head(&ctx.read().await?).await?.sequence();
                    self.begin(head);
                    moved.send_replace(head);
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            let last = events.len() < read::PAGE as usize;
            if !events.is_empty() {
                self.extend(events);
                moved.send_replace(self.end().unwrap_or(end));
            }
            if last {
                return Ok(());
            }
        }
    }
}

/// Waits between attempts of a follower that reads the database itself.
pub(super) struct Patience(Duration);

impl Patience {
    pub(super) fn new() -> Self {
        Self(BACKOFF.0)
    }

    /// Waits, and will wait longer the next time.
    pub(super) async fn wait(&mut self, tenant: TenantId, error: &Error) {
        warn(tenant, error);
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(BACKOFF.1);
    }

    /// Forgets past failures.
    pub(super) fn reset(&mut self) {
        self.0 = BACKOFF.0;
    }
}

fn warn(tenant: TenantId, error: &Error) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(tenant.id = %tenant, %error, cause, "The event log could not be read; trying again");
}
