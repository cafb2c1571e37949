//! Tokens that work once: in mailed links, and between two factors of a sign-in. Only their hashes are kept.

use chrono::{DateTime, TimeDelta, Utc};
use entity::one_time_token::{self as token, Purpose};
use entity::{TenantId, UserId};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
};

use crate::ctx::Tx;
use crate::error::Result;
use crate::secret;

/// A person gets no second mail of a kind within this time, and no more of them in an hour: nobody's mailbox is for
/// others to fill.
const PAUSE: TimeDelta = TimeDelta::minutes(1);
const MAILS_AN_HOUR: u64 = 5;
/// The longest text that is looked up.
const MAX_BYTES: usize = 200;

/// A token to be made.
pub(super) struct Wanted {
    pub purpose: Purpose,
    pub user: UserId,
    pub tenant: Option<TenantId>,
    pub email: Option<String>,
    pub life: TimeDelta,
}

/// Makes a token: its text, which is nowhere kept, and when it stops working.
pub(super) async fn issue(tx: &Tx<'_>, wanted: Wanted) -> Result<(String, DateTime<Utc>)> {
    let text = secret::token();
    let now = tx.ctx().now();
    let expires_at = now + wanted.life;
    let row = token::Model {
        id: tx.ctx().id(),
        token_hash: secret::hash(&text),
        purpose: wanted.purpose,
        user_id: wanted.user,
        into_tenant: wanted.tenant,
        email: wanted.email,
        tries: 0,
        created_at: now,
        expires_at,
        used_at: None,
    };
    token::Entity::insert(row.into_active_model())
        .exec_without_returning(tx.on())
        .await?;
    Ok((text, expires_at))
}

/// Makes a token to be mailed, unless the person was sent enough of them lately. Earlier ones stop working.
pub(super) async fn issue_for_mail(tx: &Tx<'_>, wanted: Wanted) -> Result<Option<String>> {
    let now = tx.ctx().now();
    let theirs = || {
        token::Entity::find()
            .filter(token::Column::UserId.eq(wanted.user))
            .filter(token::Column::Purpose.eq(wanted.purpose))
    };
    let since = |ago| token::Column::CreatedAt.gt(now - ago);
    let just_now = theirs().filter(since(PAUSE)).count(tx.on()).await?;
    let lately = theirs()
        .filter(since(TimeDelta::hours(1)))
        .count(tx.on())
        .await?;
    if just_now > 0 || lately >= MAILS_AN_HOUR {
        return Ok(None);
    }
    token::Entity::update_many()
        .col_expr(token::Column::UsedAt, Expr::value(now))
        .filter(token::Column::UserId.eq(wanted.user))
        .filter(token::Column::Purpose.eq(wanted.purpose))
        .filter(token::Column::UsedAt.is_null())
        .exec(tx.on())
        .await?;
    Ok(Some(issue(tx, wanted).await?.0))
}

/// The token behind a text, if it is good for one of these and still works.
pub(super) async fn find(
    on: &impl ConnectionTrait,
    text: &str,
    purposes: &[Purpose],
    now: DateTime<Utc>,
) -> Result<Option<token::Model>> {
    if text.len() > MAX_BYTES {
        return Ok(None);
    }
    Ok(token::Entity::find()
        .filter(token::Column::TokenHash.eq(secret::hash(text)))
        .filter(token::Column::Purpose.is_in(purposes.iter().copied()))
        .filter(token::Column::UsedAt.is_null())
        .filter(token::Column::ExpiresAt.gt(now))
        .one(on)
        .await?)
}

/// Counts a try with a token, while it still works and was not tried too often.
pub(super) async fn try_with(
    on: &impl ConnectionTrait,
    text: &str,
    purpose: Purpose,
    tries: i32,
    now: DateTime<Utc>,
) -> Result<Option<token::Model>> {
    if text.len() > MAX_BYTES {
        return Ok(None);
    }
    // the condition is in the UPDATE: tries side by side are all counted
    let tried = token::Entity::update_many()
        .col_expr(token::Column::Tries, Expr::col(token::Column::Tries).add(1))
        .filter(token::Column::TokenHash.eq(secret::hash(text)))
        .filter(token::Column::Purpose.eq(purpose))
        .filter(token::Column::Tries.lt(tries))
        .filter(token::Column::UsedAt.is_null())
        .filter(token::Column::ExpiresAt.gt(now))
        .exec_with_returning(on)
        .await?;
    Ok(tried.into_iter().next())
}

/// Uses a token up; false if it no longer works, or somebody else was first.
pub(super) async fn redeem(
    on: &impl ConnectionTrait,
    token: &token::Model,
    now: DateTime<Utc>,
) -> Result<bool> {
    let used = token::Entity::update_many()
        .col_expr(token::Column::UsedAt, Expr::value(now))
        .filter(token::Column::Id.eq(token.id))
        .filter(token::Column::UsedAt.is_null())
        .filter(token::Column::ExpiresAt.gt(now))
        .exec(on)
        .await?;
    Ok(used.rows_affected == 1)
}

/// Makes every token of a person useless: what they proved with was changed.
pub(super) async fn forget(on: &impl ConnectionTrait, user: UserId) -> Result<()> {
    token::Entity::delete_many()
        .filter(token::Column::UserId.eq(user))
        .exec(on)
        .await?;
    Ok(())
}
