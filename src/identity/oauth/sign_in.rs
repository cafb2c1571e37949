//! Signing in with the code that an app was handed.

use std::sync::Arc;

use entity::oauth_state::Step;
use entity::sign_in_attempt::Factor;
use entity::{TenantId, UserId, linked_identity};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::arrive::Arrived;
use super::{proves, step, used_up};
use crate::ctx::Handles;
use crate::error::Result;
use crate::grants;
use crate::identity::complete::after_first_factor;
use crate::identity::sessions::Client;
use crate::identity::sign_in::SignIn;
use crate::identity::{lockout, people};

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
/// provider says who they are, not how it knows. Codes that are not waiting make the address wait.
#[tracing::instrument(skip_all)]
pub async fn exchange(handles: &Arc<Handles>, bring: Exchange) -> Result<SignIn> {
    lockout::check_address(handles, bring.address.as_deref()).await?;
    let taken = step::take::<Arrived>(handles, &bring.code, Step::SignIn, None, None).await?;
    let proven = taken.and_then(|(row, arrived)| {
        let challenge = arrived.code_challenge.as_deref();
        let person = row.user_id?;
        proves(bring.code_verifier.as_deref(), challenge).then_some((person, arrived))
    });
    let Some((person, arrived)) = proven else {
        lockout::failed_address(handles, bring.address.as_deref()).await;
        return Err(used_up());
    };
    let client = Client {
        user_agent: bring.user_agent,
        address: bring.address,
    };
    enter(handles, person, &arrived, bring.tenant, client).await
}

/// Lets a person in whom a provider vouched for just now, and keeps its tokens if they are to be kept.
pub(super) async fn enter(
    handles: &Arc<Handles>,
    person: UserId,
    arrived: &Arrived,
    tenant: Option<TenantId>,
    client: Client,
) -> Result<SignIn> {
    let (ctx, role) = people::entering(handles, person, tenant).await?;
    let mut tx = ctx.begin().await?;
    let used = linked_identity::Entity::update_many()
        .col_expr(linked_identity::Column::LastUsedAt, Expr::value(ctx.now()))
        .filter(linked_identity::Column::Issuer.eq(&arrived.issuer))
        .filter(linked_identity::Column::Subject.eq(&arrived.subject))
        .filter(linked_identity::Column::UserId.eq(person))
        .exec_with_returning(tx.on())
        .await?
        .pop()
        // it was unlinked meanwhile
        .ok_or_else(used_up)?;
    if let Some(tokens) = &arrived.tokens {
        grants::keep(tx.on(), handles, used.id.0, person, tokens).await?;
    }
    let outcome = after_first_factor(&mut tx, person, role, client, Factor::Provider).await?;
    tx.commit().await?;
    Ok(outcome)
}
