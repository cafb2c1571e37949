//! The settings of a tenant, as clients see them.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use super::op::Op;
use super::payload::payloads;
use super::roles::MoneyInput;
use super::scalar::Money;
use crate::error::Result;
use crate::permission::Permission;
use crate::tenants::{self, Ceilings};

/// How a tenant wants things done.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct TenantSettings {
    /// The amounts up to which one person overrides alone, one for each currency. Above them, and in a currency without
    /// one, somebody else has to agree. Empty while no override needs a second person.
    pub two_person_ceilings: Vec<Money>,
}

impl From<tenants::Settings> for TenantSettings {
    fn from(settings: tenants::Settings) -> Self {
        let ceilings = settings.two_person_ceilings;
        let told = |it: &crate::money::Money| Money::of(it.units, it.currency.as_str());
        Self {
            two_person_ceilings: ceilings.iter().map(told).collect(),
        }
    }
}

/// What changes in the settings. What is left out stays.
#[derive(InputObject)]
pub struct UpdateTenantSettingsInput {
    /// The amounts up to which one person overrides alone, all of them; none needs a second person when empty.
    pub two_person_ceilings: Option<Vec<MoneyInput>>,
}

payloads! {
    /// Settings that were changed.
    UpdateTenantSettingsPayload {
        /// All of them.
        settings: TenantSettings
    },
}

/// Questions about settings.
#[derive(Default)]
pub struct SettingsQuery;

#[Object]
impl SettingsQuery {
    /// How the tenant wants things done. Needs a sign-in.
    async fn tenant_settings(&self, ctx: &Context<'_>) -> Result<TenantSettings> {
        Ok(tenants::settings(ctx.op()?).await?.into())
    }
}

/// What is done with settings.
#[derive(Default)]
pub struct SettingsMutation;

#[Object]
impl SettingsMutation {
    /// Change how the tenant wants things done. Needs `tenant:manage`.
    async fn update_tenant_settings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UpdateTenantSettingsInput,
    ) -> Result<UpdateTenantSettingsPayload> {
        let op = ctx.op()?;
        op.require(Permission::ManageTenant)?;
        let changed = async {
            let Some(ceilings) = input.two_person_ceilings else {
                return tenants::settings(op).await;
            };
            let read =
                |(at, money): (usize, MoneyInput)| money.read(&format!("twoPersonCeilings[{at}]"));
            let ceilings = ceilings.into_iter().enumerate().map(read);
            let ceilings = Ceilings::new(ceilings.collect::<Result<_>>()?)?;
            tenants::set_two_person_ceilings(op, ceilings).await
        };
        UpdateTenantSettingsPayload::of(changed.await)
    }
}
