//! Tags that people add and remove, and the tags there are.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use entity::{RecordId, record};
use sea_orm::sea_query::{CaseStatement, Expr};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::reach::reached;
use crate::bulk::{Became, ErrorPolicy};
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};
use crate::permission::Permission;
use crate::tag;
use crate::text::fold;

/// Records of one call.
pub const MAX_TAGGED: usize = 1_000;

/// What was added to a record, and what was removed: the one undoes the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagChange {
    /// Tags it did not have.
    pub added: Vec<String>,
    /// Tags it had.
    pub removed: Vec<String>,
}

/// What became of a record that was to be tagged.
#[derive(Debug)]
pub struct Tagged {
    /// Which one.
    pub record: RecordId,
    /// What changed; nothing where it was so already.
    pub became: Became<TagChange>,
}

/// A tag, and how many records have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagUse {
    /// The tag.
    pub name: String,
    /// How many have it.
    pub records: i64,
}

/// Adds tags to these records and removes others, with an answer for each. A tag that a record has already, or never
/// had, changes nothing. The number of statements does not grow with the records.
#[tracing::instrument(skip_all, fields(records = ids.len()))]
pub async fn tag_many(
    ctx: &Ctx,
    ids: &[RecordId],
    wanted: &TagChange,
    policy: ErrorPolicy,
) -> Result<Vec<Tagged>> {
    ctx.require(Permission::DecideApprovals)?;
    ctx.require(Permission::ReadRecords)?;
    if ids.len() > MAX_TAGGED {
        return Err(Error::invalid(
            "recordIds",
            format!("holds more than {MAX_TAGGED} records; tag them in portions"),
        ));
    }
    let wanted = checked(wanted)?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = ctx.begin().await?;
    let held = held(&tx, ids).await?;
    let beyond = beyond(&tx, &held).await?;
    let outcome = |id: &RecordId| match held.get(id) {
        None => Err(Error::NotFound("record")),
        Some(_) if beyond.contains(id) => Err(Error::OutOfReach(Permission::DecideApprovals)),
        Some((record::Status::Voided, _)) => Err(Error::conflict("it is voided")),
        Some((_, tags)) => applied(tags, &wanted),
    };
    let outcomes: Vec<_> = ids.iter().map(outcome).collect();
    let refused = outcomes.iter().any(Result::is_err);
    let held_back = refused && policy == ErrorPolicy::RejectAll;
    if held_back {
        tx.rollback().await?;
    } else {
        let done = ids.iter().zip(&outcomes);
        let done = done.filter_map(|(id, outcome)| Some((*id, outcome.as_ref().ok()?)));
        write(&mut tx, done.collect()).await?;
        tx.commit().await?;
    }
    let answers = ids.iter().zip(outcomes).map(|(record, outcome)| Tagged {
        record: *record,
        became: match outcome {
            Err(error) => Became::Refused(error),
            Ok(_) if held_back => Became::NotDone,
            Ok((_, change)) => Became::Done(change),
        },
    });
    Ok(answers.collect())
}

/// The tags as they are kept, unless they say nothing or contradict themselves.
fn checked(wanted: &TagChange) -> Result<TagChange> {
    let read = |field: &'static str, tags: &[String]| {
        let kept = tag::all_kept(tags.iter().map(String::as_str));
        let kept = kept.map_err(|at| Error::invalid(format!("{field}[{at}]"), tag::ACCEPTED))?;
        tag::few(kept).map_err(|message| Error::invalid(field, message))
    };
    let wanted = TagChange {
        added: read("add", &wanted.added)?,
        removed: read("remove", &wanted.removed)?,
    };
    if wanted.added.is_empty() && wanted.removed.is_empty() {
        return Err(Error::invalid(
            "add",
            "name at least one tag to add or to remove",
        ));
    }
    match wanted
        .removed
        .iter()
        .position(|it| wanted.added.contains(it))
    {
        Some(at) => Err(Error::invalid(
            format!("remove[{at}]"),
            "is to be added too; name it once",
        )),
        None => Ok(wanted),
    }
}

