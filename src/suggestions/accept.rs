//! Making a suggestion a rule, or a part of one that files under the same category.

use entity::rule_suggestion::{self, Column, Kind, Status};
use entity::{RuleId, RuleSuggestionId, rule};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{clause, find, self_approval};
use crate::ctx::{Ctx, Event, Tx};
use crate::error::Result;
use crate::permission::Permission;
use crate::rules::condition::{Actions, Condition};
use crate::rules::{self, Changes, NewRule, Place, validate};

/// How a suggestion is accepted; as it stands by default.
#[derive(Clone, Debug, Default)]
pub struct Acceptance {
    /// What to call the rule; the merchant when absent.
    pub name: Option<String>,
    /// Other conditions than the suggested ones.
    pub conditions: Option<Condition>,
    /// Whether later rules are skipped once it matched.
    pub stop: bool,
    /// A rule of its own, also where one of the same category could be extended.
    pub apart: bool,
    /// Whether it may approve by itself once its class has earned that.
    pub self_approving: bool,
}

/// A suggestion and what it became.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The suggestion.
    pub suggestion: rule_suggestion::Model,
    /// The rule that holds it now.
    pub rule: rule::Model,
    /// Whether the rule was there before.
    pub extended: bool,
}

/// Accepts a suggestion. It joins a rule of the same kind and category where there is one, else it is a rule of its own;
/// one that a person names, edits or wants apart always is. It counts for records that are processed from now on.
#[tracing::instrument(skip_all, fields(suggestion.id = %id))]
pub async fn accept(ctx: &Ctx, id: RuleSuggestionId, how: Acceptance) -> Result<Accepted> {
    ctx.require(Permission::WriteRules)?;
    if how.self_approving {
        self_approval::may_let(ctx)?;
    }
    let mut tx = ctx.begin().await?;
    let row = find::found(&tx, id).await?;
    if !matches!(row.status, Status::Open | Status::Snoozed) {
        return Err(find::why_not(&row));
    }
    let self_approving_at = how.self_approving.then(|| ctx.now());
    let (rule, extended) = file(&mut tx, &row, how).await?;
    let mut accepted = tx
        .update::<rule_suggestion::Entity>()
        .col_expr(Column::Status, Expr::value(Status::Accepted))
        .col_expr(Column::RuleId, Expr::value(Some(rule.id)))
        .col_expr(Column::AcceptedSeen, Expr::col(Column::Seen))
        .col_expr(Column::Checked, Expr::value(0))
        .col_expr(Column::Confirmed, Expr::value(0))
        .col_expr(Column::SelfApprovingAt, Expr::value(self_approving_at))
        .col_expr(
            Column::StoppedAt,
            Expr::value(None::<chrono::DateTime<chrono::Utc>>),
        )
        .col_expr(Column::DecidedBy, Expr::value(ctx.user()))
        .col_expr(Column::DecidedAt, Expr::value(Some(ctx.now())))
        .col_expr(Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(Column::Id.eq(id))
        .filter(Column::Status.is_in([Status::Open, Status::Snoozed]))
        .exec_with_returning(tx.on())
        .await?;
    let Some(suggestion) = accepted.pop() else {
        return Err(find::why_not(&find::found(&tx, id).await?));
    };
    tx.record(Event::RuleSuggestionAccepted {
        rule_suggestion: id,
        rule: rule.id,
        extended,
    });
    if self_approving_at.is_some() {
        tx.record(Event::RuleSelfApprovalSet {
            rule: rule.id,
            on: true,
        });
    }
    tx.commit().await?;
    Ok(Accepted {
        suggestion,
        rule,
        extended,
    })
}

/// Puts a suggestion into the rules; the rule, and whether it was there before.
pub(super) async fn file(
    tx: &mut Tx<'_>,
    row: &rule_suggestion::Model,
    how: Acceptance,
) -> Result<(rule::Model, bool)> {
    let as_it_stands = how.name.is_none() && how.conditions.is_none() && !how.stop && !how.apart;
    if as_it_stands && let Some((rule, conditions)) = extendable(tx, row).await? {
        let changes = Changes {
            conditions: Some(conditions),
            ..Changes::default()
        };
        return Ok((rules::edit_within(tx, rule, changes).await?, true));
    }
    let name = how
        .name
        .unwrap_or_else(|| row.merchant_key.chars().take(100).collect());
    let new = NewRule {
        name,
        conditions: how.conditions.unwrap_or_else(|| clause::clause(row)),
        actions: actions(row),
        stop: how.stop,
        shadow: false,
        place: place(tx, row.kind).await?,
    };
    Ok((rules::create_within(tx, new, None).await?, false))
}

fn actions(row: &rule_suggestion::Model) -> Actions {
    Actions {
        category: Some(row.category_id.0),
        ..Actions::default()
    }
}

/// The first rule that does nothing but file under the category, and that was made of suggestions of the same kind or is
/// a list of merchants; and its conditions with this one added.
async fn extendable(
    tx: &Tx<'_>,
    row: &rule_suggestion::Model,
) -> Result<Option<(RuleId, Condition)>> {
    let made: Vec<Option<RuleId>> = tx
        .select::<rule_suggestion::Entity>()
        .select_only()
        .column(Column::RuleId)
        .filter(Column::Status.eq(Status::Accepted))
        .filter(Column::Kind.eq(row.kind))
        .filter(Column::CategoryId.eq(row.category_id))
        .into_tuple()
        .all(tx.on())
        .await?;
    let rules = tx
        .select::<rule::Entity>()
        .filter(rule::Column::DeletedAt.is_null())
        .filter(rule::Column::DisabledAt.is_null())
        .filter(rule::Column::Stop.eq(false))
        .filter(rule::Column::Actions.contains(row.category_id.to_string()))
        .order_by_asc(rule::Column::Position)
        .all(tx.on())
        .await?;
    let actions = actions(row);
    let extended = rules.into_iter().find_map(|rule| {
        // one that a later version wrote is left as it is
        let conditions: Condition = serde_json::from_str(&rule.conditions).ok()?;
        let same = serde_json::from_str::<Actions>(&rule.actions).ok()? == actions;
        let listed = row.kind == Kind::Merchant && clause::is_list_of_merchants(&conditions);
        let conditions = clause::with(conditions, clause::clause(row));
        let fits = validate::validate(&conditions, &actions).is_ok();
        (same && fits && (listed || made.contains(&Some(rule.id)))).then_some((rule.id, conditions))
    });
    Ok(extended)
}

/// What goes by the account comes before what goes by the merchant alone, and both after what people wrote.
async fn place(tx: &Tx<'_>, kind: Kind) -> Result<Place> {
    if kind == Kind::Merchant {
        return Ok(Place::Last);
    }
    let alone: Vec<Option<RuleId>> = tx
        .select::<rule_suggestion::Entity>()
        .select_only()
        .column(Column::RuleId)
        .filter(Column::Status.eq(Status::Accepted))
        .filter(Column::Kind.eq(Kind::Merchant))
        .into_tuple()
        .all(tx.on())
        .await?;
    let alone = alone.into_iter().flatten();
    let first: Option<Option<i32>> = tx
        .select::<rule::Entity>()
        .select_only()
        .column_as(rule::Column::Position.min(), "first")
        .filter(rule::Column::DeletedAt.is_null())
        .filter(rule::Column::Id.is_in(alone))
        .into_tuple()
        .one(tx.on())
        .await?;
    Ok(first.flatten().map_or(Place::Last, Place::At))
}
