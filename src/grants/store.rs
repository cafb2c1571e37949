//! Where grants are kept. Each change names the tokens it replaces, so that none is lost to a race.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{UserId, oauth_grant as grant};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
};
use uuid::Uuid;

use super::Tokens;
use crate::ctx::Handles;
use crate::error::Result;
use crate::secret::stored::OAUTH_GRANT;

/// How long somebody who refreshes may take: longer than the provider is waited for.
const CLAIM: TimeDelta = TimeDelta::seconds(30);

/// What is known about a grant without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the provider stopped honouring it.
    pub ended: bool,
    /// When the provider was last asked with it.
    pub checked_at: Option<DateTime<Utc>>,
}

/// Tokens as they are now.
pub(super) struct Held {
    pub tokens: Tokens,
    pub revision: i64,
}

/// Keeps the tokens that a provider gave, for `id`, in place of those before. Without a refresh token they do not replace
/// ones that have it and still hold: a sign-in gives less than a link.
pub async fn keep(
    on: &impl ConnectionTrait,
    handles: &Handles,
    id: Uuid,
    user: UserId,
    tokens: &Tokens,
) -> Result<()> {
    let now = handles.clock.now();
    if tokens.refresh.is_none()
        && let Some(row) = find(on, id).await?
        && row.ended_at.is_none()
        && open(handles, &row)?.refresh.is_some()
    {
        return Ok(());
    }
    let row = grant::Model {
        id,
        user_id: user,
        sealed: seal(handles, id, tokens)?,
        revision: 0,
        refreshing_until: None,
        checked_at: None,
        ended_at: None,
        created_at: now,
        updated_at: now,
    };
    let next = Expr::col((grant::Entity, grant::Column::Revision)).add(1);
    let replaced = OnConflict::column(grant::Column::Id)
        .update_columns([
            grant::Column::Sealed,
            grant::Column::RefreshingUntil,
            grant::Column::EndedAt,
            grant::Column::UpdatedAt,
        ])
        .value(grant::Column::Revision, next)
        .to_owned();
    grant::Entity::insert(row.into_active_model())
        .on_conflict(replaced)
        .exec_without_returning(on)
        .await?;
    Ok(())
}

