//! Proposing and telling, row by row, through the pipeline.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use entity::account::Kind as AccountKind;
use entity::approval::{self, Status::Pending};
use entity::automation::Mode;
use entity::category::{self, Kind};
use entity::rule_suggestion::Status;
use entity::{AccountId, CategoryId, RecordId};
use sea_orm::ActiveEnum;

use super::rows::Row;
use super::score::{Proposal, Score};
use crate::accounts::{self, NewAccount};
use crate::app::App;
use crate::approvals::{self, Override};
use crate::bulk::ErrorPolicy;
use crate::categories::{self, NewCategory};
use crate::clock::Clock;
use crate::config::Config;
use crate::ctx::{Actor, Ctx};
use crate::error::{Error, Result};
use crate::identity::NewTenant;
use crate::page::{self, Window};
use crate::permission::Permissions;
use crate::queue::Queue;
use crate::records::{self, NewRow, RowAnswer};
use crate::suggestions::{self, Acceptance, Filter};
use crate::{automation, secret, tenants, worker};

/// A record that waits for its answer.
struct Waiting {
    record: RecordId,
    truth: CategoryId,
}

/// How the reviewer works.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    /// How many rows they are behind.
    pub delay: usize,
    /// Whether they accept every rule that is suggested.
    pub accept: bool,
}

/// Proposes a category for each row and tells the right one `delay` rows later.
pub(super) async fn run(
    config: Config,
    rows: &[Row],
    how: How,
    mut told: impl FnMut(),
) -> Result<Score> {
    let app = App::connect(config, Clock::system()).await?;
    let outcome = propose(&app, rows, how, &mut told).await;
    app.stopping.cancel();
    app.close().await;
    outcome
}

async fn propose(app: &Arc<App>, rows: &[Row], how: How, told: &mut impl FnMut()) -> Result<Score> {
    let ctx = open(app).await?;
    let categories = chart(&ctx, rows).await?;
    let names: BTreeMap<CategoryId, &str> = categories
        .iter()
        .map(|(name, id)| (*id, name.as_str()))
        .collect();
    let accounts = accounts(&ctx, rows).await?;
    let mut waiting = VecDeque::new();
    let mut score = Score::default();
    if how.accept {
        // what may pass is told and not done: each row is answered all the same
        score.follow_rules();
        let audited = automation::Change {
            mode: Some(Mode::Automatic),
            audit_share: Some(1.0),
            ..automation::Change::default()
        };
        automation::set(&ctx, audited).await?;
    }
    for (number, row) in rows.iter().enumerate() {
        let record = import(&ctx, number, row, accounts[&row.account]).await?;
        worker::drain(app).await?;
        ctx.refresh().await;
        let approval = waits(&ctx, record).await?;
        let truth = categories[&row.category];
        let proposed = approval.proposed_category_id;
        let named = proposed.and_then(|id| names.get(&id).copied());
        score.proposed(
            &row.description,
            Proposal {
                category: named.map(str::to_owned),
                source: approval.source.to_value(),
                confidence: proposed.map_or(0.0, |_| approval.confidence),
                right: proposed == Some(truth),
                passes: approval.passes,
            },
        );
        waiting.push_back(Waiting { record, truth });
        if waiting.len() > how.delay
            && let Some(oldest) = waiting.pop_front()
        {
            let right = tell(&ctx, oldest).await?;
            score.told(right);
            if how.accept {
                accept(app, &ctx).await?;
            }
        }
        told();
    }
    Ok(score)
}

/// Reviews what waits by now; whether it was right.
async fn tell(ctx: &Ctx, waiting: Waiting) -> Result<bool> {
    ctx.refresh().await;
    let approval = waits(ctx, waiting.record).await?;
    if approval.proposed_category_id == Some(waiting.truth) {
        approvals::approve(ctx, approval.id).await?;
        return Ok(true);
    }
    let choice = Override {
        category: waiting.truth,
        project: None,
        note: None,
        lines: Vec::new(),
    };
    let one = [approval.id];
    let answers = approvals::override_many(ctx, &one, choice, ErrorPolicy::RejectAll).await?;
    for answer in answers {
        answer.became.done()?;
    }
    Ok(false)
}

