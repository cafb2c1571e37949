//! The demo company's books: its older statements are imported and decided as its bookkeeper would, then the newer ones
//! come in, so that a visitor finds a queue whose proposals have something to go by. All of it takes the real path.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use entity::account::Kind;
use entity::{AccountId, ApprovalId, CategoryId, TenantId, approval, import};

use super::company::{as_owner, find};
use super::statement::{DemoRow, Statement, accounts};
use crate::accounts::{self, NewAccount};
use crate::approvals::{self, Filter, Override};
use crate::bulk::ErrorPolicy;
use crate::ctx::{Ctx, Handles};
use crate::error::{Error, Result};
use crate::imports::{self, Input};
use crate::page::{MAX, Window};
use crate::{categories, files, queue, records};

/// The statement is the same on every machine that starts on the same day.
const SEED: u64 = 20_261_121;
/// How many months it goes back.
const MONTHS: u32 = 6;
/// Of ten rows, those that are history.
const DECIDED: usize = 7;

/// What tells a row of the statement again among records.
type Key = (AccountId, NaiveDate, String, String);

/// Feeds the demo company; how many rows. Needs a worker at work.
pub async fn feed(handles: &Arc<Handles>, tenant: TenantId) -> Result<usize> {
    let Some((_, owner)) = find(handles).await? else {
        return Err(Error::NotFound("demo company"));
    };
    let ctx = as_owner(handles, tenant, owner.id);
    let numbers = open_accounts(&ctx).await?;
    let statement = Statement::generate(SEED, ctx.today(), MONTHS);
    let (older, newer) = statement.rows.split_at(statement.rows.len() * DECIDED / 10);

    bring(&ctx, &numbers, older).await?;
    decide(&ctx, &numbers, older).await?;
    bring(&ctx, &numbers, newer).await?;
    Ok(statement.rows.len())
}

async fn open_accounts(ctx: &Ctx) -> Result<HashMap<&'static str, AccountId>> {
    let mut numbers = HashMap::new();
    for demo in accounts() {
        let account = accounts::create(
            ctx,
            NewAccount {
                name: demo.name.to_owned(),
                number: Some(demo.number.to_owned()),
                kind: if demo.card { Kind::Card } else { Kind::Bank },
                currency: None,
                csv_mapping: None,
            },
        )
        .await?;
        numbers.insert(demo.number, account.id);
    }
    Ok(numbers)
}

/// Imports one file per account, and waits until the pipeline is done with them.
async fn bring(
    ctx: &Ctx,
    numbers: &HashMap<&'static str, AccountId>,
    rows: &[DemoRow],
) -> Result<()> {
    let statement = Statement {
        rows: rows.to_vec(),
    };
    for (number, account) in numbers {
        let csv = statement.to_csv(number);
        let file = files::store_bytes(ctx, &format!("{number}.csv"), csv.as_bytes()).await?;
        let input = Input {
            file: file.id,
            account: Some(*account),
            mapping: None,
            save_mapping: false,
            skip_bad: false,
            default_currency: None,
        };
        imports::import_statement(ctx, input).await?;
    }
    while queue::depth(&ctx.handles().db, Some(ctx.tenant())).await? > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ctx.refresh().await;
    let failed = imports::ImportFilter {
        status: vec![import::Status::Refused, import::Status::Failed],
        ..imports::ImportFilter::default()
    };
    match imports::count(ctx, &failed).await? {
        0 => Ok(()),
        _ => Err(Error::internal(
            "a statement of the demo company was refused",
        )),
    }
}

/// Decides what waits as the statement's labels say.
async fn decide(
    ctx: &Ctx,
    numbers: &HashMap<&'static str, AccountId>,
    rows: &[DemoRow],
) -> Result<()> {
    let chart = categories::list(ctx, false).await?;
    let named: HashMap<&str, CategoryId> = chart.iter().map(|c| (c.name.as_str(), c.id)).collect();
    let truth: HashMap<Key, CategoryId> = rows
        .iter()
        .filter_map(|row| {
            let key = (
                numbers[row.account],
                row.occurred_on,
                row.amount.clone(),
                row.description.clone(),
            );
            Some((key, *named.get(row.category)?))
        })
        .collect();
    let pending = Filter {
        status: vec![approval::Status::Pending],
        ..Filter::default()
    };
    loop {
        ctx.refresh().await;
        let window = Window {
            size: MAX,
            ..Window::default()
        };
        let waiting = approvals::list(ctx, &pending, false, &window).await?;
        let waiting: Vec<approval::Model> = waiting
            .rows
            .into_iter()
            .map(|(_, approval)| approval)
            .collect();
        let ids: Vec<_> = waiting.iter().map(|approval| approval.record_id).collect();
        let records: HashMap<_, _> = records::by_ids(ctx, &ids)
            .await?
            .into_iter()
            .map(|r| (r.id, r))
            .collect();
        let mut decisions: HashMap<(CategoryId, bool), Vec<ApprovalId>> = HashMap::new();
        for approval in &waiting {
            let Some(record) = records.get(&approval.record_id) else {
                continue;
            };
            let Some(account) = record.account_id else {
                continue;
            };
            let amount = crate::money::units_to_decimal(
                i128::from(record.amount),
                record
                    .currency
                    .parse()
                    .map_err(|_| Error::internal("a record without currency"))?,
            );
            let key = (
                account,
                record.occurred_on,
                amount,
                record.description.clone(),
            );
            let Some(category) = truth.get(&key) else {
                continue;
            };
            let agreed = approval.proposed_category_id == Some(*category);
            decisions
                .entry((*category, agreed))
                .or_default()
                .push(approval.id);
        }
        if decisions.is_empty() {
            return Ok(());
        }
        for ((category, agreed), ids) in decisions {
            if agreed {
                approvals::approve_many(ctx, &ids, ErrorPolicy::RejectFailed).await?;
            } else {
                approvals::override_many(
                    ctx,
                    &ids,
                    Override {
                        category,
                        project: None,
                        note: None,
                        lines: Vec::new(),
                    },
                    ErrorPolicy::RejectFailed,
                )
                .await?;
            }
        }
    }
}
