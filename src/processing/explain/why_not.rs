//! Why a category was not chosen, asked of each tier.

use std::sync::Arc;

use entity::decision::Source;
use entity::{CategoryId, DecisionId, RecordId, RuleId, decision, record};
use sea_orm::Iterable;

use super::told::{Told, told};
use super::{Feature, percent};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::processing::Engine;
use crate::processing::decide::Tier;
use crate::processing::knowledge::Knowledge;
use crate::processing::learned::facts;
use crate::rules::{self, Towards};
use crate::text::fold;
use crate::{categories, records};

/// Of so many most alike texts, one of the category is looked for.
const AMONG: usize = 100;
/// Rules told at most.
const RULES: usize = 20;

/// Which decision is asked about; the standing one of the record when no other is named.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// What stands about a record.
    Record(RecordId),
    /// A decision of the past or the present.
    Decision(DecisionId),
}

/// Why a category was not chosen.
#[derive(Clone, Debug)]
pub struct WhyNot {
    /// The decision asked about.
    pub decision: decision::Model,
    /// The category asked about.
    pub category: CategoryId,
    /// Whether it was chosen after all.
    pub chosen: bool,
    /// One sentence.
    pub summary: String,
    /// What each tier says.
    pub tiers: Vec<Against>,
}

/// When what is told was the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// When it was decided.
    Then,
    /// As of now.
    Now,
}

/// What one tier says about a category that it did not lead to.
#[derive(Clone, Debug)]
pub struct Against {
    /// Which tier.
    pub tier: Tier,
    /// When that was the case.
    pub moment: Moment,
    /// Why not, in a sentence.
    pub reason: String,
    /// What would change it.
    pub change: Option<String>,
    /// Of the rules: those that name the category.
    pub rules: Vec<RuleAgainst>,
    /// Of approvals of the merchant: how many were of the category.
    pub approved: Option<u32>,
    /// Of the model: how probable it takes the category to be now.
    pub probability: Option<f64>,
    /// Of the model: how probable it took it to be then, where that was stored.
    pub probability_then: Option<f64>,
    /// Of the model: its rank now, from 1.
    pub rank: Option<usize>,
    /// Of the model: what speaks for its guess and against the category.
    pub features: Vec<Feature>,
    /// Of similar records: the nearest of the category.
    pub nearest: Option<Nearest>,
}

/// A rule that names the category.
#[derive(Clone, Debug)]
pub struct RuleAgainst {
    /// Which rule.
    pub rule: RuleId,
    /// Why it did not lead there.
    pub reason: String,
}

/// A text that was filed under the category.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// The folded text; absent for whoever does not see all records.
    pub text: Option<String>,
    /// How alike, 0 to 1.
    pub score: f64,
}

/// Says for each tier why it did not lead to a category, and what would change that.
pub async fn why_not(
    ctx: &Ctx,
    engine: &Engine,
    target: Target,
    category: CategoryId,
) -> Result<WhyNot> {
    ctx.require(Permission::ReadRecords)?;
    let named = categories::by_ids(ctx, &[category]).await?;
    let named = named.first().ok_or(Error::NotFound("category"))?;
    let (decision, record) = find(ctx, target).await?;
    let towards = match ctx.require(Permission::ReadRules) {
        Ok(()) => Some(rules::towards(ctx, category, &record).await?),
        Err(_) => None,
    };
    // the reading transaction is not kept while what the tenant taught catches up
    ctx.refresh().await;
    let system = Ctx::system(Arc::clone(ctx.handles()), ctx.tenant());
    let state = engine.state(&system).await?;
    let case = Case {
        record: &record,
        decision: &decision,
        told: told(decision.source, &decision.considered),
        category,
        name: &named.name,
        quotes: ctx.reach(Permission::ReadRecords).is_everything(),
        known: &state,
    };
    let tiers = vec![
        case.rule(towards),
        case.exact(),
        case.model(),
        case.similar(),
        case.llm(),
    ];
    Ok(WhyNot {
        chosen: decision.category_id == Some(category),
        summary: case.summary(&tiers),
        tiers,
        category,
        decision: decision.clone(),
    })
}

async fn find(ctx: &Ctx, target: Target) -> Result<(decision::Model, record::Model)> {
    let (id, record) = match target {
        Target::Record(id) => {
            let record = records::load(ctx, id).await?;
            let none = || Error::conflict("nothing was decided about the record yet");
            (record.decision_id.ok_or_else(none)?, Some(record))
        }
        Target::Decision(id) => (id, None),
    };
    let columns: Vec<decision::Column> = decision::Column::iter().collect();
    let found = records::decision_lines(ctx, &[id], &columns).await?;
    let decision = found.into_iter().next();
    let decision = decision.ok_or(Error::NotFound("decision"))?;
    let record = match record {
        Some(record) => record,
        None => records::load(ctx, decision.record_id).await?,
    };
    Ok((decision, record))
}

