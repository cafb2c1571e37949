//! What a tenant's approvals teach, before any model: who was booked where, and what looked alike.
//!
//! A fold over approvals in memory. Every approval counts for its (merchant, account) and for its string; undoing
//! one takes exactly that back, and the order of approvals changes nothing. Confidences are estimates of being
//! right, with a prior that holds few confirmations down. The constants were fitted to four public ledgers of
//! purchase cards; exact and then similar, the expected calibration error over each was 2 to 5 points.

use std::collections::HashMap;

use serde::Serialize;

use super::{
    counts::Counts,
    similar::{Neighbour, SimilarIndex},
};

/// Confirmations that the merchant's other accounts are worth beside those of the account itself. Low, because the
/// account that paid says as much as the name of the merchant.
const OTHER_ACCOUNTS: f64 = 0.7;
/// Confirmations of a category never seen for this merchant, imagined in advance: one confirmation of one is 1/2.
const UNSEEN: f64 = 1.0;
/// Books drift: of the cleanest histories, one in a hundred is booked differently the next time.
const DRIFT: f64 = 0.01;
/// How many strings vote.
const NEIGHBOURS: usize = 8;
/// Strings less alike than this share a few letters by accident.
const MIN_SCORE: f64 = 0.35;
/// A half-alike string must not outvote a nearly equal one.
const SHARPNESS: i32 = 6;
/// What a confirmation on the same account counts, against 1 for another.
const SAME_ACCOUNT: f64 = 6.0;
/// A vote for something never seen; it is what keeps distant neighbours modest.
const UNSEEN_VOTE: f64 = 0.05;
/// Likeness alone is never surer than this.
const CEILING: f64 = 0.9;

/// An approved record, as far as this memory looks at it.
#[derive(Debug, Clone, Copy)]
pub struct Example<'a, A> {
    /// The bank's text, as it came.
    pub description: &'a str,
    /// The merchant key of that text.
    pub merchant_key: &'a str,
    /// The account the money moved on.
    pub account: A,
}

/// A category and the reasons for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposal<C> {
    /// The category proposed.
    pub category: C,
    /// The estimated probability of being right; below 1.
    pub confidence: f64,
    /// What was counted.
    pub evidence: Evidence<C>,
}

/// What speaks for and against a proposal, ready to be stored in a reasoning trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence<C> {
    /// Confirmations of the proposed category.
    pub support: u32,
    /// Confirmations of any other.
    pub contradictions: u32,
    /// Of the support, those on the same account.
    pub account_support: u32,
    /// Of the contradictions, those on the same account.
    pub account_contradictions: u32,
    /// The strings that voted, most alike first; empty for an exact match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub neighbours: Vec<Voter<C>>,
}

/// A string that voted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Voter<C> {
    /// The folded string.
    pub text: String,
    /// Cosine likeness, to three decimals.
    pub score: f64,
    /// The categories confirmed for it.
    pub categories: Vec<Confirmed<C>>,
}

/// How often a category was confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Confirmed<C> {
    /// The category.
    pub category: C,
    /// Times confirmed.
    pub count: u32,
}

/// What the approvals of one tenant taught. `A` identifies accounts, `C` categories.
#[derive(Debug)]
pub struct Memory<A, C> {
    merchants: HashMap<Box<str>, Counts<(A, C)>>,
    strings: SimilarIndex<(A, C)>,
    approvals: u64,
}

impl<A: Copy + Ord, C: Copy + Ord> Default for Memory<A, C> {
    fn default() -> Self {
        Self {
            merchants: HashMap::new(),
            strings: SimilarIndex::default(),
            approvals: 0,
        }
    }
}

