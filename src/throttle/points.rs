//! Points that are spent and come back: a bucket for each client, inside one for its whole tenant.
//!
//! A bucket is a level and the time it was true at; what came back since is added when it is looked at. Both buckets are
//! looked at and taken from in one step, so nobody spends more than there is by asking often at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use entity::TenantId;

use crate::config::Allowance;

/// Levels are kept in millionths: a point a second is a millionth a microsecond.
pub(super) const MICRO: u64 = 1_000_000;
/// Parts that are locked apart from each other.
const PARTS: usize = 16;
/// Buckets of one kind in a part before the full ones are forgotten: a full bucket is as good as none.
const ROOM: usize = 4_096;

/// Who pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payer {
    /// The tenant whose bucket is around the client's; nobody signed in has none.
    pub tenant: Option<TenantId>,
    /// Who it is within the tenant; or where they call from, hashed.
    pub client: u128,
}

/// How full the buckets of a payer may be.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The client's own.
    pub client: Allowance,
    /// The one around it, where there is one.
    pub tenant: Allowance,
}

/// What there is for a payer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Points that can be spent now, in whole points.
    pub available: u64,
    /// When what was asked for will be there, in microseconds from now; 0 when it was, and was taken.
    pub wait_us: u64,
}

/// The buckets of this process.
#[derive(Default)]
pub(super) struct Points([Mutex<Part>; PARTS]);

#[derive(Default)]
struct Part {
    tenants: HashMap<TenantId, Tenant>,
    nobody: HashMap<u128, Level>,
}

struct Tenant {
    all: Level,
    clients: HashMap<u128, Level>,
}

#[derive(Clone, Copy)]
struct Level {
    micro: u64,
    at: i64,
}

impl Points {
    /// Takes `cost` from all buckets of a payer, or from none.
    pub(super) fn take(
        &self,
        now: DateTime<Utc>,
        payer: Payer,
        terms: &Terms,
        cost: u64,
    ) -> Balance {
        self.with(now, payer, terms, |levels| {
            let cost = cost.saturating_mul(MICRO);
            let short = |(level, of): &(&mut Level, Allowance)| {
                let missing = cost.saturating_sub(level.micro);
                missing.div_ceil(of.per_second.into())
            };
            let wait_us = levels.iter().map(short).max().unwrap_or_default();
            if wait_us == 0 {
                for (level, _) in levels.iter_mut() {
                    level.micro -= cost;
                }
            }
            wait_us
        })
    }

    /// Gives points back.
    pub(super) fn give(&self, now: DateTime<Utc>, payer: Payer, terms: &Terms, points: u64) {
        self.with(now, payer, terms, |levels| {
            for (level, of) in levels.iter_mut() {
                level.micro = (level.micro + points.saturating_mul(MICRO)).min(size(*of));
            }
            0
        });
    }

    fn with(
        &self,
        now: DateTime<Utc>,
        payer: Payer,
        terms: &Terms,
        change: impl FnOnce(&mut [(&mut Level, Allowance)]) -> u64,
    ) -> Balance {
        let now = now.timestamp_micros();
        let mut part = self.part(payer);
        let Some(tenant) = payer.tenant else {
            let own = find(&mut part.nobody, payer.client, terms.client, now);
            return settle(&mut [(own, terms.client)], change);
        };
        if part.tenants.len() >= ROOM && !part.tenants.contains_key(&tenant) {
            let full = |tenant: &mut Tenant| tenant.all.at(now, terms.tenant) == size(terms.tenant);
            part.tenants.retain(|_, tenant| !full(tenant));
        }
        let tenant = part.tenants.entry(tenant).or_insert_with(|| Tenant {
            all: Level::full(terms.tenant, now),
            clients: HashMap::new(),
        });
        tenant.all.advance(now, terms.tenant);
        let own = find(&mut tenant.clients, payer.client, terms.client, now);
        settle(
            &mut [(own, terms.client), (&mut tenant.all, terms.tenant)],
            change,
        )
    }

