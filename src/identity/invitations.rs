//! Inviting people: a link that works once, within a week.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::membership::{self, Role};
use entity::{InvitationId, RoleId, UserId, invitation, user};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, Select};

use super::emails;
use super::members::{self, role_name};
use super::people::Proven;
use super::roles::{self, RoleChoice};
use super::sessions::{self, Client, SignedIn};
use crate::ctx::{Actor, Ctx, Event, Handles, Read, Tx};
use crate::error::{Error, Result};
use crate::mail::{self, Message};
use crate::page::{self, Page, Window};
use crate::permission::{Permission, Permissions};
use crate::secret;

const LIFE: TimeDelta = TimeDelta::days(7);
/// How soon a link may be made anew.
const RESEND: TimeDelta = TimeDelta::minutes(1);

/// An invitation that waits for its answer.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Whom it is for.
    pub email: String,
    /// What they become.
    pub role: Role,
    /// The role of the tenant's own, when it is a custom one.
    pub custom_role: Option<RoleId>,
    /// Who asked.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the link stops working.
    pub expires_at: DateTime<Utc>,
}

impl From<invitation::Model> for Invitation {
    fn from(row: invitation::Model) -> Self {
        Self {
            id: row.id,
            email: row.email,
            role: row.role,
            custom_role: row.role_id,
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

/// An invitation with the secret that is told once.
#[derive(Clone)]
pub struct Invited {
    /// What was made.
    pub invitation: Invitation,
    /// The token that accepts it; only its hash is kept.
    pub token: String,
    /// The link to send.
    pub link: String,
}

/// Invites someone by address, into a role that brings nothing the actor does not hold. An earlier invitation of the
/// same address stops working; only an owner invites owners.
#[tracing::instrument(skip_all)]
pub async fn add_member(ctx: &Ctx, email: &str, choice: impl Into<RoleChoice>) -> Result<Invited> {
    ctx.require(Permission::ManageMembers)?;
    let choice = choice.into();
    let email = emails::check_new(email)?;
    let created_by = ctx.person()?;

    let mut tx = ctx.begin().await?;
    roles::grantable(&tx, choice).await?;
    let person = Query::select()
        .column(user::Column::Id)
        .from(user::Entity)
        .and_where(user::Column::EmailKey.eq(&email))
        .to_owned();
    let member = tx
        .select::<membership::Entity>()
        .filter(membership::Column::UserId.in_subquery(person))
        .filter(membership::Column::RemovedAt.is_null())
        .one(tx.on())
        .await?;
    if member.is_some() {
        return Err(Error::invalid(
            "email",
            "is a member's already; the address of someone else is accepted",
        ));
    }
    tx.delete::<invitation::Entity>()
        .filter(invitation::Column::Email.eq(&email))
        .filter(invitation::Column::AcceptedAt.is_null())
        .exec(tx.on())
        .await?;
    let token = secret::token();
    let row = invitation::Model {
        id: ctx.id(),
        tenant_id: ctx.tenant(),
        token_hash: secret::hash(&token),
        email,
        role: choice.role,
        role_id: choice.custom,
        created_by,
        created_at: ctx.now(),
        expires_at: ctx.now() + LIFE,
        accepted_at: None,
        sent_at: None,
    };
    tx.insert(row.clone()).await?;
    tx.record(Event::MemberInvited {
        invitation: row.id,
        role: role_name(choice.role),
        custom_role: choice.custom,
    });
    let invited = invited(ctx, row, token);
    tell(&mut tx, &invited)?;
    tx.commit().await?;
    Ok(invited)
}

/// Makes the link of an invitation anew, with a life of its own; the one before stops working. Once a minute at most,
/// since whoever is invited has not asked for it.
#[tracing::instrument(skip_all, fields(invitation.id = %id))]
pub async fn resend_invitation(ctx: &Ctx, id: InvitationId) -> Result<Invited> {
    ctx.require(Permission::ManageMembers)?;
    let mut tx = ctx.begin().await?;
    let known = tx
        .select::<invitation::Entity>()
        .filter(invitation::Column::Id.eq(id))
        .filter(invitation::Column::AcceptedAt.is_null())
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("invitation"))?;
    if known.role == Role::Owner {
        ctx.require(Permission::ManageTenant)?;
    }
    let before = ctx.now() - RESEND;
    let token = secret::token();
    let sent = invitation::Column::SentAt;
    let row = tx
        .update::<invitation::Entity>()
        .col_expr(
            invitation::Column::TokenHash,
            Expr::value(secret::hash(&token)),
        )
        .col_expr(invitation::Column::ExpiresAt, Expr::value(ctx.now() + LIFE))
        .col_expr(sent, Expr::value(ctx.now()))
        .filter(invitation::Column::Id.eq(id))
        .filter(invitation::Column::AcceptedAt.is_null())
        .filter(invitation::Column::CreatedAt.lte(before))
        .filter(sent.is_null().or(sent.lte(before)))
        .exec_with_returning(tx.on())
        .await?
        .pop()
        .ok_or(Error::conflict(
            "the invitation was sent a moment ago; send it again in a minute",
        ))?;
    tx.record(Event::InvitationResent { invitation: id });
    let invited = invited(ctx, row, token);
    tell(&mut tx, &invited)?;
    tx.commit().await?;
    Ok(invited)
}

/// Mails the link to whom it is for, where there is a mail server; whoever invited them has it in any case. Neither the
/// name of the tenant nor of anybody in it: those are words that strangers chose, in a mail that we send.
fn tell(tx: &mut Tx<'_>, invited: &Invited) -> Result<()> {
    if !mail::has_server(tx.ctx().config()) {
        return Ok(());
    }
    let text = format!(
        "You are invited to keep books together.\n\nFollow this link to join; it works once, until {} (UTC):\n\n{}\n\n\
         If you do not expect this, leave it: nothing happens.\n",
        invited.invitation.expires_at.format("%Y-%m-%d %H:%M"),
        invited.link,
    );
    let message = Message {
        to: invited.invitation.email.clone(),
        subject: "You are invited".to_owned(),
        text,
    };
    mail::enqueue(tx, message)
}

fn invited(ctx: &Ctx, row: invitation::Model, token: String) -> Invited {
    Invited {
        invitation: row.into(),
        link: format!("{}/join?token={token}", ctx.config().public_url()),
        token,
    }
}

/// Makes the holder of an invitation's token a member and signs them in. Someone who is known already needs their
/// password, and keeps their name.
#[tracing::instrument(skip_all)]
pub async fn accept_invitation(
    handles: &Arc<Handles>,
    token: &str,
    name: &str,
    password: &str,
) -> Result<SignedIn> {
    let invitation = follow(handles, token).await?;
    let person = Proven::prove(handles, &invitation.email, name, password).await?;
    enter(handles, &invitation, person, Client::default()).await
}

/// Makes the person who asks a member of the tenant that invited them, and signs them in there. The invitation must be
/// to their address: a link that was passed on makes nobody else a member.
#[tracing::instrument(skip_all)]
pub async fn join_tenant(
    ctx: &Ctx,
    token: &str,
    user_agent: Option<String>,
    address: Option<String>,
) -> Result<SignedIn> {
    let person = Proven::signed_in(ctx).await?;
    ctx.refresh().await;
    let invitation = follow(ctx.handles(), token).await?;
    if person.email_key() != invitation.email {
        return Err(Error::invalid(
            "token",
            "belongs to an invitation of another address; sign in with that one, or ask for an invitation of yours",
        ));
    }
    let client = Client {
        user_agent,
        address,
    };
    enter(ctx.handles(), &invitation, person, client).await
}

/// The open invitation of a token.
async fn follow(handles: &Handles, token: &str) -> Result<invitation::Model> {
    let read = handles
        .db
        .read_across_tenants("following an invitation")
        .await?;
    let invitation = invitation::Entity::find()
        .filter(invitation::Column::TokenHash.eq(secret::hash(token)))
        .filter(invitation::Column::AcceptedAt.is_null())
        .filter(invitation::Column::ExpiresAt.gt(handles.clock.now()))
        .one(&read)
        .await?
        .ok_or_else(gone)?;
    read.rollback().await?;
    Ok(invitation)
}

async fn enter(
    handles: &Arc<Handles>,
    invitation: &invitation::Model,
    person: Proven,
    client: Client,
) -> Result<SignedIn> {
    let (user, role) = (person.id(), invitation.role);
    let ctx = Ctx::new(
        handles.clone(),
        Actor::User(user),
        invitation.tenant_id,
        Permissions::of(role),
    );
    let mut tx = ctx.begin().await?;
    // the condition is in the UPDATE: one link, one member
    let accepted = tx
        .update::<invitation::Entity>()
        .col_expr(invitation::Column::AcceptedAt, Expr::value(ctx.now()))
        // a member is known by more than the address they were asked under, which may not be theirs for ever
        .col_expr(invitation::Column::Email, Expr::value(""))
        .filter(invitation::Column::Id.eq(invitation.id))
        .filter(invitation::Column::AcceptedAt.is_null())
        .filter(invitation::Column::ExpiresAt.gt(ctx.now()))
        .exec(tx.on())
        .await?;
    if accepted.rows_affected == 0 {
        return Err(gone());
    }
    person.store(&tx).await?;
    let choice = RoleChoice {
        role,
        custom: invitation.role_id,
    };
    members::join(&mut tx, user, choice).await?;
    let signed_in = sessions::open(&mut tx, user, role, client).await?;
    tx.commit().await?;
    Ok(signed_in)
}

/// The invitations that wait for their answer, those made first first.
pub async fn list_invitations(ctx: &Ctx, window: &Window) -> Result<Page<Invitation>> {
    ctx.require(Permission::ManageMembers)?;
    let read = ctx.read().await?;
    let page = page::page(
        open(ctx, &read),
        &[invitation::Column::CreatedAt, invitation::Column::Id],
        false,
        window,
        read.on(),
    )
    .await?;
    let rows = page.rows.into_iter();
    Ok(Page {
        rows: rows.map(|(cursor, row)| (cursor, row.into())).collect(),
        has_next: page.has_next,
        has_previous: page.has_previous,
    })
}

/// How many invitations wait for their answer.
pub async fn count_invitations(ctx: &Ctx) -> Result<u64> {
    ctx.require(Permission::ManageMembers)?;
    let read = ctx.read().await?;
    Ok(open(ctx, &read).count(read.on()).await?)
}

/// Takes an invitation back: its link stops working.
#[tracing::instrument(skip_all, fields(invitation.id = %id))]
pub async fn cancel_invitation(ctx: &Ctx, id: InvitationId) -> Result<()> {
    ctx.require(Permission::ManageMembers)?;
    let mut tx = ctx.begin().await?;
    let cancelled = tx
        .delete::<invitation::Entity>()
        .filter(invitation::Column::Id.eq(id))
        .filter(invitation::Column::AcceptedAt.is_null())
        .exec(tx.on())
        .await?;
    if cancelled.rows_affected == 0 {
        return Err(Error::NotFound("invitation"));
    }
    tx.record(Event::InvitationCancelled { invitation: id });
    tx.commit().await
}

fn open(ctx: &Ctx, read: &Read) -> Select<invitation::Entity> {
    read.select()
        .filter(invitation::Column::AcceptedAt.is_null())
        .filter(invitation::Column::ExpiresAt.gt(ctx.now()))
}

fn gone() -> Error {
    Error::invalid(
        "token",
        "belongs to no open invitation: it was used, replaced, cancelled or is over a week old; ask for another one",
    )
}
