//! A tenant with a past: rules, and payees that were approved.

use std::collections::HashMap;
use std::sync::Arc;

use balance::accounts::{self, NewAccount};
use balance::app::App;
use balance::approvals::{self, Filter, Override};
use balance::bulk::ErrorPolicy;
use balance::ctx::{Actor, Ctx};
use balance::identity::NewTenant;
use balance::page::{MAX, Window};
use balance::permission::Permissions;
use balance::records::{self, NewRow};
use balance::rules::condition::{Actions, Condition, TextField, TextOp, TextTest};
use balance::rules::{self, NewRule, Place};
use balance::{categories, tenants, worker};
use chrono::NaiveDate;
use entity::account::Kind;
use entity::membership::Role;
use entity::{AccountId, ApprovalId, CategoryId, approval, category};

const FIRST: [&str; 20] = [
    "Meridian",
    "Harbour",
    "Copper",
    "Northgate",
    "Willow",
    "Juniper",
    "Castle",
    "Bluebird",
    "Granite",
    "Orchard",
    "Sable",
    "Linden",
    "Falcon",
    "Marigold",
    "Thistle",
    "Quayside",
    "Ember",
    "Clover",
    "Ironbridge",
    "Saffron",
];
const SECOND: [&str; 20] = [
    "Coffee",
    "Timber",
    "Office",
    "Garden",
    "Travel",
    "Media",
    "Print",
    "Courier",
    "Dental",
    "Bakery",
    "Fuel",
    "Catering",
    "Cloud",
    "Repair",
    "Textile",
    "Lighting",
    "Plumbing",
    "Insurance",
    "Books",
    "Hardware",
];
const THIRD: [&str; 20] = [
    "Works", "Supplies", "House", "Partners", "Depot", "Studio", "Brothers", "Trading", "Market",
    "Services", "Centre", "Workshop", "Exchange", "Corner", "Group", "Direct", "Union", "Rooms",
    "Yard", "Hall",
];
const CITY: [&str; 8] = [
    "Amsterdam",
    "Birmingham",
    "Leeds",
    "Utrecht",
    "London",
    "Bristol",
    "Gent",
    "Dublin",
];
/// Payees a tenant with a past knows.
pub const APPROVED: usize = 5_000;
/// Rules it has.
pub const RULES: usize = 100;

/// A tenant and its owner at work.
pub struct Books {
    /// An operation of the owner.
    pub ctx: Ctx,
    /// The owner's access token.
    pub token: String,
    /// The account money moves on.
    pub account: AccountId,
    /// What money is spent on.
    pub expenses: Vec<CategoryId>,
}

impl Books {
    /// Opens a tenant with nothing in it.
    pub async fn open(app: &Arc<App>, name: &str) -> Self {
        let new = NewTenant {
            tenant_name: name.to_owned(),
            name: "Olive Owner".to_owned(),
            email: format!("owner@{name}.example"),
            password: "correct horse battery staple".to_owned(),
            base_currency: "EUR".to_owned(),
        };
        let opened = tenants::open(&app.handles, new)
            .await
            .expect("a tenant opens");
        let ctx = Ctx::new(
            Arc::clone(&app.handles),
            Actor::User(opened.owner),
            opened.tenant,
            Permissions::of(Role::Owner),
        );
        let account = NewAccount {
            name: "Current account".to_owned(),
            number: None,
            kind: Kind::Bank,
            currency: "EUR".parse().ok(),
            csv_mapping: None,
        };
        let account = accounts::create(&ctx, account)
            .await
            .expect("an account is made");
        let chart = categories::list(&ctx, false)
            .await
            .expect("the chart is there");
        // a reading transaction that stays open keeps SQLite from ever taking its log back
        ctx.refresh().await;
        let leaf =
            |one: &&category::Model| !chart.iter().any(|other| other.parent_id == Some(one.id));
        let expense = chart.iter().filter(|c| c.kind == category::Kind::Expense);
        Self {
            token: opened.tokens.access_token,
            account: account.id,
            expenses: expense.filter(leaf).map(|c| c.id).collect(),
            ctx,
        }
    }

