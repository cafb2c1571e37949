//! What the names of the chart of accounts suggest before anything was approved.
//!
//! "Vehicle Fuel" is a good guess for a payee with "fuel" in its name: rare letters count more than common ones, and a
//! name that is matched whole more than one matched in part. It is one for a petrol station too, whatever that is called:
//! both are about the same trade. These are guesses: they weigh for merchants never seen, and most among
//! categories never approved.

use std::collections::{BTreeMap, HashMap};

use super::features::Facts;
use super::math;
use crate::processing::trades::{self, Trade};

/// How much the names may say about a merchant never seen, at most.
const TRUST: f32 = 0.35;
/// How much of that is left when a merchant was approved once or twice: next to nothing.
const FADING: f32 = 20.0;
/// How much the names may say about which one it is, of categories never approved.
const NEW: f32 = 0.5;
/// The score at which a match says half of either.
const HALF: f32 = 8.0;
/// The score of a category for a payee whose trade no other category is about.
const TRADE: f32 = 30.0;
/// Approvals after which a category that none of them used is half as likely meant.
const PATIENCE: f32 = 40.0;
/// Kept back for the categories that no name suggests.
const REST: f32 = 0.1;
/// How likely a category is meant for money that moves the other way than it usually does there, against one for which it
/// does: a refund happens.
const WRONG_WAY: f32 = 0.1;

/// A category as a chart takes it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a, C> {
    /// Which one.
    pub category: C,
    /// Its name, where it may be guessed by it.
    pub name: Option<&'a str>,
    /// Whether it came with the default chart: people who made categories of their own mean those.
    pub default: bool,
    /// Which way money usually moves in it: 1 in, -1 out, 0 either.
    pub way: i64,
}

/// The categories that may be proposed, with their names as guesses.
#[derive(Debug, Clone)]
pub struct Chart<C> {
    categories: Vec<C>,
    lengths: Vec<f32>,
    letters: HashMap<u32, Vec<u32>>,
    trades: HashMap<Trade, Vec<u32>>,
    classes: Vec<Option<u16>>,
    ways: Vec<i64>,
    meant: Vec<f32>,
}

impl<C> Default for Chart<C> {
    fn default() -> Self {
        Self {
            categories: Vec::new(),
            lengths: Vec::new(),
            letters: HashMap::new(),
            trades: HashMap::new(),
            classes: Vec::new(),
            ways: Vec::new(),
            meant: Vec::new(),
        }
    }
}

