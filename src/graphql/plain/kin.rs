//! What was loaded beside the rows of a page.

use std::collections::HashMap;

use async_graphql::ContextSelectionSet;
use entity::{AccountId, CategoryId, DecisionId, RecordId};

use crate::graphql::accounts::Account;
use crate::graphql::categories::Category;
use crate::graphql::decisions::Decision;
use crate::graphql::loader::Loading;
use crate::graphql::records::Record;

/// Things loaded for a whole page, by id. A kind that nobody asked for is `None`.
#[derive(Default)]
pub struct Kin {
    /// Accounts.
    pub accounts: Option<HashMap<AccountId, Account>>,
    /// Categories.
    pub categories: Option<HashMap<CategoryId, Category>>,
    /// Decisions.
    pub decisions: Option<HashMap<DecisionId, Decision>>,
    /// Records.
    pub records: Option<HashMap<RecordId, Record>>,
    /// Whether records and decisions were read whole, and not just what this page shows of them.
    pub whole: bool,
}

impl Kin {
    /// Hands what is whole to the loader of the operation, for rows that are resolved field by field.
    pub async fn feed(&self, ctx: &ContextSelectionSet<'_>) {
        let Some(loader) = ctx.data_opt::<Loading>() else {
            return;
        };
        macro_rules! feed {
            ($($kind:ident),*) => {
                $(if let Some(found) = &self.$kind {
                    let all = found.iter().map(|(id, row)| (*id, row.clone()));
                    loader.feed_many(all.collect::<Vec<_>>()).await;
                })*
            };
        }
        feed!(accounts, categories);
        if self.whole {
            feed!(decisions, records);
        }
    }
}
