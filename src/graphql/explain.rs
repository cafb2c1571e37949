//! Why a record was decided as it was, and why not otherwise, as clients see it.

use async_graphql::{ComplexObject, Context, Enum, ID, Object, SimpleObject};
use entity::{CategoryId, RuleId};

use super::categories::Category;
use super::decisions::Decision;
use super::loader::find;
use super::node::{global, local};
use super::op::Op;
use super::rules::Rule;
use super::scalar::Decimal;
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::processing::decide::{Tier, Verdict};
use crate::processing::explain::{self, Against, Moment, Precedents, Target, Told};

/// Who is asked about a record, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Tier")]
pub enum PipelineTier {
    /// The tenant's rules.
    Rule,
    /// Approvals of the same merchant.
    Exact,
    /// The learned model.
    Model,
    /// Approved records that look alike.
    Similar,
    /// The language model.
    Llm,
}

/// What became of what a tier said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TierVerdict {
    /// It is the decision.
    Decided,
    /// It was heard and another was followed, or it was not sure enough.
    Considered,
    /// It had nothing to say.
    Silent,
    /// It is a rule that only watches: what it would have said decides nothing.
    Shadow,
    /// It was not asked.
    NotAsked,
}

/// When something was the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Moment")]
pub enum ExplainedAsOf {
    /// When it was decided.
    Then,
    /// Now, by what was taught since.
    Now,
}

/// Why it was decided so, by what was the case then.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct Explanation {
    /// One sentence.
    pub summary: String,
    /// What each tier saw, in the order they were asked; then those that were not. Empty where a person decided.
    pub tiers: Vec<TierExplanation>,
    /// Version of the pipeline.
    pub pipeline_version: String,
    /// Format of the learned model, where it was asked.
    pub model_format: Option<i32>,
    /// Approvals that the model had learnt, or undone, by then.
    pub lessons: Option<i64>,
    /// The last event of the log that the model had seen.
    pub model_as_of: Option<i64>,
    /// The last event of the log that the rules had seen.
    pub rules_as_of: Option<i64>,
    /// What outside calls cost, in the currency of the provider's account.
    pub cost: Decimal,
    /// How long deciding took, in microseconds.
    pub latency_us: i64,
}

/// What one tier saw and said.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct TierExplanation {
    /// Which tier.
    pub tier: PipelineTier,
    /// What became of it.
    pub verdict: TierVerdict,
    /// How sure it was, 0 to 1.
    pub confidence: Option<f64>,
    /// What it said, in one sentence.
    pub reason: String,
    /// How long it took, in microseconds.
    pub latency_us: Option<i64>,
    /// Of the rules: how many there were.
    pub rule_count: Option<i32>,
    /// Of the rules: those that matched, and the first eight that did not.
    pub rules: Vec<RuleConsidered>,
    /// Of approvals: how many spoke for the category, and how many for others.
    pub precedents: Option<PrecedentCounts>,
    /// Of similar records: the texts that voted, most alike first. Empty for whoever does not see all records.
    pub neighbours: Vec<NeighbourConsidered>,
    /// Of the learned model: what spoke for its guess over the runner-up, the strongest first.
    pub features: Vec<FeatureWeight>,
    /// Of the learned model: its five most probable categories.
    pub classes: Vec<ClassProbability>,
    /// Of the language model: what was asked and answered.
    pub language_model: Option<LlmAnswer>,
    #[graphql(skip)]
    category_id: Option<CategoryId>,
}

/// A rule that was tried.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct RuleConsidered {
    /// Whether it matched.
    pub matched: bool,
    /// The first clause that the record did not meet, in words.
    pub failed_clause: Option<String>,
    #[graphql(skip)]
    rule_id: RuleId,
}

/// Approvals that spoke for a category and against it.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct PrecedentCounts {
    /// Those of the category.
    pub support: i32,
    /// Those of others.
    pub contradictions: i32,
    /// Of the support, those on the same account.
    pub account_support: i32,
    /// Of the contradictions, those on the same account.
    pub account_contradictions: i32,
}

/// An approved text that looked alike.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct NeighbourConsidered {
    /// The text, folded.
    pub text: String,
    /// How alike, 0 to 1.
    pub score: f64,
    /// Where records with that text were filed.
    pub filed_under: Vec<FiledThen>,
}

/// How often a text had been filed under a category.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct FiledThen {
    /// How often.
    pub count: i32,
    #[graphql(skip)]
    category_id: CategoryId,
}

/// Something that spoke for a guess.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct FeatureWeight {
    /// What, in words.
    pub feature: String,
    /// By how much it raised the guess.
    pub weight: f64,
}

/// A category and how probable it was.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct ClassProbability {
    /// How probable, 0 to 1.
    pub probability: f64,
    #[graphql(skip)]
    category_id: CategoryId,
}