impl<C: Copy + Ord> Chart<C> {
    /// A chart of these categories.
    pub fn of<'a>(categories: impl IntoIterator<Item = Entry<'a, C>>) -> Self {
        let categories = categories.into_iter().map(|entry| (entry.category, entry));
        let ordered: BTreeMap<C, Entry<'_, C>> = categories.collect();
        // the more people made of their own, the less is meant what came with the chart
        let named = || ordered.values().filter(|entry| entry.name.is_some());
        let default = named().filter(|entry| entry.default).count() as f32 / named().count() as f32;
        let mut chart = Self::default();
        for (at, (category, entry)) in (0_u32..).zip(ordered) {
            chart.categories.push(category);
            chart.ways.push(entry.way);
            chart.meant.push(if entry.default { default } else { 1.0 });
            for letters in entry.name.map(letters).unwrap_or_default() {
                chart.letters.entry(letters).or_default().push(at);
            }
            for trade in entry.name.map(trades::of_category).unwrap_or_default() {
                chart.trades.entry(trade).or_default().push(at);
            }
        }
        let all = chart.categories.len();
        let mut squares = vec![0.0; all];
        // by place, so that the sums are the same on every machine
        let mut places: Vec<(&u32, &Vec<u32>)> = chart.letters.iter().collect();
        places.sort_unstable();
        for (_, of) in places {
            for at in of {
                squares[*at as usize] += rarity(all, of.len());
            }
        }
        chart.lengths = squares.into_iter().map(f32::sqrt).collect();
        chart.classes = vec![None; all];
        chart
    }

    /// Notes which classes of a model its categories are.
    pub fn align(&mut self, class: impl Fn(C) -> Option<u16>) {
        for (at, category) in self.categories.iter().enumerate() {
            self.classes[at] = class(*category);
        }
    }

    /// The categories, in order.
    pub fn categories(&self) -> &[C] {
        &self.categories
    }

    /// The class of each category, where it has been learnt.
    pub fn classes(&self) -> &[Option<u16>] {
        &self.classes
    }

    /// How well the way that money moved fits each category that was never approved; what was approved speaks for itself.
    pub fn fit(&self, amount: i64) -> impl Iterator<Item = f32> {
        let places = self.classes.iter().zip(&self.ways);
        places.map(move |(class, way)| {
            let wrong = class.is_none() && way * amount.signum() < 0;
            if wrong { WRONG_WAY } else { 1.0 }
        })
    }

    /// Mixes what the names suggest into the probabilities of the categories. `lessons` approvals without one of a
    /// category say that it is not used much, whatever it is called.
    pub fn suggest(&self, facts: &Facts<'_>, familiarity: u8, lessons: u64, p: &mut [f32]) {
        let scores = self.scores(facts, lessons);
        let sum: f32 = scores.iter().sum();
        if sum == 0.0 {
            return;
        }
        self.suggest_new(&scores, p);
        let most = scores.iter().copied().fold(0.0, f32::max);
        let trust = TRUST / (1.0 + FADING * f32::from(familiarity)) * most / (most + HALF);
        for (p, score) in p.iter_mut().zip(&scores) {
            let guess = (1.0 - REST) * score / sum + REST / scores.len() as f32;
            *p = *p * (1.0 - trust) + trust * guess;
        }
    }

    /// Shares what all categories never approved have together by what their names say, and not evenly.
    fn suggest_new(&self, scores: &[f32], p: &mut [f32]) {
        let new = |at: usize| self.classes[at].is_none();
        let of_new =
            |of: &[f32]| -> f32 { (0..of.len()).filter(|at| new(*at)).map(|at| of[at]).sum() };
        let (all, sum) = (of_new(p), of_new(scores));
        if sum == 0.0 {
            return;
        }
        let trust = NEW * sum / (sum + HALF);
        for at in (0..p.len()).filter(|at| new(*at)) {
            p[at] = p[at] * (1.0 - trust) + trust * all * scores[at] / sum;
        }
    }

    /// How well the name of each category matches, by its letters and by its trade.
    fn scores(&self, facts: &Facts<'_>, lessons: u64) -> Vec<f32> {
        let all = self.categories.len();
        let mut scores = vec![0.0_f32; all];
        for letters in letters(facts.merchant) {
            if let Some(of) = self.letters.get(&letters) {
                let rarity = rarity(all, of.len());
                for at in of {
                    scores[*at as usize] += rarity;
                }
            }
        }
        for (score, length) in scores.iter_mut().zip(&self.lengths) {
            if *score > 0.0 {
                *score = (*score / length) * (*score / length);
            }
        }
        let told: u32 = facts.trades.iter().map(|(_, times)| u32::from(times)).sum();
        for (trade, times) in facts.trades.iter() {
            let Some(of) = self.trades.get(&trade) else {
                continue;
            };
            let score = TRADE * f32::from(times) / told as f32 / of.len() as f32;
            for at in of {
                scores[*at as usize] += score;
            }
        }
        let unused = PATIENCE / (PATIENCE + lessons as f32);
        let places = self.classes.iter().zip(self.fit(facts.amount));
        for (score, ((class, fit), meant)) in scores.iter_mut().zip(places.zip(&self.meant)) {
            if class.is_none() {
                *score *= unused * fit * meant;
            }
        }
        scores
    }
}

