//! Signing in with a passkey.

use std::sync::Arc;

use entity::passkey_challenge::Purpose;
use entity::sign_in_attempt::{Factor, Outcome};
use entity::{TenantId, UserId, passkey};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;
use webauthn_rs::Webauthn;
use webauthn_rs::prelude::{
    AuthenticationResult, DiscoverableAuthentication, Passkey, PublicKeyCredential, WebauthnError,
};

use super::challenge::{self, Whose};
use super::{Asked, read, refused, relying_party};
use crate::ctx::{Ctx, Event, Handles};
use crate::error::{Error, Result};
use crate::identity::sessions::{self, Client, SignedIn};
use crate::identity::{attempts, lockout, people};

const COPIED: &str =
    "is not accepted: there may be a copy of this passkey; sign in another way and replace it";

/// What someone shows who signs in with a passkey.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// The challenge that was answered.
    pub token: String,
    /// What the authenticator said.
    pub credential: Value,
    /// Into which tenant; without it, the one they have belonged to for longest.
    pub tenant: Option<TenantId>,
    /// The client as it names itself.
    pub user_agent: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
}

/// Asks whatever passkey of this site the person has at hand.
#[tracing::instrument(skip_all)]
pub async fn start(handles: &Arc<Handles>) -> Result<Asked> {
    let ceremonies = relying_party::ceremonies(&handles.config)?;
    let (asked, state) = ceremonies
        .start_discoverable_authentication()
        .map_err(Error::internal)?;
    let options = serde_json::to_value(asked.public_key)?;
    challenge::keep(handles, Purpose::SignIn, Whose::default(), &state, options).await
}

/// Lets a person in with their passkey. That it verified them makes it two factors: none other is asked for. Failures make
/// the next attempt wait, for the person and for the address.
#[tracing::instrument(skip_all)]
pub async fn finish(handles: &Arc<Handles>, shown: Shown) -> Result<SignedIn> {
    let address = shown.address.clone();
    lockout::check_address(handles, address.as_deref()).await?;
    let ceremonies = relying_party::ceremonies(&handles.config)?;
    let answer: PublicKeyCredential = read(shown.credential.clone())?;
    let Ok((user, _)) = ceremonies.identify_discoverable_authentication(&answer) else {
        lockout::failed_address(handles, address.as_deref()).await;
        return Err(refused());
    };
    let account = format!("passkey:{user}");
    lockout::check(handles, &account, address.as_deref()).await?;
    let outcome = finish_unlimited(handles, &ceremonies, answer, shown).await;
    match &outcome {
        Ok(_) => lockout::cleared(handles, &account, address.as_deref()).await,
        Err(Error::Invalid { .. }) => {
            lockout::failed(handles, &account, address.as_deref()).await;
        }
        // not the fault of what was shown
        Err(_) => {}
    }
    outcome
}

async fn finish_unlimited(
    handles: &Arc<Handles>,
    ceremonies: &Webauthn,
    answer: PublicKeyCredential,
    shown: Shown,
) -> Result<SignedIn> {
    let whose = Whose::default();
    let state: DiscoverableAuthentication =
        challenge::take(handles, Purpose::SignIn, whose, &shown.token).await?;
    let (user, credential_id) = ceremonies
        .identify_discoverable_authentication(&answer)
        .map_err(|_| refused())?;
    let row = find(handles, UserId(user), credential_id)
        .await?
        .ok_or_else(refused)?;
    let known: Passkey = serde_json::from_str(&row.credential)?;

    let client = Client {
        user_agent: shown.user_agent,
        address: shown.address,
    };
    let outcome = ceremonies.finish_discoverable_authentication_v2(&answer, state, &known);
    let copied = matches!(outcome, Err(WebauthnError::CredentialPossibleCompromise));
    let result = match outcome {
        Ok(result) => Some(result),
        Err(_) if copied => None,
        Err(error) => {
            tracing::info!(passkey.id = %row.id, %error, "Passkey {} was refused", row.id);
            attempts::note_refused(handles, Some(row.user_id), Factor::Passkey, &client).await?;
            return Err(refused());
        }
    };
    let (ctx, role) = people::entering(handles, row.user_id, shown.tenant).await?;
    let Some(result) = result else {
        suspect(&ctx, &row).await?;
        attempts::note_refused(handles, Some(row.user_id), Factor::Passkey, &client).await?;
        return Err(Error::invalid("credential", COPIED));
    };
    if row.suspected_at.is_some() {
        attempts::note_refused(handles, Some(row.user_id), Factor::Passkey, &client).await?;
        return Err(Error::invalid("credential", COPIED));
    }
    let mut tx = ctx.begin().await?;
    count(&tx, row, known, &result).await?;
    let seen = (Factor::Passkey, Outcome::SignedIn);
    attempts::note(tx.on(), handles, Some(UserId(user)), seen, &client).await?;
    let signed_in = sessions::open(&mut tx, UserId(user), role, client).await?;
    tx.commit().await?;
    Ok(signed_in)
}

async fn find(
    handles: &Handles,
    person: UserId,
    credential_id: &[u8],
) -> Result<Option<passkey::Model>> {
    let read = handles
        .db
        .read_across_tenants("whose passkey this is")
        .await?;
    let found = passkey::Entity::find()
        .filter(passkey::Column::CredentialId.eq(credential_id))
        .filter(passkey::Column::UserId.eq(person))
        .one(&read)
        .await?;
    read.rollback().await?;
    Ok(found)
}

/// Keeps what the authenticator counted. Of two answers with one count, one gets in.
async fn count(
    tx: &crate::ctx::Tx<'_>,
    row: passkey::Model,
    mut known: Passkey,
    result: &AuthenticationResult,
) -> Result<()> {
    known.update_credential(result);
    let counted = passkey::Entity::update_many()
        .col_expr(
            passkey::Column::Credential,
            Expr::value(serde_json::to_string(&known)?),
        )
        .col_expr(
            passkey::Column::SignCount,
            Expr::value(i64::from(result.counter())),
        )
        .col_expr(passkey::Column::LastUsedAt, Expr::value(tx.ctx().now()))
        .filter(passkey::Column::Id.eq(row.id))
        .filter(passkey::Column::SignCount.eq(row.sign_count))
        .filter(passkey::Column::SuspectedAt.is_null())
        .exec(tx.on())
        .await?;
    if counted.rows_affected == 0 {
        return Err(Error::conflict(
            "the passkey was used at the same time; try again",
        ));
    }
    Ok(())
}

/// A count that went back means that somebody else counts too: the passkey signs nobody in any more.
async fn suspect(ctx: &Ctx, row: &passkey::Model) -> Result<()> {
    let mut tx = ctx.begin().await?;
    let suspected = passkey::Entity::update_many()
        .col_expr(passkey::Column::SuspectedAt, Expr::value(ctx.now()))
        .filter(passkey::Column::Id.eq(row.id))
        .filter(passkey::Column::SuspectedAt.is_null())
        .exec(tx.on())
        .await?;
    if suspected.rows_affected > 0 {
        tx.record(Event::PasskeySuspected {
            user: row.user_id,
            passkey: row.id,
        });
    }
    tx.commit().await?;
    tracing::warn!(passkey.id = %row.id, "Passkey {} may have been copied: its counter went back", row.id);
    Ok(())
}
