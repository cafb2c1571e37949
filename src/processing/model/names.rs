//! What the names of the chart of accounts suggest before anything was approved.
//!
//! "Vehicle Fuel" is a good guess for a payee with "fuel" in its name. Rare letters count more than common ones, and a
//! name that is matched whole more than one matched in part. It is a guess: it weighs most for merchants never seen.

use std::collections::{BTreeMap, HashMap};

use super::math;

/// How much the names may say about a merchant never seen, at most.
const TRUST: f32 = 0.3;
/// The score at which a match says half of that.
const HALF: f32 = 8.0;
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
    /// Which way money usually moves in it: 1 in, -1 out, 0 either.
    pub way: i64,
}

/// The categories that may be proposed, with their names as guesses.
#[derive(Debug, Clone)]
pub struct Chart<C> {
    categories: Vec<C>,
    lengths: Vec<f32>,
    letters: HashMap<u32, Vec<u32>>,
    classes: Vec<Option<u16>>,
    ways: Vec<i64>,
}

impl<C> Default for Chart<C> {
    fn default() -> Self {
        Self {
            categories: Vec::new(),
            lengths: Vec::new(),
            letters: HashMap::new(),
            classes: Vec::new(),
            ways: Vec::new(),
        }
    }
}

impl<C: Copy + Ord> Chart<C> {
    /// A chart of these categories.
    pub fn of<'a>(categories: impl IntoIterator<Item = Entry<'a, C>>) -> Self {
        let categories = categories.into_iter().map(|entry| (entry.category, entry));
        let ordered: BTreeMap<C, Entry<'_, C>> = categories.collect();
        let mut chart = Self::default();
        for (at, (category, entry)) in (0_u32..).zip(ordered) {
            chart.categories.push(category);
            chart.ways.push(entry.way);
            for letters in entry.name.map(letters).unwrap_or_default() {
                chart.letters.entry(letters).or_default().push(at);
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
    pub fn suggest(
        &self,
        (text, amount): (&str, i64),
        familiarity: u8,
        lessons: u64,
        p: &mut [f32],
    ) {
        let all = self.categories.len();
        let mut scores = vec![0.0_f32; all];
        for letters in letters(text) {
            if let Some(of) = self.letters.get(&letters) {
                let rarity = rarity(all, of.len());
                for at in of {
                    scores[*at as usize] += rarity;
                }
            }
        }
        let (mut sum, mut most) = (0.0, 0.0_f32);
        let unused = PATIENCE / (PATIENCE + lessons as f32);
        let lengths = self.lengths.iter().zip(&self.classes).zip(self.fit(amount));
        for (score, ((length, class), fit)) in scores.iter_mut().zip(lengths) {
            if *score > 0.0 {
                *score = (*score / length) * (*score / length);
                *score *= if class.is_some() { 1.0 } else { unused * fit };
                sum += *score;
                most = most.max(*score);
            }
        }
        if sum == 0.0 {
            return;
        }
        let trust = TRUST / (1.0 + 4.0 * f32::from(familiarity)) * most / (most + HALF);
        for (p, score) in p.iter_mut().zip(&scores) {
            let guess = (1.0 - REST) * score / sum + REST / all as f32;
            *p = *p * (1.0 - trust) + trust * guess;
        }
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

    #[test]
    fn a_name_is_a_guess_that_fades_as_the_merchant_is_known() {
        let chart = Chart::of([
            entry(1, Some("Vehicle Fuel"), -1),
            entry(2, Some("Postage"), -1),
            entry(3, None, 0),
        ]);
        let guess = |text, familiarity| {
            let mut p = vec![1.0 / 3.0; 3];
            chart.suggest((text, -100), familiarity, 0, &mut p);
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
        chart.suggest(("acme consulting", -100), 0, 0, &mut spent);
        assert!(spent[1] > spent[0], "{spent:?}");
        assert_eq!(chart.fit(-100).collect::<Vec<_>>(), [WRONG_WAY, 1.0]);
        assert_eq!(chart.fit(100).collect::<Vec<_>>(), [1.0, WRONG_WAY]);
        chart.align(|category| (category == 1).then_some(0));
        assert_eq!(chart.fit(-100).collect::<Vec<_>>(), [1.0, 1.0]);
    }

    fn entry(category: u8, name: Option<&str>, way: i64) -> Entry<'_, u8> {
        Entry {
            category,
            name,
            way,
        }
    }
}
