//! Whether the present is still what was simulated.

use entity::{RuleId, rule, simulation};
use sea_orm::{ColumnTrait, QueryFilter};

use crate::automation;
use crate::ctx::Tx;
use crate::error::{Error, Result};
use crate::rules::Arranged;
use crate::simulations::Stand;

/// Rules that a refusal names.
const NAMED: usize = 5;

/// Refuses a simulation that found other rules or another policy than there are, and says which.
pub(super) async fn check_unchanged(
    tx: &Tx<'_>,
    simulation: &simulation::Model,
    rules: &Arranged,
) -> Result<()> {
    let Some(stand) = &simulation.stand else {
        return Err(Error::conflict(
            "the simulation does not say which rules it found; simulate again",
        ));
    };
    let then: Stand = serde_json::from_str(stand)?;
    let policy = automation::policy_in(tx).await?;
    let since = then.until(&Stand::of(&rules.clone().as_tried(), policy));
    if since.is_nothing() {
        return Ok(());
    }
    let mut what = Vec::new();
    if !since.rules.is_empty() {
        what.push(named(tx, &since.rules).await?);
    }
    if since.order {
        what.push("the order of the rules".to_owned());
    }
    if since.policy {
        what.push("what may pass without a person".to_owned());
    }
    Err(Error::conflict(format!(
        "changed since it was simulated: {}; simulate again",
        what.join(", ")
    )))
}

/// The names of rules, also of those that were removed.
async fn named(tx: &Tx<'_>, ids: &[RuleId]) -> Result<String> {
    let few = &ids[..ids.len().min(NAMED)];
    let rows = tx
        .select::<rule::Entity>()
        .filter(rule::Column::Id.is_in(few.iter().copied()))
        .all(tx.on())
        .await?;
    let name = |id: &RuleId| {
        let row = rows.iter().find(|row| row.id == *id);
        row.map_or_else(
            || id.to_string(),
            |row| format!("\u{201c}{}\u{201d}", row.name),
        )
    };
    let names: Vec<String> = few.iter().map(name).collect();
    let more = match ids.len() - few.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (what, names) = (
        if ids.len() == 1 { "rule" } else { "rules" },
        names.join(", "),
    );
    Ok(format!("{what} {names}{more}"))
}
