//! What a tenant's approvals taught, generalised: a model learnt online, one approval at a time.
//!
//! An online softmax over hashed [`features`] ([`weights`]) blended with counts that back off from the merchant on the
//! account to all records ([`backoff`]), and with a [`mixture`] of both that learns whom to trust; what the [`names`] of
//! the categories suggest, for merchants never seen; and a [`calibration`] of how often its best guess is right. It
//! learns at once and goes over a few earlier approvals again.
//!
//! It is a fold over approvals in the order of the log, and the same to the last bit on every machine: fixed hashes,
//! fixed order, own arithmetic, a die that is a hash. Nothing is shared between tenants and no table of merchants comes
//! with it. Memory is bounded by the space of features, the width of a row, and the numbers of views and lessons kept.

pub mod backoff;
pub mod calibration;
mod explain;
pub mod features;
pub mod lessons;
pub mod math;
pub mod mixture;
pub mod names;
mod snapshot;
pub mod weights;

use backoff::{Backoff, Views};
use calibration::{Calibration, Said};
pub use explain::{Place, Reason};
pub use features::Facts;
use features::{Feature, Past};
use lessons::Lessons;
use mixture::{Mixture, Voices};
pub use names::{Chart, Entry};
pub use snapshot::{FORMAT, Name};
use weights::Weights;

/// The share of the softmax in the sum; the counts have the rest.
const SOFTMAX: f32 = 0.7;
/// The share of the mixture of both; the sum has the rest. With more of it fewer proposals stand out as sure.
const MIXTURE: f32 = 0.6;
/// Earlier approvals gone over again with each new one.
const REPLAYS: u64 = 6;
/// Classes at most; what comes later is left to the other tiers.
const MAX_CLASSES: usize = 4_096;
/// How many categories an opinion names.
const NAMED: usize = 5;

/// What one tenant's approvals taught.
#[derive(Debug, Clone, PartialEq)]
pub struct Model<C> {
    classes: Vec<C>,
    counts: Vec<u32>,
    weights: Weights,
    backoff: Backoff,
    mixture: Mixture,
    lessons: Lessons,
    calibration: Calibration,
    learnt: u64,
}

/// What the model thinks of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion<C> {
    /// Its best guess.
    pub category: C,
    /// How often such a guess is right.
    pub confidence: f32,
    /// The most probable categories, the best guess first.
    pub top: Vec<(C, f32)>,
}

impl<C> Default for Model<C> {
    fn default() -> Self {
        Self {
            classes: Vec::new(),
            counts: Vec::new(),
            weights: Weights::default(),
            backoff: Backoff::default(),
            mixture: Mixture::default(),
            lessons: Lessons::default(),
            calibration: Calibration::default(),
            learnt: 0,
        }
    }
}

impl<C: Copy + Ord> Model<C> {
    /// Learns that a record was approved with the category.
    pub fn learn(&mut self, facts: &Facts<'_>, category: C) {
        let Some(class) = self.enter(category) else {
            return;
        };
        let views = Views::of(facts);
        let past = self.past(facts, &views);
        let mut features = Vec::with_capacity(128);
        features::features(facts, past, &mut features);
        self.judge(&features, &views, facts.account, class);

        self.counts[usize::from(class)] += 1;
        self.learnt += 1;
        let mut scratch = Scratch::default();
        self.step(&features, class, &mut scratch);
        self.backoff.add(&views, class);
        for n in 0..REPLAYS {
            let Some(lesson) = self.lessons.draw(math::mix(self.learnt, n)) else {
                break;
            };
            features::features(&lesson.facts(), lesson.past, &mut features);
            let class = lesson.class;
            self.step(&features, class, &mut scratch);
        }
        self.lessons.add(facts, past, class);
    }

