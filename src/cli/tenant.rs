//! `balance tenant`, and naming a tenant on the command line.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Subcommand, ValueEnum};
use entity::tenant::{SubscriptionTier, SuspendedBy};
use entity::{TenantId, tenant};
use sea_orm::{ActiveEnum, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::ctx::{Ctx, Handles};
use crate::error::{Error, Result};
use crate::graphql::node;
use crate::tenants;

#[derive(Subcommand)]
pub(super) enum Tenant {
    /// List the tenants: id, state, name.
    List,
    /// Put a tenant on hold: nobody but its owners can enter, and only this command resumes it.
    Suspend {
        /// Its name or id.
        tenant: String,
    },
    /// Put a tenant back to work, whoever suspended it.
    Resume {
        /// Its name or id.
        tenant: String,
    },
    /// Note what a tenant has subscribed to.
    Subscribe {
        /// Its name or id.
        tenant: String,
        /// To what.
        tier: Tier,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Tier {
    /// Nothing.
    Free,
    /// The books of one company.
    Standard,
    /// Everything there is.
    Premium,
}

impl From<Tier> for SubscriptionTier {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Free => Self::Free,
            Tier::Standard => Self::Standard,
            Tier::Premium => Self::Premium,
        }
    }
}

impl Tenant {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode> {
        let app = App::connect(config, Clock::system()).await?;
        let handles = &app.handles;
        match self {
            Self::List => {
                for tenant in all(handles).await? {
                    println!("{}  {:<22}  {}", tenant.id, state(&tenant), tenant.name);
                }
            }
            Self::Suspend { tenant } => {
                let ctx = Ctx::system(Arc::clone(handles), find(handles, &tenant).await?);
                let tenant = tenants::suspend(&ctx).await?;
                println!("{} is suspended.", tenant.name);
            }
            Self::Resume { tenant } => {
                let ctx = Ctx::system(Arc::clone(handles), find(handles, &tenant).await?);
                let tenant = tenants::resume(&ctx).await?;
                println!("{} is at work again.", tenant.name);
            }
            Self::Subscribe { tenant, tier } => {
                let ctx = Ctx::system(Arc::clone(handles), find(handles, &tenant).await?);
                let tenant = tenants::subscribe(&ctx, tier.into()).await?;
                let tier = tenant.subscription_tier.to_value();
                println!("{} has subscribed to {tier}.", tenant.name);
            }
        }
        app.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

fn state(tenant: &tenant::Model) -> String {
    match (tenant.erase_begun_at, tenant.erase_at, tenant.suspended_by) {
        (Some(_), _, _) => "being erased".to_owned(),
        (None, Some(at), _) => format!("to go on {}", at.date_naive()),
        (None, None, Some(SuspendedBy::Owner)) => "suspended by owner".to_owned(),
        (None, None, Some(SuspendedBy::Operator)) => "suspended".to_owned(),
        (None, None, None) => "at work".to_owned(),
    }
}

/// The tenant that `text` names: its id as the API shows it, its UUID, or its name when only one is called so.
#[expect(
    clippy::disallowed_methods,
    reason = "a command names its tenant before there is a Ctx"
)]
pub(super) async fn find(handles: &Arc<Handles>, text: &str) -> Result<TenantId> {
    if let Ok(id) = node::local("Tenant", "--tenant", &text.into()) {
        return Ok(id);
    }
    let tx = handles
        .db
        .read_across_tenants("a command names its tenant")
        .await?;
    let named = match text.parse() {
        Ok(id) => tenant::Column::Id.eq(TenantId(id)),
        Err(_) => tenant::Column::Name.eq(text),
    };
    let found = tenant::Entity::find().filter(named).all(&tx).await?;
    match found.as_slice() {
        [one] => Ok(one.id),
        [] => Err(Error::invalid(
            "--tenant",
            format!("no tenant is called {text:?}; give its name or id"),
        )),
        _ => Err(Error::invalid(
            "--tenant",
            format!("several tenants are called {text:?}; give the id of one"),
        )),
    }
}

/// Every tenant.
#[expect(clippy::disallowed_methods, reason = "a command for all tenants")]
pub(super) async fn all(handles: &Arc<Handles>) -> Result<Vec<tenant::Model>> {
    let tx = handles
        .db
        .read_across_tenants("a command for all tenants")
        .await?;
    Ok(tenant::Entity::find()
        .order_by_asc(tenant::Column::CreatedAt)
        .order_by_asc(tenant::Column::Id)
        .all(&tx)
        .await?)
}
