//! The end of a tenant: its rows, its files, and the people who belong nowhere else.
//!
//! The tables are found in the catalogue, so that one which was added since is not forgotten. Rows go in portions, each
//! in a transaction of its own; a process that dies in between has lost nothing, since the next one finds what is left.
//! The row of the tenant goes last, and in the same transaction a tombstone takes its place.

use chrono::{DateTime, TimeDelta, Utc};
use entity::export::{self, Status};
use entity::{TenantId, UserId, membership, stream_head, tenant, tombstone};
use sea_orm::sea_query::{Alias, Expr, Func, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseBackend, DatabaseTransaction, EntityTrait, ExprTrait,
    IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Statement,
};

use super::tombstone::seal;
use crate::ctx::Handles;
use crate::db::catalogue::{self, Table};
use crate::error::{Error, Result};
use crate::files::Store;
use crate::identity;

/// Rows removed in one transaction.
const PORTION: u64 = 2_000;
/// People looked at in one transaction.
const PEOPLE: u64 = 100;
/// How long a worker is at a tenant without saying so.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// Tables whose rows go last, in ways of their own.
const LAST: [&str; 2] = ["membership", "stream_head"];

/// Erases the tenants whose grace period is over; how many went. One whose export is still being made waits for it.
pub async fn erase_due(handles: &Handles) -> Result<usize> {
    let now = handles.clock.now();
    let read = handles
        .db
        .read_across_tenants("which tenants are to be erased")
        .await?;
    let due: Vec<TenantId> = tenant::Entity::find()
        .select_only()
        .column(tenant::Column::Id)
        .filter(tenant::Column::EraseAt.lte(now))
        .filter(free(now))
        .order_by_asc(tenant::Column::EraseAt)
        .limit(100)
        .into_tuple()
        .all(&read)
        .await?;
    read.rollback().await?;
    let mut gone = 0;
    for tenant in due {
        if begin(handles, tenant).await? {
            erase(handles, tenant).await?;
            gone += 1;
        }
    }
    Ok(gone)
}

/// Nobody is at it, or whoever was went away.
fn free(now: DateTime<Utc>) -> sea_orm::sea_query::SimpleExpr {
    let lease = tenant::Column::EraseLeaseUntil;
    lease.is_null().or(lease.lt(now))
}

/// Takes a tenant on, unless another worker has it, or its export is not there yet. From here there is no way back.
async fn begin(handles: &Handles, id: TenantId) -> Result<bool> {
    let now = handles.clock.now();
    let under_way = Query::select()
        .expr(Expr::value(1))
        .from(export::Entity)
        .and_where(export::Column::TenantId.eq(id))
        .and_where(export::Column::Status.is_in([Status::Queued, Status::Running]))
        .to_owned();
    let begun = tenant::Column::EraseBegunAt;
    let tx = handles.db.begin(Some(id)).await?;
    let taken = tenant::Entity::update_many()
        .col_expr(
            begun,
            Func::coalesce([Expr::col(begun), Expr::value(now)]).into(),
        )
        .col_expr(tenant::Column::EraseLeaseUntil, Expr::value(now + LEASE))
        .filter(tenant::Column::Id.eq(id))
        .filter(tenant::Column::EraseAt.lte(now))
        .filter(free(now))
        .filter(begun.is_not_null().or(Expr::exists(under_way).not()))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    let taken = taken.rows_affected == 1;
    if taken {
        // its log goes too, so no event can tell: from now on nobody is let in
        handles.access_changed(id);
    }
    Ok(taken)
}

#[tracing::instrument(skip_all, fields(tenant.id = %id))]
async fn erase(handles: &Handles, id: TenantId) -> Result<()> {
    tracing::info!("Tenant {id} is being erased");
    let tables = tenant_tables(handles).await?;
    loop {
        for table in tables.iter().filter(|t| t.tenanted) {
            if !LAST.contains(&table.name.as_str()) {
                empty(handles, id, table).await?;
            }
        }
        part_with_people(handles, id, &tables).await?;
        let store = Store::of(&handles.config);
        store.erase(id).await.map_err(Error::internal)?;
        if bury(handles, id, &tables).await? {
            tracing::info!("Tenant {id} is erased");
            return Ok(());
        }
        // something was written by a request that had begun before; it ends now that nobody is let in
    }
}

async fn tenant_tables(handles: &Handles) -> Result<Vec<Table>> {
    let read = handles
        .db
        .read_across_tenants("reading the catalogue")
        .await?;
    let tables = catalogue::tables(&read).await?;
    read.rollback().await?;
    Ok(tables)
}

