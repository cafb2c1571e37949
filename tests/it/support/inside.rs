//! A look into the database, for what no client can see.

use entity::{TenantId, approval, decision, event, record};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use super::TestApp;

/// What a tenant's records came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Effects {
    /// Records that are processed.
    pub processed: u64,
    /// Decisions.
    pub decisions: u64,
    /// Records with a decision.
    pub decided: u64,
    /// Approvals that wait.
    pub pending: u64,
    /// Records with an approval.
    pub proposed: u64,
    /// `PROCESSED` in the event log.
    pub told: u64,
    /// Records with a `PROCESSED` in the event log.
    pub told_of: u64,
}

impl Effects {
    /// Exactly one of everything for each of `records`.
    pub fn once(records: u64) -> Self {
        Self {
            processed: records,
            decisions: records,
            decided: records,
            pending: records,
            proposed: records,
            told: records,
            told_of: records,
        }
    }

    /// Counts them.
    #[expect(
        clippy::disallowed_methods,
        reason = "the test asks for rows as they are, past every verb"
    )]
    pub async fn count(app: &TestApp, tenant: TenantId) -> Self {
        let inside = app.app();
        let tx = inside.handles.db.begin_snapshot(Some(tenant)).await;
        let tx = &tx.expect("the database is there");
        let decisions = decision::Entity::find().filter(decision::Column::TenantId.eq(tenant));
        let approvals = approval::Entity::find().filter(approval::Column::TenantId.eq(tenant));
        let events = event::Entity::find()
            .filter(event::Column::TenantId.eq(tenant))
            .filter(event::Column::Kind.eq("PROCESSED"));
        let processed = record::Entity::find()
            .filter(record::Column::TenantId.eq(tenant))
            .filter(record::Column::Status.eq(record::Status::Processed));
        let pending = approvals.clone();
        let pending = pending.filter(approval::Column::Status.eq(approval::Status::Pending));
        let decided = decisions.clone().select_only();
        let decided = decided.column(decision::Column::RecordId).distinct();
        let proposed = approvals.select_only();
        let proposed = proposed.column(approval::Column::RecordId).distinct();
        let told_of = events.clone().select_only();
        let told_of = told_of.column(event::Column::SubjectId).distinct();
        Self {
            processed: processed.count(tx).await.expect("records count"),
            decisions: decisions.count(tx).await.expect("decisions count"),
            decided: decided.count(tx).await.expect("decided records count"),
            pending: pending.count(tx).await.expect("approvals count"),
            proposed: proposed.count(tx).await.expect("proposed records count"),
            told: events.count(tx).await.expect("events count"),
            told_of: told_of.count(tx).await.expect("told records count"),
        }
    }
}
