//! Who is asking, who belongs to the tenant, and how people get in.

mod input;
mod payload;
mod people;
mod session;

use async_graphql::{Context, ID, Object};
pub use input::{
    AcceptInvitationInput, AddMemberInput, CancelInvitationInput, ChangeMemberRoleInput,
    RefreshSessionInput, RegisterTenantInput, RemoveMemberInput, SignInInput, SignOutInput,
};
pub use payload::{
    AcceptInvitationPayload, AddMemberPayload, CancelInvitationPayload, ChangeMemberRolePayload,
    RefreshSessionPayload, RegisterTenantPayload, RemoveMemberPayload, SignInChallenge,
    SignInPayload, SignOutPayload,
};
pub use people::{Invitation, Member, Role, Tenant, User, Viewer};
pub use session::Session;

use super::error::payload;
use super::node::{local, local_opt};
use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use crate::error::{Error, Result};
use crate::identity::{self, Credentials, NewTenant, RoleChoice};
use crate::tenants;

/// Questions about people.
#[derive(Default)]
pub struct IdentityQuery;

#[Object]
impl IdentityQuery {
    /// Who is signed in, for which tenant, and what they may do. Needs a sign-in.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        Ok(identity::viewer(ctx.op()?).await?.into())
    }

    /// The members of the tenant, those who joined first first. Needs `members:read`.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<Connection<Member>> {
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = identity::list_members(op, &window).await?;
        let mut members = Connection::of(page, Member::from);
        members.as_of = as_of;
        if asks(ctx, "totalCount") {
            members.total_count = Some(identity::count_members(op).await? as i64);
        }
        Ok(members)
    }

    /// The invitations that wait for their answer, those made first first. Needs `members:manage`.
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<Connection<Invitation>> {
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = identity::list_invitations(op, &window).await?;
        let mut invitations = Connection::of(page, Invitation::from);
        invitations.as_of = as_of;
        if asks(ctx, "totalCount") {
            invitations.total_count = Some(identity::count_invitations(op).await? as i64);
        }
        Ok(invitations)
    }
}

/// What people do to get in, and to let others in.
#[derive(Default)]
pub struct IdentityMutation;

#[Object]
impl IdentityMutation {
    /// Make a tenant with its owner, who is signed in. Needs no sign-in.
    async fn register_tenant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RegisterTenantInput,
    ) -> Result<RegisterTenantPayload> {
        let new = NewTenant {
            tenant_name: input.tenant_name,
            name: input.name,
            email: input.email,
            password: input.password,
            base_currency: input.base_currency,
        };
        let opened = tenants::open(ctx.handles(), new).await.map(|o| o.tokens);
        RegisterTenantPayload::of(opened.map_err(for_person))
    }

    /// Sign in with a password. Needs no sign-in.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: SignInInput,
    ) -> Result<SignInPayload> {
        let origin = ctx.origin();
        let credentials = |tenant| Credentials {
            email: input.email,
            password: input.password,
            tenant,
            user_agent: origin.user_agent,
            address: origin.address,
        };
        let outcome = match local_opt("Tenant", "tenantId", input.tenant_id.as_ref()) {
            Ok(tenant) => identity::sign_in(ctx.handles(), credentials(tenant)).await,
            Err(error) => Err(error),
        };
        SignInPayload::of(outcome.map_err(for_person))
    }

    /// Exchange a refresh token for the next session. A token that was used before ends the session. Needs no sign-in.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RefreshSessionInput,
    ) -> Result<RefreshSessionPayload> {
        RefreshSessionPayload::of(identity::refresh(ctx.handles(), &input.refresh_token).await)
    }

    /// End a session. Needs no sign-in; doing it twice is no error.
    async fn sign_out(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: SignOutInput,
    ) -> Result<SignOutPayload> {
        let outcome = identity::sign_out(ctx.handles(), &input.refresh_token).await;
        SignOutPayload::of(outcome.map(|()| true))
    }

    /// Invite someone by address. Needs `members:manage`; nobody gives what they do not hold, and only an owner invites
    /// owners.
    async fn add_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: AddMemberInput,
    ) -> Result<AddMemberPayload> {
        let op = ctx.op()?;
        let outcome = match choice(input.role, input.custom_role_id.as_ref()) {
            Ok(choice) => identity::add_member(op, &input.email, choice).await,
            Err(error) => Err(error),
        };
        let (invited, user_errors) = payload(outcome)?;
        let (invitation, link) = invited.map(|i| (i.invitation.into(), i.link)).unzip();
        Ok(AddMemberPayload {
            invitation,
            link,
            user_errors,
        })
    }

    /// Join a tenant by the token of an invitation, and sign in. Needs no sign-in.
    async fn accept_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: AcceptInvitationInput,
    ) -> Result<AcceptInvitationPayload> {
        let outcome =
            identity::accept_invitation(ctx.handles(), &input.token, &input.name, &input.password);
        AcceptInvitationPayload::of(outcome.await.map_err(for_person))
    }

    /// Give a member another role. Needs `members:manage`; nobody gives what they do not hold, ownership is given and
    /// taken by owners, and one of them stays.
    async fn change_member_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ChangeMemberRoleInput,
    ) -> Result<ChangeMemberRolePayload> {
        let op = ctx.op()?;
        let changed = async {
            let user = local("User", "userId", &input.user_id)?;
            let choice = choice(input.role, input.custom_role_id.as_ref())?;
            identity::change_role(op, user, choice).await
        };
        ChangeMemberRolePayload::of(changed.await)
    }

    /// Remove a member and end their sessions. Needs `members:manage`; the last owner stays.
    async fn remove_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RemoveMemberInput,
    ) -> Result<RemoveMemberPayload> {
        let op = ctx.op()?;
        let outcome = match local("User", "userId", &input.user_id) {
            Ok(user) => identity::remove_member(op, user).await,
            Err(error) => Err(error),
        };
        RemoveMemberPayload::of(outcome.map(|()| input.user_id))
    }

    /// Take an invitation back: its link stops working. Needs `members:manage`.
    async fn cancel_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CancelInvitationInput,
    ) -> Result<CancelInvitationPayload> {
        let op = ctx.op()?;
        let outcome = match local("Invitation", "invitationId", &input.invitation_id) {
            Ok(invitation) => identity::cancel_invitation(op, invitation).await,
            Err(error) => Err(error),
        };
        CancelInvitationPayload::of(outcome.map(|()| input.invitation_id))
    }
}

fn choice(role: Role, custom: Option<&ID>) -> Result<RoleChoice> {
    Ok(RoleChoice {
        role: role.into(),
        custom: local_opt("CustomRole", "customRoleId", custom)?,
    })
}

/// A password that was refused is for the person who typed it: a client that reads `UNAUTHENTICATED` would refresh its
/// token and try again.
fn for_person(error: Error) -> Error {
    match error {
        Error::Unauthenticated(message) => Error::invalid("password", message),
        other => other,
    }
}
