//! Changing the chart. Each change locks the whole chart, which is small, so that two of them together cannot make
//! what neither could alone: a cycle, a child under an archived parent, one node too many.

use category::Kind;
use entity::{CategoryId, category};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveEnum, ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::MAX;
use super::tree::Tree;
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// A category to be made.
#[derive(Clone, Debug)]
pub struct NewCategory {
    /// Its number in the chart; the next free one when absent.
    pub code: Option<String>,
    /// Its name.
    pub name: String,
    /// What it counts as.
    pub kind: Kind,
    /// The node above; of the same kind.
    pub parent: Option<CategoryId>,
}

/// What is to change about a category; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Another number in the chart.
    pub code: Option<String>,
    /// Another name.
    pub name: Option<String>,
    /// Another node above; `Some(None)` moves it to the top.
    pub parent: Option<Option<CategoryId>>,
}

/// Makes a category.
#[tracing::instrument(skip_all)]
pub async fn create(ctx: &Ctx, new: NewCategory) -> Result<category::Model> {
    ctx.require(Permission::WriteAccounts)?;
    let code = new.code.as_deref().map(check_code).transpose()?;
    let name = check_name(&new.name)?;
    let mut tx = ctx.begin().await?;
    let chart = lock(&tx).await?;
    if chart.len() >= MAX {
        return Err(Error::conflict(
            "the chart has 1,000 categories, which is the most it may have",
        ));
    }
    let code = match code {
        Some(code) => code,
        None => next_code(&chart),
    };
    free(&chart, None, &code)?;
    check_parent(&chart, None, new.kind, new.parent)?;
    let now = ctx.now();
    let row = category::Model {
        tenant_id: ctx.tenant(),
        id: ctx.id(),
        parent_id: new.parent,
        code,
        name,
        kind: new.kind,
        archived_at: None,
        created_at: now,
        updated_at: now,
    };
    tx.insert(row.clone()).await?;
    let diff = json!({
        "kind": { "from": null, "to": row.kind.to_value() },
        "parent": { "from": null, "to": row.parent_id },
    });
    tx.record_diff(Event::CategoryCreated { category: row.id }, diff);
    tx.commit().await?;
    Ok(row)
}

/// Changes the number, the name or the place of a category. Nothing is filed when nothing changes.
#[tracing::instrument(skip_all, fields(category.id = %id))]
pub async fn change(ctx: &Ctx, id: CategoryId, change: Change) -> Result<category::Model> {
    ctx.require(Permission::WriteAccounts)?;
    let code = change.code.as_deref().map(check_code).transpose()?;
    let name = change.name.as_deref().map(check_name).transpose()?;
    let mut tx = ctx.begin().await?;
    let chart = lock(&tx).await?;
    let before = find(&chart, id)?.clone();
    let mut row = before.clone();
    if let Some(code) = code {
        free(&chart, Some(id), &code)?;
        row.code = code;
    }
    if let Some(name) = name {
        row.name = name;
    }
    if let Some(parent) = change.parent.filter(|parent| *parent != before.parent_id) {
        check_parent(&chart, Some(id), before.kind, parent)?;
        row.parent_id = parent;
    }
    if row == before {
        tx.rollback().await?;
        return Ok(before);
    }
    row.updated_at = ctx.now();
    let changed = tx
        .update::<category::Entity>()
        .col_expr(category::Column::Code, Expr::value(row.code.as_str()))
        .col_expr(category::Column::Name, Expr::value(row.name.as_str()))
        .col_expr(category::Column::ParentId, Expr::value(row.parent_id))
        .col_expr(category::Column::UpdatedAt, Expr::value(row.updated_at))
        .filter(category::Column::Id.eq(id))
        .exec(tx.on())
        .await?;
    debug_assert_eq!(changed.rows_affected, 1, "the row is locked");
    // names and numbers are free text: the log says that they changed, the row says to what
    let mut diff = json!({ "changed": changed_fields(&before, &row) });
    if row.parent_id != before.parent_id {
        diff["parent"] = json!({ "from": before.parent_id, "to": row.parent_id });
    }
    tx.record_diff(Event::CategoryChanged { category: id }, diff);
    tx.commit().await?;
    Ok(row)
}

/// Puts a category away: nothing new is filed under it, what is stays. Its children must be put away before it.
#[tracing::instrument(skip_all, fields(category.id = %id))]
pub async fn archive(ctx: &Ctx, id: CategoryId) -> Result<category::Model> {
    ctx.require(Permission::WriteAccounts)?;
    let tx = ctx.begin().await?;
    let chart = lock(&tx).await?;
    let row = find(&chart, id)?;
    if row.archived_at.is_some() {
        return Err(Error::conflict("the category is archived already"));
    }
    let below = Tree::of(&chart)
        .below(Some(id))
        .iter()
        .filter(|child| child.archived_at.is_none())
        .count();
    if below > 0 {
        return Err(Error::conflict(format!(
            "categories below it are in use ({below}); archive or move them first"
        )));
    }
    let row = category::Model {
        archived_at: Some(ctx.now()),
        updated_at: ctx.now(),
        ..row.clone()
    };
    put(tx, row, Event::CategoryArchived { category: id }).await
}

