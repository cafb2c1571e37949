//! Idempotency keys where they count: in the transaction of the effect.
//!
//! The row of the key is the first thing a unit of work stores. Two requests with one key meet there, before either has
//! touched anything else: the second waits for the first, finds the key taken, and gives up. If the first leaves nothing
//! behind, its key goes with it and the second goes on.

use std::mem;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use entity::{TenantId, idempotency_key};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, Insert, IntoActiveModel, QueryFilter,
};
use uuid::Uuid;

use crate::error::{Error, Result};

/// An idempotency key with the request it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which row it is: a hash of tenant, operation, actor and key.
    pub id: String,
    /// The tenant it was asked in.
    pub tenant: TenantId,
    /// The mutation.
    pub operation: String,
    /// A hash of the input, salted with the key.
    pub input_hash: Vec<u8>,
    /// A hash of what the answer shows, and to whom.
    pub view_hash: Vec<u8>,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// Nothing was stored under it.
    Untouched,
    /// The effect was stored, and the key with it.
    Held,
    /// Somebody else has carried it out.
    Lost,
}

/// The claim of an operation. A document may hold several mutations; they are carried out one after the other, each
/// with its own.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    None,
    Waiting(Claim),
    Held,
    Lost,
}

impl Claims {
    fn set(&self, state: State) -> State {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mem::replace(&mut *now, state)
    }

    fn waiting(&self) -> Option<Claim> {
        let now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*now {
            State::Waiting(claim) => Some(claim.clone()),
            _ => None,
        }
    }

    pub(super) fn put(&self, claim: Claim) {
        self.set(State::Waiting(claim));
    }

    pub(super) fn hold(&self) {
        self.set(State::Held);
    }

    pub(super) fn end(&self) -> Claimed {
        match self.set(State::None) {
            State::None | State::Waiting(_) => Claimed::Untouched,
            State::Held => Claimed::Held,
            State::Lost => Claimed::Lost,
        }
    }

    /// Stores the claim that waits, if one does; the id of its row. A new tenant stores that of the one it was asked in.
    pub(super) async fn take(
        &self,
        tx: &DatabaseTransaction,
        now: DateTime<Utc>,
    ) -> Result<Option<String>> {
        let Some(claim) = self.waiting() else {
            return Ok(None);
        };
        let row = idempotency_key::Model {
            id: claim.id.clone(),
            tenant_id: claim.tenant,
            operation: claim.operation,
            input_hash: claim.input_hash,
            view_hash: claim.view_hash,
            subject_kind: None,
            subject_id: None,
            answer: None,
            created_at: now,
        };
        let taken = OnConflict::new().do_nothing().to_owned();
        let stored = Insert::<idempotency_key::ActiveModel>::many([row.into_active_model()])
            .on_conflict(taken)
            .exec_with_returning_keys(tx)
            .await?;
        if stored.is_empty() {
            self.set(State::Lost);
            return Err(Error::conflict("it was carried out at the same time"));
        }
        Ok(Some(claim.id))
    }
}

/// Says what the effect is about.
#[expect(
    clippy::disallowed_methods,
    reason = "the row that this transaction stored"
)]
pub(super) async fn about(
    tx: &DatabaseTransaction,
    id: &str,
    (kind, subject): (&'static str, Uuid),
) -> Result<()> {
    idempotency_key::Entity::update_many()
        .col_expr(idempotency_key::Column::SubjectKind, Expr::value(kind))
        .col_expr(idempotency_key::Column::SubjectId, Expr::value(subject))
        .filter(idempotency_key::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Takes a key back that this transaction stored.
#[expect(
    clippy::disallowed_methods,
    reason = "the row that this transaction stored"
)]
pub(super) async fn release(tx: &DatabaseTransaction, id: &str) -> Result<()> {
    idempotency_key::Entity::delete_many()
        .filter(idempotency_key::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_counts_for_one_mutation() {
        let claims = Claims::default();
        assert_eq!(claims.end(), Claimed::Untouched);
        claims.put(Claim {
            id: "a".to_owned(),
            tenant: TenantId(Uuid::nil()),
            operation: "createRule".to_owned(),
            input_hash: Vec::new(),
            view_hash: Vec::new(),
        });
        assert!(claims.waiting().is_some());
        claims.hold();
        assert!(claims.waiting().is_none(), "one unit of work stores it");
        assert_eq!(claims.end(), Claimed::Held);
        assert_eq!(claims.end(), Claimed::Untouched);
    }
}
