//! Linking accounts at providers to a person who is signed in, and unlinking them.

use entity::oauth_state::Step;
use entity::{LinkedIdentityId, UserId, linked_identity};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::arrive::Arrived;
use super::leave::Then;
use super::step::{self, Bound};
use super::{LinkedIdentity, find, proves, provider, used_up};
use crate::ctx::{Ctx, Event, Handles};
use crate::error::{Error, Result};
use crate::grants::{self, Tokens};
use crate::identity::ways_in;

/// Prepares to link an account of the person who asks; where to send their browser, within a minute.
#[tracing::instrument(skip_all)]
pub async fn start(
    ctx: &Ctx,
    provider: &str,
    return_to: Option<&str>,
    code_challenge: Option<String>,
) -> Result<String> {
    let person = ctx.person()?;
    let provider = ctx.config().provider(provider)?;
    let then = Then::check(ctx.handles(), return_to, code_challenge, false)?;
    let bound = Bound {
        step: Step::Ticket,
        provider: &provider.name,
        user: Some(person),
        browser: None,
    };
    let ticket = step::keep(ctx.handles(), bound, &then).await?;
    Ok(format!(
        "{}/api/v1/oauth/{}/start?ticket={ticket}",
        ctx.config().public_url(),
        provider.name
    ))
}

/// Links the account that a code stands for. Only the person who began may end it: whoever is lured to a page with
/// somebody else's code gains and loses nothing. An account that is linked already gets the tokens that came with the code,
/// if its provider keeps them: so a link that needs signing in again is mended.
#[tracing::instrument(skip_all)]
pub async fn link(ctx: &Ctx, code: &str, code_verifier: Option<&str>) -> Result<LinkedIdentity> {
    let person = ctx.person()?;
    let taken = step::take::<Arrived>(ctx.handles(), code, Step::Link, None, Some(person)).await?;
    let (_, arrived) = taken.ok_or_else(used_up)?;
    if !proves(code_verifier, arrived.code_challenge.as_deref()) {
        return Err(used_up());
    }
    let tokens = arrived.tokens.as_ref();
    let row = store(ctx, person, &arrived.issuer, &arrived.subject, tokens).await?;
    find::load(ctx, row.id).await
}

/// Unlinks an account of the person who asks, unless it is their only way in. Tokens that were kept are removed, and the
/// provider is asked to revoke them: whether it did, if there were any.
#[tracing::instrument(skip_all, fields(linked_identity.id = %id))]
pub async fn unlink(ctx: &Ctx, id: LinkedIdentityId) -> Result<Option<bool>> {
    let person = ctx.person()?;
    let mut tx = ctx.begin().await?;
    ways_in::hold(&tx, person).await?;
    let unlinked = linked_identity::Entity::delete_many()
        .filter(linked_identity::Column::Id.eq(id))
        .filter(linked_identity::Column::UserId.eq(person))
        .exec_with_returning(tx.on())
        .await?
        .pop()
        .ok_or(Error::NotFound("linked identity"))?;
    let tokens = grants::take(tx.on(), ctx.handles(), id.0).await?;
    ways_in::keep_one(&tx, person).await?;
    tx.record(Event::IdentityUnlinked {
        user: person,
        linked_identity: id,
    });
    tx.commit().await?;
    Ok(match tokens {
        Some(tokens) => Some(revoke(ctx.handles(), &unlinked.issuer, &tokens).await),
        None => None,
    })
}

/// Asks the provider to revoke tokens that were given up; whether it did.
pub(in crate::identity) async fn revoke(handles: &Handles, issuer: &str, tokens: &Tokens) -> bool {
    let Ok(Some(provider)) = handles.config.keeper(issuer) else {
        return false;
    };
    match provider::server(handles, &provider).await {
        Ok(server) => grants::revoke(&server, tokens).await,
        Err(error) => {
            tracing::warn!(error = ?error, "A provider could not be asked to revoke tokens");
            false
        }
    }
}

/// Stores the link between an account and a person, with its event, and the tokens that are to be kept with it.
pub(super) async fn store(
    ctx: &Ctx,
    person: UserId,
    issuer: &str,
    subject: &str,
    tokens: Option<&Tokens>,
) -> Result<linked_identity::Model> {
    let row = linked_identity::Model {
        id: ctx.id(),
        user_id: person,
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        created_at: ctx.now(),
        last_used_at: None,
    };
    let mut tx = ctx.begin().await?;
    let known = linked_identity::Entity::find()
        .filter(linked_identity::Column::Issuer.eq(issuer))
        .filter(linked_identity::Column::Subject.eq(subject))
        .one(tx.on())
        .await?;
    if let (Some(known), Some(tokens)) = (&known, tokens)
        && known.user_id == person
    {
        grants::keep(tx.on(), ctx.handles(), known.id.0, person, tokens).await?;
        tx.record(Event::IdentityLinked {
            user: person,
            linked_identity: known.id,
        });
        tx.commit().await?;
        return Ok(known.clone());
    }
    if let Some(known) = known {
        return Err(Error::conflict(if known.user_id == person {
            "this account is linked already"
        } else {
            "this account is linked to somebody else here"
        }));
    }
    linked_identity::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(tx.on())
        .await?;
    if let Some(tokens) = tokens {
        grants::keep(tx.on(), ctx.handles(), row.id.0, person, tokens).await?;
    }
    tx.record(Event::IdentityLinked {
        user: person,
        linked_identity: row.id,
    });
    tx.commit().await?;
    Ok(row)
}