    /// Undoes having learnt it: what was counted exactly, the weights by steps towards what the counts now say.
    pub fn forget(&mut self, facts: &Facts<'_>, category: C) {
        let Some(class) = self.class(category) else {
            return;
        };
        let at = usize::from(class);
        let views = Views::of(facts);
        self.counts[at] = self.counts[at].saturating_sub(1);
        self.backoff.remove(&views, class);
        self.lessons.remove(facts, class);
        self.learnt += 1; // the die goes on: a fold that saw the undo has seen one more event

        let mut features = Vec::with_capacity(128);
        features::features(facts, self.past(facts, &views), &mut features);
        let mut counted = vec![0.0; self.classes.len()];
        self.backoff
            .predict(&views, self.classes.len(), &mut counted);
        let mut scratch = Scratch::default();
        for _ in 0..=REPLAYS {
            self.weights
                .predict(&features, &self.counts, &mut scratch.p);
            if self.counts[at] == 0 || scratch.p[at] <= counted[at] {
                return;
            }
            let told = scratch.p.iter_mut().zip(&counted).zip(&self.counts);
            for ((p, counted), _) in told.filter(|(_, count)| **count > 0) {
                *p -= counted;
            }
            self.weights
                .step(&features, &scratch.p, &mut scratch.notable);
        }
    }

    /// What it thinks of a record; none while neither approvals nor names say anything.
    pub fn predict(&self, facts: &Facts<'_>, chart: &Chart<C>) -> Option<Opinion<C>> {
        let (p, all) = (self.spread(facts, chart), chart.categories().len());
        let mut order: Vec<usize> = (0..all).collect();
        order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
        let (best, second) = (*order.first()?, order.get(1));
        // nothing speaks for anything
        if second.is_some_and(|second| p[*second] == p[best]) {
            return None;
        }
        let top = order
            .iter()
            .take(NAMED)
            .map(|at| (chart.categories()[*at], p[*at]));
        let said = Said {
            probability: p[best],
            class: chart.classes()[best],
            account: facts.account,
        };
        Some(Opinion {
            category: chart.categories()[best],
            confidence: self.calibration.honest(said),
            top: top.collect(),
        })
    }

    /// How probable it takes each category of the chart to be, in the order of the chart.
    fn spread(&self, facts: &Facts<'_>, chart: &Chart<C>) -> Vec<f32> {
        let views = Views::of(facts);
        let mut features = Vec::with_capacity(128);
        features::features(facts, self.past(facts, &views), &mut features);
        let all = chart.categories().len();
        let blend = self.blend(&features, &views, all);
        let mut p: Vec<f32> = chart
            .classes()
            .iter()
            .zip(chart.fit(facts.amount))
            .map(|(class, fit)| {
                class.map_or(blend.other * fit, |class| blend.p[usize::from(class)])
            })
            .collect();
        let sum: f32 = p.iter().sum();
        for p in &mut p {
            *p /= sum;
        }
        let familiarity = self.backoff.familiarity(&views);
        chart.suggest(facts, familiarity, self.learnt, &mut p);
        p
    }

    /// Approvals learnt and undone.
    pub fn lessons(&self) -> u64 {
        self.learnt
    }

    /// The number of a category.
    pub fn class(&self, category: C) -> Option<u16> {
        let at = self.classes.iter().position(|known| *known == category)?;
        u16::try_from(at).ok()
    }

    /// Memory held, about.
    pub fn bytes(&self) -> usize {
        let learnt = self.weights.bytes() + self.backoff.bytes() + self.lessons.bytes();
        learnt + self.calibration.bytes() + self.classes.len() * 24
    }

    /// What was approved until now, as far as features look at it.
    fn past(&self, facts: &Facts<'_>, views: &Views) -> Past {
        Past {
            before: self.lessons.before(facts.account),
            familiarity: self.backoff.familiarity(views),
        }
    }

    /// The number of a category, given now if it has none.
    fn enter(&mut self, category: C) -> Option<u16> {
        if let Some(class) = self.class(category) {
            return Some(class);
        }
        if self.classes.len() == MAX_CLASSES {
            return None;
        }
        self.classes.push(category);
        self.counts.push(0);
        u16::try_from(self.classes.len() - 1).ok()
    }

