//! What automation does and would do: coverage, precision and calibration, by source and over time.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use entity::approval::{self, Column, Status};
use entity::decision::Source;
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseBackend, FromQueryResult, QueryFilter,
    QuerySelect,
};

use crate::ctx::Ctx;
use crate::error::Result;
use crate::permission::Permission;

/// Confidence is told in so many bins.
pub const BINS: usize = 10;

/// Proposals counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counted {
    /// Proposals made.
    pub proposed: i64,
    /// Those sure enough to pass.
    pub passing: i64,
    /// Those that entered the books by themselves and are still there.
    pub automatic: i64,
    /// Those that entered by themselves and were taken back.
    pub taken_back: i64,
    /// Those a person decided.
    pub checked: i64,
    /// Of those, what was accepted as it was.
    pub right: i64,
    /// Passing ones that a person decided.
    pub passing_checked: i64,
    /// Of those, what was accepted as it was.
    pub passing_right: i64,
}

/// A tenth of the scale of confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    /// Proposals in it that a person decided.
    pub checked: i64,
    /// Of those, what was accepted as it was.
    pub right: i64,
    /// The sum of their confidences.
    pub confidence: f64,
}

/// What automation did in a time.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Everything.
    pub all: Counted,
    /// By who proposed.
    pub sources: Vec<(Source, Counted)>,
    /// By month, `YYYY-MM`.
    pub months: BTreeMap<String, Counted>,
    /// By confidence, from 0 up.
    pub bins: [Bin; BINS],
}

#[derive(FromQueryResult)]
struct Row {
    source: Source,
    status: Status,
    passes: bool,
    automatic: bool,
    /// 1 when the proposal was taken as it was.
    accepted: i32,
    month: String,
    bin: i32,
    proposals: i64,
    confidence: f64,
}

/// Counts proposals made from one day to another, both included, in one statement.
pub async fn report(ctx: &Ctx, from: NaiveDate, to: NaiveDate) -> Result<Report> {
    ctx.require_on_all(Permission::ReadApprovals)?;
    let read = ctx.read().await?;
    let month = month(read.on().get_database_backend());
    let bin = bin();
    let accepted = Expr::cust(
        "case when \"approval\".\"category_id\" = \"approval\".\"proposed_category_id\" \
         and \"approval\".\"status\" <> 'OVERRIDDEN' then 1 else 0 end",
    );
    let start = from.and_time(chrono::NaiveTime::MIN).and_utc();
    let end = to
        .succ_opt()
        .unwrap_or(NaiveDate::MAX)
        .and_time(chrono::NaiveTime::MIN)
        .and_utc();
    let rows = read
        .select::<approval::Entity>()
        .select_only()
        .columns([
            Column::Source,
            Column::Status,
            Column::Passes,
            Column::Automatic,
        ])
        .column_as(accepted.clone(), "accepted")
        .column_as(month.clone(), "month")
        .column_as(bin.clone(), "bin")
        .column_as(Column::Id.count(), "proposals")
        .column_as(Column::Confidence.sum(), "confidence")
        .filter(
            Condition::all()
                .add(Column::CreatedAt.gte(start))
                .add(Column::CreatedAt.lt(end))
                .add(Column::Source.ne(Source::Person))
                .add(Column::ProposedCategoryId.is_not_null()),
        )
        .group_by(Column::Source)
        .group_by(Column::Status)
        .group_by(Column::Passes)
        .group_by(Column::Automatic)
        .group_by(accepted)
        .group_by(month)
        .group_by(bin)
        .into_model::<Row>()
        .all(read.on())
        .await?;
    Ok(put_together(rows))
}

fn put_together(rows: Vec<Row>) -> Report {
    let mut report = Report::default();
    for row in rows {
        let at = match report.sources.iter().position(|(it, _)| *it == row.source) {
            Some(at) => at,
            None => {
                report.sources.push((row.source, Counted::default()));
                report.sources.len() - 1
            }
        };
        report.all.add(&row);
        report.sources[at].1.add(&row);
        report
            .months
            .entry(row.month.clone())
            .or_default()
            .add(&row);
        if row.was_checked() {
            let bin = &mut report.bins[usize::try_from(row.bin).unwrap_or(0).min(BINS - 1)];
            bin.checked += row.proposals;
            bin.right += if row.was_accepted() { row.proposals } else { 0 };
            bin.confidence += row.confidence;
        }
    }
    report
}

impl Row {
    fn was_accepted(&self) -> bool {
        self.accepted == 1
    }

    fn was_checked(&self) -> bool {
        !self.automatic && matches!(self.status, Status::Approved | Status::Overridden)
    }
}

impl Counted {
    fn add(&mut self, row: &Row) {
        let (checked, count) = (row.was_checked(), row.proposals);
        let when = |it: bool| if it { count } else { 0 };
        // one that was taken back or withdrawn is proposed again, in the approval that took its place
        let again = row.status == Status::Reopened;
        let stands = !again && row.status != Status::Cancelled;
        self.proposed += when(stands);
        self.passing += when(stands && row.passes);
        self.automatic += when(row.automatic && row.status == Status::Approved);
        self.taken_back += when(row.automatic && again);
        self.checked += when(checked);
        self.right += when(checked && row.was_accepted());
        self.passing_checked += when(checked && row.passes);
        self.passing_right += when(checked && row.passes && row.was_accepted());
    }

    /// The share of proposals sure enough to pass; none without proposals.
    pub fn coverage(&self) -> Option<f64> {
        share(self.passing, self.proposed)
    }

    /// The share of passing proposals that people agreed with, among those they looked at.
    pub fn precision(&self) -> Option<f64> {
        share(self.passing_right, self.passing_checked)
    }

    /// The share of all proposals that people agreed with, among those they looked at.
    pub fn accuracy(&self) -> Option<f64> {
        share(self.right, self.checked)
    }
}

impl Bin {
    /// The mean of what was said; none for an empty bin.
    pub fn said(&self) -> Option<f64> {
        (self.checked > 0).then(|| self.confidence / self.checked as f64)
    }

    /// How often it was right; none for an empty bin.
    pub fn was(&self) -> Option<f64> {
        share(self.right, self.checked)
    }
}

fn share(part: i64, of: i64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

/// Which tenth a confidence lies in. Spelled out, since databases round in their own ways, and without parameters, since
/// PostgreSQL takes an expression with other parameters for another one.
fn bin() -> SimpleExpr {
    let tenth = |tenth: usize| {
        let (below, bin) = (tenth as f64 / BINS as f64, tenth - 1);
        format!("when \"approval\".\"confidence\" < {below} then {bin}")
    };
    let tenths: Vec<String> = (1..BINS).map(tenth).collect();
    Expr::cust(format!("case {} else {} end", tenths.join(" "), BINS - 1))
}

/// The month an approval was made in as `YYYY-MM`, in the words of each database.
fn month(backend: DatabaseBackend) -> SimpleExpr {
    Expr::cust(match backend {
        DatabaseBackend::Postgres => {
            "to_char(\"approval\".\"created_at\" at time zone 'UTC', 'YYYY-MM')"
        }
        _ => "substr(\"approval\".\"created_at\", 1, 7)",
    })
}
