//! Rows become records, once each.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;
use entity::{AccountId, ConnectionId, ImportId, RecordId, UserId, record};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::ctx::{Event, Job, Tx};
use crate::error::{Error, Result};
use crate::merchant::merchant_key;
use crate::money::Money;
use crate::tag;
use crate::text;

/// How many external ids one statement looks up.
const LOOKUP: usize = 1_000;

/// What the external id of a voided record starts with.
const VOIDED: &str = "voided:";

/// A movement of money on its way to becoming a record.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// The account or connection it came from, never the file or the door.
    pub source_id: Uuid,
    /// The source's id of it, or a content key.
    pub external_id: String,
    /// The account money moved on.
    pub account_id: Option<AccountId>,
    /// The connection that delivered it.
    pub connection_id: Option<ConnectionId>,
    /// The import that brought it.
    pub import_id: Option<ImportId>,
    /// The local date it happened.
    pub occurred_on: NaiveDate,
    /// How much moved: money in is positive.
    pub amount: Money,
    /// The text the bank sent.
    pub description: String,
    /// The row as received.
    pub raw: String,
    /// The tags it brings along, as they are kept.
    pub tags: Vec<String>,
    /// What the source added, JSON.
    pub metadata: Option<String>,
    /// The person who brought it in.
    pub created_by: Option<UserId>,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The record it is.
    pub record: RecordId,
    /// Whether it was not known before.
    pub new: bool,
}

/// Stores the rows that are not known yet, with their events and the jobs that decide about them; one receipt per row,
/// in order. A row that is known keeps what was first received.
pub async fn receive(tx: &mut Tx<'_>, rows: Vec<NewRecord>) -> Result<Vec<Receipt>> {
    let now = tx.ctx().now();
    let mut keys = Vec::with_capacity(rows.len());
    let mut first: HashMap<(Uuid, String), RecordId> = HashMap::with_capacity(rows.len());
    let mut models = Vec::with_capacity(rows.len());
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let key = (row.source_id, stored(row.external_id));
        keys.push(key.clone());
        if first.contains_key(&key) {
            continue;
        }
        let id: RecordId = tx.ctx().id();
        first.insert(key.clone(), id);
        let description = stored(row.description);
        events.push(Event::Ingested {
            record: id,
            account: row.account_id,
            connection: row.connection_id,
            import: row.import_id,
            occurred_on: row.occurred_on,
            amount: row.amount.decimal(),
            currency: row.amount.currency.to_string(),
        });
        models.push(record::Model {
            tenant_id: tx.tenant(),
            id,
            source_id: key.0,
            external_id: key.1,
            account_id: row.account_id,
            connection_id: row.connection_id,
            import_id: row.import_id,
            occurred_on: row.occurred_on,
            amount: row.amount.units,
            currency: row.amount.currency.to_string(),
            merchant_key: merchant_key(&description),
            text_key: Some(text::key(&description)),
            description,
            raw: stored(row.raw),
            status: record::Status::Received,
            category_id: None,
            project: None,
            note: None,
            tags: tag::written(&row.tags),
            decision_id: None,
            error: None,
            metadata: row.metadata.map(stored),
            created_by: row.created_by,
            created_at: now,
            updated_at: now,
            automatic: false,
            deleted_at: None,
        });
    }
    // two deliveries of the same rows wait for each other in one order, whatever the order of their rows
    models
        .sort_unstable_by(|a, b| (a.source_id, &a.external_id).cmp(&(b.source_id, &b.external_id)));
    let stored: HashSet<RecordId> = tx
        .insert_new(models)
        .await?
        .into_iter()
        .map(|(_, id)| id)
        .collect();
    for event in events {
        if let Event::Ingested { record, .. } = event
            && stored.contains(&record)
        {
            tx.record(event);
            tx.enqueue(Job::ProcessRecord { record });
        }
    }
    receipts(tx, keys, first, &stored).await
}

/// One receipt per key: the first row of a key that was stored is new, every other is the record that was there.
async fn receipts(
    tx: &Tx<'_>,
    keys: Vec<(Uuid, String)>,
    mut records: HashMap<(Uuid, String), RecordId>,
    stored: &HashSet<RecordId>,
) -> Result<Vec<Receipt>> {
    let known: Vec<&(Uuid, String)> = records
        .iter()
        .filter(|(_, id)| !stored.contains(id))
        .map(|(key, _)| key)
        .collect();
    let found = existing(tx, &known).await?;
    records.extend(found);
    let mut given = HashSet::with_capacity(stored.len());
    keys.into_iter()
        .map(|key| {
            let record = *records
                .get(&key)
                .ok_or_else(|| Error::internal("a row was neither stored nor found"))?;
            let new = stored.contains(&record) && given.insert(record);
            Ok(Receipt { record, new })
        })
        .collect()
}

/// The records of these keys.
async fn existing(
    tx: &Tx<'_>,
    keys: &[&(Uuid, String)],
) -> Result<Vec<((Uuid, String), RecordId)>> {
    let mut found = Vec::with_capacity(keys.len());
    for keys in keys.chunks(LOOKUP) {
        let sources: BTreeSet<Uuid> = keys.iter().map(|(source, _)| *source).collect();
        // more than asked for when sources share external ids; the caller looks up by both
        let records = tx
            .select::<record::Entity>()
            .select_only()
            .columns([
                record::Column::SourceId,
                record::Column::ExternalId,
                record::Column::Id,
            ])
            .filter(record::Column::SourceId.is_in(sources))
            .filter(record::Column::ExternalId.is_in(keys.iter().map(|(_, id)| id.as_str())))
            .into_tuple::<(Uuid, String, RecordId)>()
            .all(tx.on())
            .await?;
        found.extend(
            records
                .into_iter()
                .map(|(source, external, id)| ((source, external), id)),
        );
    }
    Ok(found)
}

/// A text as both databases can keep it: PostgreSQL has no zero character.
fn stored(mut text: String) -> String {
    text.retain(|letter| letter != '\0');
    text
}

/// What is put before the external ids of an import that is taken back.
///
/// A voided record gives its key up: the row may come again, from a corrected file or through another door, and is then
/// a new record with a history of its own. Reviving the old one instead would have to replace what it says (a file is
/// often voided because it was read wrongly) and would leave decisions behind that were made about other facts.
pub fn void_prefix(import: ImportId) -> String {
    format!("{VOIDED}{import}:")
}

/// The external id as the source gave it, also of a voided record.
pub fn external_id(record: &record::Model) -> &str {
    let plain = || {
        let (_, plain) = record.external_id.strip_prefix(VOIDED)?.split_once(':')?;
        Some(plain)
    };
    match record.status {
        record::Status::Voided => plain().unwrap_or(&record.external_id),
        _ => &record.external_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_zero_character_reaches_the_database() {
        assert_eq!(stored("a\0b".to_owned()), "ab");
    }

    #[test]
    fn the_key_of_a_voided_import_is_its_own() {
        let import = ImportId(Uuid::from_u128(1));
        let prefix = void_prefix(import);
        assert!(prefix.starts_with(VOIDED) && prefix.ends_with(':'));
        assert_eq!(prefix.matches(':').count(), 2);
    }
}
