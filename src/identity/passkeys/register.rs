//! Adding a passkey.

use entity::passkey_challenge::Purpose;
use entity::{UserId, passkey, user};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
};
use serde_json::{Value, json};
use webauthn_rs::prelude::{PasskeyRegistration, RegisterPublicKeyCredential};

use super::challenge::{self, Whose};
use super::{Asked, Passkey, read, refused, relying_party};
use crate::ctx::{Ctx, Event};
use crate::error::{Error, Result};
use crate::identity::names;

/// The most passkeys of one person.
const MAX: usize = 20;

/// Asks an authenticator of the person who asks for a new passkey.
#[tracing::instrument(skip_all)]
pub async fn start(ctx: &Ctx) -> Result<Asked> {
    let id = ctx.person()?;
    let read = ctx.read().await?;
    let person = user::Entity::find()
        .filter(user::Column::Id.eq(id))
        .one(read.on())
        .await?
        .ok_or(Error::NotFound("user"))?;
    let known = credential_ids(read.on(), id).await?;
    check_number(known.len())?;
    drop(read);
    ctx.refresh().await;

    let ceremonies = relying_party::ceremonies(ctx.config())?;
    let (asked, state) = ceremonies
        .start_passkey_registration(id.0, &person.email, &person.name, Some(known))
        .map_err(Error::internal)?;
    let mut options = serde_json::to_value(asked.public_key)?;
    // nobody types an address: the passkey must say whose it is
    options["authenticatorSelection"]["residentKey"] = json!("required");
    options["authenticatorSelection"]["requireResidentKey"] = json!(true);
    challenge::keep(
        ctx.handles(),
        Purpose::Register,
        Whose::of(ctx)?,
        &state,
        options,
    )
    .await
}

/// Adds the passkey that the authenticator made.
#[tracing::instrument(skip_all)]
pub async fn finish(ctx: &Ctx, token: &str, credential: Value, name: &str) -> Result<Passkey> {
    let person = ctx.person()?;
    let name = names::check("name", name)?;
    let answer: RegisterPublicKeyCredential = read(credential)?;
    let whose = Whose::of(ctx)?;
    let state: PasskeyRegistration =
        challenge::take(ctx.handles(), Purpose::Register, whose, token).await?;
    let made = relying_party::ceremonies(ctx.config())?
        .finish_passkey_registration(&answer, &state)
        .map_err(|error| {
            tracing::info!(%error, "A new passkey was refused");
            refused()
        })?;

    let row = passkey::Model {
        id: ctx.id(),
        user_id: person,
        credential_id: made.cred_id().to_vec(),
        credential: serde_json::to_string(&made)?,
        sign_count: 0,
        name,
        created_at: ctx.now(),
        last_used_at: None,
        suspected_at: None,
    };
    let mut tx = ctx.begin().await?;
    let known = passkey::Entity::find()
        .filter(passkey::Column::CredentialId.eq(row.credential_id.clone()))
        .one(tx.on())
        .await?;
    if known.is_some() {
        return Err(Error::conflict("this passkey is in use already"));
    }
    check_number(credential_ids(tx.on(), person).await?.len())?;
    passkey::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(tx.on())
        .await?;
    tx.record(Event::PasskeyAdded {
        user: person,
        passkey: row.id,
    });
    tx.commit().await?;
    Ok(row.into())
}

/// What the authenticators of a person call their passkeys.
async fn credential_ids(on: &impl ConnectionTrait, person: UserId) -> Result<Vec<Vec<u8>>> {
    Ok(passkey::Entity::find()
        .select_only()
        .column(passkey::Column::CredentialId)
        .filter(passkey::Column::UserId.eq(person))
        .into_tuple()
        .all(on)
        .await?)
}

fn check_number(known: usize) -> Result<()> {
    if known < MAX {
        Ok(())
    } else {
        Err(Error::conflict(
            "you have 20 passkeys already; remove one first",
        ))
    }
}
