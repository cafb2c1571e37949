//! What a suggested rule would have done.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, SimpleObject};
use entity::{CategoryId, rule_suggestion};

use crate::error::{Error, Result};
use crate::graphql::categories::Category;
use crate::graphql::loader::{OpLoader, find};
use crate::graphql::scalar::Money;
use crate::suggestions;

/// What a suggested rule would have done with the records that wait or are approved. Accepting it changes none of them;
/// `ruleSuggestionChanges` tells which they are.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct BackTest {
    /// Records it matches.
    pub hits: i64,
    /// Of those, the approved ones in its category.
    pub agreements: i64,
    /// Of those, the approved ones in another category.
    pub contradictions: i64,
    /// Of those, the ones that still wait for a decision.
    pub waiting: i64,
    /// Of those, the ones in another category than it would propose, approved or not.
    pub changes: i64,
    /// What these would do to the books, by category and currency.
    pub difference: Vec<BackTestDifference>,
}

/// What a category would gain or lose.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct BackTestDifference {
    /// How much, signed from the books' view.
    pub amount: Money,
    /// How many records would come or go.
    pub records: i64,
    #[graphql(skip)]
    category_id: Option<CategoryId>,
}

#[ComplexObject]
impl BackTestDifference {
    /// Which category; null for records that have none.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        match self.category_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }
}

impl From<suggestions::BackTest> for BackTest {
    fn from(test: suggestions::BackTest) -> Self {
        let line = |line: suggestions::Difference| BackTestDifference {
            amount: Money::sum(line.units, &line.currency),
            records: line.records,
            category_id: line.category,
        };
        Self {
            hits: test.hits,
            agreements: test.agreements,
            contradictions: test.contradictions,
            waiting: test.waiting,
            changes: test.changes,
            difference: test.difference.into_iter().map(line).collect(),
        }
    }
}

/// A suggestion to be tried; the same by its id.
#[derive(Clone)]
pub(super) struct Tested(pub Arc<rule_suggestion::Model>);

impl PartialEq for Tested {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Tested {}

impl Hash for Tested {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl Loader<Tested> for OpLoader {
    type Value = BackTest;
    type Error = Arc<Error>;

    async fn load(&self, asked: &[Tested]) -> Result<HashMap<Tested, BackTest>, Arc<Error>> {
        let rows: Vec<rule_suggestion::Model> = asked.iter().map(|it| (*it.0).clone()).collect();
        let tests = suggestions::back_test(&self.ctx, &rows).await;
        let mut tests = tests.map_err(Arc::new)?;
        let found = asked.iter().filter_map(|it| {
            let test = tests.remove(&it.0.id)?;
            Some((it.clone(), BackTest::from(test)))
        });
        Ok(found.collect())
    }
}
