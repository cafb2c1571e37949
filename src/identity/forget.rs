//! Erasing people: the tables of a person are found in the catalogue, so one that was added since is not forgotten.

use entity::{UserId, invitation, membership, session, user};
use sea_orm::sea_query::{Alias, Expr, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter,
};

use crate::db::catalogue::Table;
use crate::error::Result;

/// Erases those of `people` who belong to no tenant any more: what is kept about them goes, and so do they. Where an
/// ended membership still tells that somebody was there, a person without name or address stays behind. Who was erased.
pub async fn forget(
    tx: &DatabaseTransaction,
    tables: &[Table],
    people: &[UserId],
) -> Result<Vec<UserId>> {
    let still_there = Query::select()
        .column(membership::Column::UserId)
        .from(membership::Entity)
        .and_where(membership::Column::RemovedAt.is_null())
        .to_owned();
    let gone = user::Entity::find()
        .filter(user::Column::Id.is_in(people.iter().copied()))
        .filter(user::Column::Id.not_in_subquery(still_there))
        .all(tx)
        .await?;
    let ids: Vec<UserId> = gone.iter().map(|person| person.id).collect();
    if ids.is_empty() {
        return Ok(ids);
    }
    session::Entity::delete_many()
        .filter(session::Column::UserId.is_in(ids.iter().copied()))
        .exec(tx)
        .await?;
    invitation::Entity::delete_many()
        .filter(invitation::Column::Email.is_in(gone.iter().map(|person| &person.email_key)))
        .exec(tx)
        .await?;
    for table in tables.iter().filter(|t| t.personal && !t.tenanted) {
        let theirs = Query::delete()
            .from_table(Alias::new(&table.name))
            .and_where(Expr::col("user_id").is_in(ids.iter().copied()))
            .to_owned();
        tx.execute(&theirs).await?;
    }
    user::Entity::delete_many()
        .filter(user::Column::Id.is_in(ids.iter().copied()))
        .filter(user::Column::Id.not_in_subquery(members()))
        .filter(user::Column::Id.not_in_subquery(hosts()))
        .exec(tx)
        .await?;
    let left = user::Entity::find()
        .filter(user::Column::Id.is_in(ids.iter().copied()))
        .all(tx)
        .await?;
    for person in left {
        efface(tx, tables, person.id).await?;
    }
    Ok(ids)
}

/// Those whom a membership names, also one that has ended.
fn members() -> SelectStatement {
    Query::select()
        .column(membership::Column::UserId)
        .from(membership::Entity)
        .to_owned()
}

/// Those who invited somebody.
fn hosts() -> SelectStatement {
    Query::select()
        .column(invitation::Column::CreatedBy)
        .from(invitation::Entity)
        .to_owned()
}

/// Removes all that is personal from the row of a person that other rows refer to.
async fn efface(tx: &DatabaseTransaction, tables: &[Table], id: UserId) -> Result<()> {
    let mut blank = user::Entity::update_many()
        .col_expr(user::Column::Name, Expr::value("Deleted person"))
        .col_expr(user::Column::Email, Expr::value(""))
        // no address folds to this
        .col_expr(user::Column::EmailKey, Expr::value(format!("deleted:{id}")))
        .filter(user::Column::Id.eq(id));
    let optional = tables.iter().find(|table| table.name == "user");
    for column in optional.into_iter().flat_map(|table| &table.nullable) {
        blank = blank.col_expr(Alias::new(column), Expr::cust("null"));
    }
    blank.exec(tx).await?;
    Ok(())
}