/// What letters found in `of` names out of `all` are worth.
fn rarity(all: usize, of: usize) -> f32 {
    let rarity = math::ln(1.0 + all as f32 / of as f32);
    rarity * rarity
}

/// Every four letters of the words of a text, the beginning of a word apart from its middle; sorted, each once.
fn letters(text: &str) -> Vec<u32> {
    let text = text.to_lowercase();
    let mut found = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        let word: Vec<char> = [' '].into_iter().chain(word.chars()).collect();
        if word.len() >= 4 {
            let hash = |window: &[char]| {
                window
                    .iter()
                    .fold(0, |hash, c| math::mix(hash, u64::from(*c))) as u32
            };
            found.extend(word.windows(4).map(hash));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processing::trades::Trades;

    #[test]
    fn a_name_is_a_guess_that_fades_as_the_merchant_is_known() {
        let chart = Chart::of([
            entry(1, Some("Vehicle Fuel"), -1),
            entry(2, Some("Postage"), -1),
            entry(3, None, 0),
        ]);
        let guess = |text, familiarity| {
            let mut p = vec![1.0 / 3.0; 3];
            chart.suggest(&facts(text), familiarity, 0, &mut p);
            p
        };
        let new = guess("bp fuel 24", 0);
        assert!(new[0] > new[1] && new[0] > new[2], "{new:?}");
        assert!(new[0] > guess("bp fuel 24", 2)[0]);
        assert!((new.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert_eq!(guess("tesco", 0), [1.0 / 3.0; 3]);
    }

    #[test]
    fn money_spent_is_hardly_income_until_somebody_says_so() {
        let mut chart = Chart::of([
            entry(1, Some("Consulting Income"), 1),
            entry(2, Some("Consulting Fees"), -1),
        ]);
        let mut spent = vec![0.5; 2];
        chart.suggest(&facts("acme consulting"), 0, 0, &mut spent);
        assert!(spent[1] > spent[0], "{spent:?}");
        assert_eq!(chart.fit(-100).collect::<Vec<_>>(), [WRONG_WAY, 1.0]);
        assert_eq!(chart.fit(100).collect::<Vec<_>>(), [1.0, WRONG_WAY]);
        chart.align(|category| (category == 1).then_some(0));
        assert_eq!(chart.fit(-100).collect::<Vec<_>>(), [1.0, 1.0]);
    }

    #[test]
    fn a_category_about_the_same_trade_is_a_guess_whatever_the_payee_is_called() {
        let chart = Chart::of([
            entry(1, Some("Vehicle Fuel"), -1),
            entry(2, Some("Postage"), -1),
            entry(3, Some("Sundries"), -1),
        ]);
        let guess = |merchant| {
            let mut p = vec![1.0 / 3.0; 3];
            chart.suggest(&facts(merchant), 0, 0, &mut p);
            p
        };
        let station = guess("shell fiveways");
        assert!(station[0] > 0.5 && station[0] < 0.8, "{station:?}");
        assert!((station.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert!(guess("parcel line")[1] > 0.5);
    }

    #[test]
    fn what_people_made_is_meant_before_what_came_with_the_chart() {
        let guess = |default| {
            let chart = Chart::of([
                Entry {
                    default,
                    ..entry(1, Some("Travel by Train"), -1)
                },
                entry(2, Some("Rail Fares"), -1),
            ]);
            let mut p = vec![0.5; 2];
            chart.suggest(&facts("national rail"), 0, 0, &mut p);
            p
        };
        assert!(guess(true)[1] > guess(false)[1] + 0.02);
    }

    fn facts(merchant: &str) -> Facts<'_> {
        Facts {
            text: merchant,
            merchant,
            trades: Trades::of(merchant, merchant),
            account: 0,
            amount: -100,
        }
    }

    fn entry(category: u8, name: Option<&str>, way: i64) -> Entry<'_, u8> {
        Entry {
            category,
            name,
            default: false,
            way,
        }
    }
}
