//! The figures of a simulation.

use async_graphql::{ComplexObject, Context, SimpleObject};
use entity::CategoryId;

use crate::error::Result;
use crate::graphql::categories::Category;
use crate::graphql::loader::find;
use crate::graphql::scalar::{Decimal, Money};
use crate::reports::Units;
use crate::simulations::{Effects, Figures, Flows, Prices};

/// What one way of deciding comes to.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct SimulationFigures {
    /// Records decided.
    pub records: i64,
    /// Those with a category.
    pub proposed: i64,
    /// Those whose category a person has approved: by them the proposals are judged.
    pub checked: i64,
    /// Of these, the ones that are right.
    pub right: i64,
    /// The share of these that is right; absent without any.
    pub accuracy: Option<f64>,
    /// Those sure enough to pass without a person.
    pub passing: i64,
    /// The share of these that is right, of those a person has approved; absent without any.
    pub precision: Option<f64>,
    /// Those that would enter the books without a person.
    pub automatic: i64,
    /// Those that would wait for a person.
    pub waiting: i64,
    /// Questions to the language model, the same question once. It is not asked: what nobody else is sure of is counted.
    pub language_model_questions: i64,
    /// Requests to it, at least: 40 questions go together when they come together.
    pub language_model_requests: i64,
    /// Tokens it would read, about.
    pub language_model_prompt_tokens: i64,
    /// Tokens it would write, about.
    pub language_model_completion_tokens: i64,
    /// What that would cost at the prices given; absent without prices.
    pub language_model_cost: Option<Decimal>,
}

impl SimulationFigures {
    /// Figures as clients see them.
    pub fn of(figures: &Figures, prices: Option<Prices>) -> Self {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let cost = |prices: Prices| {
            let micros = prices.of(figures.prompt_tokens, figures.completion_tokens);
            Decimal(format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000))
        };
        Self {
            records: figures.records,
            proposed: figures.proposed,
            checked: figures.checked,
            right: figures.right,
            accuracy: figures.accuracy(),
            passing: figures.passing,
            precision: figures.precision(),
            automatic: figures.automatic,
            waiting: figures.waiting(),
            language_model_questions: number(figures.questions),
            language_model_requests: number(figures.prompts),
            language_model_prompt_tokens: number(figures.prompt_tokens),
            language_model_completion_tokens: number(figures.completion_tokens),
            language_model_cost: prices.map(cost),
        }
    }
}

/// Changed decisions by what they are worth.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct SimulationEffects {
    /// Wrong before, right after.
    pub fixed: i32,
    /// Right before, wrong after.
    pub broken: i32,
    /// Another category, and neither is known to be right.
    pub different: i32,
    /// The same category, which would pass.
    pub passes: i32,
    /// The same category, which would not pass any more.
    pub waits: i32,
}

impl From<Effects> for SimulationEffects {
    fn from(effects: Effects) -> Self {
        Self {
            fixed: effects.fixed,
            broken: effects.broken,
            different: effects.different,
            passes: effects.passes,
            waits: effects.waits,
        }
    }
}

/// What more, or less, a category would hold.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct SimulatedLine {
    /// Altogether.
    pub total: Money,
    /// By month, oldest first; months that do not differ are left out.
    pub months: Vec<SimulatedMonth>,
    #[graphql(skip)]
    category_id: CategoryId,
}

/// What more, or less, a category would hold in a month.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct SimulatedMonth {
    /// The month, `YYYY-MM`.
    pub month: String,
    /// The difference.
    pub amount: Money,
}

#[ComplexObject]
impl SimulatedLine {
    /// The category.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        find(ctx, self.category_id).await
    }
}

impl SimulatedLine {
    /// The lines of all differences, the largest first.
    pub(super) fn all(flows: &Flows) -> Vec<Self> {
        let mut lines: Vec<(i128, Self)> = Vec::new();
        let mut reached: Option<(CategoryId, String)> = None;
        for flow in flows.iter() {
            let Units(units) = flow.units;
            let key = (flow.category, flow.currency.clone());
            if reached.as_ref() != Some(&key) {
                let line = Self {
                    total: Money::sum(0, &flow.currency),
                    months: Vec::new(),
                    category_id: flow.category,
                };
                lines.push((0, line));
                reached = Some(key);
            }
            if let Some((total, line)) = lines.last_mut() {
                *total += units;
                line.total = Money::sum(*total, &flow.currency);
                line.months.push(SimulatedMonth {
                    amount: Money::sum(units, &flow.currency),
                    month: flow.month,
                });
            }
        }
        lines.sort_by_key(|(total, _)| std::cmp::Reverse(total.unsigned_abs()));
        lines.into_iter().map(|(_, line)| line).collect()
    }
}
