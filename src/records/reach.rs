//! What somebody who reaches some records only is shown: lists, counts and what hangs on records.

use entity::{Tenanted, record};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, QueryTrait, Select};

use crate::ctx::{Ctx, Read};
use crate::permission::Permission;

/// Narrows a query of records to those the actor reaches with a permission.
pub fn reached(
    ctx: &Ctx,
    permission: Permission,
    select: Select<record::Entity>,
) -> Select<record::Entity> {
    match ctx.reach(permission).condition() {
        Some(condition) => select.filter(condition),
        None => select,
    }
}

/// Narrows a query that joins records to those the actor reaches with a permission.
pub fn beside_reached<E: Tenanted>(
    ctx: &Ctx,
    permission: Permission,
    select: Select<E>,
) -> Select<E> {
    match ctx.reach(permission).condition() {
        Some(condition) => select.filter(condition),
        None => select,
    }
}

/// Narrows a query of what is about records to the records the actor reaches with a permission; `column` names the
/// record.
pub fn about_reached<E: Tenanted>(
    ctx: &Ctx,
    read: &Read,
    permission: Permission,
    column: E::Column,
    select: Select<E>,
) -> Select<E> {
    match ctx.reach(permission).condition() {
        Some(condition) => {
            let records = read
                .select::<record::Entity>()
                .select_only()
                .column(record::Column::Id)
                .filter(condition);
            select.filter(column.in_subquery(records.into_query()))
        }
        None => select,
    }
}
