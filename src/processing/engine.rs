//! What every batch of a process shares: the knowledge of the tenants at work, bounded, and the language model.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use entity::TenantId;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use super::knowledge::{self, Knowledge, News};
use super::learned;
use super::llm::Asker;
use crate::ctx::{Ctx, Handles};
use crate::error::Result;
use crate::outbound::llm::{ChatModel, OpenAi};

/// Tenants kept at most.
const MAX_TENANTS: usize = 1_000;
/// Memory the tenants kept may take, about.
const MAX_BYTES: usize = 512 * 1024 * 1024;
/// A tenant without work for this long is let go.
const IDLE: Duration = Duration::from_secs(15 * 60);

type Shelf = Arc<RwLock<Option<Knowledge>>>;

/// The knowledge of the tenants at work. One per process; any copy that read the same events decides the same.
pub struct Engine {
    kept: Mutex<HashMap<TenantId, Kept>>,
    asker: Option<Asker>,
}

struct Kept {
    shelf: Shelf,
    bytes: usize,
    used: Instant,
}

/// What is known of a tenant, held still while a batch is decided. Drop it before anything outside is called.
pub struct State(OwnedRwLockReadGuard<Option<Knowledge>, Knowledge>);

impl Deref for State {
    type Target = Knowledge;

    fn deref(&self) -> &Knowledge {
        &self.0
    }
}

impl Engine {
    /// An engine with the configured language model, or without one.
    pub fn new(handles: Arc<Handles>) -> Arc<Self> {
        let model = OpenAi::configured(&handles.config);
        Self::with_model(model.map(|model| Arc::new(model) as Arc<dyn ChatModel>))
    }

    /// An engine that asks the model given.
    pub fn with_model(model: Option<Arc<dyn ChatModel>>) -> Arc<Self> {
        Arc::new(Self {
            kept: Mutex::default(),
            asker: model.map(Asker::new),
        })
    }

    /// The language model tier, when there is one.
    pub fn asker(&self) -> Option<&Asker> {
        self.asker.as_ref()
    }

    /// What is known of the tenant, including everything that committed before this call.
    pub async fn state(&self, ctx: &Ctx) -> Result<State> {
        let tenant = ctx.tenant();
        // no connection is held while another batch of the tenant catches up
        ctx.refresh().await;
        let mut held = self.shelf(tenant).write_owned().await;
        let news = match held.as_ref() {
            Some(known) => knowledge::news(&ctx.read().await?, known.cursor()).await?,
            None => News::TooMuch,
        };
        // taken out while it changes: whatever stops this half way leaves nothing half learnt, and the next one loads
        let changed = match (news, held.take()) {
            (News::Some(batch), Some(mut known)) => {
                let changed = known.fold(batch).await?;
                *held = Some(known);
                changed
            }
            _ => {
                *held = Some(Knowledge::load(ctx).await?);
                true
            }
        };
        let bytes = held.as_ref().filter(|_| changed).map(Knowledge::bytes);
        self.tidy(tenant, bytes, Instant::now());
        let held = OwnedRwLockReadGuard::map(held.downgrade(), |known| {
            known.as_ref().expect("loaded above, and never taken out")
        });
        Ok(State(held))
    }

    /// Stores a snapshot of the tenant's model when one is due. It only saves learning again, so a failure costs
    /// nothing but that.
    pub async fn keep(&self, ctx: &Ctx) {
        let held = self.shelf(ctx.tenant()).read_owned().await;
        if !held.as_ref().is_some_and(Knowledge::is_snapshot_due) {
            return;
        }
        // a large model takes some milliseconds
        let taking = tokio::task::spawn_blocking(move || {
            let known = held.as_ref();
            known.map(|known| (known.cursor(), known.model().to_bytes()))
        });
        let Ok(Some((sequence, bytes))) = taking.await else {
            return;
        };
        let size_bytes = bytes.len();
        if let Err(error) = learned::store(ctx, sequence, bytes).await {
            tracing::warn!(%error, "A snapshot of the model could not be stored");
            return;
        }
        tracing::debug!(
            snapshot.sequence = sequence,
            size_bytes,
            "Stored a snapshot of the model"
        );
        if let Some(known) = self.shelf(ctx.tenant()).write_owned().await.as_mut() {
            known.snapshot_stored();
        }
    }

    /// How many tenants are kept, and the memory they take, about.
    pub fn kept(&self) -> (usize, usize) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.len(), kept.values().map(|kept| kept.bytes).sum())
    }

    fn shelf(&self, tenant: TenantId) -> Shelf {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = kept.entry(tenant).or_insert_with(|| Kept {
            shelf: Arc::default(),
            bytes: 0,
            used: Instant::now(),
        });
        entry.shelf.clone()
    }

    /// Notes what a tenant takes and lets go of what is idle or too much; never of the tenant just used.
    fn tidy(&self, tenant: TenantId, bytes: Option<usize>, now: Instant) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = kept.get_mut(&tenant) {
            entry.used = now;
            entry.bytes = bytes.unwrap_or(entry.bytes);
        }
        kept.retain(|_, entry| now.saturating_duration_since(entry.used) < IDLE);
        let mut total: usize = kept.values().map(|entry| entry.bytes).sum();
        while kept.len() > 1 && (kept.len() > MAX_TENANTS || total > MAX_BYTES) {
            let oldest = kept
                .iter()
                .filter(|(id, _)| **id != tenant)
                .min_by_key(|(_, entry)| entry.used)
                .map(|(id, _)| *id);
            let Some(gone) = oldest.and_then(|id| kept.remove(&id)) else {
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

    fn tenant(n: u128) -> TenantId {
        TenantId(Uuid::from_u128(n))
    }

    #[test]
    fn idle_and_heavy_tenants_are_let_go_the_longest_unused_first() {
        let engine = Engine::with_model(None);
        let start = Instant::now();
        for n in 1..=3 {
            engine.shelf(tenant(n));
            let at = start + Duration::from_secs(n as u64);
            engine.tidy(tenant(n), Some(MAX_BYTES / 2), at);
        }
        assert_eq!(engine.kept(), (2, MAX_BYTES / 2 * 2));
        assert!(!engine.kept.lock().unwrap().contains_key(&tenant(1)));

        engine.tidy(tenant(3), None, start + IDLE + Duration::from_secs(3));
        assert_eq!(engine.kept(), (1, MAX_BYTES / 2));
    }

    #[test]
    fn the_tenant_at_work_is_kept_however_heavy() {
        let engine = Engine::with_model(None);
        engine.shelf(tenant(1));
        engine.tidy(tenant(1), Some(MAX_BYTES * 2), Instant::now());
        assert_eq!(engine.kept().0, 1);
    }
}