/// Removes the rows of a tenant from a table, portion by portion.
async fn empty(handles: &Handles, id: TenantId, table: &Table) -> Result<()> {
    loop {
        let tx = handles.db.begin(Some(id)).await?;
        let gone = remove(&tx, id, table, PORTION).await?;
        hold(handles, id, &tx).await?;
        tx.commit().await?;
        if gone < PORTION {
            return Ok(());
        }
    }
}

/// Removes up to `limit` rows of a tenant from a table; how many went.
async fn remove(tx: &DatabaseTransaction, id: TenantId, table: &Table, limit: u64) -> Result<u64> {
    // rows that refer to each other would hold each other back
    for column in &table.inward {
        let free = Query::update()
            .table(Alias::new(&table.name))
            .value(Alias::new(column), Expr::cust("null"))
            .and_where(Expr::col("tenant_id").eq(id))
            .and_where(Expr::col(Alias::new(column)).is_not_null())
            .to_owned();
        tx.execute(&free).await?;
    }
    let backend = tx.get_database_backend();
    if backend == DatabaseBackend::Postgres {
        // the role of the server may not delete what happened; this door opens while the tenant is being erased
        let limit = i32::try_from(limit).map_err(Error::internal)?;
        let door = Statement::from_sql_and_values(
            backend,
            "select core.erase_rows($1, $2) as gone",
            [table.name.as_str().into(), limit.into()],
        );
        let row = tx.query_one_raw(door).await?;
        let gone: i64 = match row {
            Some(row) => row.try_get("", "gone")?,
            None => 0,
        };
        return u64::try_from(gone).map_err(Error::internal);
    }
    let sql = format!(
        "delete from \"{0}\" where rowid in (select rowid from \"{0}\" where tenant_id = ? limit ?)",
        table.name
    );
    let values = [id.into(), limit.into()];
    let gone = tx
        .execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    Ok(gone.rows_affected())
}

/// Says that somebody is still at it.
async fn hold(handles: &Handles, id: TenantId, tx: &DatabaseTransaction) -> Result<()> {
    tenant::Entity::update_many()
        .col_expr(
            tenant::Column::EraseLeaseUntil,
            Expr::value(handles.clock.now() + LEASE),
        )
        .filter(tenant::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Removes the memberships, and with each portion of them the people who belong nowhere else.
async fn part_with_people(handles: &Handles, id: TenantId, tables: &[Table]) -> Result<()> {
    loop {
        let tx = handles.db.begin(Some(id)).await?;
        let people: Vec<UserId> = membership::Entity::find()
            .select_only()
            .column(membership::Column::UserId)
            .filter(membership::Column::TenantId.eq(id))
            .order_by_asc(membership::Column::UserId)
            .limit(PEOPLE)
            .into_tuple()
            .all(&tx)
            .await?;
        if people.is_empty() {
            return Ok(());
        }
        membership::Entity::delete_many()
            .filter(membership::Column::TenantId.eq(id))
            .filter(membership::Column::UserId.is_in(people.iter().copied()))
            .exec(&tx)
            .await?;
        let gone = identity::forget(&tx, tables, &people).await?;
        hold(handles, id, &tx).await?;
        tx.commit().await?;
        // in tenants that they left before
        identity::erase_traces(handles, &gone).await?;
    }
}

/// Puts a tombstone in the place of a tenant that has nothing left; false if something came meanwhile.
async fn bury(handles: &Handles, id: TenantId, tables: &[Table]) -> Result<bool> {
    let tx = handles.db.begin(Some(id)).await?;
    let head = stream_head::Entity::find()
        .filter(stream_head::Column::TenantId.eq(id))
        .lock_exclusive()
        .one(&tx)
        .await?;
    for table in tables.iter().filter(|t| t.tenanted) {
        if table.name != "stream_head" && remove(&tx, id, table, PORTION).await? > 0 {
            tx.commit().await?;
            return Ok(false);
        }
    }
    if let Some(head) = head {
        let erased_at = handles.clock.now();
        let stone = tombstone::Model {
            id,
            sequence: head.sequence,
            seal: seal(&handles.secrets, id, head.sequence, &head.hash, erased_at),
            hash: head.hash,
            erased_at,
        };
        tombstone::Entity::insert(stone.into_active_model())
            .exec_without_returning(&tx)
            .await?;
    }
    stream_head::Entity::delete_many()
        .filter(stream_head::Column::TenantId.eq(id))
        .exec(&tx)
        .await?;
    tenant::Entity::delete_many()
        .filter(tenant::Column::Id.eq(id))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(true)
}