/// A decision, and what is known of its tenant by now.
struct Case<'a> {
    record: &'a record::Model,
    decision: &'a decision::Model,
    told: Vec<Told>,
    category: CategoryId,
    name: &'a str,
    /// Whether texts of other records may be quoted.
    quotes: bool,
    known: &'a Knowledge,
}

impl Case<'_> {
    fn against(&self, tier: Tier, reason: String) -> Against {
        Against {
            tier,
            moment: Moment::Now,
            reason,
            change: None,
            rules: Vec::new(),
            approved: None,
            probability: None,
            probability_then: None,
            rank: None,
            features: Vec::new(),
            nearest: None,
        }
    }

    fn told(&self, tier: Tier) -> impl Iterator<Item = &Told> {
        self.told.iter().filter(move |told| told.tier == tier)
    }

    /// What people call a category.
    fn name_of(&self, id: CategoryId) -> &str {
        let known = self.known.categories().get(&id);
        known.map_or("another category", |known| known.name.as_str())
    }

    fn rule(&self, towards: Option<Vec<Towards>>) -> Against {
        let name = self.name;
        let Some(towards) = towards else {
            let hidden = "Which rules there are is for those who may read rules.";
            return self.against(Tier::Rule, hidden.to_owned());
        };
        if towards.is_empty() {
            let mut none = self.against(Tier::Rule, format!("No rule names {name}."));
            none.change = Some(format!(
                "A rule that matches this record and names {name} would decide."
            ));
            return none;
        }
        let set = &self.known.rules().set;
        let outcome = set.evaluate(&rules::facts(self.record), false);
        let first = outcome.category.as_ref().map(|filled| RuleId(filled.by));
        let why = |it: &Towards| match (&it.clause, first) {
            _ if !it.enabled => "it is switched off".to_owned(),
            (Some(clause), _) => clause.clone(),
            (None, Some(first)) if first == it.rule => {
                "it matches now: it was made or changed after the decision".to_owned()
            }
            (None, Some(first)) => {
                let first = self.known.rules().name(first).unwrap_or("another one");
                format!("it matches, and \"{first}\" comes before it")
            }
            (None, None) => "it matches, and one before it ends the rules".to_owned(),
        };
        let nearest = &towards[0];
        let reason = match towards.len() {
            1 => format!(
                "The rule \"{}\" names {name}: {}.",
                nearest.name,
                why(nearest)
            ),
            more => format!(
                "{more} rules name {name}; of the first, \"{}\": {}.",
                nearest.name,
                why(nearest)
            ),
        };
        let mut against = self.against(Tier::Rule, reason);
        against.change = Some(format!(
            "If that were otherwise, \"{}\" would file it under {name}.",
            nearest.name
        ));
        let told = towards.iter().take(RULES);
        against.rules = told
            .map(|it| RuleAgainst {
                rule: it.rule,
                reason: why(it),
            })
            .collect();
        against
    }

    fn exact(&self) -> Against {
        let (name, merchant) = (self.name, &self.record.merchant_key);
        let confirmed = self.known.memory().confirmed(merchant);
        let of = |id: CategoryId| {
            let found = confirmed.iter().find(|it| it.category == id);
            found.map_or(0, |it| it.count)
        };
        let own = of(self.category);
        let others = confirmed.iter().filter(|it| it.category != self.category);
        let first = others.max_by_key(|it| it.count);
        let reason = match (own, first) {
            (0, None) => format!("Nothing of \"{merchant}\" was approved yet."),
            (0, Some(first)) => format!(
                "\"{merchant}\" was never filed under {name}, and under {} {}.",
                self.name_of(first.category),
                times(first.count)
            ),
            (own, None) => format!("\"{merchant}\" was filed under {name} {}.", times(own)),
            (own, Some(first)) => format!(
                "\"{merchant}\" was filed under {name} {}, and under {} {}.",
                times(own),
                self.name_of(first.category),
                times(first.count)
            ),
        };
        let mut against = self.against(Tier::Exact, reason);
        against.approved = Some(own);
        let most = first.map_or(0, |first| first.count);
        if own <= most {
            against.change = Some(format!(
                "{} under {name} would outweigh the others of this merchant.",
                match most - own + 1 {
                    1 => "One more approval".to_owned(),
                    more => format!("{more} more approvals"),
                }
            ));
        }
        against
    }

    fn model(&self) -> Against {
        let name = self.name;
        let text = fold(&self.record.description);
        let record = self.record;
        let facts = facts(
            &text,
            &record.merchant_key,
            record.account_id,
            record.amount,
        );
        let (model, chart) = (self.known.model(), self.known.chart());
        let Some(place) = model.place(&facts, chart, self.category) else {
            let reason = format!("{name} is archived or gone, so the model does not consider it.");
            return self.against(Tier::Model, reason);
        };
        let reasons = model.reasons(&facts, place.best, Some(self.category));
        let reason = if place.best == self.category {
            format!(
                "The model now takes {name} to be the most probable, with {}.",
                percent(place.probability.into())
            )
        } else {
            let above_all = match reasons.first() {
                Some(first) => format!("; {} speaks against it above all", first.feature),
                None => String::new(),
            };
            format!(
                "The model gives {name} {}, rank {} of {}, and {} {}{above_all}.",
                percent(place.probability.into()),
                place.rank,
                place.of,
                self.name_of(place.best),
                percent(place.best_probability.into()),
            )
        };
        let mut against = self.against(Tier::Model, reason);
        let learnt = self.told(Tier::Model).find_map(|told| told.learnt.as_ref());
        let then =
            learnt.and_then(|learnt| learnt.top.iter().find(|it| it.category == self.category));
        against.probability_then = then.map(|it| it.probability);
        against.probability = Some(short(place.probability));
        against.rank = Some(place.rank);
        if place.best != self.category {
            let told = reasons.into_iter().map(|reason| Feature {
                feature: reason.feature,
                weight: short(reason.weight),
            });
            against.features = told.collect();
            against.change = Some(format!(
                "Approving records like this one under {name} would; each approval counts at once."
            ));
        }
        against
    }

    fn similar(&self) -> Against {
        let name = self.name;
        let memory = self.known.memory();
        let found = memory.nearest_in(&self.record.description, self.category, AMONG);
        let Some((text, score)) = found else {
            let reason = format!(
                "None of the {AMONG} approved texts that look most alike was filed under {name}."
            );
            return self.against(Tier::Similar, reason);
        };
        let score = short(score);
        let quoted = match self.quotes {
            true => format!("\"{text}\""),
            false => "a text".to_owned(),
        };
        let reason = format!(
            "The nearest that was filed under {name} is {quoted}, {} alike.",
            percent(score)
        );
        let mut against = self.against(Tier::Similar, reason);
        against.nearest = Some(Nearest {
            text: self.quotes.then_some(text),
            score,
        });
        against
    }

    fn llm(&self) -> Against {
        let name = self.name;
        let known = self.known.categories().get(&self.category);
        match known {
            Some(known) if known.is_archived() => {
                let reason =
                    format!("{name} is archived, so it is not in the list it chooses from.");
                return self.against(Tier::Llm, reason);
            }
            Some(known) if !known.leaf => {
                let reason = format!(
                    "{name} has categories below it, so it is not in the list it chooses from."
                );
                return self.against(Tier::Llm, reason);
            }
            _ => {}
        }
        let told = self.told(Tier::Llm).next();
        let reason = match told {
            Some(told) if told.category == Some(self.category) => {
                format!("It chose {name}, and another was surer.")
            }
            Some(told) => told.reason.clone(),
            None => "It is not asked about what a person decided.".to_owned(),
        };
        let mut against = self.against(Tier::Llm, reason);
        against.moment = Moment::Then;
        against
    }

    fn summary(&self, tiers: &[Against]) -> String {
        let name = self.name;
        if self.decision.category_id == Some(self.category) {
            return format!("{name} is what was chosen.");
        }
        let archived = self.known.open_category(self.category).is_none();
        if archived {
            return format!("{name} is archived, so nothing is filed there.");
        }
        let of = |tier: Tier| {
            let found = tiers.iter().find(|it| it.tier == tier);
            found.map_or("", |it| it.reason.as_str())
        };
        match self.decision.source {
            Source::Person => format!("A person decided, and a person may decide for {name}."),
            Source::Rule => format!(
                "{name} was not chosen because a rule decided first. {}",
                of(Tier::Rule)
            ),
            Source::Exact => format!("{name} was not chosen. {}", of(Tier::Exact)),
            Source::Similar => format!("{name} was not chosen. {}", of(Tier::Similar)),
            Source::Llm => format!("{name} was not chosen. {}", of(Tier::Llm)),
            Source::Model | Source::None => format!("{name} was not chosen. {}", of(Tier::Model)),
        }
    }
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    }
}

/// Three decimals are enough to read.
fn short(number: f32) -> f64 {
    (f64::from(number) * 1000.0).round() / 1000.0
}
