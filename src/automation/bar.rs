//! How sure a proposal must be to pass without a person: picked from what people said of earlier ones.
//!
//! For each source the bar is the lowest confidence at and above which enough of the outcomes were right, by the lower
//! bound of Wilson (1927) for one-sided 90 % certainty, and of the latest ones as well: books drift, and a bar that held
//! over a year may not hold this week. Below [`ENOUGH`] outcomes there is none.

use std::collections::VecDeque;

use entity::ApprovalId;
use entity::decision::Source;

/// Outcomes at and above a bar that it takes at least.
pub const ENOUGH: u32 = 80;
/// Outcomes that are remembered.
pub const REMEMBERED: usize = 4_000;
/// The latest outcomes at and above a bar, which have to be right by themselves.
const LATEST: usize = 200;
/// How much worse than the target the latest may be: that few outcomes are uncertain themselves.
const SLACK: f64 = 0.005;
/// One-sided certainty of 90 %.
const Z: f64 = 1.2816;
/// Confidence is compared in thousandths.
const LEVELS: usize = 1_001;

/// What a person said of a proposal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The approval by which they said it.
    pub approval: ApprovalId,
    /// Who had proposed.
    pub source: Source,
    /// How sure the proposal was.
    pub confidence: f64,
    /// Whether it was accepted as it was.
    pub right: bool,
}

/// The latest outcomes of a tenant, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Outcomes(VecDeque<Outcome>);

/// The bar of one source, and what it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Whose proposals it is for.
    pub source: Source,
    /// The confidence that passes.
    pub confidence: f64,
    /// Outcomes at and above it.
    pub outcomes: u32,
    /// How many of them were right.
    pub right: u32,
}

/// The bars of a tenant; a source without one passes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars(Vec<Bar>);

impl Outcomes {
    /// Outcomes in the order in which they were said.
    pub fn of(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let mut all = Self::default();
        outcomes.into_iter().for_each(|outcome| all.add(outcome));
        all
    }

    /// Remembers one more.
    pub fn add(&mut self, outcome: Outcome) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(outcome);
    }

    /// Forgets one that was taken back.
    pub fn remove(&mut self, approval: ApprovalId) {
        self.0.retain(|outcome| outcome.approval != approval);
    }

    /// The bars by which `target` of what passes is right.
    pub fn bars(&self, target: f64) -> Bars {
        let mut sources: Vec<Source> = Vec::new();
        for outcome in &self.0 {
            if !sources.contains(&outcome.source) {
                sources.push(outcome.source);
            }
        }
        let bars = sources.into_iter().filter_map(|it| self.bar(it, target));
        Bars(bars.collect())
    }

    fn bar(&self, source: Source, target: f64) -> Option<Bar> {
        let own = || self.0.iter().filter(|outcome| outcome.source == source);
        let mut counted = vec![(0_u32, 0_u32); LEVELS];
        for outcome in own() {
            let (all, right) = &mut counted[level(outcome.confidence)];
            *all += 1;
            *right += u32::from(outcome.right);
        }
        // from the top down: how many at this level and above
        let mut candidates = Vec::new();
        let (mut outcomes, mut right) = (0, 0);
        for (level, (all, ok)) in counted.iter().enumerate().rev() {
            if *all == 0 {
                continue;
            }
            outcomes += all;
            right += ok;
            if outcomes >= ENOUGH && lower_bound(right, outcomes) >= target {
                candidates.push((level, outcomes, right));
            }
        }
        let lowest_first = candidates.into_iter().rev();
        let mut holding = lowest_first.filter(|(at, ..)| {
            let latest = own().rev().filter(|it| level(it.confidence) >= *at);
            let (mut all, mut ok) = (0_u32, 0_u32);
            for outcome in latest.take(LATEST) {
                all += 1;
                ok += u32::from(outcome.right);
            }
            f64::from(ok) >= (target - SLACK) * f64::from(all)
        });
        holding.next().map(|(at, outcomes, right)| Bar {
            source,
            confidence: at as f64 / (LEVELS - 1) as f64,
            outcomes,
            right,
        })
    }
}

