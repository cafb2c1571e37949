//! Reading a tenant's rules ready to run.

use std::collections::HashMap;
use std::sync::Arc;

use entity::{RuleId, record, rule};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

use super::matching::{Facts, RuleDef, RuleSet};
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
    let rows = read
        .select::<rule::Entity>()
        .filter(rule::Column::DeletedAt.is_null())
        .filter(rule::Column::DisabledAt.is_null())
        .order_by_asc(rule::Column::Position)
        .order_by_asc(rule::Column::Id)
        .all(read.on())
        .await?;
    let mut names = HashMap::with_capacity(rows.len());
    let mut rules = Vec::with_capacity(rows.len());
    for row in rows {
        match definition(&row) {
            Ok(rule) => rules.push(rule),
            // one rule that a later version wrote must not stop the books of the tenant
            Err(error) => {
                tracing::error!(rule.id = %row.id, %error, "Rule {} cannot be read and is left out", row.id);
            }
        }
        names.insert(row.id, row.name);
    }
    Ok(Arc::new(Compiled::new(RuleSet::compile(rules), names)))
}

/// A stored rule as the matcher takes it.
pub(super) fn definition(row: &rule::Model) -> Result<RuleDef, serde_json::Error> {
    Ok(RuleDef {
        id: row.id.0,
        conditions: serde_json::from_str(&row.conditions)?,
        actions: serde_json::from_str(&row.actions)?,
        stop: row.stop,
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
