//! Having the pipeline propose again what waits, and taking that back.
//!
//! A proposal that waits is cancelled and its record goes through the pipeline like one that came in: what is proposed
//! then is decided, explained and counted as always. Taken back, what was proposed before waits again in an approval of
//! its own; what the pipeline made meanwhile is kept as history.

use std::collections::HashMap;

use entity::approval::{self, Status};
use entity::{ApprovalId, CategoryId, DecisionId, RecordId, decision, record};
use sea_orm::sea_query::{CaseStatement, Expr, SimpleExpr};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, Value};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::approve::all_moved;
use super::standing::{Refusal, Standing};
use super::withdraw::{move_all, tell_withdrawn};
use crate::ctx::{Event, Job, Tx};
use crate::error::Result;
use crate::records;
use crate::rules::{self, Hit};
use crate::tag;

/// A proposal as it waited: what is needed for it to wait again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    category: Option<CategoryId>,
    project: Option<String>,
    note: Option<String>,
    tags: Option<String>,
    decision: Option<DecisionId>,
    hits: Vec<(entity::RuleId, bool, Option<CategoryId>)>,
}

/// A proposal that waits again.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The record.
    pub record: RecordId,
    /// The approval that was withdrawn.
    pub withdrawn: ApprovalId,
    /// As it waited.
    pub waiting: Waiting,
}

/// What became of each record: the approval that was withdrawn and how it waited, or why it was not touched.
pub type Withdrawn = Vec<(RecordId, Result<(ApprovalId, Waiting), Refusal>)>;
/// What became of each record: the approval that waits now, or why it was not touched.
pub type Restored = Vec<(RecordId, Result<ApprovalId, Refusal>)>;

/// Withdraws what is proposed about records that wait, and hands them to the pipeline, in a fixed number of statements.
pub async fn propose_again(
    tx: &mut Tx<'_>,
    standing: &Standing,
    wanted: &[RecordId],
) -> Result<Withdrawn> {
    let mut became: Withdrawn = Vec::with_capacity(wanted.len());
    let mut withdrawn: Vec<&approval::Model> = Vec::new();
    for id in wanted {
        match waiting(tx, standing, *id) {
            Ok((row, _)) => withdrawn.push(row),
            Err(refusal) => became.push((*id, Err(refusal))),
        }
    }
    if withdrawn.is_empty() {
        return Ok(became);
    }
    let records: Vec<RecordId> = withdrawn.iter().map(|row| row.record_id).collect();
    let mut met = rules::met_by(tx, &records).await?;
    let ids: Vec<ApprovalId> = withdrawn.iter().map(|row| row.id).collect();
    move_all(tx, &ids, Status::Pending, Status::Cancelled).await?;
    let sent = tx
        .update::<record::Entity>()
        .col_expr(
            record::Column::Status,
            Expr::value(record::Status::Received),
        )
        .col_expr(record::Column::UpdatedAt, Expr::value(tx.ctx().now()))
        .filter(record::Column::Id.is_in(records))
        .filter(record::Column::Status.eq(record::Status::Processed))
        .exec(tx.on())
        .await?;
    all_moved(sent.rows_affected, withdrawn.len())?;
    for row in withdrawn {
        let Some(record) = standing.records.get(&row.record_id) else {
            continue;
        };
        tell_withdrawn(tx, row.id, record.id);
        tx.enqueue(Job::ProcessRecord { record: record.id });
        let hits = met.remove(&record.id).unwrap_or_default();
        let before = Waiting {
            category: record.category_id,
            project: record.project.clone(),
            note: record.note.clone(),
            tags: record.tags.clone(),
            decision: record.decision_id,
            hits: hits
                .iter()
                .map(|hit| (hit.rule, hit.shadow, hit.category))
                .collect(),
        };
        became.push((record.id, Ok((row.id, before))));
    }
    Ok(became)
}

/// The approval that waits for the actor, or for anybody who may decide.
fn waiting<'s>(
    tx: &Tx<'_>,
    standing: &'s Standing,
    id: RecordId,
) -> Result<(&'s approval::Model, &'s record::Model), Refusal> {
    let record = standing.records.get(&id);
    let record = record.filter(|record| record.status == record::Status::Processed);
    let (record, row) = record.zip(standing.waiting(id)).ok_or(Refusal::Changed)?;
    standing.check_reach(tx, record)?;
    match row.proposed_by {
        Some(_) => Err(Refusal::OverrideWaits),
        None => Ok((row, record)),
    }
}

