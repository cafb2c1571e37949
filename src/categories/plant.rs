//! A chart to start with.

use std::collections::HashMap;

use entity::{CategoryId, category};

use super::chart::{CHART, Kind};
use crate::ctx::{Event, Tx};
use crate::error::Result;

/// Gives a new tenant the default chart.
pub async fn plant(tx: &mut Tx<'_>) -> Result<()> {
    let ctx = tx.ctx();
    let now = ctx.now();
    let mut ids: HashMap<&str, CategoryId> = HashMap::new();
    let mut rows = Vec::with_capacity(CHART.len());
    for entry in CHART {
        let id = ctx.id();
        ids.insert(entry.code, id);
        rows.push(category::Model {
            tenant_id: tx.tenant(),
            id,
            // parents come before children
            parent_id: entry.parent.and_then(|code| ids.get(code).copied()),
            code: entry.code.to_owned(),
            name: entry.name.to_owned(),
            kind: kind(entry.kind),
            archived_at: None,
            created_at: now,
            updated_at: now,
        });
    }
    for row in &rows {
        tx.record(Event::CategoryCreated { category: row.id });
    }
    tx.insert_all(rows).await
}

fn kind(kind: Kind) -> category::Kind {
    match kind {
        Kind::Asset => category::Kind::Asset,
        Kind::Liability => category::Kind::Liability,
        Kind::Equity => category::Kind::Equity,
        Kind::Income => category::Kind::Income,
        Kind::Expense => category::Kind::Expense,
    }
}
