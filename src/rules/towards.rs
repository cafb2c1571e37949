//! The rules that would lead somewhere, and why they do not.

use entity::{CategoryId, RuleId, record};

use super::condition::Actions;
use super::matching::RuleSet;
use super::{compile, list};
use crate::ctx::Ctx;
use crate::error::Result;

/// A rule that names a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Towards {
    /// Which rule.
    pub rule: RuleId,
    /// What people call it.
    pub name: String,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Its first clause that the record does not meet; none when it matches.
    pub clause: Option<String>,
}

/// The rules that name a category, in their order, and what of each a record does not meet.
pub async fn towards(
    ctx: &Ctx,
    category: CategoryId,
    record: &record::Model,
) -> Result<Vec<Towards>> {
    let facts = compile::facts(record);
    let mut found = Vec::new();
    for row in list::list(ctx).await? {
        let actions: Actions = serde_json::from_str(&row.actions).unwrap_or_default();
        if actions.category != Some(category.0) {
            continue;
        }
        // one that a later version wrote cannot be explained here
        let Ok(definition) = compile::definition(&row) else {
            continue;
        };
        let clause = RuleSet::compile(vec![definition]).explain(row.id.0, &facts);
        found.push(Towards {
            rule: row.id,
            enabled: row.disabled_at.is_none(),
            name: row.name,
            clause,
        });
    }
    Ok(found)
}