/// Takes a category out again. The one above it must be in use.
#[tracing::instrument(skip_all, fields(category.id = %id))]
pub async fn restore(ctx: &Ctx, id: CategoryId) -> Result<category::Model> {
    ctx.require(Permission::WriteAccounts)?;
    let tx = ctx.begin().await?;
    let chart = lock(&tx).await?;
    let row = find(&chart, id)?;
    if row.archived_at.is_none() {
        return Err(Error::conflict("the category is in use already"));
    }
    let above = row.parent_id.and_then(|parent| find(&chart, parent).ok());
    if above.is_some_and(|above| above.archived_at.is_some()) {
        return Err(Error::conflict(
            "the category above it is archived; restore that one first",
        ));
    }
    let row = category::Model {
        archived_at: None,
        updated_at: ctx.now(),
        ..row.clone()
    };
    put(tx, row, Event::CategoryRestored { category: id }).await
}

/// Stores whether a category is in use, if it was otherwise.
async fn put(mut tx: Tx<'_>, row: category::Model, event: Event) -> Result<category::Model> {
    let column = category::Column::ArchivedAt;
    let before = if row.archived_at.is_some() {
        column.is_null()
    } else {
        column.is_not_null()
    };
    let changed = tx
        .update::<category::Entity>()
        .col_expr(column, Expr::value(row.archived_at))
        .col_expr(category::Column::UpdatedAt, Expr::value(row.updated_at))
        .filter(category::Column::Id.eq(row.id))
        .filter(before)
        .exec(tx.on())
        .await?;
    if changed.rows_affected == 0 {
        return Err(Error::conflict(
            "the category was changed by someone else; look again",
        ));
    }
    tx.record(event);
    tx.commit().await?;
    Ok(row)
}

/// The whole chart, held until the end of the transaction.
async fn lock(tx: &Tx<'_>) -> Result<Vec<category::Model>> {
    let chart = tx.select::<category::Entity>();
    let chart = chart.order_by_asc(category::Column::Id).lock_exclusive();
    Ok(chart.all(tx.on()).await?)
}

fn find(chart: &[category::Model], id: CategoryId) -> Result<&category::Model> {
    chart
        .iter()
        .find(|node| node.id == id)
        .ok_or(Error::NotFound("category"))
}

fn free(chart: &[category::Model], own: Option<CategoryId>, code: &str) -> Result<()> {
    let taken = |node: &&category::Model| node.code == code && Some(node.id) != own;
    match chart.iter().find(taken) {
        Some(_) => Err(Error::invalid(
            "code",
            format!("'{code}' is taken; archived categories keep theirs"),
        )),
        None => Ok(()),
    }
}

fn check_parent(
    chart: &[category::Model],
    node: Option<CategoryId>,
    kind: Kind,
    parent: Option<CategoryId>,
) -> Result<()> {
    let Some(parent) = parent else {
        return Ok(());
    };
    match Tree::of(chart).refusal(node, kind, parent) {
        Some(why) => Err(Error::invalid("parentId", why)),
        None => Ok(()),
    }
}

/// The number after the highest that is only digits.
fn next_code(chart: &[category::Model]) -> String {
    let plain = chart.iter().filter(|node| node.code.len() < 20);
    let numbers = plain.filter_map(|node| node.code.parse::<u64>().ok());
    (numbers.max().unwrap_or_default() + 1).to_string()
}

fn check_code(code: &str) -> Result<String> {
    let code = code.trim();
    let fits = (1..=20).contains(&code.len());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if fits && code.chars().all(plain) {
        Ok(code.to_owned())
    } else {
        Err(Error::invalid(
            "code",
            "must be 1 to 20 letters, digits, dots, dashes or underscores, such as 6410",
        ))
    }
}

fn check_name(name: &str) -> Result<String> {
    let name = name.trim();
    let length = name.chars().count();
    if (1..=100).contains(&length) && !name.chars().any(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err(Error::invalid(
            "name",
            "must be 1 to 100 characters on one line",
        ))
    }
}

fn changed_fields(before: &category::Model, after: &category::Model) -> Vec<&'static str> {
    let fields = [
        ("code", before.code != after.code),
        ("name", before.name != after.name),
        ("parent", before.parent_id != after.parent_id),
    ];
    let changed = fields.into_iter().filter(|(_, changed)| *changed);
    changed.map(|(field, _)| field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_short_and_plain() {
        for code in ["6410", " 64.10-a_b "] {
            assert_eq!(check_code(code).unwrap(), code.trim());
        }
        for code in ["", "   ", "64 10", "é", "=1+1", "123456789012345678901"] {
            assert!(check_code(code).is_err(), "{code}");
        }
    }

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(check_name(" Büro & Technik ").unwrap(), "Büro & Technik");
        for name in ["", " ", "a\nb", &"x".repeat(101)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
