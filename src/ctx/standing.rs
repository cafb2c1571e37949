//! What proofs of identity are worth, remembered for a moment: a busy client is looked up once a second, and nobody is
//! looked up twice at the same time.
//!
//! What is remembered ends after a second, and at once when who may do what changes in its tenant: by this process when
//! its transaction has committed, by others when the wake-up arrives. Whatever lasts, like a socket, watches its tenant
//! and asks again when it moves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{SessionId, TenantId};
use tokio::sync::watch;

use super::Actor;
use crate::clock::Clock;
use crate::error::Result;
use crate::permission::Permissions;

/// How long a standing is believed without asking.
const LIFE: TimeDelta = TimeDelta::seconds(1);
/// Standings remembered at most. Each lives for a second: more than that are not in use.
const CAPACITY: usize = 20_000;
/// Look-ups under way before those that ended are swept out.
const TURNS: usize = 1_024;

/// What a proof of identity is worth right now.
#[derive(Clone, Debug)]
pub struct Standing {
    /// For which tenant.
    pub tenant: TenantId,
    /// Who.
    pub actor: Actor,
    /// What they may do.
    pub permissions: Permissions,
    /// When the proof stops being good, if it does by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// The sign-in it belongs to, if it is one.
    pub session: Option<SessionId>,
    /// Whether the tenant is suspended, which leaves little of what they may do.
    pub suspended: bool,
}

/// Names a proof without being one: a hash of it.
pub type Proof = [u8; 32];

/// The standings a process remembers.
#[derive(Default)]
pub struct Standings(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    known: HashMap<Proof, Known>,
    turns: HashMap<Proof, Weak<tokio::sync::Mutex<()>>>,
    watched: HashMap<TenantId, watch::Sender<()>>,
    /// How often anything was forgotten: what was looked up meanwhile may be out of date.
    forgotten: u64,
}

struct Known {
    standing: Arc<Standing>,
    at: DateTime<Utc>,
}

impl Standings {
    /// The standing of a proof: remembered, or looked up by `look_up` while others who ask for the same wait.
    pub async fn recall(
        &self,
        proof: Proof,
        clock: &Clock,
        look_up: impl Future<Output = Result<Standing>>,
    ) -> Result<Arc<Standing>> {
        if let Some(standing) = self.lock().find(&proof, clock.now()) {
            return Ok(standing);
        }
        let turn = self.lock().turn(proof);
        let _turn = turn.lock().await;
        let (at, forgotten) = {
            let inner = self.lock();
            if let Some(standing) = inner.find(&proof, clock.now()) {
                return Ok(standing);
            }
            (clock.now(), inner.forgotten)
        };
        let standing = Arc::new(look_up.await?);
        self.lock().keep(proof, &standing, at, forgotten);
        Ok(standing)
    }

    /// Forgets what is remembered of a tenant, and wakes whoever watches it.
    pub fn forget(&self, tenant: TenantId) {
        let mut inner = self.lock();
        inner.forgotten += 1;
        inner
            .known
            .retain(|_, known| known.standing.tenant != tenant);
        if let Some(watched) = inner.watched.get(&tenant) {
            watched.send_replace(());
        }
    }

    /// How often anything was forgotten here: what was looked up before may be out of date.
    pub fn forgotten(&self) -> u64 {
        self.lock().forgotten
    }

    /// Forgets everything, and wakes everybody.
    pub fn forget_all(&self) {
        let mut inner = self.lock();
        inner.forgotten += 1;
        inner.known.clear();
        for watched in inner.watched.values() {
            watched.send_replace(());
        }
    }

    /// Hears when who may do what may have changed in a tenant. Watch first, then ask for the standing.
    pub fn watch(&self, tenant: TenantId) -> watch::Receiver<()> {
        let mut inner = self.lock();
        let watched = inner.watched.entry(tenant);
        watched.or_insert_with(|| watch::channel(()).0).subscribe()
    }