    /// Gives it its past, through the verbs a person's clicks end in.
    pub async fn remember(&self, app: &Arc<App>) {
        for number in 0..RULES {
            let rule = NewRule {
                name: format!("Supplier {number}"),
                conditions: Condition::All(vec![Condition::Text(TextTest {
                    of: TextField::Description,
                    op: TextOp::Contains,
                    value: supplier(number),
                })]),
                actions: Actions {
                    category: Some(self.expense(number).0),
                    ..Actions::default()
                },
                stop: true,
                shadow: false,
                place: Place::Last,
            };
            rules::create(&self.ctx, rule)
                .await
                .expect("a rule is made");
        }
        let rows: Vec<NewRow> = (0..APPROVED).map(|n| row(&known(n, 0), n)).collect();
        self.bring(rows).await;
        worker::drain(app).await.expect("the past is decided");
        self.approve().await;
    }

    /// Hands rows in.
    pub async fn bring(&self, rows: Vec<NewRow>) {
        for rows in rows.chunks(records::MAX_ROWS) {
            let handed_in = records::import_records(
                &self.ctx,
                self.account,
                rows.to_vec(),
                ErrorPolicy::RejectAll,
            );
            handed_in.await.expect("the rows are good");
        }
    }

    /// Files everything that waits, each payee under the category that is its own.
    async fn approve(&self) {
        let pending = Filter {
            status: vec![approval::Status::Pending],
            ..Filter::default()
        };
        let mut wanted: HashMap<CategoryId, Vec<ApprovalId>> = HashMap::new();
        let mut from = None;
        loop {
            let window = Window {
                size: MAX,
                from,
                backwards: false,
            };
            let page = approvals::list(&self.ctx, &pending, false, &window).await;
            let page = page.expect("the queue is readable");
            let ids: Vec<_> = page.rows.iter().map(|(_, row)| row.record_id).collect();
            let records = records::by_ids(&self.ctx, &ids)
                .await
                .expect("records are readable");
            let payees: HashMap<_, _> = records
                .into_iter()
                .map(|r| (r.id, r.merchant_key))
                .collect();
            for (_, row) in &page.rows {
                let payee = &payees[&row.record_id];
                let number = payee.bytes().map(usize::from).sum();
                wanted.entry(self.expense(number)).or_default().push(row.id);
            }
            from = page.rows.last().map(|(cursor, _)| cursor.clone());
            if !page.has_next {
                break;
            }
        }
        for (category, ids) in wanted {
            for ids in ids.chunks(200) {
                let choice = Override {
                    category,
                    project: None,
                    note: None,
                    lines: Vec::new(),
                };
                let filed =
                    approvals::override_many(&self.ctx, ids, choice, ErrorPolicy::RejectFailed)
                        .await;
                filed.expect("approvals are decided");
            }
        }
        self.ctx.refresh().await;
    }

    fn expense(&self, number: usize) -> CategoryId {
        self.expenses[number % self.expenses.len()]
    }
}

fn supplier(number: usize) -> String {
    let (first, second) = (FIRST[number % 20], SECOND[number / 20 % 5]);
    format!("{first} {second} Wholesale")
}

fn payee(number: usize) -> String {
    let (first, second, third) = (number % 20, number / 20 % 20, number / 400 % 20);
    format!("{} {} {}", FIRST[first], SECOND[second], THIRD[third])
}

/// What the bank writes about an approved payee, with the noise of the day.
pub fn known(number: usize, run: usize) -> String {
    let number = number % APPROVED;
    described(&payee(number), number, run)
}

/// What it writes about one that a rule names.
pub fn ruled(number: usize, run: usize) -> String {
    described(&supplier(number % RULES), number, run)
}

/// What it writes about one that nobody has seen, and that looks like many.
pub fn unseen(number: usize, run: usize) -> String {
    let name = payee(APPROVED + number % 3_000);
    described(
        &format!("{name} {}", THIRD[(number + run) % 20]),
        number,
        run,
    )
}

fn described(name: &str, number: usize, run: usize) -> String {
    let city = CITY[number % CITY.len()];
    let terminal = 1_000 + (number * 7 + run * 131) % 9_000;
    format!(
        "CARD PAYMENT {} {city} {terminal}{run:02}",
        name.to_uppercase()
    )
}

/// A movement of some money with that text.
pub fn row(description: &str, number: usize) -> NewRow {
    NewRow {
        external_id: None,
        occurred_on: day(number),
        amount: amount(number),
        currency: "EUR".to_owned(),
        description: description.to_owned(),
        tags: Vec::new(),
        metadata: None,
    }
}

/// The day of a movement.
pub fn day(number: usize) -> NaiveDate {
    let day = number % 300;
    NaiveDate::from_yo_opt(2026, 1 + day as u32).expect("the year has as many days")
}

/// Its amount.
pub fn amount(number: usize) -> String {
    format!("-{}.{:02}", 1 + number % 900, number % 100)
}
