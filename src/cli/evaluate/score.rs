//! The figures, counted as the stream goes.

use std::collections::{HashSet, VecDeque};
use std::path::Path;

use crate::merchant::merchant_key;

/// After so many rows the figures are told, and at the end.
const CHECKPOINTS: [usize; 3] = [100, 500, 2_000];
/// What passes without review should be right this often.
const TARGET: f64 = 0.98;
/// One-sided certainty of 90 %.
const Z: f64 = 1.2816;
/// The threshold is chosen from so many past answers, and again after each so many.
const WINDOW: usize = 4_000;
const AGAIN: usize = 25;

/// What was proposed so far and how much of it was right.
#[derive(Default)]
pub(super) struct Score {
    rows: Vec<Row>,
    seen: HashSet<String>,
    past: VecDeque<(f64, bool)>,
    told: usize,
    right_when_reviewed: usize,
    threshold: Option<f64>,
    rules: bool,
}

struct Row {
    proposal: Proposal,
    seen: bool,
    auto: bool,
}

/// What was proposed for a row.
#[derive(Default)]
pub(super) struct Proposal {
    /// The name of the category, if any.
    pub category: Option<String>,
    /// Who proposed it.
    pub source: String,
    /// How sure the proposal was.
    pub confidence: f64,
    /// Whether it was what the row was filed under.
    pub right: bool,
    /// Whether it was sure enough to pass without a person, as the tenant's automation judges.
    pub passes: bool,
}

impl Score {
    /// Tells what rules were worth, too.
    pub fn follow_rules(&mut self) {
        self.rules = true;
    }

    /// Counts a proposal.
    pub fn proposed(&mut self, description: &str, proposal: Proposal) {
        let seen = !self.seen.insert(merchant_key(description));
        let auto = self
            .threshold
            .is_some_and(|threshold| proposal.confidence >= threshold);
        self.rows.push(Row {
            proposal,
            seen,
            auto,
        });
    }

    /// Notes that the answer to the oldest open proposal was told, and whether what waited by then was right: the
    /// threshold may learn from what was proposed.
    pub fn told(&mut self, right_when_reviewed: bool) {
        self.right_when_reviewed += usize::from(right_when_reviewed);
        let Some(row) = self.rows.get(self.told) else {
            return;
        };
        let Proposal {
            confidence, right, ..
        } = row.proposal;
        self.past.push_back((confidence, right));
        if self.past.len() > WINDOW {
            self.past.pop_front();
        }
        self.told += 1;
        if self.told.is_multiple_of(AGAIN) {
            self.threshold = threshold(self.past.iter().copied().collect());
        }
    }

    /// Writes each row beside what was proposed for it.
    pub fn write(&self, file: &Path, rows: &[super::rows::Row]) -> csv::Result<()> {
        let mut out = csv::Writer::from_path(file)?;
        out.write_record([
            "date",
            "description",
            "account",
            "amount",
            "category",
            "proposed",
            "source",
            "confidence",
            "right",
        ])?;
        for (row, Row { proposal, .. }) in rows.iter().zip(&self.rows) {
            out.write_record([
                &row.date.to_string(),
                &row.description,
                &row.account,
                &row.amount.decimal(),
                &row.category,
                proposal.category.as_deref().unwrap_or_default(),
                &proposal.source,
                &format!("{:.4}", proposal.confidence),
                &proposal.right.to_string(),
            ])?;
        }
        out.flush()?;
        Ok(())
    }

    /// Prints the table.
    pub fn print(&self) {
        let all = self.rows.len();
        println!(
            "{:>12} {:>7} {:>7} {:>16} {:>16} {:>6}",
            "rows", "acc", "seen", "unseen", "auto", "ece"
        );
        let ends: Vec<usize> = CHECKPOINTS
            .into_iter()
            .filter(|end| *end < all)
            .chain([all])
            .collect();
        for end in &ends {
            line(&format!("first {end}"), &self.rows[..*end]);
        }
        let starts = [0].into_iter().chain(ends.iter().copied());
        for (start, end) in starts
            .zip(ends.iter().copied())
            .filter(|(start, _)| *start > 0)
        {
            line(&format!("{start}-{end}"), &self.rows[start..end]);
        }
        // who keeps up reviews what was proposed
        if self.told > 0 && self.told < all {
            let reviewed = &self.rows[..self.told];
            println!(
                "{:>16}: {} right of {} rows; {} when they were proposed",
                "when reviewed",
                percent(Some(self.right_when_reviewed as f64 / self.told as f64)),
                self.told,
                percent(share(reviewed, |_| true, |row| row.proposal.right)),
            );
        }
        if self.rules {
            let by_rule = |row: &Row| row.proposal.source == "RULE";
            worth("suggested rules", &self.rows, by_rule);
            let by_itself = |row: &Row| by_rule(row) && row.proposal.passes;
            worth("self-approving", &self.rows, by_itself);
        }
    }
}

