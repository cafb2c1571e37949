//! Which records are wanted, and in which order.

use chrono::NaiveDate;
use entity::{AccountId, CategoryId, ConnectionId, ImportId, record, record_split};
use sea_orm::sea_query::{Expr, Func, LikeExpr, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, ExprTrait, QueryFilter, QuerySelect, QueryTrait, Select};
use uuid::Uuid;

use crate::ctx::Read;
use crate::money::Currency;
use crate::text::fold;

/// Which way money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the account.
    In,
    /// Out of the account.
    Out,
}

/// Which records are wanted. What is `None` or empty does not matter; voided records are seen by their status only.
#[derive(Clone, Debug, Default)]
pub struct RecordFilter {
    /// How far they are: any of these.
    pub status: Vec<record::Status>,
    /// The account money moved on.
    pub account: Option<AccountId>,
    /// The proposed or approved category.
    pub category: Option<CategoryId>,
    /// The import that brought them.
    pub import: Option<ImportId>,
    /// The connection that delivered them.
    pub connection: Option<ConnectionId>,
    /// The account or connection they came from.
    pub source: Option<Uuid>,
    /// The first day.
    pub occurred_from: Option<NaiveDate>,
    /// The last day.
    pub occurred_to: Option<NaiveDate>,
    /// The smallest signed amount, in units of `money::SCALE`.
    pub amount_min: Option<i64>,
    /// The largest signed amount, in units of `money::SCALE`.
    pub amount_max: Option<i64>,
    /// The project, by its key.
    pub project: Option<String>,
    /// Tags, all of them.
    pub tags: Vec<String>,
    /// The currency.
    pub currency: Option<Currency>,
    /// Which way money moved.
    pub direction: Option<Direction>,
    /// A part of the description, in any letter case.
    pub text: Option<String>,
}

/// The order of a list of records. Equal records stand in the order they were received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordOrder {
    /// The latest day first.
    #[default]
    OccurredOnDesc,
    /// The earliest day first.
    OccurredOnAsc,
    /// The last received first.
    CreatedDesc,
    /// The first received first.
    CreatedAsc,
    /// The largest signed amount first.
    AmountDesc,
    /// The smallest signed amount first.
    AmountAsc,
}

impl RecordOrder {
    /// The columns of the order, and whether it descends.
    pub(super) fn columns(self) -> (&'static [record::Column], bool) {
        use record::Column::{Amount, Id, OccurredOn};
        match self {
            Self::OccurredOnDesc => (&[OccurredOn, Id], true),
            Self::OccurredOnAsc => (&[OccurredOn, Id], false),
            Self::CreatedDesc => (&[Id], true),
            Self::CreatedAsc => (&[Id], false),
            Self::AmountDesc => (&[Amount, Id], true),
            Self::AmountAsc => (&[Amount, Id], false),
        }
    }
}

impl RecordFilter {
    pub(super) fn apply(&self, read: &Read) -> Select<record::Entity> {
        read.select::<record::Entity>().filter(self.condition(read))
    }

    fn condition(&self, read: &Read) -> Condition {
        use record::Column as C;
        let status = if self.status.is_empty() {
            C::Status.ne(record::Status::Voided)
        } else {
            C::Status.is_in(self.status.iter().copied())
        };
        Condition::all()
            .add(status)
            .add_option(self.account.map(|account| C::AccountId.eq(account)))
            .add_option(self.category.map(|category| filed_under(read, category)))
            .add_option(self.import.map(|import| C::ImportId.eq(import)))
            .add_option(self.connection.map(|id| C::ConnectionId.eq(id)))
            .add_option(self.source.map(|source| C::SourceId.eq(source)))
            .add_option(self.occurred_from.map(|day| C::OccurredOn.gte(day)))
            .add_option(self.occurred_to.map(|day| C::OccurredOn.lte(day)))
            .add_option(self.amount_min.map(|units| C::Amount.gte(units)))
            .add_option(self.amount_max.map(|units| C::Amount.lte(units)))
            .add_option(self.project.as_deref().map(|key| C::Project.eq(key)))
            .add_option((!self.tags.is_empty()).then(|| tagged(&self.tags)))
            .add_option(self.currency.map(|code| C::Currency.eq(code.as_str())))
            .add_option(self.direction.map(|direction| match direction {
                Direction::In => C::Amount.gt(0_i64),
                Direction::Out => C::Amount.lt(0_i64),
            }))
            .add_option(self.text.as_deref().and_then(contains))
    }
}

/// Filed under a category, as a whole or by one of its lines.
fn filed_under(read: &Read, category: CategoryId) -> Condition {
    let lines = read
        .select::<record_split::Entity>()
        .select_only()
        .column(record_split::Column::DecisionId)
        .filter(record_split::Column::CategoryId.eq(category))
        .into_query();
    Condition::any()
        .add(record::Column::CategoryId.eq(category))
        .add(
            record::Column::DecisionId
                .in_subquery(lines)
                .and(record::Column::Status.ne(record::Status::Rejected)),
        )
}

/// Whether every tag is in the JSON list. No tag holds what JSON writes in another way or sets between texts, so each
/// stands there between its quotes; one that does is no tag of any record.
fn tagged(tags: &[String]) -> Condition {
    let mut all = Condition::all();
    for tag in tags {
        let tag = fold(tag);
        let like = match tag.is_empty() || tag.contains(['"', '\\', ',']) {
            true => Expr::val(1).eq(0),
            false => {
                let pattern = format!("%\"{}\"%", escaped(&tag));
                record::Column::Tags.like(LikeExpr::new(pattern).escape('\\'))
            }
        };
        all = all.add(like);
    }
    all
}

/// Whether the description holds a text. SQLite folds the case of ASCII only, so the merchant, which is folded already,
/// is looked at too.
fn contains(text: &str) -> Option<SimpleExpr> {
    let folded = fold(text);
    if folded.is_empty() {
        return None;
    }
    let pattern = format!("%{}%", escaped(&folded));
    let like = || LikeExpr::new(pattern.clone()).escape('\\');
    let description = Expr::expr(Func::lower(Expr::col(record::Column::Description)));
    let merchant = Expr::col(record::Column::MerchantKey);
    Some(description.like(like()).or(merchant.like(like())))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_in_a_text_are_letters() {
        assert_eq!(escaped(r"100%_a\b"), r"100\%\_a\\b");
        assert!(contains("  ").is_none());
    }
}
