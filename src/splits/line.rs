//! Lines: what is asked for, checked, stored and told.

use std::collections::{BTreeSet, HashMap};

use entity::{CategoryId, DecisionId, RecordId, TenantId, category, record, record_split};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, QueryFilter, QuerySelect, QueryTrait, Select,
};

use super::shares::{Share, amounts};
use crate::ctx::{Posting, Tx};
use crate::error::{Error, Result};
use crate::money::units_to_decimal;
use crate::projects;

/// How many characters a note on a line may have.
const MAX_NOTE: usize = 2_000;
/// Ids one statement takes.
const PORTION: usize = 1_000;

/// A line as somebody asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLine {
    /// The category; nothing is below it.
    pub category: CategoryId,
    /// What it takes.
    pub share: Share,
    /// A project of its own, if any.
    pub project: Option<String>,
    /// A note, if any.
    pub note: Option<String>,
}

/// A line with its amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The category.
    pub category: CategoryId,
    /// The amount, signed as the books are, in 10^-5 units.
    pub amount: i64,
    /// A project of its own, if any.
    pub project: Option<String>,
    /// A note, if any.
    pub note: Option<String>,
}

impl From<&record_split::Model> for Line {
    fn from(row: &record_split::Model) -> Self {
        Self {
            category: row.category_id,
            amount: row.amount,
            project: row.project.clone(),
            note: row.note.clone(),
        }
    }
}

/// Checks the lines that are asked for of a record of that amount, and gives each its amount. Projects are resolved as
/// everywhere.
pub async fn resolve(
    tx: &mut Tx<'_>,
    whole: i64,
    currency: &str,
    lines: Vec<NewLine>,
) -> Result<Vec<Line>> {
    let shares: Vec<Share> = lines.iter().map(|line| line.share).collect();
    let amounts =
        amounts(whole, currency, &shares).map_err(|wrong| Error::invalid("lines", wrong))?;
    require_leaves(tx, "lines", lines.iter().map(|line| line.category)).await?;
    let trimmed = |text: Option<String>| {
        let text = text.map(|text| text.trim().to_owned());
        text.filter(|text| !text.is_empty())
    };
    let mut resolved = Vec::with_capacity(lines.len());
    for (line, amount) in lines.into_iter().zip(amounts) {
        let note = trimmed(line.note);
        if note
            .as_ref()
            .is_some_and(|note| note.chars().count() > MAX_NOTE)
        {
            let message = format!("a note has at most {MAX_NOTE} characters");
            return Err(Error::invalid("lines", message));
        }
        let project = match trimmed(line.project) {
            Some(project) => Some(projects::resolve(tx, "lines", &project).await?),
            None => None,
        };
        resolved.push(Line {
            category: line.category,
            amount,
            project,
            note,
        });
    }
    Ok(resolved)
}

/// Refuses categories that do not exist, are put away, or have others below them.
pub async fn require_leaves(
    tx: &Tx<'_>,
    field: &'static str,
    named: impl Iterator<Item = CategoryId>,
) -> Result<()> {
    let named: BTreeSet<CategoryId> = named.collect();
    let open = tx
        .select::<category::Entity>()
        .filter(category::Column::ArchivedAt.is_null())
        .filter(
            Condition::any()
                .add(category::Column::Id.is_in(named.iter().copied()))
                .add(category::Column::ParentId.is_in(named.iter().copied())),
        )
        .all(tx.on())
        .await?;
    let parent = open
        .iter()
        .find(|row| row.parent_id.is_some_and(|parent| named.contains(&parent)));
    if let Some(parent) = parent.and_then(|row| open.iter().find(|it| Some(it.id) == row.parent_id))
    {
        let message = format!(
            "{} has categories below it; a line goes to one that has none",
            parent.name
        );
        return Err(Error::invalid(field, message));
    }
    if open.iter().filter(|row| named.contains(&row.id)).count() == named.len() {
        Ok(())
    } else {
        Err(Error::invalid(
            field,
            "a line names a category that does not exist or is archived; choose one that is open",
        ))
    }
}

/// The category that stands for a split record: that of its largest line, the first of equals.
pub fn main(lines: &[Line]) -> Option<CategoryId> {
    let mut main: Option<&Line> = None;
    for line in lines {
        if main.is_none_or(|main| line.amount.unsigned_abs() > main.amount.unsigned_abs()) {
            main = Some(line);
        }
    }
    main.map(|line| line.category)
}

/// The rows that keep the lines of a decision about a record.
pub fn rows(
    tenant_id: TenantId,
    (decision_id, record_id): (DecisionId, RecordId),
    lines: &[Line],
) -> Vec<record_split::Model> {
    let row = |(line, place): (&Line, i32)| record_split::Model {
        tenant_id,
        decision_id,
        line: place,
        record_id,
        category_id: line.category,
        amount: line.amount,
        project: line.project.clone(),
        note: line.note.clone(),
    };
    lines.iter().zip(1..).map(row).collect()
}

/// Whether stored lines say what these say.
pub fn same(stored: &[record_split::Model], lines: &[Line]) -> bool {
    stored.len() == lines.len()
        && stored
            .iter()
            .zip(lines)
            .all(|(row, line)| Line::from(row) == *line)
}

/// The lines as the log tells them.
pub fn postings<'l>(
    lines: impl IntoIterator<Item = &'l record_split::Model>,
    currency: &str,
) -> Vec<Posting> {
    let decimal = |units: i64| match currency.parse() {
        Ok(currency) => units_to_decimal(units.into(), currency),
        Err(_) => format!("{units}e-5"),
    };
    let posting = |row: &record_split::Model| Posting {
        category: row.category_id,
        amount: decimal(row.amount),
    };
    lines.into_iter().map(posting).collect()
}

/// The lines of those decisions that have some, in their order.
pub async fn of_decisions(
    select: Select<record_split::Entity>,
    on: &DatabaseTransaction,
    decisions: &[DecisionId],
) -> Result<HashMap<DecisionId, Vec<record_split::Model>>> {
    let mut found: HashMap<DecisionId, Vec<record_split::Model>> = HashMap::new();
    for decisions in decisions.chunks(PORTION) {
        let rows = select
            .clone()
            .filter(record_split::Column::DecisionId.is_in(decisions.iter().copied()))
            .all(on)
            .await?;
        for row in rows {
            found.entry(row.decision_id).or_default().push(row);
        }
    }
    for lines in found.values_mut() {
        lines.sort_unstable_by_key(|row| row.line);
    }
    Ok(found)
}

/// Lets records through that are filed under one category as a whole; `splits` are the lines of the tenant.
pub fn is_not_split(splits: Select<record_split::Entity>) -> Condition {
    let split = splits
        .select_only()
        .column(record_split::Column::DecisionId)
        .into_query();
    Condition::any()
        .add(record::Column::DecisionId.is_null())
        .add(record::Column::DecisionId.not_in_subquery(split))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_largest_line_stands_for_all_and_the_first_of_equals() {
        let line = |category: u128, amount: i64| Line {
            category: CategoryId(Uuid::from_u128(category)),
            amount,
            project: None,
            note: None,
        };
        let lines = [line(1, 3), line(2, -9), line(3, 9)];
        assert_eq!(main(&lines), Some(CategoryId(Uuid::from_u128(2))));
        assert_eq!(main(&[]), None);
    }
}
