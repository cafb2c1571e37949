//! How approved records with a text were filed, counted from the records themselves.

use std::collections::{BTreeMap, HashMap};

use entity::{AccountId, CategoryId, record};
use sea_orm::sea_query::{Alias, Expr, Query};
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, QuerySelect, QueryTrait};
use uuid::Uuid;

use super::agreed_to;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::records::reached;
use crate::splits;

/// Records shown of a text: the newest, and one more in case it is the very record asked about.
const SHOWN: i32 = 2;

/// What became of the approved records with one text.
#[derive(Clone, Debug, Default)]
pub(super) struct Filed {
    /// How many were filed where, by account and category.
    pub counts: BTreeMap<(Option<AccountId>, CategoryId), u32>,
    /// The newest of them, newest first.
    pub newest: Vec<record::Model>,
}

/// How each of these texts was filed, among the records the actor reaches; texts without an approved record are left out.
/// Two statements for each thousand.
pub(super) async fn filed(ctx: &Ctx, keys: &[Uuid]) -> Result<HashMap<Uuid, Filed>> {
    let read = ctx.read().await?;
    let mut filed: HashMap<Uuid, Filed> = HashMap::new();
    for keys in keys.chunks(1_000) {
        let approved = || {
            let select = read
                .select::<record::Entity>()
                .filter(agreed_to())
                .filter(splits::is_not_split(read.select()))
                .filter(record::Column::TextKey.is_in(keys.iter().copied()));
            reached(ctx, Permission::ReadRecords, select)
        };
        type Row = (Uuid, Option<AccountId>, CategoryId, i64);
        let counted: Vec<Row> = approved()
            .filter(record::Column::CategoryId.is_not_null())
            .select_only()
            .columns([
                record::Column::TextKey,
                record::Column::AccountId,
                record::Column::CategoryId,
            ])
            .column_as(record::Column::Id.count(), "records")
            .group_by(record::Column::TextKey)
            .group_by(record::Column::AccountId)
            .group_by(record::Column::CategoryId)
            .into_tuple()
            .all(read.on())
            .await?;
        for (key, account, category, records) in counted {
            let records = u32::try_from(records).map_err(Error::internal)?;
            let counts = &mut filed.entry(key).or_default().counts;
            counts.insert((account, category), records);
        }
        let ranked = approved()
            .select_only()
            .column(record::Column::Id)
            .expr_as(
                Expr::cust("row_number() over (partition by text_key order by id desc)"),
                "place",
            )
            .into_query();
        let first = Query::select()
            .column(Alias::new("id"))
            .from_subquery(ranked, Alias::new("ranked"))
            .and_where(Expr::col(Alias::new("place")).lte(SHOWN))
            .to_owned();
        let newest: Vec<record::Model> = read
            .select::<record::Entity>()
            .filter(record::Column::Id.in_subquery(first))
            .all(read.on())
            .await?;
        for record in newest {
            if let Some(filed) = record.text_key.and_then(|key| filed.get_mut(&key)) {
                filed.newest.push(record);
            }
        }
    }
    for filed in filed.values_mut() {
        filed
            .newest
            .sort_unstable_by_key(|record| std::cmp::Reverse(record.id));
    }
    Ok(filed)
}

impl Filed {
    /// How many records are counted for each category.
    pub(super) fn by_category(&self) -> BTreeMap<CategoryId, u32> {
        let mut categories = BTreeMap::new();
        for ((_, category), count) in &self.counts {
            *categories.entry(*category).or_default() += count;
        }
        categories
    }

    /// The same without one record, which is not like itself.
    pub(super) fn without(mut self, record: &record::Model) -> Self {
        self.newest.retain(|other| other.id != record.id);
        let place = record
            .category_id
            .map(|category| (record.account_id, category));
        if record.status == record::Status::Approved
            && !record.automatic
            && let Some(place) = place
            && let Some(count) = self.counts.get_mut(&place)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&place);
            }
        }
        self
    }
}