/// The approval in which a record waits.
async fn waits(ctx: &Ctx, record: RecordId) -> Result<approval::Model> {
    let all = approvals::of_records(ctx, &[record]).await?;
    let waiting = all.into_iter().find(|row| row.status == Pending);
    waiting.ok_or_else(|| Error::internal("a record was not decided; see the log"))
}

/// Accepts what is suggested by now, and lets it approve by itself.
async fn accept(app: &Arc<App>, ctx: &Ctx) -> Result<()> {
    worker::drain_queue(app, Queue::Suggestions).await?;
    ctx.refresh().await;
    let open = Filter {
        status: vec![Status::Open],
        ..Filter::default()
    };
    let window = Window {
        size: page::MAX,
        ..Window::default()
    };
    for (_, row) in suggestions::list(ctx, &open, &window).await?.rows {
        let how = Acceptance {
            self_approving: true,
            ..Acceptance::default()
        };
        match suggestions::accept(ctx, row.id, how).await {
            Ok(_) => {}
            // as many rules as a tenant may have: it is noted that nobody could want more
            Err(Error::Invalid { .. }) => {
                suggestions::dismiss(ctx, row.id).await?;
            }
            Err(error) => return Err(error),
        }
    }
    ctx.refresh().await;
    Ok(())
}

/// A company without a chart of its own: that of the file takes its place.
async fn open(app: &Arc<App>) -> Result<Ctx> {
    let new = NewTenant {
        tenant_name: "Evaluation".to_owned(),
        name: "Evaluation".to_owned(),
        email: "evaluation@localhost.example".to_owned(),
        password: secret::token(),
        base_currency: "EUR".to_owned(),
    };
    let opened = tenants::open(&app.handles, new).await?;
    let handles = Arc::clone(&app.handles);
    let owner = Actor::User(opened.owner);
    let ctx = Ctx::new(handles, owner, opened.tenant, Permissions::all());
    let planted = categories::list(&ctx, false).await?;
    // what is below first: a node with open ones below it stays
    for category in planted.iter().rev() {
        ctx.refresh().await;
        categories::archive(&ctx, category.id).await?;
    }
    ctx.refresh().await;
    Ok(ctx)
}

/// The categories of the file, as expenses where most of their money went out.
async fn chart(ctx: &Ctx, rows: &[Row]) -> Result<BTreeMap<String, CategoryId>> {
    let mut named: BTreeMap<&str, i64> = BTreeMap::new();
    for row in rows {
        *named.entry(&row.category).or_default() += row.amount.units.signum();
    }
    let mut made = BTreeMap::new();
    for (name, sign) in named {
        let new = NewCategory {
            code: None,
            name: name.chars().take(100).collect(),
            kind: if sign > 0 {
                Kind::Income
            } else {
                Kind::Expense
            },
            parent: None,
        };
        let category: category::Model = categories::create(ctx, new).await?;
        made.insert(name.to_owned(), category.id);
    }
    Ok(made)
}

async fn accounts(ctx: &Ctx, rows: &[Row]) -> Result<BTreeMap<String, AccountId>> {
    let named: BTreeSet<&str> = rows.iter().map(|row| row.account.as_str()).collect();
    let mut made = BTreeMap::new();
    for (number, name) in named.into_iter().enumerate() {
        let new = NewAccount {
            name: name.chars().take(100).collect(),
            number: Some(format!("evaluation {number}")),
            kind: AccountKind::Bank,
            currency: None,
            csv_mapping: None,
        };
        made.insert(name.to_owned(), accounts::create(ctx, new).await?.id);
    }
    Ok(made)
}

async fn import(ctx: &Ctx, number: usize, row: &Row, account: AccountId) -> Result<RecordId> {
    let new = NewRow {
        external_id: Some(format!("row {number}")),
        occurred_on: row.date,
        amount: row.amount.decimal(),
        currency: row.amount.currency.to_string(),
        description: row.description.clone(),
        tags: Vec::new(),
        metadata: None,
    };
    let stored = records::import_records(ctx, account, vec![new], ErrorPolicy::RejectAll).await?;
    match stored.into_iter().next() {
        Some(RowAnswer::New(record) | RowAnswer::Duplicate(record)) => Ok(record),
        Some(RowAnswer::Refused { field, message }) => Err(Error::invalid(
            "FILE",
            format!("row {}: {field} {message}", number + 1),
        )),
        _ => Err(Error::internal("a row was not stored")),
    }
}