impl<A: Copy + Ord, C: Copy + Ord> Memory<A, C> {
    /// Learns that the record was approved with the category.
    pub fn learn(&mut self, example: &Example<'_, A>, category: C) {
        let label = (example.account, category);
        match self.merchants.get_mut(example.merchant_key) {
            Some(counts) => counts.add(label),
            None => self
                .merchants
                .entry(example.merchant_key.into())
                .or_default()
                .add(label),
        }
        self.strings.add(example.description, label);
        self.approvals += 1;
    }

    /// Undoes having learnt it; false, and nothing changed, when it was not learnt.
    pub fn forget(&mut self, example: &Example<'_, A>, category: C) -> bool {
        let label = (example.account, category);
        let Some(counts) = self.merchants.get_mut(example.merchant_key) else {
            return false;
        };
        if !counts.remove(label) {
            return false;
        }
        if counts.is_empty() {
            self.merchants.remove(example.merchant_key);
        }
        self.strings.remove(example.description, label);
        self.approvals -= 1;
        true
    }

    /// What was approved for this merchant, the same account first.
    pub fn exact(&self, merchant_key: &str, account: A) -> Option<Proposal<C>> {
        let mut tally = Tally::default();
        for ((other, category), count) in self.merchants.get(merchant_key)?.iter() {
            tally.count(category, count, other == account);
        }
        let (all, own) = (f64::from(tally.all()), f64::from(tally.own()));
        tally.propose(|line| {
            let anywhere = f64::from(line.all) / (all + UNSEEN);
            (1.0 - DRIFT) * (f64::from(line.own) + OTHER_ACCOUNTS * anywhere)
                / (own + OTHER_ACCOUNTS)
        })
    }

    /// What was approved for strings like this one; none when no string is alike enough.
    pub fn similar(&self, description: &str, account: A) -> Option<Proposal<C>> {
        let mut near = self.strings.nearest(description, NEIGHBOURS);
        near.retain(|neighbour| f64::from(neighbour.score) >= MIN_SCORE);
        vote(near, account, CEILING)
    }

    /// How often each category was approved for this merchant.
    pub fn confirmed(&self, merchant_key: &str) -> Vec<Confirmed<C>> {
        let mut confirmed: Counts<C> = Counts::default();
        if let Some(counts) = self.merchants.get(merchant_key) {
            for ((_, category), count) in counts.iter() {
                confirmed.add_many(category, count);
            }
        }
        let each = confirmed.iter();
        each.map(|(category, count)| Confirmed { category, count })
            .collect()
    }

    /// The most alike string that was approved with the category, and how alike it is; of the `among` most alike.
    pub fn nearest_in(
        &self,
        description: &str,
        category: C,
        among: usize,
    ) -> Option<(String, f32)> {
        let near = self.strings.nearest(description, among);
        let filed = |neighbour: &Neighbour<(A, C)>| {
            let mut labels = neighbour.labels.iter();
            labels.any(|((_, filed), _)| filed == category)
        };
        let found = near.into_iter().find(filed)?;
        Some((found.text.to_string(), found.score))
    }

    /// How many approvals are remembered.
    pub fn approvals(&self) -> u64 {
        self.approvals
    }

    /// Memory held, about; for deciding which tenants to keep.
    pub fn bytes(&self) -> usize {
        let entry = size_of::<Box<str>>() + size_of::<Counts<(A, C)>>() + 1;
        let merchants: usize = self
            .merchants
            .iter()
            .map(|(key, counts)| key.len() + counts.bytes())
            .sum();
        merchants + self.merchants.capacity() * entry + self.strings.bytes()
    }
}