    /// What everything that was learnt says together.
    fn blend(&self, features: &[Feature], views: &Views, all: usize) -> Blend {
        let mut counted = vec![0.0; self.classes.len()];
        let other = self.backoff.predict(views, all, &mut counted);
        if self.counts.iter().all(|count| *count == 0) {
            return Blend {
                p: counted,
                other,
                ..Blend::default()
            };
        }
        let mut p = Vec::with_capacity(counted.len());
        self.weights.predict(features, &self.counts, &mut p);
        let voices = Voices::of(&p, &counted, self.backoff.counted(*views));
        let mixed = self.mixture.predict(&voices, &self.counts);
        let novelty = self.novelty();
        for (p, counted) in p.iter_mut().zip(&counted) {
            *p = SOFTMAX * (1.0 - novelty) * *p + (1.0 - SOFTMAX) * counted;
        }
        self.share(&mixed, &mut p);
        let others = all.saturating_sub(self.classes.len()).max(1) as f32;
        Blend {
            p,
            other: SOFTMAX * novelty / others + (1.0 - SOFTMAX) * other,
            mixed,
            voices,
        }
    }

    /// Gives the mixture its share of what was approved; what was never, or was taken back, keeps what it has.
    fn share(&self, mixed: &[f32], p: &mut [f32]) {
        let approved = |(_, count): &(_, &u32)| **count > 0;
        let known = p.iter().zip(&self.counts).filter(approved);
        let known: f32 = known.map(|(p, _)| p).sum();
        for ((p, mixed), count) in p.iter_mut().zip(mixed).zip(&self.counts) {
            if *count > 0 {
                *p += MIXTURE * (known * mixed - *p);
            }
        }
    }

    /// The chance that the next record belongs to a category never approved before: the share of approvals that were
    /// the only one of theirs (Good and Turing), one more imagined.
    fn novelty(&self) -> f32 {
        let (mut all, mut once) = (1, 1);
        for count in &self.counts {
            all += count;
            once += u32::from(*count == 1);
        }
        once as f32 / (all + 1) as f32
    }

    /// Compares what it would have said with what was approved, before it learns from it.
    fn judge(&mut self, features: &[Feature], views: &Views, account: u128, class: u16) {
        if self.learnt == 0 {
            return;
        }
        let Blend {
            p, mixed, voices, ..
        } = self.blend(features, views, self.classes.len());
        let at = usize::from(class);
        let best = (0..p.len()).max_by(|a, b| p[*a].total_cmp(&p[*b]).then(b.cmp(a)));
        if let Some(best) = best {
            let said = Said {
                probability: p[best],
                class: u16::try_from(best).ok(),
                account,
            };
            self.calibration.learn(said, best == at);
        }
        // what was never approved is for novelty to expect
        if self.counts[at] > 0 {
            let mut error = mixed;
            error[at] -= 1.0;
            self.mixture.step(&voices, &error);
        }
    }

    fn step(&mut self, features: &[Feature], class: u16, scratch: &mut Scratch) {
        self.weights.predict(features, &self.counts, &mut scratch.p);
        scratch.p[usize::from(class)] -= 1.0;
        self.weights
            .step(features, &scratch.p, &mut scratch.notable);
    }
}

/// What everything that was learnt says about a record.
#[derive(Default)]
struct Blend {
    /// The probability of each class.
    p: Vec<f32>,
    /// That of each category that is none.
    other: f32,
    /// What the mixture said.
    mixed: Vec<f32>,
    /// What it was mixed of.
    voices: Voices,
}

/// Vectors used again and again.
#[derive(Default)]
struct Scratch {
    p: Vec<f32>,
    notable: Vec<(u16, f32)>,
}

#[cfg(test)]
mod tests;
