//! Makes the probability of being right as honest as the past allows.
//!
//! What the model said is first held against where it said so: guesses of some categories are right more often than they
//! claim, and so are guesses about some accounts. Then a logistic curve between that and how often it was right bends the
//! scale. All of it is learnt from every approval before the approval itself is learnt from, and fades: books drift.

use std::collections::BTreeMap;

use super::math;

/// How sure the curve is of itself at the beginning.
const FIRST_SQUARE: f32 = 6.0;
/// How steep it starts: a model that learnt little claims a bit too much.
const STEEP: f32 = 0.9;
/// How fast it bends. Slowly, for bars are set by what was said before.
const RATE: f32 = 0.05;
/// Odds beyond these are all alike.
const LIMIT: f32 = 7.0;
/// What the record of a category, and that of an account, add to the odds.
const WEIGHT: f32 = 0.3;
/// Outcomes imagined in advance for each category and account, as good as all are.
const IMAGINED: f32 = 4.0;
/// What an outcome still counts after the next one of the same category or account.
const FADES: f32 = 0.97;
/// The same for the outcomes of all.
const ALL_FADE: f32 = 0.998;

/// How often something was right lately.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Share {
    /// Right ones; older ones count less.
    pub right: f32,
    /// Wrong ones.
    pub wrong: f32,
}

/// What the model said, and where.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    /// How probable it took its best guess to be.
    pub probability: f32,
    /// The class it guessed; none for a category never approved.
    pub class: Option<u16>,
    /// The account of the record.
    pub account: u128,
}

/// The curve, and the records of categories and accounts.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Where it lies and how steep it is.
    pub curve: [f32; 2],
    /// The squares of its gradients, added up.
    pub squares: [f32; 2],
    /// How often any guess was right.
    pub all: Share,
    /// How often guesses of each class were.
    pub classes: Vec<Share>,
    /// How often guesses about each account were.
    pub accounts: BTreeMap<u128, Share>,
}

impl Default for Calibration {
    fn default() -> Self {
        Self {
            curve: [0.0, STEEP],
            squares: [FIRST_SQUARE; 2],
            all: Share {
                right: 1.0,
                wrong: 1.0,
            },
            classes: Vec::new(),
            accounts: BTreeMap::new(),
        }
    }
}

impl Share {
    fn add(&mut self, right: bool, fades: f32) {
        let right = f32::from(u8::from(right));
        self.right = self.right * fades + right;
        self.wrong = self.wrong * fades + 1.0 - right;
    }

    /// By how much its odds exceed those of all; nothing while there is nothing to tell by.
    fn lead(self, all: Self) -> f32 {
        let usual = (all.right / (all.right + all.wrong)).clamp(0.01, 0.99);
        let right = self.right + IMAGINED * usual;
        let wrong = self.wrong + IMAGINED * (1.0 - usual);
        math::ln(right / wrong) - math::ln(usual / (1.0 - usual))
    }
}

impl Calibration {
    /// How often this was right.
    pub fn honest(&self, said: Said) -> f32 {
        let z = self.curve[0] + self.curve[1] * self.odds(said);
        1.0 / (1.0 + math::exp(-z))
    }

    /// Learns that what was said was right, or was not.
    pub fn learn(&mut self, said: Said, right: bool) {
        let error = self.honest(said) - f32::from(u8::from(right));
        for (at, by) in [1.0, self.odds(said)].into_iter().enumerate() {
            let gradient = error * by;
            self.squares[at] += gradient * gradient;
            self.curve[at] -= RATE * gradient / self.squares[at].sqrt();
        }
        self.curve[1] = self.curve[1].clamp(0.2, 2.0);

        self.all.add(right, ALL_FADE);
        let account = self.accounts.entry(said.account).or_default();
        account.add(right, FADES);
        if let Some(class) = said.class.map(usize::from) {
            if self.classes.len() <= class {
                self.classes.resize(class + 1, Share::default());
            }
            self.classes[class].add(right, FADES);
        }
    }

    /// Memory held, about.
    pub fn bytes(&self) -> usize {
        let account = size_of::<(u128, Share)>() + 8;
        self.classes.capacity() * size_of::<Share>() + self.accounts.len() * account
    }

    /// The odds of what was said, by the records of where it was said.
    fn odds(&self, said: Said) -> f32 {
        let class = said
            .class
            .and_then(|class| self.classes.get(usize::from(class)));
        let account = self.accounts.get(&said.account);
        let records = [class, account].into_iter().flatten();
        let leads: f32 = records.map(|share| share.lead(self.all)).sum();
        odds(said.probability) + WEIGHT * leads
    }
}

fn odds(p: f32) -> f32 {
    let p = p.clamp(1e-4, 1.0 - 1e-4);
    math::ln(p / (1.0 - p)).clamp(-LIMIT, LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(probability: f32, class: u16, account: u128) -> Said {
        Said {
            probability,
            class: Some(class),
            account,
        }
    }

    #[test]
    fn too_much_confidence_is_corrected_and_the_order_kept() {
        let mut calibration = Calibration::default();
        assert!((calibration.honest(said(0.5, 0, 0)) - 0.5).abs() < 1e-6);
        for n in 0..2_000 {
            calibration.learn(said(0.9, 0, 0), n % 10 < 7);
        }
        assert!((calibration.honest(said(0.9, 0, 0)) - 0.7).abs() < 0.05);
        assert!(calibration.honest(said(0.95, 0, 0)) > calibration.honest(said(0.9, 0, 0)));
    }

    #[test]
    fn a_category_and_an_account_that_are_often_wrong_are_trusted_less() {
        let mut calibration = Calibration::default();
        for n in 0..400_u16 {
            // class 1 is right half the time on either account, and class 0 always
            calibration.learn(said(0.8, 0, u128::from(n % 2)), true);
            calibration.learn(said(0.8, 1, u128::from(n % 2)), n % 4 < 2);
        }
        let honest = |class, account| calibration.honest(said(0.8, class, account));
        assert!(honest(0, 0) > honest(1, 0) + 0.05);
        let stranger = Said {
            probability: 0.8,
            class: None,
            account: 9,
        };
        let new = calibration.honest(stranger);
        assert!(
            honest(1, 0) < new && new < honest(0, 0),
            "nothing is held against what was never said"
        );

        let mut calibration = Calibration::default();
        for n in 0..400 {
            calibration.learn(said(0.8, 0, 1), true);
            calibration.learn(said(0.8, 0, 2), n % 2 == 0);
        }
        let honest = |account| calibration.honest(said(0.8, 0, account));
        assert!(honest(1) > honest(2) + 0.05);
    }

    #[test]
    fn what_was_wrong_long_ago_fades() {
        let mut calibration = Calibration::default();
        (0..50).for_each(|_| calibration.learn(said(0.8, 1, 1), false));
        (0..200).for_each(|_| calibration.learn(said(0.8, 0, 2), true));
        let then = calibration.honest(said(0.8, 1, 1));
        (0..200).for_each(|_| calibration.learn(said(0.8, 1, 1), true));
        assert!(calibration.honest(said(0.8, 1, 1)) > then + 0.1);
    }
}
