//! Reading a tenant's rules ready to run.

use std::collections::HashMap;
use std::sync::Arc;

use entity::{RuleId, record, rule};

use super::matching::{Facts, RuleDef, RuleSet};
use super::order;
use crate::ctx::Read;
use crate::error::Result;

/// A tenant's rules in their order, and what people call them.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The rules, ready to run.
    pub set: RuleSet,
    names: HashMap<RuleId, String>,
}

impl Compiled {
    /// Rules that were read before.
    pub fn new(set: RuleSet, names: HashMap<RuleId, String>) -> Self {
        Self { set, names }
    }

    /// What people call a rule.
    pub fn name(&self, id: RuleId) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }
}

/// The rules in force, ready to run.
pub async fn compiled(read: &Read) -> Result<Arc<Compiled>> {
    Ok(Arc::new(compile(in_force(read).await?)))
}

/// Rules that were read, in their order, ready to run; those that are switched off or removed are left out.
pub fn compile(rows: Vec<rule::Model>) -> Compiled {
    let in_force = |row: &rule::Model| row.disabled_at.is_none() && row.deleted_at.is_none();
    let rows: Vec<rule::Model> = rows.into_iter().filter(in_force).collect();
    let rules = rows.iter().filter_map(readable).collect();
    let names = rows.into_iter().map(|row| (row.id, row.name)).collect();
    Compiled::new(RuleSet::compile(rules), names)
}

/// The rules that are tried, in their order.
pub(super) async fn in_force(read: &Read) -> Result<Vec<rule::Model>> {
    let rows = order::ordered(read).await?;
    let tried = rows.into_iter().filter(|(_, tried)| *tried);
    Ok(tried.map(|(row, _)| row).collect())
}

/// A rule as the matcher takes it. One that a later version wrote is left out: it must not stop the books of the tenant.
pub(super) fn readable(row: &rule::Model) -> Option<RuleDef> {
    match definition(row) {
        Ok(rule) => Some(rule),
        Err(error) => {
            tracing::error!(rule.id = %row.id, %error, "Rule {} cannot be read and is left out", row.id);
            None
        }
    }
}

/// A stored rule as the matcher takes it.
pub(super) fn definition(row: &rule::Model) -> Result<RuleDef, serde_json::Error> {
    Ok(RuleDef {
        id: row.id.0,
        conditions: serde_json::from_str(&row.conditions)?,
        actions: serde_json::from_str(&row.actions)?,
        stop: row.stop,
        shadow: row.shadow,
    })
}

/// What rules may look at in a record. One without an account is on none that a rule can name.
pub fn facts(record: &record::Model) -> Facts<'_> {
    Facts::new(
        &record.description,
        &record.merchant_key,
        record.amount,
        &record.currency,
        record.account_id.map(|id| id.0).unwrap_or_default(),
        record.occurred_on,
    )
}
