//! The life of tenants and of the people in them: opening, switching, leaving, handing over, suspending, and what
//! people set for themselves.

mod export;
mod input;
mod payload;
mod profile;
mod types;

use async_graphql::{Context, ID, Object};
pub use export::{TenantExport, TenantExportStatus};
pub use input::{
    CancelTenantDeletionInput, CreateTenantInput, DeleteMyAccountInput, ExportTenantInput,
    JoinTenantInput, LeaveTenantInput, RequestTenantDeletionInput, ResendInvitationInput,
    ResumeTenantInput, SuspendTenantInput, SwitchTenantInput, TransferOwnershipInput,
    UpdatePreferencesInput, UpdateProfileInput, UpdateTenantInput,
};
pub use payload::{
    CancelTenantDeletionPayload, CreateTenantPayload, DeleteMyAccountPayload, ExportTenantPayload,
    JoinTenantPayload, LeaveTenantPayload, RequestTenantDeletionPayload, ResendInvitationPayload,
    ResumeTenantPayload, SuspendTenantPayload, SwitchTenantPayload, TransferOwnershipPayload,
    UpdatePreferencesPayload, UpdateProfilePayload, UpdateTenantPayload,
};
pub use profile::{Preferences, Profile, Theme};
pub use types::{MyTenant, TenantState};

use super::error::payload;
use super::node::local;
use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::identity::{self, PreferenceChange, ProfileChange};
use crate::permission::Permission;
use crate::tenants::{self, TenantChange};

/// Questions about tenants and people.
#[derive(Default)]
pub struct TenantsQuery;

#[Object]
impl TenantsQuery {
    /// The tenants that you belong to, those you joined first first. Needs a sign-in.
    async fn my_tenants(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<Connection<MyTenant>> {
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = identity::my_tenants(op, &window).await?;
        let here = op.tenant();
        let mut tenants = Connection::of(page, |belonging| MyTenant::of(belonging, here));
        tenants.as_of = as_of;
        if asks(ctx, "totalCount") {
            tenants.total_count = Some(identity::count_my_tenants(op).await? as i64);
        }
        Ok(tenants)
    }

    /// The exports of the tenant, the last one first. Needs `tenant:manage`.
    async fn tenant_exports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<Connection<TenantExport>> {
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = tenants::list_exports(op, &window).await?;
        let mut exports = Connection::of(page, |row| TenantExport::of(op, row));
        exports.as_of = as_of;
        if asks(ctx, "totalCount") {
            exports.total_count = Some(tenants::count_exports(op).await? as i64);
        }
        Ok(exports)
    }

    /// An export of the tenant. Needs `tenant:manage`.
    async fn tenant_export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<TenantExport> {
        let op = ctx.op()?;
        let id = local("TenantExport", "id", &id)?;
        Ok(TenantExport::of(op, tenants::load_export(op, id).await?))
    }

    /// Who you are, and what you set for yourself; the same in every tenant. Needs a sign-in.
    async fn my_profile(&self, ctx: &Context<'_>) -> Result<Profile> {
        identity::my_profile(ctx.op()?).await?.try_into()
    }
}

/// What is done with tenants and people as a whole.
#[derive(Default)]
pub struct TenantsMutation;

#[Object]
impl TenantsMutation {
    /// Open another tenant, of which you are the owner. You get a session there; the one you have goes on. Needs a sign-in.
    async fn create_tenant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CreateTenantInput,
    ) -> Result<CreateTenantPayload> {
        let opened = tenants::create(ctx.op()?, &input.tenant_name, &input.base_currency).await;
        CreateTenantPayload::of(opened.map(|opened| opened.tokens))
    }

