//! Forgetting sign-ins, API keys, invitations and tokens that are long over.

use chrono::TimeDelta;
use entity::{api_key, invitation, oauth_state, one_time_token, passkey_challenge, session};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter};

use super::attempts;
use crate::ctx::Handles;
use crate::error::Result;

/// How long an ended session or a lapsed invitation is kept, for a look back.
const KEEP: TimeDelta = TimeDelta::days(30);

/// Removes sessions and API keys that ended and invitations that lapsed over 30 days ago, tokens a day after they lapsed,
/// and the history of sign-ins after 90 days; how many went.
pub async fn prune(handles: &Handles) -> Result<u64> {
    let before = handles.clock.now() - KEEP;
    let tx = handles
        .db
        .across_tenants("pruning sessions, keys and invitations")
        .await?;
    let over = session::Column::ExpiresAt
        .lt(before)
        .or(session::Column::RevokedAt.lt(before));
    let sessions = session::Entity::delete_many()
        .filter(over)
        .exec(&tx)
        .await?;
    let invitations = invitation::Entity::delete_many()
        .filter(invitation::Column::ExpiresAt.lt(before))
        .exec(&tx)
        .await?;
    // of use no longer than they are counted
    let tokens = one_time_token::Entity::delete_many()
        .filter(one_time_token::Column::ExpiresAt.lt(handles.clock.now() - TimeDelta::days(1)))
        .exec(&tx)
        .await?;
    let attempts = attempts::prune(&tx, handles.clock.now()).await?;
    // what was never answered is of no interest once it lapsed
    let now = handles.clock.now();
    let challenges = passkey_challenge::Entity::delete_many()
        .filter(passkey_challenge::Column::ExpiresAt.lt(now))
        .exec(&tx)
        .await?;
    let states = oauth_state::Entity::delete_many()
        .filter(oauth_state::Column::ExpiresAt.lt(now))
        .exec(&tx)
        .await?;
    let ended = api_key::Column::ExpiresAt
        .lt(before)
        .or(api_key::Column::RevokedAt.lt(before));
    let keys = api_key::Entity::delete_many()
        .filter(ended)
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(sessions.rows_affected
        + invitations.rows_affected
        + tokens.rows_affected
        + attempts
        + challenges.rows_affected
        + states.rows_affected
        + keys.rows_affected)
}