    fn part(&self, payer: Payer) -> MutexGuard<'_, Part> {
        // ids end in what is random about them
        let mark = payer.tenant.map_or(payer.client, |t| t.0.as_u128());
        let part = &self.0[(mark % PARTS as u128) as usize];
        part.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn settle(
    levels: &mut [(&mut Level, Allowance)],
    change: impl FnOnce(&mut [(&mut Level, Allowance)]) -> u64,
) -> Balance {
    let wait_us = change(levels);
    let least = levels.iter().map(|(level, _)| level.micro).min();
    Balance {
        available: least.unwrap_or_default() / MICRO,
        wait_us,
    }
}

/// The bucket of a key as of now. When there is no room for another, whoever comes new shares one.
fn find<K: Copy + Eq + Hash + Default>(
    levels: &mut HashMap<K, Level>,
    key: K,
    of: Allowance,
    now: i64,
) -> &mut Level {
    let mut key = key;
    if levels.len() >= ROOM && !levels.contains_key(&key) {
        levels.retain(|_, level| level.at(now, of) < size(of));
        if levels.len() >= ROOM {
            key = K::default();
        }
    }
    let level = levels.entry(key).or_insert(Level::full(of, now));
    level.advance(now, of);
    level
}

fn size(of: Allowance) -> u64 {
    u64::from(of.points) * MICRO
}

impl Level {
    fn full(of: Allowance, now: i64) -> Self {
        Self {
            micro: size(of),
            at: now,
        }
    }

    fn at(&self, now: i64, of: Allowance) -> u64 {
        // a clock that was set back gives nothing
        let since = u64::try_from(now - self.at).unwrap_or_default();
        let back = since.saturating_mul(of.per_second.into());
        self.micro.saturating_add(back).min(size(of))
    }

    fn advance(&mut self, now: i64, of: Allowance) {
        self.micro = self.at(now, of);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use chrono::TimeDelta;

    use super::*;

    const TERMS: Terms = Terms {
        client: Allowance {
            points: 100,
            per_second: 10,
        },
        tenant: Allowance {
            points: 150,
            per_second: 20,
        },
    };

    fn payer(client: u128) -> Payer {
        Payer {
            tenant: Some(TenantId(uuid::Uuid::from_u128(7))),
            client,
        }
    }

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::milliseconds(ms)
    }

    #[test]
    fn what_is_spent_comes_back_in_time() {
        let points = Points::default();
        let take = |ms, cost| points.take(at(ms), payer(1), &TERMS, cost);
        let of = |available, wait_us| Balance { available, wait_us };
        assert_eq!(take(0, 70), of(30, 0));
        assert_eq!(take(0, 40), of(30, 1_000_000));
        assert_eq!(take(999, 40).wait_us, 1_000);
        assert_eq!(take(1_000, 40), of(0, 0));
        // a clock that goes back gives nothing and takes nothing
        assert_eq!(take(0, 1).wait_us, 100_000);
        points.give(at(1_000), payer(1), &TERMS, 25);
        assert_eq!(take(1_000, 25), of(0, 0));
        points.give(at(1_000), payer(1), &TERMS, 1_000);
        assert_eq!(take(1_000, 0), of(100, 0));
    }

    #[test]
    fn a_tenant_is_around_its_clients() {
        let points = Points::default();
        assert_eq!(points.take(at(0), payer(1), &TERMS, 100).available, 0);
        let second = points.take(at(0), payer(2), &TERMS, 60);
        assert_eq!((second.available, second.wait_us), (50, 500_000));
        // who was refused by the one bucket has taken from neither
        assert_eq!(points.take(at(0), payer(2), &TERMS, 50).available, 0);
        let nobody = Payer {
            tenant: None,
            client: 2,
        };
        assert_eq!(points.take(at(0), nobody, &TERMS, 100).wait_us, 0);
    }

    #[test]
    fn nobody_gets_more_by_asking_at_once() {
        let (points, taken) = (Points::default(), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (points, taken) = (&points, &taken);
                scope.spawn(move || {
                    for _ in 0..1_000 {
                        let balance = points.take(at(0), payer(thread % 4), &TERMS, 3);
                        if balance.wait_us == 0 {
                            taken.fetch_add(3, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(taken.into_inner(), 150);
    }

    #[test]
    fn a_flood_of_addresses_shares_what_is_left() {
        let points = Points::default();
        let nobody = |client| Payer {
            tenant: None,
            client: client * PARTS as u128 + 1,
        };
        for client in 0..ROOM as u128 {
            assert_eq!(points.take(at(0), nobody(client), &TERMS, 60).wait_us, 0);
        }
        let news = |client| points.take(at(0), nobody(ROOM as u128 + client), &TERMS, 60);
        assert_eq!(news(1).wait_us, 0);
        assert!(news(2).wait_us > 0);
        // once their points are back, they are forgotten
        let later = points.take(at(60_000), nobody(ROOM as u128 + 3), &TERMS, 60);
        assert_eq!(later.wait_us, 0);
        assert!(points.part(nobody(0)).nobody.len() <= 2);
    }
}