/// What the language model was asked and answered.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct LlmAnswer {
    /// The model.
    pub model: String,
    /// Why it chose so, in its own words: text by a model that read text by strangers.
    pub rationale: Option<String>,
    /// Whether it was known already, so that nothing was sent.
    pub cached: bool,
    /// Questions in the same request.
    pub questions: i32,
    /// Tokens read, of the whole request.
    pub prompt_tokens: i64,
    /// Tokens written, of the whole request.
    pub completion_tokens: i64,
    /// This record's part of the cost, in the currency of the provider's account.
    pub cost: Decimal,
}

/// Why a category was not chosen.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct WhyNot {
    /// The decision it is about.
    pub decision: Decision,
    /// Whether the category was chosen after all.
    pub chosen: bool,
    /// One or two sentences.
    pub summary: String,
    /// What each tier says, in the order they are asked.
    pub tiers: Vec<TierAgainst>,
    #[graphql(skip)]
    category_id: CategoryId,
}

/// Why a tier did not lead to a category.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct TierAgainst {
    /// Which tier.
    pub tier: PipelineTier,
    /// When that was the case.
    pub as_of: ExplainedAsOf,
    /// Why not, in one sentence.
    pub reason: String,
    /// What would change it.
    pub would_change: Option<String>,
    /// Of the rules: the first 20 that name the category.
    pub rules: Vec<RuleNotFollowed>,
    /// Of approvals of the merchant: how many were of the category.
    pub approved: Option<i32>,
    /// Of the learned model: how probable it takes the category to be.
    pub probability: Option<f64>,
    /// Of the learned model: how probable it took it to be then, where it was among its first five.
    pub probability_then: Option<f64>,
    /// Of the learned model: the rank of the category, from 1.
    pub rank: Option<i32>,
    /// Of the learned model: what speaks for its guess and against the category, the strongest first.
    pub features_against: Vec<FeatureWeight>,
    /// Of similar records: the nearest text that was filed under the category.
    pub nearest: Option<NearestText>,
}

/// A rule that names the category and did not lead there.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct RuleNotFollowed {
    /// Why not: the first clause that the record does not meet, or what came before it.
    pub reason: String,
    #[graphql(skip)]
    rule_id: RuleId,
}

/// A text that was filed under a category.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct NearestText {
    /// The text, folded; absent for whoever does not see all records.
    pub text: Option<String>,
    /// How alike, 0 to 1.
    pub score: f64,
}

#[ComplexObject]
impl TierExplanation {
    /// The category it proposed.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        match self.category_id {
            Some(id) => find(ctx, id).await,
            None => Ok(None),
        }
    }
}

#[ComplexObject]
impl RuleConsidered {
    /// Opaque global id of the rule.
    async fn rule_id(&self) -> ID {
        global("Rule", self.rule_id)
    }

    /// The rule as it is now, also when it was removed. Needs `rules:read`.
    async fn rule(&self, ctx: &Context<'_>) -> Result<Option<Rule>> {
        find(ctx, self.rule_id).await
    }
}

#[ComplexObject]
impl FiledThen {
    /// The category; none when it is gone.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        find(ctx, self.category_id).await
    }
}

#[ComplexObject]
impl ClassProbability {
    /// The category; none when it is gone.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        find(ctx, self.category_id).await
    }
}

#[ComplexObject]
impl RuleNotFollowed {
    /// The rule. Needs `rules:read`.
    async fn rule(&self, ctx: &Context<'_>) -> Result<Option<Rule>> {
        find(ctx, self.rule_id).await
    }
}

#[ComplexObject]
impl WhyNot {
    /// The category asked about.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        find(ctx, self.category_id).await
    }
}

