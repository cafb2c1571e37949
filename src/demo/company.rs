//! The demo company and its people.

use std::sync::Arc;

use entity::membership::{self, Role};
use entity::{TenantId, UserId, tenant, user};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::ctx::{Actor, Ctx, Handles};
use crate::error::Result;
use crate::identity::{self, NewTenant};
use crate::permission::Permissions;
use crate::{secret, tenants};

const OWNER: &str = "owner@demo.balance";
const REVIEWER: &str = "reviewer@demo.balance";

/// How to get into a demo company that was just made.
pub struct Access {
    /// The company.
    pub tenant: TenantId,
    /// Address and password of its owner.
    pub owner: (String, String),
    /// Address and password of its reviewer.
    pub reviewer: (String, String),
}

/// Makes the demo company with an owner and a reviewer, unless there is a tenant already.
#[expect(
    clippy::disallowed_methods,
    reason = "looks whether any tenant exists, before there is a Ctx"
)]
pub async fn open(handles: &Arc<Handles>) -> Result<Option<Access>> {
    let tx = handles
        .db
        .read_across_tenants("whether this is a first start")
        .await?;
    if tenant::Entity::find().one(&tx).await?.is_some() {
        return Ok(None);
    }
    drop(tx);
    let owner = (OWNER.to_owned(), password());
    let opened = tenants::open_demo(
        handles,
        NewTenant {
            tenant_name: "Studio Lumen (demo)".to_owned(),
            name: "Olive Owner".to_owned(),
            email: owner.0.clone(),
            password: owner.1.clone(),
            base_currency: "EUR".to_owned(),
        },
    )
    .await?;
    let ctx = as_owner(handles, opened.tenant, opened.owner);
    let reviewer = (REVIEWER.to_owned(), password());
    let invited = identity::add_member(&ctx, &reviewer.0, Role::Reviewer).await?;
    identity::accept_invitation(handles, &invited.token, "Robin Reviewer", &reviewer.1).await?;
    Ok(Some(Access {
        tenant: opened.tenant,
        owner,
        reviewer,
    }))
}

/// An operation of the owner.
pub(super) fn as_owner(handles: &Arc<Handles>, tenant: TenantId, owner: UserId) -> Ctx {
    Ctx::new(
        Arc::clone(handles),
        Actor::User(owner),
        tenant,
        Permissions::of(Role::Owner),
    )
}

/// The demo company and its owner, if it exists.
#[expect(
    clippy::disallowed_methods,
    reason = "finds the demo tenant, before there is a Ctx"
)]
pub(super) async fn find(handles: &Arc<Handles>) -> Result<Option<(TenantId, user::Model)>> {
    let tx = handles
        .db
        .read_across_tenants("finding the demo company")
        .await?;
    let demo = tenant::Entity::find()
        .filter(tenant::Column::Demo.eq(true))
        .order_by_asc(tenant::Column::Id)
        .one(&tx)
        .await?;
    let Some(demo) = demo else { return Ok(None) };
    let owner = membership::Entity::find()
        .filter(membership::Column::TenantId.eq(demo.id))
        .filter(membership::Column::Role.eq(Role::Owner))
        .filter(membership::Column::RemovedAt.is_null())
        .one(&tx)
        .await?;
    let Some(owner) = owner else { return Ok(None) };
    let owner = user::Entity::find()
        .filter(user::Column::Id.eq(owner.user_id))
        .one(&tx)
        .await?;
    Ok(owner.map(|owner| (demo.id, owner)))
}

/// The owner's way into GraphiQL.
pub struct Session {
    /// A token good for some minutes.
    pub access_token: String,
    /// Who it signs in.
    pub email: String,
}

/// Signs the demo owner in without a password: for the GraphiQL page in development.
pub async fn session(handles: &Arc<Handles>) -> Result<Option<Session>> {
    let Some((tenant, owner)) = find(handles).await? else {
        return Ok(None);
    };
    let ctx = as_owner(handles, tenant, owner.id);
    let entered = identity::enter(&ctx, owner.id, Role::Owner).await?;
    Ok(Some(Session {
        access_token: entered.access_token,
        email: owner.email,
    }))
}

fn password() -> String {
    secret::token()[..16].to_owned()
}

/// What a person reads after the first start.
pub fn greeting(url: &str, access: &Access) -> String {
    let (owner, reviewer) = (&access.owner, &access.reviewer);
    format!(
        r#"
  balance is ready, and made a demo company for you: Studio Lumen.

  GraphiQL   {url}/graphiql   (already signed in as the owner)

  Sign in    owner     {}   password {}
             reviewer  {}   password {}
             These passwords are shown this once; `balance user reset-password` sets new ones.

  A query to paste:

    {{ records(first: 5) {{ edges {{ node {{ occurredOn description amount {{ amount currency }} status category {{ name }} }} }} }} }}

  A subscription to paste beside it:

    subscription {{ recordProcessed {{ cursor record {{ description status category {{ name }} }} }} }}

  Your own bank file (CSV or OFX):

    balance import FILE --tenant "Studio Lumen (demo)" --wait
"#,
        owner.0, owner.1, reviewer.0, reviewer.1
    )
}
