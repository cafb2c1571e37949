//! Which accepted suggestions approve by themselves right now: what people let, against the habits as they stand at the
//! head of the log.

use std::collections::{HashMap, HashSet};

use entity::rule_suggestion::{self, Column, Status};
use entity::{AccountId, CategoryId, RuleId};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::{Habits, Key};
use crate::ctx::Read;
use crate::error::Result;

/// A suggestion in force.
#[derive(Clone, Debug)]
pub struct Standing {
    key: Key,
    category: CategoryId,
    rule: RuleId,
    /// Whether a person lets it approve by itself, and nothing has stopped it since.
    let_approve: bool,
}

/// What approves by itself.
#[derive(Clone, Debug, Default)]
pub struct Trusted {
    rules: HashSet<RuleId>,
    alone: HashSet<RuleId>,
    keys: HashMap<Key, CategoryId>,
}

/// The suggestions in force, in one statement.
pub async fn standing(read: &Read) -> Result<Vec<Standing>> {
    type Row = (
        String,
        Option<AccountId>,
        CategoryId,
        Option<RuleId>,
        Option<chrono::DateTime<chrono::Utc>>,
        Option<chrono::DateTime<chrono::Utc>>,
    );
    let rows: Vec<Row> = read
        .select::<rule_suggestion::Entity>()
        .select_only()
        .columns([
            Column::MerchantKey,
            Column::AccountId,
            Column::CategoryId,
            Column::RuleId,
            Column::SelfApprovingAt,
            Column::StoppedAt,
        ])
        .filter(Column::Status.eq(Status::Accepted))
        .into_tuple()
        .all(read.on())
        .await?;
    let standing = |(merchant, account, category, rule, since, stopped): Row| {
        Some(Standing {
            key: Key { merchant, account },
            category,
            rule: rule?,
            let_approve: since.is_some() && stopped.is_none(),
        })
    };
    Ok(rows.into_iter().filter_map(standing).collect())
}

impl Trusted {
    /// What approves by itself, when so much of it is to be right.
    pub fn of(standing: &[Standing], habits: &Habits, target: f64) -> Self {
        let mut trusted = Self::default();
        for it in standing {
            trusted.rules.insert(it.rule);
            if it.key.account.is_none() {
                trusted.alone.insert(it.rule);
            }
            let holds = habits.get(&it.key).is_some_and(|habit| {
                let class = Habits::clean_class(&it.key, habit);
                habit.category == it.category
                    && class.is_some_and(|class| habits.classes().tally(class).holds(target))
            });
            if it.let_approve && holds {
                trusted.keys.insert(it.key.clone(), it.category);
            }
        }
        trusted
    }

    /// Whether a rule was made of merchants alone.
    pub fn goes_by_merchants(&self, rule: RuleId) -> bool {
        self.alone.contains(&rule)
    }

    /// Whether what a rule proposes for a record passes by itself; none when the rule was not made of suggestions, and is
    /// judged as other sources are.
    pub fn vouches(
        &self,
        rule: RuleId,
        category: CategoryId,
        merchant: &str,
        account: Option<AccountId>,
    ) -> Option<bool> {
        self.rules
            .contains(&rule)
            .then(|| Key::all(merchant, account).any(|key| self.keys.get(&key) == Some(&category)))
    }
}