/// How far records are, and which tags they have.
type Held = HashMap<RecordId, (record::Status, Vec<String>)>;

/// Those of these that the actor sees. Nobody else changes them until the end.
async fn held(tx: &Tx<'_>, ids: &[RecordId]) -> Result<Held> {
    let all = tx.select::<record::Entity>();
    let rows: Vec<(RecordId, record::Status, Option<String>)> =
        reached(tx.ctx(), Permission::ReadRecords, all)
            .select_only()
            .columns([
                record::Column::Id,
                record::Column::Status,
                record::Column::Tags,
            ])
            .filter(record::Column::Id.is_in(ids.iter().copied()))
            // two that tag the same records wait for each other in one order
            .order_by_asc(record::Column::Id)
            .lock_exclusive()
            .into_tuple()
            .all(tx.on())
            .await?;
    let held =
        |(id, status, tags): (_, _, Option<String>)| (id, (status, tag::read(tags.as_deref())));
    Ok(rows.into_iter().map(held).collect())
}

/// The tags of these records, whoever sees them. Nobody else changes them until the end.
pub async fn hold_tags(
    tx: &Tx<'_>,
    ids: impl IntoIterator<Item = RecordId>,
) -> Result<HashMap<RecordId, Vec<String>>> {
    let rows: Vec<(RecordId, Option<String>)> = tx
        .select::<record::Entity>()
        .select_only()
        .columns([record::Column::Id, record::Column::Tags])
        .filter(record::Column::Id.is_in(ids))
        .order_by_asc(record::Column::Id)
        .lock_exclusive()
        .into_tuple()
        .all(tx.on())
        .await?;
    let held = |(id, tags): (_, Option<String>)| (id, tag::read(tags.as_deref()));
    Ok(rows.into_iter().map(held).collect())
}

/// Those of these that the actor sees and may not decide.
async fn beyond(tx: &Tx<'_>, held: &Held) -> Result<HashSet<RecordId>> {
    if tx.ctx().reach(Permission::DecideApprovals).is_everything() {
        return Ok(HashSet::new());
    }
    let all = tx.select::<record::Entity>();
    let within: Vec<RecordId> = reached(tx.ctx(), Permission::DecideApprovals, all)
        .select_only()
        .column(record::Column::Id)
        .filter(record::Column::Id.is_in(held.keys().copied()))
        .into_tuple()
        .all(tx.on())
        .await?;
    let within: HashSet<RecordId> = within.into_iter().collect();
    let beyond = held.keys().filter(|id| !within.contains(id));
    Ok(beyond.copied().collect())
}

/// The tags of a record after a change, and what of the change was one. A record with too many, by its rules, can only
/// lose some.
fn applied(tags: &[String], wanted: &TagChange) -> Result<(Vec<String>, TagChange)> {
    let of = |wanted: &[String], there: bool| {
        let changes = wanted.iter().filter(|it| tags.contains(it) == there);
        changes.cloned().collect::<Vec<String>>()
    };
    let change = TagChange {
        added: of(&wanted.added, false),
        removed: of(&wanted.removed, true),
    };
    let kept = tags.iter().filter(|it| !change.removed.contains(it));
    let after: Vec<String> = kept.chain(&change.added).cloned().collect();
    if !change.added.is_empty() && after.len() > tag::MAX_TAGS {
        let message = format!(
            "the record would have {} tags; at most {} are accepted",
            after.len(),
            tag::MAX_TAGS
        );
        return Err(Error::invalid("add", message));
    }
    Ok((after, change))
}

