//! Signing in with the code that an app was handed.

use std::sync::Arc;

use entity::oauth_state::Step;
use entity::sign_in_attempt::Factor;
use entity::{TenantId, linked_identity};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::arrive::Arrived;
use super::{proves, step, used_up};
use crate::ctx::Handles;
use crate::error::Result;
use crate::identity::complete::after_first_factor;
use crate::identity::people;
use crate::identity::sessions::Client;
use crate::identity::sign_in::SignIn;

/// What an app brings to have somebody signed in.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// The code it was handed.
    pub code: String,
    /// What it made the challenge of, if it left one.
    pub code_verifier: Option<String>,
    /// Into which tenant; without it, the one they have belonged to for longest.
    pub tenant: Option<TenantId>,
    /// The client as it names itself.
    pub user_agent: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
}

/// Lets a person in whom a provider vouched for, within a minute. A second factor of theirs is asked for as usual: the
/// provider says who they are, not how it knows.
#[tracing::instrument(skip_all)]
pub async fn exchange(handles: &Arc<Handles>, bring: Exchange) -> Result<SignIn> {
    let taken = step::take::<Arrived>(handles, &bring.code, Step::SignIn, None, None).await?;
    let (row, arrived) = taken.ok_or_else(used_up)?;
    let proven = proves(
        bring.code_verifier.as_deref(),
        arrived.code_challenge.as_deref(),
    );
    let (Some(person), true) = (row.user_id, proven) else {
        return Err(used_up());
    };
    let (ctx, role) = people::entering(handles, person, bring.tenant).await?;
    let client = Client {
        user_agent: bring.user_agent,
        address: bring.address,
    };
    let mut tx = ctx.begin().await?;
    let used = linked_identity::Entity::update_many()
        .col_expr(linked_identity::Column::LastUsedAt, Expr::value(ctx.now()))
        .filter(linked_identity::Column::Issuer.eq(arrived.issuer))
        .filter(linked_identity::Column::Subject.eq(arrived.subject))
        .filter(linked_identity::Column::UserId.eq(person))
        .exec(tx.on())
        .await?;
    if used.rows_affected == 0 {
        // it was unlinked meanwhile
        return Err(used_up());
    }
    let outcome = after_first_factor(&mut tx, person, role, client, Factor::Provider).await?;
    tx.commit().await?;
    Ok(outcome)
}