impl Explanation {
    /// Why a decision was made.
    pub(super) fn of(decision: &Decision) -> Self {
        let source = decision.source.into();
        let told = explain::told(source, decision.stored());
        let learnt = told.iter().find_map(|told| told.learnt.as_ref());
        let rules = told.iter().find_map(|told| told.rules.as_ref());
        Self {
            summary: explain::summary(source, decision.confidence, &decision.rationale),
            pipeline_version: decision.version.clone(),
            model_format: learnt.map(|learnt| learnt.version),
            lessons: learnt.map(|learnt| learnt.lessons),
            model_as_of: learnt.and_then(|learnt| learnt.as_of),
            rules_as_of: rules.and_then(|rules| rules.as_of),
            cost: decision.cost.clone(),
            latency_us: decision.latency_us,
            tiers: told.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Told> for TierExplanation {
    fn from(told: Told) -> Self {
        let rules = told.rules.unwrap_or_default();
        let counted = told.verdict.is_some() && told.tier == Tier::Rule;
        let matched = rules.matched.into_iter().map(|rule_id| RuleConsidered {
            matched: true,
            failed_clause: None,
            rule_id,
        });
        let missed = rules.missed.into_iter().map(|missed| RuleConsidered {
            matched: false,
            failed_clause: Some(missed.clause),
            rule_id: missed.rule,
        });
        let learnt = told.learnt.unwrap_or_default();
        let classes = learnt.top.into_iter().map(|class| ClassProbability {
            probability: class.probability,
            category_id: class.category,
        });
        Self {
            tier: told.tier.into(),
            verdict: match told.verdict {
                Some(Verdict::Decided) => TierVerdict::Decided,
                Some(Verdict::Considered) => TierVerdict::Considered,
                Some(Verdict::Silent) => TierVerdict::Silent,
                Some(Verdict::Shadow) => TierVerdict::Shadow,
                None => TierVerdict::NotAsked,
            },
            confidence: told.confidence,
            reason: told.reason,
            latency_us: told.latency_us,
            rule_count: counted.then_some(rules.rules),
            rules: matched.chain(missed).collect(),
            precedents: told.precedents.as_ref().map(Into::into),
            neighbours: told.precedents.map(neighbours).unwrap_or_default(),
            features: learnt.features.into_iter().map(Into::into).collect(),
            classes: classes.collect(),
            language_model: told.heard.map(|heard| LlmAnswer {
                model: heard.model,
                rationale: heard.rationale,
                cached: heard.cached,
                questions: heard.questions,
                prompt_tokens: heard.prompt_tokens,
                completion_tokens: heard.completion_tokens,
                cost: Decimal::micros(heard.cost_micros),
            }),
            category_id: told.category,
        }
    }
}

fn neighbours(precedents: Precedents) -> Vec<NeighbourConsidered> {
    let each = precedents.neighbours.into_iter();
    each.map(|neighbour| NeighbourConsidered {
        text: neighbour.text,
        score: neighbour.score,
        filed_under: neighbour
            .categories
            .into_iter()
            .map(|filed| FiledThen {
                count: filed.count,
                category_id: filed.category,
            })
            .collect(),
    })
    .collect()
}

impl From<&Precedents> for PrecedentCounts {
    fn from(counted: &Precedents) -> Self {
        Self {
            support: counted.support,
            contradictions: counted.contradictions,
            account_support: counted.account_support,
            account_contradictions: counted.account_contradictions,
        }
    }
}

impl From<explain::Feature> for FeatureWeight {
    fn from(told: explain::Feature) -> Self {
        Self {
            feature: told.feature,
            weight: told.weight,
        }
    }
}

impl From<Against> for TierAgainst {
    fn from(against: Against) -> Self {
        let rules = against.rules.into_iter().map(|told| RuleNotFollowed {
            reason: told.reason,
            rule_id: told.rule,
        });
        let count = |number| i32::try_from(number).unwrap_or(i32::MAX);
        Self {
            tier: against.tier.into(),
            as_of: against.moment.into(),
            reason: against.reason,
            would_change: against.change,
            rules: rules.collect(),
            approved: against.approved.map(|number| count(number as usize)),
            probability: against.probability,
            probability_then: against.probability_then,
            rank: against.rank.map(count),
            features_against: against.features.into_iter().map(Into::into).collect(),
            nearest: against.nearest.map(|nearest| NearestText {
                text: nearest.text,
                score: nearest.score,
            }),
        }
    }
}

impl From<explain::WhyNot> for WhyNot {
    fn from(told: explain::WhyNot) -> Self {
        Self {
            decision: told.decision.into(),
            chosen: told.chosen,
            summary: told.summary,
            tiers: told.tiers.into_iter().map(Into::into).collect(),
            category_id: told.category,
        }
    }
}

/// Questions about why.
#[derive(Default)]
pub struct ExplainQuery;

#[Object]
impl ExplainQuery {
    /// Why a category was not chosen, asked of each tier, and what would change it: about one decision, or about the one
    /// that stands of a record. Name exactly one of the two. Needs `records:read` and `accounts:read`.
    async fn why_not(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The decision.")] decision_id: Option<ID>,
        #[graphql(desc = "The record whose standing decision it is.")] record_id: Option<ID>,
        #[graphql(desc = "The category that was not chosen.")] category_id: ID,
    ) -> Result<WhyNot> {
        let op = ctx.op()?;
        op.require(Permission::ReadRecords)?;
        op.require(Permission::ReadAccounts)?;
        let target = match (&decision_id, &record_id) {
            (Some(id), None) => Target::Decision(local("Decision", "decisionId", id)?),
            (None, Some(id)) => Target::Record(local("Record", "recordId", id)?),
            _ => {
                let message = "exactly one of decisionId and recordId is needed";
                return Err(Error::invalid("decisionId", message));
            }
        };
        let category = local("Category", "categoryId", &category_id)?;
        let told = explain::why_not(op, ctx.engine(), target, category).await?;
        Ok(told.into())
    }
}