/// How many rows are such, and how much of what was proposed for them was right.
fn worth(name: &str, rows: &[Row], such: impl Fn(&Row) -> bool + Copy) {
    let found = rows.iter().filter(|row| such(row)).count();
    println!(
        "{name:>16}: {found} of {} rows ({}), right {}",
        rows.len(),
        percent(share(rows, |_| true, such)),
        percent(share(rows, such, |row| row.proposal.right))
    );
}

fn line(name: &str, rows: &[Row]) {
    let auto = match share(rows, |row| row.auto, |row| row.proposal.right) {
        None => "-".to_owned(),
        right => format!(
            "{} / {}",
            percent(share(rows, |_| true, |row| row.auto)),
            percent(right)
        ),
    };
    let unseen = rows.iter().filter(|row| !row.seen).count();
    println!(
        "{name:>12} {:>7} {:>7} {:>16} {auto:>16} {:>6}",
        percent(share(rows, |_| true, |row| row.proposal.right)),
        percent(share(rows, |row| row.seen, |row| row.proposal.right)),
        format!(
            "{} ({unseen})",
            percent(share(rows, |row| !row.seen, |row| row.proposal.right))
        ),
        percent(Some(calibration_error(rows))),
    );
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// How many of those `among` are such; none when there are none.
fn share(rows: &[Row], among: impl Fn(&Row) -> bool, such: impl Fn(&Row) -> bool) -> Option<f64> {
    let all = rows.iter().filter(|row| among(row)).count();
    let found = rows.iter().filter(|row| among(row) && such(row)).count();
    (all > 0).then(|| found as f64 / all as f64)
}

/// The lowest confidence above which enough was right, by the lower bound of Wilson.
fn threshold(mut past: Vec<(f64, bool)>) -> Option<f64> {
    past.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut right, mut lowest) = (0, None);
    for (at, (confidence, ok)) in past.iter().enumerate() {
        right += usize::from(*ok);
        let last_of_equals = past.get(at + 1).is_none_or(|next| next.0 < *confidence);
        if last_of_equals && wilson(right as f64, (at + 1) as f64) >= TARGET {
            lowest = Some(*confidence);
        }
    }
    lowest
}

fn wilson(right: f64, all: f64) -> f64 {
    let (share, square) = (right / all, Z * Z);
    let spread = Z * (share * (1.0 - share) / all + square / (4.0 * all * all)).sqrt();
    (share + square / (2.0 * all) - spread) / (1.0 + square / all)
}

/// The mean distance between confidence and truth, over ten bins.
fn calibration_error(rows: &[Row]) -> f64 {
    let mut bins = [(0.0, 0.0); 10];
    for row in rows {
        let bin = &mut bins[((row.proposal.confidence * 10.0) as usize).min(9)];
        bin.0 += row.proposal.confidence;
        bin.1 += f64::from(u8::from(row.proposal.right));
    }
    bins.iter()
        .map(|(said, was)| (said - was).abs())
        .sum::<f64>()
        / rows.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_those_of_their_definitions() {
        let mut score = Score::default();
        for n in 0..200 {
            let right = n % 4 != 0;
            let description = if n == 0 { "first" } else { "again" };
            score.proposed(
                description,
                Proposal {
                    confidence: 0.75,
                    right,
                    ..Proposal::default()
                },
            );
            score.told(true);
        }
        assert_eq!(
            share(&score.rows, |_| true, |row| row.proposal.right),
            Some(0.75)
        );
        assert_eq!(
            share(&score.rows, |row| !row.seen, |row| row.proposal.right),
            Some(0.5)
        );
        assert!(calibration_error(&score.rows) < 1e-9);
        assert_eq!(
            score.threshold, None,
            "three of four are not enough to pass anything"
        );
    }

    #[test]
    fn the_threshold_is_the_lowest_that_is_certain_enough() {
        let sure = (0..200).map(|_| (0.9, true));
        let unsure = (0..200).map(|n| (0.5, n % 2 == 0));
        assert_eq!(threshold(sure.chain(unsure).collect()), Some(0.9));
        assert_eq!(threshold(vec![(0.9, true); 20]), None, "twenty are too few");
    }
}