/// What strings that look alike, however they were found, propose for a record on the account; never surer than
/// `ceiling`.
pub fn vote<A: Copy + Ord, C: Copy + Ord>(
    near: Vec<Neighbour<(A, C)>>,
    account: A,
    ceiling: f64,
) -> Option<Proposal<C>> {
    let mut tally = Tally::default();
    let mut votes = UNSEEN_VOTE;
    let mut voters = Vec::with_capacity(near.len());
    for neighbour in near {
        let mut categories: Vec<Confirmed<C>> = Vec::new();
        for ((other, category), count) in neighbour.labels.iter() {
            // the square root: a string seen a hundred times knows more than one seen once, not a hundred times more
            let boost = if other == account { SAME_ACCOUNT } else { 1.0 };
            let vote = f64::from(neighbour.score).powi(SHARPNESS) * f64::from(count).sqrt() * boost;
            tally.count(category, count, other == account).vote += vote;
            votes += vote;
            match categories
                .iter_mut()
                .find(|confirmed| confirmed.category == category)
            {
                Some(confirmed) => confirmed.count += count,
                None => categories.push(Confirmed { category, count }),
            }
        }
        categories.sort_unstable_by_key(|confirmed| confirmed.category);
        let score = (f64::from(neighbour.score) * 1000.0).round() / 1000.0;
        voters.push(Voter {
            text: neighbour.text.to_string(),
            score,
            categories,
        });
    }
    let mut proposal = tally.propose(|line| ceiling * (line.vote / votes).powf(0.75))?;
    proposal.evidence.neighbours = voters;
    Some(proposal)
}

/// Confirmations by category, a handful of lines.
struct Tally<C> {
    lines: Vec<Line<C>>,
}

struct Line<C> {
    category: C,
    all: u32,
    own: u32,
    vote: f64,
}

impl<C> Default for Tally<C> {
    fn default() -> Self {
        Self { lines: Vec::new() }
    }
}

impl<C: Copy + Ord> Tally<C> {
    fn count(&mut self, category: C, count: u32, same_account: bool) -> &mut Line<C> {
        let at = self
            .lines
            .binary_search_by_key(&category, |line| line.category)
            .unwrap_or_else(|at| {
                self.lines.insert(
                    at,
                    Line {
                        category,
                        all: 0,
                        own: 0,
                        vote: 0.0,
                    },
                );
                at
            });
        let line = &mut self.lines[at];
        line.all += count;
        line.own += if same_account { count } else { 0 };
        line
    }

    fn all(&self) -> u32 {
        self.lines.iter().map(|line| line.all).sum()
    }

    fn own(&self) -> u32 {
        self.lines.iter().map(|line| line.own).sum()
    }