    /// Go to another tenant of yours without signing in again: you get a session there; the one you have goes on. Needs a
    /// sign-in.
    async fn switch_tenant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: SwitchTenantInput,
    ) -> Result<SwitchTenantPayload> {
        let (op, origin) = (ctx.op()?, ctx.origin());
        let switched = async {
            let tenant = local("Tenant", "tenantId", &input.tenant_id)?;
            identity::switch_tenant(op, tenant, origin.user_agent, origin.address).await
        };
        SwitchTenantPayload::of(switched.await)
    }

    /// Join a tenant by the token of an invitation to your address; you get a session there. Needs a sign-in.
    async fn join_tenant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: JoinTenantInput,
    ) -> Result<JoinTenantPayload> {
        let (op, origin) = (ctx.op()?, ctx.origin());
        let joined =
            identity::join_tenant(op, &input.token, origin.user_agent, origin.address).await;
        JoinTenantPayload::of(joined)
    }

    /// Leave a tenant of yours: your sessions there end. The last owner stays. Needs a sign-in.
    async fn leave_tenant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: LeaveTenantInput,
    ) -> Result<LeaveTenantPayload> {
        let op = ctx.op()?;
        let left = async {
            let tenant = local("Tenant", "tenantId", &input.tenant_id)?;
            identity::leave_tenant(op, tenant).await
        };
        LeaveTenantPayload::of(left.await.map(|()| input.tenant_id))
    }

    /// Make another member the owner in your place; you become an admin. Needs `tenant:manage`.
    async fn transfer_ownership(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: TransferOwnershipInput,
    ) -> Result<TransferOwnershipPayload> {
        let op = ctx.op()?;
        let transferred = async {
            let user = local("User", "userId", &input.user_id)?;
            identity::transfer_ownership(op, user).await
        };
        TransferOwnershipPayload::of(transferred.await)
    }

    /// Send an invitation again: its link is made anew and works for a week, the one before stops working. Once a minute at
    /// most. Needs `members:manage`; only an owner invites owners.
    async fn resend_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ResendInvitationInput,
    ) -> Result<ResendInvitationPayload> {
        let op = ctx.op()?;
        let resent = async {
            let id = local("Invitation", "invitationId", &input.invitation_id)?;
            identity::resend_invitation(op, id).await
        };
        let (invited, user_errors) = payload(resent.await)?;
        let (invitation, link) = invited.map(|i| (i.invitation.into(), i.link)).unzip();
        Ok(ResendInvitationPayload {
            invitation,
            link,
            user_errors,
        })
    }

    /// Rename the tenant, or give its reports another base currency. Needs `tenant:manage`.
    async fn update_tenant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UpdateTenantInput,
    ) -> Result<UpdateTenantPayload> {
        let change = TenantChange {
            name: input.tenant_name,
            base_currency: input.base_currency,
        };
        UpdateTenantPayload::of(tenants::change(ctx.op()?, change).await)
    }

    /// Put the tenant you are in on hold: nobody but its owners can enter, what is sent to it is refused, and its
    /// background work waits. Needs `tenant:manage`.
    async fn suspend_tenant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: SuspendTenantInput,
    ) -> Result<SuspendTenantPayload> {
        let op = ctx.op()?;
        let suspended = async {
            this(op, &input.tenant_id)?;
            tenants::suspend(op).await
        };
        SuspendTenantPayload::of(suspended.await)
    }

    /// Put the tenant you are in back to work. What whoever runs the server suspended, they resume. Needs `tenant:manage`.
    async fn resume_tenant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ResumeTenantInput,
    ) -> Result<ResumeTenantPayload> {
        let op = ctx.op()?;
        let resumed = async {
            this(op, &input.tenant_id)?;
            tenants::resume(op).await
        };
        ResumeTenantPayload::of(resumed.await)
    }

    /// Ask for the tenant you are in to be erased: its books, its files, and the accounts of people who belong nowhere else.
    /// Everything of it is written to a file first (`tenantExports`), and it can be had back during the grace period. Needs
    /// `tenant:manage`.
    async fn request_tenant_deletion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RequestTenantDeletionInput,
    ) -> Result<RequestTenantDeletionPayload> {
        let asked = tenants::request_deletion(ctx.op()?, &input.tenant_name).await;
        RequestTenantDeletionPayload::of(asked)
    }

    /// Keep the tenant you are in, though its deletion was asked for. Needs `tenant:manage`.
    async fn cancel_tenant_deletion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CancelTenantDeletionInput,
    ) -> Result<CancelTenantDeletionPayload> {
        let op = ctx.op()?;
        let kept = async {
            this(op, &input.tenant_id)?;
            tenants::cancel_deletion(op).await
        };
        CancelTenantDeletionPayload::of(kept.await)
    }

    /// Write everything of the tenant to a file: records, decisions, approvals, rules, events and the rest, with the
    /// uploaded files. It is made in the background; `tenantExport` tells how far it is. Needs `tenant:manage`.
    async fn export_tenant(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "input", desc = "What to do.")] _input: Option<ExportTenantInput>,
    ) -> Result<ExportTenantPayload> {
        let op = ctx.op()?;
        let asked = tenants::request_export(op).await;
        ExportTenantPayload::of(asked.map(|row| TenantExport::of(op, row)))
    }

    /// Change what you are called, your language and your time zone. Needs a sign-in.
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UpdateProfileInput,
    ) -> Result<UpdateProfilePayload> {
        let change = ProfileChange {
            name: input.name,
            locale: changed(input.locale),
            time_zone: changed(input.time_zone),
        };
        UpdateProfilePayload::of(profile(identity::update_profile(ctx.op()?, change).await)?)
    }

    /// Change what you like: entries on a page, the look of the app, and what apps keep for you. Needs a sign-in.
    async fn update_preferences(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UpdatePreferencesInput,
    ) -> Result<UpdatePreferencesPayload> {
        let change = PreferenceChange {
            page_size: changed(input.page_size),
            theme: changed(input.theme).map(|theme| theme.map(Into::into)),
            app: changed(input.app).map(|app| app.map(|app| app.0)),
        };
        UpdatePreferencesPayload::of(profile(
            identity::update_preferences(ctx.op()?, change).await,
        )?)
    }

    /// Delete your account: you leave every tenant, and what is kept about you is erased. The last owner of a tenant hands
    /// it over or deletes it first. Needs a sign-in.
    async fn delete_my_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: DeleteMyAccountInput,
    ) -> Result<DeleteMyAccountPayload> {
        let deleted =
            identity::delete_my_account(ctx.op()?, &input.email, input.password.as_deref()).await;
        DeleteMyAccountPayload::of(deleted.map(|()| true))
    }
}

/// Whether an id is that of the tenant somebody is in: they name it, so that nothing happens to another one by mistake.
fn this(op: &Ctx, id: &ID) -> Result<()> {
    // who may not do it at all learns nothing about ids
    op.require(Permission::ManageTenant)?;
    if local::<entity::TenantId>("Tenant", "tenantId", id)? == op.tenant() {
        Ok(())
    } else {
        Err(Error::NotFound("tenant"))
    }
}

/// A field that can be left alone, set or emptied.
fn changed<T>(field: async_graphql::MaybeUndefined<T>) -> Option<Option<T>> {
    match field {
        async_graphql::MaybeUndefined::Undefined => None,
        async_graphql::MaybeUndefined::Null => Some(None),
        async_graphql::MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

/// A profile that was stored, as clients see it.
fn profile(outcome: Result<identity::Profile>) -> Result<Result<Profile>> {
    match outcome {
        Ok(profile) => Ok(Ok(profile.try_into()?)),
        Err(error) => Ok(Err(error)),
    }
}
