//! Making and changing connections.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{AccountId, ConnectionId, account, connection, connection_key};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QuerySelect};
use serde_json::json;

use super::secret::{ROTATION_HOURS, generate, seal};
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// The longest name a connection may have, in characters.
const MAX_NAME: usize = 200;

/// A connection to be made.
#[derive(Clone, Debug)]
pub struct NewConnection {
    /// What people call it.
    pub name: String,
    /// The account of rows that name none.
    pub account: Option<AccountId>,
}

/// What changes in a connection; what is `None` stays, and an inner `None` takes the value away.
#[derive(Clone, Debug, Default)]
pub struct ConnectionChange {
    /// What people call it.
    pub name: Option<String>,
    /// The account of rows that name none.
    pub account: Option<Option<AccountId>>,
}

/// A connection and the secret it signs with, which is not shown again.
#[derive(Clone)]
pub struct Created {
    /// The connection.
    pub connection: connection::Model,
    /// Its secret.
    pub secret: String,
}

/// Makes a connection.
pub async fn create(ctx: &Ctx, new: NewConnection) -> Result<Created> {
    ctx.require(Permission::ManageConnections)?;
    let now = ctx.now();
    let row = connection::Model {
        tenant_id: ctx.tenant(),
        id: ctx.id(),
        name: valid_name(&new.name)?,
        account_id: new.account,
        disabled_at: None,
        last_received_at: None,
        created_at: now,
        updated_at: now,
    };
    let secret = generate();
    let key = connection_key::Model {
        connection_id: row.id,
        tenant_id: ctx.tenant(),
        secret: seal(&ctx.handles().vault, row.id, &secret),
        previous_secret: None,
        previous_until: None,
        disabled_at: None,
    };
    let mut tx = ctx.begin().await?;
    require_account(&tx, new.account).await?;
    tx.insert(row.clone()).await?;
    tx.insert(key).await?;
    tx.record(Event::ConnectionCreated { connection: row.id });
    tx.commit().await?;
    Ok(Created {
        connection: row,
        secret,
    })
}

/// Gives a connection a new secret. The one before is accepted for another day, so that the sender can follow; the one
/// before that is not.
pub async fn rotate(ctx: &Ctx, id: ConnectionId) -> Result<Created> {
    ctx.require(Permission::ManageConnections)?;
    let secret = generate();
    let sealed = seal(&ctx.handles().vault, id, &secret);
    let until = ctx.now() + TimeDelta::hours(ROTATION_HOURS);
    let mut tx = ctx.begin().await?;
    let rotated = tx
        .update::<connection_key::Entity>()
        .col_expr(
            connection_key::Column::PreviousSecret,
            Expr::col(connection_key::Column::Secret),
        )
        .col_expr(
            connection_key::Column::PreviousUntil,
            Expr::value(Some(until)),
        )
        .col_expr(connection_key::Column::Secret, Expr::value(sealed))
        .filter(connection_key::Column::ConnectionId.eq(id))
        .exec(tx.on())
        .await?;
    if rotated.rows_affected == 0 {
        return Err(Error::NotFound("connection"));
    }
    let connection = touch(&tx, id, ConnectionChange::default()).await?;
    tx.record(Event::ConnectionRotated { connection: id });
    tx.commit().await?;
    Ok(Created { connection, secret })
}

/// Changes the name or the account of a connection.
pub async fn change(
    ctx: &Ctx,
    id: ConnectionId,
    change: ConnectionChange,
) -> Result<connection::Model> {
    ctx.require(Permission::ManageConnections)?;
    let mut tx = ctx.begin().await?;
    require_account(&tx, change.account.flatten()).await?;
    let before = tx
        .select::<connection::Entity>()
        .filter(connection::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("connection"))?;
    let row = touch(&tx, id, change).await?;
    let mut diff = json!({});
    if row.account_id != before.account_id {
        diff["account"] = json!({ "from": before.account_id, "to": row.account_id });
    }
    if row.name != before.name {
        // a name is free text: the log says that it changed, the row says to what
        diff["changed"] = json!(["name"]);
    }
    tx.record_diff(Event::ConnectionChanged { connection: id }, diff);
    tx.commit().await?;
    Ok(row)
}

/// Switches a connection off: what it sends is refused.
pub async fn disable(ctx: &Ctx, id: ConnectionId) -> Result<connection::Model> {
    switch(ctx, id, false).await
}

/// Switches a connection on again.
pub async fn enable(ctx: &Ctx, id: ConnectionId) -> Result<connection::Model> {
    switch(ctx, id, true).await
}

async fn switch(ctx: &Ctx, id: ConnectionId, on: bool) -> Result<connection::Model> {
    ctx.require(Permission::ManageConnections)?;
    let disabled_at: Option<DateTime<Utc>> = (!on).then(|| ctx.now());
    let leaves = connection::Column::DisabledAt;
    let mut tx = ctx.begin().await?;
    let switched = tx
        .update::<connection::Entity>()
        .col_expr(connection::Column::DisabledAt, Expr::value(disabled_at))
        .col_expr(connection::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(connection::Column::Id.eq(id))
        .filter(if on {
            leaves.is_not_null()
        } else {
            leaves.is_null()
        })
        .exec_with_returning(tx.on())
        .await?;
    let Some(row) = switched.into_iter().next() else {
        let there = tx
            .select::<connection::Entity>()
            .filter(connection::Column::Id.eq(id))
            .count(tx.on())
            .await?;
        return Err(match (there, on) {
            (0, _) => Error::NotFound("connection"),
            (_, true) => Error::conflict("the connection is not disabled"),
            (_, false) => Error::conflict("the connection is disabled already"),
        });
    };
    // the door reads the key only
    tx.update::<connection_key::Entity>()
        .col_expr(connection_key::Column::DisabledAt, Expr::value(disabled_at))
        .filter(connection_key::Column::ConnectionId.eq(id))
        .exec(tx.on())
        .await?;
    tx.record(if on {
        Event::ConnectionEnabled { connection: id }
    } else {
        Event::ConnectionDisabled { connection: id }
    });
    tx.commit().await?;
    Ok(row)
}

async fn touch(
    tx: &Tx<'_>,
    id: ConnectionId,
    change: ConnectionChange,
) -> Result<connection::Model> {
    let mut update = tx
        .update::<connection::Entity>()
        .col_expr(connection::Column::UpdatedAt, Expr::value(tx.ctx().now()))
        .filter(connection::Column::Id.eq(id));
    if let Some(name) = &change.name {
        update = update.col_expr(connection::Column::Name, Expr::value(valid_name(name)?));
    }
    if let Some(account) = change.account {
        update = update.col_expr(connection::Column::AccountId, Expr::value(account));
    }
    let changed = update.exec_with_returning(tx.on()).await?;
    changed
        .into_iter()
        .next()
        .ok_or(Error::NotFound("connection"))
}

async fn require_account(tx: &Tx<'_>, account: Option<AccountId>) -> Result<()> {
    let Some(account) = account else {
        return Ok(());
    };
    let there = tx
        .select::<account::Entity>()
        .filter(account::Column::Id.eq(account))
        .count(tx.on())
        .await?;
    if there == 0 {
        return Err(Error::NotFound("account"));
    }
    Ok(())
}

fn valid_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Error::invalid(
            "name",
            format!("must have 1 to {MAX_NAME} characters"),
        ));
    }
    Ok(name.to_owned())
}
