//! Forgetting finished jobs.

use entity::{TenantId, job};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::db::Db;
use crate::error::Result;

/// Done jobs kept per tenant, for a look back.
const KEEP_DONE: u64 = 100;
/// Dead jobs kept per tenant.
const KEEP_DEAD: u64 = 1_000;

/// Removes finished jobs beyond the last 100 done and 1,000 dead of each tenant; how many went.
pub async fn prune(db: &Db) -> Result<u64> {
    let finished = [(job::State::Done, KEEP_DONE), (job::State::Dead, KEEP_DEAD)];
    let mut removed = 0;
    for (state, keep) in finished {
        let tx = db.read_across_tenants("pruning jobs").await?;
        let tenants: Vec<TenantId> = job::Entity::find()
            .select_only()
            .column(job::Column::TenantId)
            .filter(job::Column::State.eq(state))
            .distinct()
            .into_tuple()
            .all(&tx)
            .await?;
        drop(tx);
        for tenant in tenants {
            let tx = db.across_tenants("pruning jobs").await?;
            let of_state = job::Column::TenantId
                .eq(tenant)
                .and(job::Column::State.eq(state));
            // the newest that goes: everything finished at or before it goes too
            let last = job::Entity::find()
                .filter(of_state.clone())
                .order_by_desc(job::Column::FinishedAt)
                .offset(keep)
                .limit(1)
                .one(&tx)
                .await?;
            if let Some(last) = last {
                let gone = job::Entity::delete_many()
                    .filter(of_state)
                    .filter(job::Column::FinishedAt.lte(last.finished_at))
                    .exec(&tx)
                    .await?;
                removed += gone.rows_affected;
            }
            tx.commit().await?;
        }
    }
    Ok(removed)
}