/// How the grants of these ids stand; those that are not kept are absent.
pub async fn standings(
    on: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Standing>> {
    type Row = (Uuid, Option<DateTime<Utc>>, Option<DateTime<Utc>>);
    let rows: Vec<Row> = grant::Entity::find()
        .select_only()
        .column(grant::Column::Id)
        .column(grant::Column::EndedAt)
        .column(grant::Column::CheckedAt)
        .filter(grant::Column::Id.is_in(ids))
        .into_tuple()
        .all(on)
        .await?;
    let standing = |(id, ended_at, checked_at): Row| {
        let ended = ended_at.is_some();
        (id, Standing { ended, checked_at })
    };
    Ok(rows.into_iter().map(standing).collect())
}

/// Notes that the provider was asked just now.
pub async fn check(on: &impl ConnectionTrait, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    grant::Entity::update_many()
        .col_expr(grant::Column::CheckedAt, Expr::value(now))
        .filter(grant::Column::Id.eq(id))
        .exec(on)
        .await?;
    Ok(())
}

/// Removes a grant; its tokens, to be revoked at the provider.
pub async fn take(
    on: &impl ConnectionTrait,
    handles: &Handles,
    id: Uuid,
) -> Result<Option<Tokens>> {
    let removed = grant::Entity::delete_many()
        .filter(grant::Column::Id.eq(id))
        .exec_with_returning(on)
        .await?
        .pop();
    removed.map(|row| open(handles, &row)).transpose()
}

/// Removes the grants of a person; their tokens by id, to be revoked at the providers.
pub async fn take_of(
    on: &impl ConnectionTrait,
    handles: &Handles,
    user: UserId,
) -> Result<Vec<(Uuid, Tokens)>> {
    let removed = grant::Entity::delete_many()
        .filter(grant::Column::UserId.eq(user))
        .exec_with_returning(on)
        .await?;
    let opened = removed.into_iter();
    opened
        .map(|row| Ok((row.id, open(handles, &row)?)))
        .collect()
}

/// The tokens of a grant that is honoured, as far as is known.
pub(super) async fn held(handles: &Handles, id: Uuid) -> Result<Option<Held>> {
    let read = handles.db.read_across_tenants("tokens of a grant").await?;
    let row = find(&read, id).await?;
    read.rollback().await?;
    let row = row.filter(|row| row.ended_at.is_none());
    row.map(|row| {
        let tokens = open(handles, &row)?;
        let revision = row.revision;
        Ok(Held { tokens, revision })
    })
    .transpose()
}

/// Claims to be the one who refreshes these tokens; whether nobody else is at it.
pub(super) async fn claim(handles: &Handles, id: Uuid, held: &Held) -> Result<bool> {
    let now = handles.clock.now();
    let idle = grant::Column::RefreshingUntil
        .is_null()
        .or(grant::Column::RefreshingUntil.lte(now));
    change(handles, id, held.revision, |update| {
        update
            .col_expr(grant::Column::RefreshingUntil, Expr::value(now + CLAIM))
            .filter(idle)
    })
    .await
}

/// Gives a claim up: the provider did not answer.
pub(super) async fn release(handles: &Handles, id: Uuid, held: &Held) -> Result<()> {
    let nobody = Expr::value(None::<DateTime<Utc>>);
    change(handles, id, held.revision, |update| {
        update.col_expr(grant::Column::RefreshingUntil, nobody)
    })
    .await?;
    Ok(())
}

/// Replaces tokens by those they were exchanged for; whether they were still the ones in force.
pub(super) async fn replace(
    handles: &Handles,
    id: Uuid,
    held: &Held,
    tokens: &Tokens,
) -> Result<bool> {
    let sealed = seal(handles, id, tokens)?;
    change(handles, id, held.revision, |update| {
        update
            .col_expr(grant::Column::Sealed, Expr::value(sealed))
            .col_expr(grant::Column::Revision, Expr::value(held.revision + 1))
            .col_expr(
                grant::Column::RefreshingUntil,
                Expr::value(None::<DateTime<Utc>>),
            )
    })
    .await
}

/// Notes that the provider honours these tokens no longer; whether they were still the ones in force.
pub(super) async fn end(handles: &Handles, id: Uuid, held: &Held) -> Result<bool> {
    let now = handles.clock.now();
    change(handles, id, held.revision, |update| {
        update.col_expr(grant::Column::EndedAt, Expr::value(now))
    })
    .await
}

async fn change(
    handles: &Handles,
    id: Uuid,
    revision: i64,
    how: impl FnOnce(sea_orm::UpdateMany<grant::Entity>) -> sea_orm::UpdateMany<grant::Entity>,
) -> Result<bool> {
    let update = grant::Entity::update_many()
        .col_expr(grant::Column::UpdatedAt, Expr::value(handles.clock.now()))
        .filter(grant::Column::Id.eq(id))
        .filter(grant::Column::Revision.eq(revision))
        .filter(grant::Column::EndedAt.is_null());
    let tx = handles.db.across_tenants("refreshing a grant").await?;
    let changed = how(update).exec(&tx).await?;
    tx.commit().await?;
    Ok(changed.rows_affected > 0)
}

async fn find(on: &impl ConnectionTrait, id: Uuid) -> Result<Option<grant::Model>> {
    Ok(grant::Entity::find_by_id(id).one(on).await?)
}

fn seal(handles: &Handles, id: Uuid, tokens: &Tokens) -> Result<Vec<u8>> {
    let plain = serde_json::to_vec(tokens)?;
    Ok(handles.vault.seal(&OAUTH_GRANT.of(id), &plain))
}

fn open(handles: &Handles, row: &grant::Model) -> Result<Tokens> {
    let plain = handles.vault.open(&OAUTH_GRANT.of(row.id), &row.sealed)?;
    Ok(serde_json::from_slice(&plain)?)
}
