//! Filing records that are in the books under another category, many at once, and filing them back.
//!
//! It is a reopening and an override in one unit of work, with the events of both: nobody finds such a record out of the
//! books meanwhile. Where a person would need a second one, or would lose the lines of a split, it is refused.

use entity::approval::{self, Status};
use entity::decision::Source;
use entity::{ApprovalId, CategoryId, DecisionId, RecordId, decision, record};
use sea_orm::sea_query::{CaseStatement, Expr, SimpleExpr};
use sea_orm::{ColumnTrait, QueryFilter};
use serde_json::json;

use super::answer;
use super::approve::all_moved;
use super::reopen::in_place_of;
use super::standing::{Refusal, Standing, open_categories};
use crate::ctx::{Event, Outcome, Tx};
use crate::error::{Error, Result};

/// A record in the books, and the category it goes to.
#[derive(Clone, Copy, Debug)]
pub struct Refile {
    /// The record.
    pub record: RecordId,
    /// The category.
    pub category: CategoryId,
}

/// A record that was filed elsewhere, and how it was filed before.
#[derive(Clone, Copy, Debug)]
pub struct FileBack {
    /// The record.
    pub record: RecordId,
    /// The decision that filed it elsewhere; it is touched while that one is in force.
    pub made: DecisionId,
    /// The approval before that.
    pub before: ApprovalId,
    /// How that one had ended.
    pub status: Status,
    /// The decision that was in force.
    pub decision: DecisionId,
    /// The category.
    pub category: CategoryId,
    /// Whether it had entered the books without a person.
    pub automatic: bool,
}

/// What became of each record: the approval and the decision in force now, or why it was not touched.
pub type Refiled = Vec<(RecordId, Result<(ApprovalId, DecisionId), Refusal>)>;

/// Files records elsewhere, each under a category of its own, in a fixed number of statements.
pub async fn refile(tx: &mut Tx<'_>, standing: &Standing, wanted: &[Refile]) -> Result<Refiled> {
    let open = open_categories(tx, wanted.iter().map(|it| it.category)).await?;
    let (mut became, mut swaps, mut decisions) = (Vec::new(), Vec::new(), Vec::new());
    for it in wanted {
        let judged = judge(tx, standing, it.record).and_then(|(old, record)| {
            let name = open.get(&it.category).ok_or(Refusal::CategoryArchived)?;
            if record.category_id == Some(it.category) {
                return Err(Refusal::AlreadySo);
            }
            standing.check_amount(record)?;
            Ok((old, record, name))
        });
        let (old, record, name) = match judged {
            Ok(found) => found,
            Err(refusal) => {
                became.push((it.record, Err(refusal)));
                continue;
            }
        };
        let decision = chosen(tx, record, it.category, name);
        let status = match old.proposed_category_id == Some(it.category) {
            true => Status::Approved,
            false => Status::Overridden,
        };
        swaps.push(Swap {
            new: approval::Model {
                status,
                category_id: Some(it.category),
                decided_by: tx.ctx().user(),
                decided_at: Some(tx.ctx().now()),
                ..in_place_of(tx, old, old.id)
            },
            old,
            decision: decision.id,
            category: it.category,
            automatic: false,
        });
        decisions.push(decision);
    }
    let made = swap(tx, swaps).await?;
    tx.insert_all(decisions).await?;
    became.extend(made);
    Ok(became)
}

/// Files records back as they were, where nobody touched them since, in a fixed number of statements. The decision that
/// was in force is in force again.
pub async fn file_back(
    tx: &mut Tx<'_>,
    standing: &Standing,
    wanted: &[FileBack],
) -> Result<Refiled> {
    let open = open_categories(tx, wanted.iter().map(|it| it.category)).await?;
    let (mut became, mut swaps) = (Vec::new(), Vec::new());
    for it in wanted {
        let judged = judge(tx, standing, it.record).and_then(|(made, record)| {
            if record.decision_id != Some(it.made) {
                return Err(Refusal::Changed);
            }
            if !open.contains_key(&it.category) {
                return Err(Refusal::CategoryArchived);
            }
            standing.check_amount(record)?;
            let of_record = standing.approvals.get(&it.record);
            let before = of_record.and_then(|rows| rows.iter().find(|row| row.id == it.before));
            Ok((made, before.ok_or(Refusal::Changed)?))
        });
        let (made, before) = match judged {
            Ok(found) => found,
            Err(refusal) => {
                became.push((it.record, Err(refusal)));
                continue;
            }
        };
        swaps.push(Swap {
            new: approval::Model {
                status: it.status,
                category_id: Some(it.category),
                decided_by: tx.ctx().user().filter(|_| !it.automatic),
                decided_at: Some(tx.ctx().now()),
                automatic: it.automatic,
                audit: before.audit,
                ..in_place_of(tx, before, made.id)
            },
            old: made,
            decision: it.decision,
            category: it.category,
            automatic: it.automatic,
        });
    }
    became.extend(swap(tx, swaps).await?);
    Ok(became)
}