/// Gives records their new tags in one statement, and files what changed: numbers only, for a tag is a person's text.
async fn write(tx: &mut Tx<'_>, done: Vec<(RecordId, &(Vec<String>, TagChange))>) -> Result<()> {
    let mut alike: BTreeMap<Option<String>, Vec<RecordId>> = BTreeMap::new();
    let mut changed: BTreeMap<RecordId, &TagChange> = BTreeMap::new();
    for (id, (after, change)) in done {
        let nothing = change.added.is_empty() && change.removed.is_empty();
        if !nothing && changed.insert(id, change).is_none() {
            alike.entry(tag::written(after)).or_default().push(id);
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let mut tags = CaseStatement::new();
    for (after, ids) in alike {
        tags = tags.case(record::Column::Id.is_in(ids), Expr::value(after));
    }
    tx.update::<record::Entity>()
        .col_expr(
            record::Column::Tags,
            tags.finally(Expr::col(record::Column::Tags)).into(),
        )
        .col_expr(record::Column::UpdatedAt, Expr::value(tx.ctx().now()))
        .filter(record::Column::Id.is_in(changed.keys().copied()))
        .exec(tx.on())
        .await?;
    for (record, change) in changed {
        tx.record(Event::RecordTagged {
            record,
            added: change.added.len() as u64,
            removed: change.removed.len() as u64,
        });
    }
    Ok(())
}

/// The tags of the records that the actor sees, voided ones left out, the most used first; and how many there are.
/// With a text, those that hold it.
pub async fn tags(ctx: &Ctx, text: Option<&str>, window: &Window) -> Result<(Page<TagUse>, usize)> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let select = reached(
        ctx,
        Permission::ReadRecords,
        read.select::<record::Entity>(),
    );
    // records have few sets of tags: the database counts these, and what is in them is told apart here
    let sets: Vec<(String, i64)> = select
        .select_only()
        .column(record::Column::Tags)
        .column_as(record::Column::Id.count(), "records")
        .filter(record::Column::Tags.is_not_null())
        .filter(record::Column::Status.ne(record::Status::Voided))
        .group_by(record::Column::Tags)
        .into_tuple()
        .all(read.on())
        .await?;
    let part = fold(text.unwrap_or_default());
    let mut counts: HashMap<String, i64> = HashMap::new();
    for (set, records) in sets {
        for name in tag::read(Some(&set)) {
            if name.contains(&*part) {
                *counts.entry(name).or_default() += records;
            }
        }
    }
    let used = |(name, records)| TagUse { name, records };
    let mut all: Vec<TagUse> = counts.into_iter().map(used).collect();
    let key = |used: &TagUse| (Reverse(used.records), used.name.clone());
    all.sort_by_cached_key(key);
    let count = all.len();
    Ok((page::of_sorted("tags", all, key, window)?, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn change(added: &str, removed: &str) -> TagChange {
        TagChange {
            added: words(added),
            removed: words(removed),
        }
    }

    #[test]
    fn what_changed_is_told_so_that_it_can_be_undone() {
        let before = words("a b");
        let (after, done) = applied(&before, &change("b c", "a x")).unwrap();
        assert_eq!((&after, &done), (&words("b c"), &change("c", "a")));
        let back = change("a", "c");
        let (mut again, undone) = applied(&after, &back).unwrap();
        again.sort_unstable();
        assert_eq!((again, undone), (before, back));
    }

    #[test]
    fn a_record_with_too_many_tags_can_only_lose_some() {
        let many: Vec<String> = (0..30).map(|n| n.to_string()).collect();
        assert!(applied(&many, &change("new", "1")).is_err());
        let (after, _) = applied(&many, &change("", "1")).unwrap();
        assert_eq!(after.len(), 29);
        // what it has already is no addition
        assert!(applied(&many, &change("2", "3")).is_ok());
    }

    #[test]
    fn tags_are_read_as_they_are_kept() {
        let kept = checked(&change("Tax tax", "TRIP")).unwrap();
        assert_eq!(kept, change("tax", "trip"));
        for wrong in [change("", ""), change("a", "A"), change("a,b", "")] {
            assert!(checked(&wrong).is_err(), "{wrong:?}");
        }
    }
}