    /// The category of the highest confidence; equals go to the smaller id, so that every copy agrees.
    fn propose(&self, confidence: impl Fn(&Line<C>) -> f64) -> Option<Proposal<C>> {
        let scored = self.lines.iter().map(|line| (confidence(line), line));
        let (confidence, best) =
            scored.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        let evidence = Evidence {
            support: best.all,
            contradictions: self.all() - best.all,
            account_support: best.own,
            account_contradictions: self.own() - best.own,
            neighbours: Vec::new(),
        };
        Some(Proposal {
            category: best.category,
            confidence,
            evidence,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::merchant::merchant_key;

    type Approval = (String, u8, u8);

    fn with_example<T>(approval: &Approval, act: impl FnOnce(&Example<'_, u8>) -> T) -> T {
        let key = merchant_key(&approval.0);
        act(&Example {
            description: &approval.0,
            merchant_key: &key,
            account: approval.1,
        })
    }

    fn memory(approvals: &[Approval]) -> Memory<u8, u8> {
        let mut memory = Memory::default();
        for approval in approvals {
            with_example(approval, |example| memory.learn(example, approval.2));
        }
        memory
    }

    fn times(count: usize, description: &str, account: u8, category: u8) -> Vec<Approval> {
        vec![(description.to_owned(), account, category); count]
    }

    #[test]
    fn more_confirmations_are_surer_and_never_certain() {
        let confidence = |count| {
            memory(&times(count, "Coffee Corner", 1, 7))
                .exact("coffee corner", 1)
                .unwrap()
                .confidence
        };
        let found: Vec<f64> = [1, 2, 5, 20, 100_000].map(confidence).to_vec();
        assert!(
            found.is_sorted() && found[0] < 0.8 && found[1] < 0.92 && found[4] <= 1.0 - DRIFT,
            "{found:?}"
        );
    }

    #[test]
    fn the_account_that_paid_comes_before_the_merchant_alone() {
        let approvals = [times(5, "Shell 0881", 1, 7), times(2, "Shell 0423", 2, 9)].concat();
        let memory = memory(&approvals);
        assert_eq!(memory.exact("shell", 2).unwrap().category, 9);
        assert_eq!(memory.exact("shell", 1).unwrap().category, 7);
        let stranger = memory.exact("shell", 3).unwrap();
        assert_eq!(stranger.category, 7);
        assert!(stranger.confidence < memory.exact("shell", 1).unwrap().confidence);
        assert!(memory.exact("esso", 1).is_none());
    }

    #[test]
    fn contradictions_cost_confidence_and_are_shown() {
        let clean = memory(&times(6, "Shell", 1, 7)).exact("shell", 1).unwrap();
        let mixed = memory(&[times(6, "Shell", 1, 7), times(2, "Shell", 1, 9)].concat())
            .exact("shell", 1)
            .unwrap();
        assert!(mixed.confidence < clean.confidence);
        assert_eq!(
            serde_json::to_value(&mixed.evidence).unwrap(),
            json!({ "support": 6, "contradictions": 2, "accountSupport": 6, "accountContradictions": 2 })
        );
    }

    #[test]
    fn alike_strings_vote_and_are_named_and_likeness_alone_is_modest() {
        let approvals = [
            times(40, "Coffee Corner Utrecht", 1, 7),
            times(3, "Municipal Water Board", 1, 9),
        ]
        .concat();
        let memory = memory(&approvals);
        let proposal = memory.similar("COFFEE CORNER AMSTERDAM", 1).unwrap();
        assert_eq!(proposal.category, 7);
        assert!(proposal.confidence < CEILING);
        let evidence = serde_json::to_value(&proposal.evidence).unwrap();
        assert_eq!(evidence["neighbours"][0]["text"], "coffee corner utrecht");
        assert_eq!(
            evidence["neighbours"][0]["categories"],
            json!([{ "category": 7, "count": 40 }])
        );

        assert!(
            memory
                .similar("coffee corner utrecht", 1)
                .unwrap()
                .confidence
                < CEILING
        );
        assert!(memory.similar("zzz", 1).is_none());
        assert!(Memory::<u8, u8>::default().similar("coffee", 1).is_none());
    }

    #[test]
    fn what_was_not_learnt_cannot_be_forgotten() {
        let mut memory = memory(&times(1, "Shell", 1, 7));
        let other = ("Shell".to_owned(), 1, 9);
        assert!(!with_example(&other, |example| memory.forget(example, 9)));
        assert_eq!(memory.approvals(), 1);
    }

    fn approvals() -> impl Strategy<Value = Vec<Approval>> {
        proptest::collection::vec(
            (
                "(shell|esso|aral) (north|south|west)( [0-9]{2})?",
                0_u8..3,
                0_u8..4,
            ),
            0..40,
        )
    }

    proptest! {
        #[test]
        fn order_changes_nothing_and_forgetting_undoes_learning(kept in approvals(), gone in approvals()) {
            let mut folded = memory(&[gone.clone(), kept.clone()].concat());
            for approval in &gone {
                prop_assert!(with_example(approval, |example| folded.forget(example, approval.2)));
            }
            let expected = memory(&kept.into_iter().rev().collect::<Vec<_>>());
            prop_assert_eq!(folded.approvals(), expected.approvals());
            for account in 0..3 {
                for text in ["shell north 17", "esso west", "aral"] {
                    let key = merchant_key(text);
                    prop_assert_eq!(folded.exact(&key, account), expected.exact(&key, account));
                    prop_assert_eq!(folded.similar(text, account), expected.similar(text, account));
                }
            }
        }
    }
}
