//! Whether a suggested rule approves by itself.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_graphql::SimpleObject;
use async_graphql::dataloader::Loader;
use entity::{RuleId, rule_suggestion};

use crate::error::{Error, Result};
use crate::graphql::loader::OpLoader;
use crate::suggestions::{self, SelfApproval};

/// Whether what a rule proposes enters the books by itself.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct RuleSelfApproval {
    /// Whether a person lets it, and no contradiction has stopped it.
    pub on: bool,
    /// Whether it does now.
    pub allowed: bool,
    /// Why, or why not, in a sentence.
    pub reason: String,
    /// The class that answers for it: what it goes by, and how often in a row it was confirmed at least. Null while it was
    /// confirmed too seldom.
    pub class: Option<String>,
    /// What the share of its class that held is at least, with a certainty of 90 %. It has to reach the target of
    /// `automation`.
    pub lower_bound: Option<f64>,
    /// How often people approved something that its class had an answer for; 80 are needed.
    pub outcomes: i64,
}

impl From<SelfApproval> for RuleSelfApproval {
    fn from(judged: SelfApproval) -> Self {
        Self {
            on: judged.on,
            allowed: judged.allowed,
            reason: judged.reason,
            class: judged.class,
            lower_bound: judged.lower_bound,
            outcomes: judged.outcomes.into(),
        }
    }
}

/// A suggestion to be judged; the same by its id.
#[derive(Clone)]
pub(super) struct Judged(pub Arc<rule_suggestion::Model>);

impl PartialEq for Judged {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Judged {}

impl Hash for Judged {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl Loader<Judged> for OpLoader {
    type Value = RuleSelfApproval;
    type Error = Arc<Error>;

    async fn load(
        &self,
        asked: &[Judged],
    ) -> Result<HashMap<Judged, RuleSelfApproval>, Arc<Error>> {
        let rows: Vec<rule_suggestion::Model> = asked.iter().map(|it| (*it.0).clone()).collect();
        let judged = suggestions::self_approval(&self.ctx, &rows).await;
        let mut judged = judged.map_err(Arc::new)?;
        let found = asked.iter().filter_map(|it| {
            let judged = judged.remove(&it.0.id)?;
            Some((it.clone(), judged.into()))
        });
        Ok(found.collect())
    }
}

/// The rule whose suggestions are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfRule(pub RuleId);

impl Loader<OfRule> for OpLoader {
    type Value = RuleSelfApproval;
    type Error = Arc<Error>;

    /// Of the suggestions in a rule the one that is furthest on the way speaks for it.
    async fn load(
        &self,
        asked: &[OfRule],
    ) -> Result<HashMap<OfRule, RuleSelfApproval>, Arc<Error>> {
        let ids: Vec<RuleId> = asked.iter().map(|of| of.0).collect();
        let found = async {
            let rows = suggestions::of_rules(&self.ctx, &ids).await?;
            let judged = suggestions::self_approval(&self.ctx, &rows).await?;
            Ok((rows, judged))
        };
        let (rows, mut judged) = found.await.map_err(Arc::new)?;
        let mut best: HashMap<OfRule, SelfApproval> = HashMap::new();
        for row in &rows {
            let Some((rule, own)) = row.rule_id.zip(judged.remove(&row.id)) else {
                continue;
            };
            let far = |it: &SelfApproval| (it.allowed, it.on, it.outcomes);
            let known = best.get(&OfRule(rule));
            if known.is_none_or(|known| far(known) < far(&own)) {
                best.insert(OfRule(rule), own);
            }
        }
        Ok(best.into_iter().map(|(of, own)| (of, own.into())).collect())
    }
}
