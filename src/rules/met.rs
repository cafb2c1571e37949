//! Which rules records met when they were last processed.

use std::collections::HashMap;

use entity::{RecordId, rule_hit};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

use super::Hit;
use crate::ctx::Tx;
use crate::error::Result;

/// The rules that these records met, as [`note_hits`](super::note_hits) noted them, in one statement.
pub async fn met_by(tx: &Tx<'_>, records: &[RecordId]) -> Result<HashMap<RecordId, Vec<Hit>>> {
    let mut met: HashMap<RecordId, Vec<Hit>> = HashMap::new();
    if records.is_empty() {
        return Ok(met);
    }
    let rows = tx
        .select::<rule_hit::Entity>()
        .filter(rule_hit::Column::RecordId.is_in(records.iter().copied()))
        .order_by_asc(rule_hit::Column::RuleId)
        .all(tx.on())
        .await?;
    for row in rows {
        met.entry(row.record_id).or_default().push(Hit {
            rule: row.rule_id,
            shadow: row.shadow,
            category: row.category_id,
        });
    }
    Ok(met)
}