/// The approval by which a record is in the books, where the actor may decide about it and it is not split.
fn judge<'s>(
    tx: &Tx<'_>,
    standing: &'s Standing,
    id: RecordId,
) -> Result<(&'s approval::Model, &'s record::Model), Refusal> {
    let record = standing.records.get(&id);
    let record = record.filter(|record| record.status == record::Status::Approved);
    let (record, old) = record.zip(standing.in_force(id)).ok_or(Refusal::Changed)?;
    standing.check_reach(tx, record)?;
    match standing.is_split(record) {
        true => Err(Refusal::Split),
        false => Ok((old, record)),
    }
}

/// The decision of whoever refiles a record.
fn chosen(
    tx: &Tx<'_>,
    record: &record::Model,
    category: CategoryId,
    name: &str,
) -> decision::Model {
    let ctx = tx.ctx();
    decision::Model {
        tenant_id: tx.tenant(),
        id: ctx.id(),
        record_id: record.id,
        source: Source::Person,
        category_id: Some(category),
        project: record.project.clone(),
        note: record.note.clone(),
        tags: record.tags.clone(),
        flag: None,
        confidence: 1.0,
        model: None,
        version: "1".to_owned(),
        rationale: format!("What a simulation showed was applied: {name}."),
        considered: "[]".to_owned(),
        cost_micros: 0,
        latency_us: 0,
        actor: ctx.actor().to_string(),
        created_at: ctx.now(),
    }
}

/// An approval that takes the place of another one, and what that means for the record.
struct Swap<'s> {
    old: &'s approval::Model,
    new: approval::Model,
    decision: DecisionId,
    category: CategoryId,
    automatic: bool,
}

async fn swap(tx: &mut Tx<'_>, swaps: Vec<Swap<'_>>) -> Result<Refiled> {
    if swaps.is_empty() {
        return Ok(Vec::new());
    }
    let reopened = tx
        .update::<approval::Entity>()
        .col_expr(approval::Column::Status, Expr::value(Status::Reopened))
        .filter(approval::Column::Id.is_in(swaps.iter().map(|it| it.old.id)))
        .filter(approval::Column::Status.is_in([Status::Approved, Status::Overridden]))
        .exec(tx.on())
        .await?;
    all_moved(reopened.rows_affected, swaps.len())?;
    let moved = tx
        .update::<record::Entity>()
        .col_expr(
            record::Column::CategoryId,
            each(&swaps, |it| Expr::value(Some(it.category))),
        )
        .col_expr(
            record::Column::DecisionId,
            each(&swaps, |it| Expr::value(Some(it.decision))),
        )
        .col_expr(
            record::Column::Automatic,
            each(&swaps, |it| Expr::value(it.automatic)),
        )
        .col_expr(record::Column::UpdatedAt, Expr::value(tx.ctx().now()))
        .filter(record::Column::Id.is_in(swaps.iter().map(|it| it.old.record_id)))
        .filter(record::Column::Status.eq(record::Status::Approved))
        .exec(tx.on())
        .await?;
    all_moved(moved.rows_affected, swaps.len())?;
    let (mut made, mut rows) = (Vec::new(), Vec::with_capacity(swaps.len()));
    for it in swaps {
        tell(tx, &it)?;
        made.push((it.new.record_id, Ok((it.new.id, it.decision))));
        rows.push(it.new);
    }
    tx.insert_all(rows).await?;
    Ok(made)
}

/// The events of a reopening and of the decision that follows it.
fn tell(tx: &mut Tx<'_>, it: &Swap<'_>) -> Result<()> {
    let from = match it.old.status {
        Status::Approved => "APPROVED",
        _ => "OVERRIDDEN",
    };
    tx.record_diff(
        Event::ApprovalReopened {
            approval: it.new.id,
            record: it.old.record_id,
            reopened: it.old.id,
            // what passed by itself taught nothing
            category: it.old.category_id.filter(|_| !it.old.automatic),
        },
        json!({ "status": { "from": from, "to": "REOPENED" } }),
    );
    let outcome = match (it.automatic, it.new.status) {
        (true, _) => Outcome::Automatic,
        (false, Status::Approved) => Outcome::Approved,
        (false, Status::Overridden) => Outcome::Overridden,
        _ => {
            return Err(Error::internal(
                "a record is filed by an approval that is not",
            ));
        }
    };
    let approved = Event::TxApproved {
        approval: it.new.id,
        record: it.new.record_id,
        decision: it.decision,
        category: it.category,
        outcome,
        lines: Vec::new(),
    };
    tx.record_diff(approved, answer::diff(&it.new));
    Ok(())
}

/// For each record its own value.
fn each(swaps: &[Swap<'_>], value: impl Fn(&Swap<'_>) -> SimpleExpr) -> SimpleExpr {
    let cases = swaps.iter().fold(CaseStatement::new(), |cases, it| {
        cases.case(record::Column::Id.eq(it.old.record_id), value(it))
    });
    cases.into()
}
