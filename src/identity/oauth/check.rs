//! Asking the provider of a linked account about it, while nobody is there.

use std::sync::Arc;

use entity::{LinkedIdentityId, linked_identity};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::Deserialize;

use super::find::{self, LinkedIdentity, Status};
use super::provider;
use crate::config::Provider;
use crate::ctx::{Ctx, Event, Handles};
use crate::error::{Error, Result};
use crate::grants::{self, Client};

/// What a provider says about an account today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What it calls the person.
    pub name: Option<String>,
    /// Their address there.
    pub email: Option<String>,
    /// Whether it says that it verified the address.
    pub email_verified: bool,
}

/// A linked account, and what its provider said when it was asked.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The account.
    pub linked: LinkedIdentity,
    /// What the provider says; nothing when it needs signing in again.
    pub account: Option<Account>,
}

#[derive(Deserialize)]
struct Told {
    sub: String,
    name: Option<String>,
    email: Option<String>,
    #[serde(default)]
    email_verified: Flag,
}

/// Some providers write a flag as text.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Flag {
    Plain(bool),
    Text(String),
    #[default]
    Absent,
}

/// A client that asks a provider with the tokens that were kept for a linked account.
pub async fn client(
    handles: &Arc<Handles>,
    provider: &Provider,
    id: LinkedIdentityId,
) -> Result<Client> {
    let server = provider::server(handles, provider).await?;
    Ok(Client::new(handles, server, id.0))
}

/// Asks the provider about a linked account of the person who asks: what it is called there, its address, and whether the
/// tokens that are kept still work. No transaction is open meanwhile.
#[tracing::instrument(skip_all, fields(linked_identity.id = %id))]
pub async fn check(ctx: &Ctx, id: LinkedIdentityId) -> Result<Checked> {
    let person = ctx.person()?;
    let linked = find::load(ctx, id).await?;
    let read = ctx.read().await?;
    let row = linked_identity::Entity::find()
        .filter(linked_identity::Column::Id.eq(id))
        .filter(linked_identity::Column::UserId.eq(person))
        .one(read.on())
        .await?
        .ok_or(Error::NotFound("linked identity"))?;
    drop(read);
    ctx.refresh().await;
    if linked.status == Status::SignInOnly {
        return Err(Error::conflict(
            "no tokens of this account are kept: its provider is asked only when you sign in",
        ));
    }
    let Some(provider) = ctx.config().keeper(&row.issuer)? else {
        return Err(Error::conflict("its provider is configured no longer"));
    };
    let account = ask(ctx.handles(), &provider, &row).await?;

    let mut tx = ctx.begin().await?;
    grants::check(tx.on(), id.0, ctx.now()).await?;
    tx.record(Event::IdentityChecked {
        user: person,
        linked_identity: id,
        works: account.is_some(),
    });
    tx.commit().await?;
    let linked = find::load(ctx, id).await?;
    Ok(Checked { linked, account })
}

async fn ask(
    handles: &Arc<Handles>,
    provider: &Provider,
    row: &linked_identity::Model,
) -> Result<Option<Account>> {
    let url = provider::userinfo(handles, provider).await?;
    let told: Option<Told> = client(handles, provider, row.id).await?.get(&url).await?;
    let Some(told) = told else {
        return Ok(None);
    };
    if told.sub != row.subject {
        // OpenID Connect Core, 5.3.2: then nothing of it may be believed
        return Err(Error::Upstream {
            provider: "the identity provider",
            source: "it told about somebody else".into(),
        });
    }
    let verified = match told.email_verified {
        Flag::Plain(verified) => verified,
        Flag::Text(text) => text == "true",
        Flag::Absent => false,
    };
    Ok(Some(Account {
        name: told.name,
        email: told.email,
        email_verified: verified,
    }))
}