/// Lets what was proposed before wait again, where nobody but the pipeline touched the record since, in a fixed number of
/// statements. What passed by itself meanwhile leaves the books.
pub async fn restore_proposals(
    tx: &mut Tx<'_>,
    standing: &Standing,
    wanted: &[Restore],
) -> Result<Restored> {
    let mut became: Restored = Vec::with_capacity(wanted.len());
    let mut back: Vec<(&Restore, approval::Model, Option<&approval::Model>)> = Vec::new();
    for it in wanted {
        match untouched(tx, standing, it) {
            Ok((withdrawn, made)) => {
                let again = approval::Model {
                    id: tx.ctx().id(),
                    status: Status::Pending,
                    created_at: tx.ctx().now(),
                    ..withdrawn.clone()
                };
                back.push((it, again, made));
            }
            Err(refusal) => became.push((it.record, Err(refusal))),
        }
    }
    if back.is_empty() {
        return Ok(became);
    }
    let made = |passed: bool| {
        let made = back.iter().filter_map(|(_, _, made)| *made);
        let ids = made.filter(|made| (made.status == Status::Approved) == passed);
        ids.map(|made| made.id).collect::<Vec<_>>()
    };
    move_all(tx, &made(false), Status::Pending, Status::Cancelled).await?;
    move_all(tx, &made(true), Status::Approved, Status::Reopened).await?;
    put_back(tx, &back).await?;
    let records: Vec<RecordId> = back.iter().map(|(it, ..)| it.record).collect();
    rules::forget_hits(tx, &records).await?;
    let hits = back.iter().flat_map(|(it, ..)| {
        let hit = |(rule, shadow, category): &(entity::RuleId, bool, Option<CategoryId>)| Hit {
            rule: *rule,
            shadow: *shadow,
            category: *category,
        };
        it.waiting.hits.iter().map(move |row| (it.record, hit(row)))
    });
    rules::note_hits(tx, hits.collect()).await?;
    let mut rows = Vec::with_capacity(back.len());
    for (it, again, made) in back {
        tell(tx, it, &again, made);
        became.push((it.record, Ok(again.id)));
        rows.push(again);
    }
    tx.insert_all(rows).await?;
    Ok(became)
}

/// The proposal that was withdrawn, and the one that the pipeline made since, if it came to it. A person has touched the
/// record when any other was decided, reopened or overridden meanwhile.
fn untouched<'s>(
    tx: &Tx<'_>,
    standing: &'s Standing,
    it: &Restore,
) -> Result<(&'s approval::Model, Option<&'s approval::Model>), Refusal> {
    use record::Status as Is;
    let (Some(record), Some(rows)) = (
        standing.records.get(&it.record),
        standing.approvals.get(&it.record),
    ) else {
        return Err(Refusal::Changed);
    };
    standing.check_reach(tx, record)?;
    let withdrawn = rows.iter().find(|row| row.id == it.withdrawn);
    let withdrawn = withdrawn.filter(|row| row.status == Status::Cancelled);
    let withdrawn = withdrawn.ok_or(Refusal::Changed)?;
    let (now, past): (Vec<&approval::Model>, Vec<&approval::Model>) = rows
        .iter()
        .filter(|row| row.id > it.withdrawn)
        .partition(|row| matches!(row.status, Status::Pending | Status::Approved));
    let by_itself = |row: &&approval::Model| match row.status {
        Status::Cancelled => true,
        Status::Reopened => row.automatic,
        _ => false,
    };
    if !past.iter().all(by_itself) {
        return Err(Refusal::Changed);
    }
    match (record.status, now.as_slice()) {
        (Is::Received | Is::Failed, []) => Ok((withdrawn, None)),
        (Is::Processed, [made]) if made.proposed_by.is_none() && made.reopened_from.is_none() => {
            Ok((withdrawn, Some(made)))
        }
        (Is::Approved, [made]) if made.automatic => Ok((withdrawn, Some(made))),
        _ => Err(Refusal::Changed),
    }
}