impl Bars {
    /// Whether a proposal is sure enough.
    pub fn passes(&self, source: Source, confidence: f64) -> bool {
        let bar = self.0.iter().find(|bar| bar.source == source);
        bar.is_some_and(|bar| level(confidence) >= level(bar.confidence))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Bar> {
        self.0.iter()
    }
}

impl Bar {
    /// The share that was right.
    pub fn precision(&self) -> f64 {
        f64::from(self.right) / f64::from(self.outcomes.max(1))
    }

    /// What that share is at least, with one-sided certainty of 90 %.
    pub fn lower_bound(&self) -> f64 {
        lower_bound(self.right, self.outcomes)
    }
}

fn level(confidence: f64) -> usize {
    let thousandths = (confidence.clamp(0.0, 1.0) * (LEVELS - 1) as f64).round();
    thousandths as usize
}

/// The lower end of Wilson's score interval, one-sided with 90 % certainty.
pub fn lower_bound(right: u32, all: u32) -> f64 {
    if all == 0 {
        return 0.0;
    }
    let (all, square) = (f64::from(all), Z * Z);
    let share = f64::from(right) / all;
    let spread = Z * (share * (1.0 - share) / all + square / (4.0 * all * all)).sqrt();
    (share + square / (2.0 * all) - spread) / (1.0 + square / all)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn said(n: u128, confidence: f64, right: bool) -> Outcome {
        Outcome {
            approval: ApprovalId(Uuid::from_u128(n)),
            source: Source::Model,
            confidence,
            right,
        }
    }

    fn times(from: u128, count: u128, confidence: f64, wrong_every: u128) -> Vec<Outcome> {
        let right = |n: u128| wrong_every == 0 || !n.is_multiple_of(wrong_every);
        (1..=count)
            .map(|n| said(from + n, confidence, right(n)))
            .collect()
    }

    #[test]
    fn the_lowest_level_that_holds_is_the_bar() {
        let said = [
            times(0, 200, 0.95, 0),
            times(1_000, 200, 0.9, 100),
            times(2_000, 200, 0.5, 2),
        ];
        let bars = Outcomes::of(said.concat()).bars(0.98);
        let bar = bars.iter().next().unwrap();
        assert_eq!((bar.confidence, bar.outcomes, bar.right), (0.9, 400, 398));
        assert!(bars.passes(Source::Model, 0.9) && !bars.passes(Source::Model, 0.89));
        assert!(!bars.passes(Source::Llm, 0.99), "each source earns its own");
    }

    #[test]
    fn few_outcomes_are_no_evidence_however_clean() {
        assert_eq!(
            Outcomes::of(times(0, 79, 0.99, 0)).bars(0.9),
            Bars::default()
        );
        // eighty are enough for a target of 95 %, and too few to be certain of 98.5 %
        let eighty = Outcomes::of(times(0, 80, 0.99, 0));
        assert!(eighty.bars(0.95).passes(Source::Model, 0.99));
        assert_eq!(eighty.bars(0.985), Bars::default());
    }

    #[test]
    fn a_bar_falls_when_the_latest_outcomes_do_and_comes_back_with_them() {
        let mut outcomes = Outcomes::of(times(0, 2_000, 0.95, 0));
        assert!(outcomes.bars(0.98).passes(Source::Model, 0.95));
        for n in 0..6 {
            outcomes.add(said(5_000 + n, 0.95, false));
        }
        assert!(!outcomes.bars(0.98).passes(Source::Model, 0.95));
        for outcome in times(6_000, 200, 0.95, 0) {
            outcomes.add(outcome);
        }
        assert!(outcomes.bars(0.98).passes(Source::Model, 0.95));
    }

    #[test]
    fn what_is_taken_back_counts_no_more_and_the_oldest_are_let_go() {
        let mut outcomes = Outcomes::of(times(0, 80, 0.99, 0));
        outcomes.remove(ApprovalId(Uuid::from_u128(1)));
        assert_eq!(outcomes.bars(0.95), Bars::default());
        let many = Outcomes::of(times(0, REMEMBERED as u128 + 5, 0.9, 0));
        assert_eq!(many.0.len(), REMEMBERED);
    }
}