    /// The tenants somebody watches.
    pub fn watched(&self) -> Vec<TenantId> {
        let mut inner = self.lock();
        inner
            .watched
            .retain(|_, watched| watched.receiver_count() > 0);
        inner.watched.keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn find(&self, proof: &Proof, now: DateTime<Utc>) -> Option<Arc<Standing>> {
        let known = self.known.get(proof)?;
        known.is_good(now).then(|| Arc::clone(&known.standing))
    }

    /// The turn to look a proof up: one at a time.
    fn turn(&mut self, proof: Proof) -> Arc<tokio::sync::Mutex<()>> {
        if let Some(turn) = self.turns.get(&proof).and_then(Weak::upgrade) {
            return turn;
        }
        if self.turns.len() >= TURNS {
            self.turns.retain(|_, turn| turn.strong_count() > 0);
        }
        let turn = Arc::default();
        self.turns.insert(proof, Arc::downgrade(&turn));
        turn
    }

    /// Remembers what was looked up, unless something was forgotten since the look-up began.
    fn keep(&mut self, proof: Proof, standing: &Arc<Standing>, at: DateTime<Utc>, forgotten: u64) {
        if self.forgotten != forgotten {
            return;
        }
        if self.known.len() >= CAPACITY {
            self.known.retain(|_, known| known.is_good(at));
        }
        if self.known.len() < CAPACITY {
            let standing = Arc::clone(standing);
            self.known.insert(proof, Known { standing, at });
        }
    }
}

impl Known {
    fn is_good(&self, now: DateTime<Utc>) -> bool {
        // a clock that was set back makes nothing live longer
        let young = now >= self.at && now - self.at < LIFE;
        young && self.standing.expires_at.is_none_or(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use uuid::Uuid;

    use super::*;
    use crate::error::Error;

    const TENANT: TenantId = TenantId(Uuid::from_u128(1));
    const OTHER: TenantId = TenantId(Uuid::from_u128(2));

    fn standing(tenant: TenantId) -> Standing {
        Standing {
            tenant,
            actor: Actor::System,
            permissions: Permissions::default(),
            expires_at: None,
            session: None,
            suspended: false,
        }
    }

    fn clock() -> Clock {
        Clock::fixed(DateTime::UNIX_EPOCH + TimeDelta::days(20_000))
    }

    struct Counted {
        standings: Standings,
        clock: Clock,
        asked: AtomicUsize,
    }

    impl Counted {
        fn new() -> Self {
            Self {
                standings: Standings::default(),
                clock: clock(),
                asked: AtomicUsize::new(0),
            }
        }

        async fn ask(&self, proof: Proof, standing: Standing) -> Arc<Standing> {
            let look_up = async {
                self.asked.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok(standing)
            };
            let found = self.standings.recall(proof, &self.clock, look_up).await;
            found.unwrap()
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::Relaxed)
        }
    }

    #[tokio::test]
    async fn a_standing_is_believed_for_a_second() {
        let counted = Counted::new();
        for _ in 0..3 {
            counted.ask([1; 32], standing(TENANT)).await;
        }
        assert_eq!(counted.asked(), 1);
        counted.clock.advance(TimeDelta::milliseconds(999));
        counted.ask([1; 32], standing(TENANT)).await;
        assert_eq!(counted.asked(), 1);
        counted.clock.advance(TimeDelta::milliseconds(1));
        counted.ask([1; 32], standing(TENANT)).await;
        assert_eq!(counted.asked(), 2);
        counted.clock.advance(TimeDelta::seconds(-1));
        counted.ask([1; 32], standing(TENANT)).await;
        assert_eq!(counted.asked(), 3, "a clock that was set back");
    }

    #[tokio::test]
    async fn a_proof_that_runs_out_is_not_believed_until_the_second_is_over() {
        let counted = Counted::new();
        let mut short = standing(TENANT);
        short.expires_at = Some(counted.clock.now() + TimeDelta::milliseconds(10));
        counted.ask([1; 32], short).await;
        counted.clock.advance(TimeDelta::milliseconds(10));
        counted.ask([1; 32], standing(TENANT)).await;
        assert_eq!(counted.asked(), 2);
    }

    #[tokio::test]
    async fn a_change_in_a_tenant_is_asked_about_there_and_nowhere_else() {
        let counted = Counted::new();
        counted.ask([1; 32], standing(TENANT)).await;
        counted.ask([2; 32], standing(OTHER)).await;
        let (mut here, mut there) = (
            counted.standings.watch(TENANT),
            counted.standings.watch(OTHER),
        );
        here.mark_unchanged();
        there.mark_unchanged();
        counted.standings.forget(TENANT);
        assert!(here.has_changed().unwrap() && !there.has_changed().unwrap());
        counted.ask([1; 32], standing(TENANT)).await;
        counted.ask([2; 32], standing(OTHER)).await;
        assert_eq!(counted.asked(), 3);
        drop(here);
        assert_eq!(counted.standings.watched(), [OTHER]);
    }

    #[tokio::test]
    async fn those_who_ask_together_are_answered_by_one_look_up() {
        let counted = Arc::new(Counted::new());
        let together = (0..50).map(|_| {
            let counted = Arc::clone(&counted);
            tokio::spawn(async move { counted.ask([1; 32], standing(TENANT)).await })
        });
        for asked in together.collect::<Vec<_>>() {
            asked.await.unwrap();
        }
        assert_eq!(counted.asked(), 1);
    }

    #[tokio::test]
    async fn what_was_looked_up_across_a_change_is_not_remembered() {
        let (standings, clock) = (Standings::default(), clock());
        let across = async {
            standings.forget(TENANT);
            Ok(standing(TENANT))
        };
        standings.recall([1; 32], &clock, across).await.unwrap();
        let again = async { Err(Error::Timeout) };
        assert!(standings.recall([1; 32], &clock, again).await.is_err());
    }

    #[tokio::test]
    async fn memory_is_bounded() {
        let counted = Counted::new();
        for number in 0..CAPACITY as u128 + 10 {
            let mut proof = [0; 32];
            proof[..16].copy_from_slice(&number.to_be_bytes());
            counted.ask(proof, standing(TENANT)).await;
        }
        assert_eq!(counted.standings.lock().known.len(), CAPACITY);
        assert!(counted.standings.lock().turns.len() <= TURNS);
    }
}