/// Gives records what they had while the proposal waited, in one statement.
async fn put_back(
    tx: &Tx<'_>,
    back: &[(&Restore, approval::Model, Option<&approval::Model>)],
) -> Result<()> {
    let tags = tags_without_those_of_rules(tx, back).await?;
    let of_record = |value: &dyn Fn(&Restore) -> Value| -> SimpleExpr {
        let cases = back.iter().fold(CaseStatement::new(), |cases, (it, ..)| {
            cases.case(record::Column::Id.eq(it.record), Expr::value(value(it)))
        });
        cases.into()
    };
    let each = |value: &dyn Fn(&Waiting) -> Value| of_record(&|it| value(&it.waiting));
    use record::{Column, Status as Is};
    let moved = tx
        .update::<record::Entity>()
        .col_expr(Column::Status, Expr::value(Is::Processed))
        .col_expr(Column::CategoryId, each(&|it| it.category.into()))
        .col_expr(Column::Project, each(&|it| it.project.clone().into()))
        .col_expr(Column::Note, each(&|it| it.note.clone().into()))
        .col_expr(
            Column::Tags,
            of_record(&|it| tags.get(&it.record).cloned().into()),
        )
        .col_expr(Column::DecisionId, each(&|it| it.decision.into()))
        .col_expr(Column::Automatic, Expr::value(false))
        .col_expr(Column::Error, Expr::value(Option::<String>::None))
        .col_expr(Column::UpdatedAt, Expr::value(tx.ctx().now()))
        .filter(Column::Id.is_in(back.iter().map(|(it, ..)| it.record)))
        .filter(Column::Status.is_in([Is::Received, Is::Failed, Is::Processed, Is::Approved]))
        .exec(tx.on())
        .await?;
    all_moved(moved.rows_affected, back.len())
}

/// The tags of records without those that rules set since the proposal was withdrawn. The pipeline only adds tags, so
/// what else differs from then is what people did since, and that stays. All of them are locked, those without tags too:
/// who tags one meanwhile waits.
async fn tags_without_those_of_rules(
    tx: &Tx<'_>,
    back: &[(&Restore, approval::Model, Option<&approval::Model>)],
) -> Result<HashMap<RecordId, String>> {
    let ids = || back.iter().map(|(it, ..)| it.record);
    let held = records::hold_tags(tx, ids()).await?;
    if held.values().all(Vec::is_empty) {
        return Ok(HashMap::new());
    }
    let decided: Vec<(RecordId, DecisionId, Option<String>)> = tx
        .select::<decision::Entity>()
        .select_only()
        .columns([
            decision::Column::RecordId,
            decision::Column::Id,
            decision::Column::Tags,
        ])
        .filter(decision::Column::RecordId.is_in(ids()))
        .filter(decision::Column::Tags.is_not_null())
        .into_tuple()
        .all(tx.on())
        .await?;
    let waited: HashMap<RecordId, &Waiting> = back
        .iter()
        .map(|(it, ..)| (it.record, &it.waiting))
        .collect();
    let kept = |(id, mut tags): (RecordId, Vec<String>)| {
        let then = waited.get(&id)?;
        let since = decided
            .iter()
            .filter(|(record, decision, _)| *record == id && Some(*decision) > then.decision);
        let mut by_rules: Vec<String> = since
            .flat_map(|(.., tags)| tag::read(tags.as_deref()))
            .collect();
        let before = tag::read(then.tags.as_deref());
        by_rules.retain(|tag| !before.contains(tag));
        tags.retain(|tag| !by_rules.contains(tag));
        Some((id, tag::written(&tags)?))
    };
    Ok(held.into_iter().filter_map(kept).collect())
}

fn tell(tx: &mut Tx<'_>, it: &Restore, again: &approval::Model, made: Option<&approval::Model>) {
    if let Some(passed) = made.filter(|made| made.status == Status::Approved) {
        tx.record_diff(
            Event::ApprovalReopened {
                approval: again.id,
                record: it.record,
                reopened: passed.id,
                // what passed by itself taught nothing
                category: None,
            },
            json!({ "status": { "from": "APPROVED", "to": "REOPENED" } }),
        );
    }
    tx.record(Event::ProposalRestored {
        approval: again.id,
        record: it.record,
        withdrawn: made
            .filter(|made| made.status == Status::Pending)
            .map(|made| made.id),
        restored: it.withdrawn,
    });
}
