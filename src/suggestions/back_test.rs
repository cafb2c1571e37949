//! What a suggested rule would have done with the records that are there.

use std::collections::{BTreeMap, HashMap};

use entity::rule_suggestion;
use entity::{AccountId, CategoryId, RuleSuggestionId, record};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, FromQueryResult, PaginatorTrait, QueryFilter, QuerySelect, Select,
};

use super::find;
use crate::ctx::{Ctx, Read};
use crate::error::Result;
use crate::money;
use crate::page::{self, Page, Window};
use crate::permission::Permission;
use crate::records;

/// What a rule would have done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackTest {
    /// Records it matches that are decided or wait for a decision.
    pub hits: i64,
    /// Of those, the approved ones in its category.
    pub agreements: i64,
    /// Of those, the approved ones in another category.
    pub contradictions: i64,
    /// Of those, the ones that still wait for a decision.
    pub waiting: i64,
    /// Of those, the ones in another category than it would propose, approved or not.
    pub changes: i64,
    /// What that would do to the books, by category and currency.
    pub difference: Vec<Difference>,
}

/// What a category would gain or lose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which category; none for records that have none.
    pub category: Option<CategoryId>,
    /// ISO 4217 code.
    pub currency: String,
    /// In 10^-5 units, signed from the books' view.
    pub units: i128,
    /// Records that would come or go.
    pub records: i64,
}

#[derive(Clone, Debug, FromQueryResult)]
struct Row {
    merchant_key: String,
    account_id: Option<AccountId>,
    status: record::Status,
    category_id: Option<CategoryId>,
    currency: String,
    records: i64,
    whole: i64,
    fraction: i64,
}

/// The statuses a back-test looks at.
const COUNTED: [record::Status; 2] = [record::Status::Processed, record::Status::Approved];

/// What each suggestion would have done with the records the actor sees: one statement, however many suggestions.
pub async fn back_test(
    ctx: &Ctx,
    rows: &[rule_suggestion::Model],
) -> Result<HashMap<RuleSuggestionId, BackTest>> {
    ctx.require(Permission::ReadRules)?;
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let select = read.select::<record::Entity>();
    let merchants = rows.iter().map(|row| row.merchant_key.as_str());
    let sums: Vec<Row> = records::reached(ctx, Permission::ReadRecords, select)
        .select_only()
        .columns([
            record::Column::MerchantKey,
            record::Column::AccountId,
            record::Column::Status,
            record::Column::CategoryId,
            record::Column::Currency,
        ])
        .column_as(record::Column::Id.count(), "records")
        // apart, so that no sum passes 64 bits
        .column_as(
            Expr::cust("cast(sum(\"record\".\"amount\" / 100000) as bigint)"),
            "whole",
        )
        .column_as(
            Expr::cust("cast(sum(\"record\".\"amount\" % 100000) as bigint)"),
            "fraction",
        )
        .filter(record::Column::MerchantKey.is_in(merchants))
        .filter(record::Column::Status.is_in(COUNTED))
        .group_by(record::Column::MerchantKey)
        .group_by(record::Column::AccountId)
        .group_by(record::Column::Status)
        .group_by(record::Column::CategoryId)
        .group_by(record::Column::Currency)
        .into_model()
        .all(read.on())
        .await?;
    let mut of_merchant: HashMap<&str, Vec<&Row>> = HashMap::new();
    for sum in &sums {
        of_merchant.entry(&sum.merchant_key).or_default().push(sum);
    }
    let tested = rows.iter().map(|row| {
        let sums = of_merchant.get(row.merchant_key.as_str());
        let own = sums.into_iter().flatten().copied();
        let own = own.filter(|sum| row.account_id.is_none() || sum.account_id == row.account_id);
        (row.id, counted(row.category_id, own))
    });
    Ok(tested.collect())
}

fn counted<'a>(category: CategoryId, sums: impl Iterator<Item = &'a Row>) -> BackTest {
    let mut test = BackTest::default();
    let mut difference: BTreeMap<(Option<CategoryId>, &str), (i128, i64)> = BTreeMap::new();
    for sum in sums {
        let same = sum.category_id == Some(category);
        let when = |holds: bool| if holds { sum.records } else { 0 };
        let approved = sum.status == record::Status::Approved;
        test.hits += sum.records;
        test.agreements += when(approved && same);
        test.contradictions += when(approved && !same);
        test.waiting += when(!approved);
        test.changes += when(!same);
        if same {
            continue;
        }
        let units = money::combine(sum.whole.into(), sum.fraction.into());
        for (of, sign) in [(sum.category_id, -1), (Some(category), 1)] {
            let (total, records) = difference.entry((of, &sum.currency)).or_default();
            *total += sign * units;
            *records += sum.records;
        }
    }
    let line =
        |((category, currency), (units, records)): ((Option<CategoryId>, &str), _)| Difference {
            category,
            currency: currency.to_owned(),
            units,
            records,
        };
    test.difference = difference.into_iter().map(line).collect();
    test
}

/// A page of the records a suggestion would have filed elsewhere, newest first.
pub async fn changes(
    ctx: &Ctx,
    id: RuleSuggestionId,
    window: &Window,
) -> Result<Page<record::Model>> {
    ctx.require(Permission::ReadRecords)?;
    let row = find::load(ctx, id).await?;
    let read = ctx.read().await?;
    let select = changed(ctx, &read, &row);
    page::page(select, &[record::Column::Id], true, window, read.on()).await
}

/// How many there are.
pub async fn count_changes(ctx: &Ctx, id: RuleSuggestionId) -> Result<u64> {
    ctx.require(Permission::ReadRecords)?;
    let row = find::load(ctx, id).await?;
    let read = ctx.read().await?;
    Ok(changed(ctx, &read, &row).count(read.on()).await?)
}

fn changed(ctx: &Ctx, read: &Read, row: &rule_suggestion::Model) -> Select<record::Entity> {
    let elsewhere = Condition::any()
        .add(record::Column::CategoryId.is_null())
        .add(record::Column::CategoryId.ne(row.category_id));
    let account = row.account_id.map(|id| record::Column::AccountId.eq(id));
    let select = read.select::<record::Entity>();
    records::reached(ctx, Permission::ReadRecords, select)
        .filter(record::Column::MerchantKey.eq(row.merchant_key.as_str()))
        .filter(record::Column::Status.is_in(COUNTED))
        .filter(elsewhere)
        .filter(Condition::all().add_option(account))
}
