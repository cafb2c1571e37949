//! How a tenant wants things done.

use std::collections::BTreeMap;

use entity::tenant_setting;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel, Select};

use crate::ctx::{Ctx, Event, Read, Tx};
use crate::error::{Error, Result};
use crate::money::Money;
use crate::permission::Permission;

/// How many ceilings a tenant may set: one for each currency.
const MAX_CEILINGS: usize = 50;

/// The settings of a tenant, each as it is unless somebody set it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Above which amounts an override needs a second person; none needs one while this is empty.
    pub two_person_ceilings: Ceilings,
}

/// Amounts up to which one person decides alone: one for each currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ceilings(Vec<Money>);

impl Ceilings {
    /// Checks amounts given as input.
    pub fn new(mut ceilings: Vec<Money>) -> Result<Self> {
        const FIELD: &str = "twoPersonCeilings";
        if ceilings.len() > MAX_CEILINGS {
            return Err(Error::invalid(
                FIELD,
                format!("at most {MAX_CEILINGS} are accepted"),
            ));
        }
        if ceilings.iter().any(|ceiling| ceiling.units < 0) {
            return Err(Error::invalid(
                FIELD,
                "one is negative; a ceiling counts whichever way money moved",
            ));
        }
        ceilings.sort_unstable_by(|a, b| a.currency.as_str().cmp(b.currency.as_str()));
        if ceilings
            .windows(2)
            .any(|two| two[0].currency == two[1].currency)
        {
            return Err(Error::invalid(FIELD, "one currency is named twice"));
        }
        Ok(Self(ceilings))
    }

    /// The amounts, by currency.
    pub fn iter(&self) -> impl Iterator<Item = &Money> {
        self.0.iter()
    }

    /// Whether an amount needs a second person. Once any ceiling is set, a currency without one always does: an amount
    /// in it could be any.
    pub fn exceeded_by(&self, units: i64, currency: &str) -> bool {
        let ceiling = self.0.iter().find(|it| it.currency.as_str() == currency);
        match ceiling {
            Some(ceiling) => units.unsigned_abs() > ceiling.units.unsigned_abs(),
            None => !self.0.is_empty(),
        }
    }
}

/// The settings of the tenant.
pub async fn settings(ctx: &Ctx) -> Result<Settings> {
    settings_read(&ctx.read().await?).await
}

/// The settings of the tenant, as this reading transaction sees them.
pub async fn settings_read(read: &Read) -> Result<Settings> {
    found(read.select(), read.on()).await
}

/// The settings of the tenant, within a unit of work.
pub async fn settings_within(tx: &Tx<'_>) -> Result<Settings> {
    found(tx.select(), tx.on()).await
}

async fn found(
    select: Select<tenant_setting::Entity>,
    on: &impl ConnectionTrait,
) -> Result<Settings> {
    let Some(row) = select.one(on).await? else {
        return Ok(Settings::default());
    };
    Ok(Settings {
        two_person_ceilings: Ceilings(serde_json::from_str(&row.two_person_ceilings)?),
    })
}

/// Sets above which amounts an override needs a second person. What was proposed before still needs one.
#[tracing::instrument(skip_all)]
pub async fn set_two_person_ceilings(ctx: &Ctx, ceilings: Ceilings) -> Result<Settings> {
    ctx.require(Permission::ManageTenant)?;
    let mut tx = ctx.begin().await?;
    let before = settings_within(&tx).await?;
    let row = tenant_setting::Model {
        tenant_id: ctx.tenant(),
        two_person_ceilings: serde_json::to_string(&ceilings.0)?,
        updated_at: ctx.now(),
    };
    put(&tx, row).await?;
    tx.record_diff(
        Event::SettingsChanged {
            tenant: ctx.tenant(),
        },
        serde_json::json!({ "twoPersonCeilings": {
            "from": told(&before.two_person_ceilings), "to": told(&ceilings),
        } }),
    );
    tx.commit().await?;
    Ok(Settings {
        two_person_ceilings: ceilings,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tenant's own row, which may be there already; the row holds the tenant"
)]
async fn put(tx: &Tx<'_>, row: tenant_setting::Model) -> Result<()> {
    use tenant_setting::Column;
    let again = OnConflict::column(Column::TenantId)
        .update_columns([Column::TwoPersonCeilings, Column::UpdatedAt])
        .to_owned();
    tenant_setting::Entity::insert(row.into_active_model())
        .on_conflict(again)
        .exec_without_returning(tx.on())
        .await?;
    Ok(())
}

fn told(ceilings: &Ceilings) -> BTreeMap<&str, String> {
    let each = ceilings.0.iter();
    each.map(|it| (it.currency.as_str(), it.decimal()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, SCALE};

    fn ceilings(amounts: &[(i64, Currency)]) -> Result<Ceilings> {
        let money = |(whole, currency): &(i64, Currency)| Money::new(whole * SCALE, *currency);
        Ceilings::new(amounts.iter().map(money).collect())
    }

    #[test]
    fn a_ceiling_counts_both_ways() {
        let set = ceilings(&[(100, Currency::EUR)]).unwrap();
        assert!(!set.exceeded_by(100 * SCALE, "EUR"));
        assert!(set.exceeded_by(-100 * SCALE - 1, "EUR"));
        assert!(set.exceeded_by(i64::MIN, "EUR"));
    }

    #[test]
    fn a_currency_without_a_ceiling_is_above_it_once_there_is_one() {
        assert!(!Ceilings::default().exceeded_by(i64::MAX, "EUR"));
        let set = ceilings(&[(100, Currency::EUR)]).unwrap();
        assert!(set.exceeded_by(1, "USD"));
    }

    #[test]
    fn a_currency_has_one_ceiling() {
        assert!(ceilings(&[(1, Currency::EUR), (2, Currency::EUR)]).is_err());
        assert!(ceilings(&[(-1, Currency::EUR)]).is_err());
    }
}
