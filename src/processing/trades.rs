//! What a payee deals in: fuel, rail, meals, books.
//!
//! A first payment to a petrol station is no riddle when five others are filed already, or when a category is called
//! "Vehicle Fuel". Words tell the trade ("petrol", "f/stn"), and so do brands ("shell"). Both are lists of what anybody
//! may know; nothing in them comes from books: words and what they tell were written for this (`trades.txt`), brands are
//! those of OpenStreetMap's name-suggestion-index (`brands.txt`, written by `tools/brands.py`). What a tenant files a trade
//! under is for the [`model`](super::model) to learn.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::LazyLock;

/// Trades told of one payee at most.
const MOST: usize = 4;
/// Words of one brand at most.
const BRAND: usize = 4;
/// Words that tell a trade together, at most.
const TOGETHER: usize = 3;
/// A word of so many letters is found in the beginning of a longer one: "photo" in "photography".
const STEM: usize = 5;
/// Letters of a word in the name of a category that stand for a longer one: "equip" for "equipment".
const SHORTENED: usize = 4;

/// The number of a trade, in the order of the list.
pub type Trade = u8;

/// What a payee deals in as far as it can be told, what most speaks for first, and by how many words it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trades([Option<(Trade, u8)>; MOST]);

impl Trades {
    /// Nothing is known.
    pub const NONE: Self = Self([None; MOST]);

    /// What the text of a bank and the merchant key of that text tell.
    pub fn of(text: &str, merchant: &str) -> Self {
        let mut told: Vec<(Trade, u8)> = Vec::with_capacity(MOST);
        let mut tell = |trade: Trade| match told.iter_mut().find(|(of, _)| *of == trade) {
            Some((_, times)) => *times = times.saturating_add(1),
            None => told.push((trade, 1)),
        };
        // a brand stands in front: "shell" in "new shell suits" is none
        let merchant = Phrase::of(merchant);
        if let Some((_, trade)) = merchant.longest(0, BRAND, |words| LISTS.brands.get(words)) {
            tell(*trade);
        }
        let found = Phrase::of(text).find(&LISTS.payees, |word| stem(&LISTS.payees, word));
        found.into_iter().for_each(tell);
        told.sort_by_key(|(trade, times)| (std::cmp::Reverse(*times), *trade));
        Self::told(told)
    }

    /// The trades, what most speaks for first, and how much speaks for each.
    pub fn iter(&self) -> impl Iterator<Item = (Trade, u8)> {
        self.0.into_iter().flatten()
    }

    /// Trades in that order; what does not fit is left out.
    pub fn told(trades: impl IntoIterator<Item = (Trade, u8)>) -> Self {
        let mut told = Self::NONE;
        for (place, trade) in told.0.iter_mut().zip(trades) {
            *place = Some(trade);
        }
        told
    }
}

/// The trades that the name of a category speaks of, each once.
pub fn of_category(name: &str) -> Vec<Trade> {
    let name = Phrase::of(&name.to_lowercase());
    let mut found = name.find(&LISTS.categories, shortened);
    found.sort_unstable();
    found.dedup();
    found
}

/// What the trade is called.
pub fn name(trade: Trade) -> &'static str {
    LISTS.names.get(usize::from(trade)).copied().unwrap_or("")
}

/// What the longest listed word says that this one begins with.
fn stem(list: &'static Words, word: &str) -> Option<&'static Vec<Trade>> {
    let mut stems = (STEM..word.len()).rev().filter_map(|end| word.get(..end));
    stems.find_map(|stem| list.get(stem))
}

/// What the word says that this one begins with or is short for.
fn shortened(word: &str) -> Option<&'static Vec<Trade>> {
    stem(&LISTS.categories, word).or_else(|| {
        let from = (Bound::Included(word), Bound::Unbounded);
        let (whole, trades) = LISTS.categories.range::<str, _>(from).next()?;
        (word.len() >= SHORTENED && whole.starts_with(word)).then_some(trades)
    })
}

/// Words apart by single spaces, without apostrophes and marks.
struct Phrase {
    text: String,
    /// Where each word begins and ends.
    words: Vec<(usize, usize)>,
}

impl Phrase {
    fn of(text: &str) -> Self {
        let mut phrase = Self {
            text: String::with_capacity(text.len()),
            words: Vec::with_capacity(8),
        };
        let plain = |c: &char| !matches!(c, '\'' | '’' | '`');
        for word in text.split(|c: char| !(c.is_alphanumeric() || c == '&' || !plain(&c))) {
            let begin = phrase.text.len() + usize::from(!phrase.text.is_empty());
            let mut letters = word.chars().filter(plain).peekable();
            if letters.peek().is_some() {
                if begin > 0 {
                    phrase.text.push(' ');
                }
                phrase.text.extend(letters);
                phrase.words.push((begin, phrase.text.len()));
            }
        }
        phrase
    }

    fn len(&self) -> usize {
        self.words.len()
    }

    fn word(&self, at: usize) -> &str {
        let (begin, end) = self.words[at];
        &self.text[begin..end]
    }

    /// What is listed for its words, most of them together first, else what a word alone tells by `otherwise`.
    fn find(
        &self,
        list: &'static Words,
        otherwise: impl Fn(&str) -> Option<&'static Vec<Trade>>,
    ) -> Vec<Trade> {
        let (mut found, mut at) = (Vec::new(), 0);
        while at < self.len() {
            let told = self.longest(at, TOGETHER, |words| list.get(words));
            let (words, trades) = match told {
                Some((words, trades)) => (words, Some(trades)),
                None => (1, otherwise(self.word(at))),
            };
            found.extend(trades.into_iter().flatten());
            at += words;
        }
        found
    }

    /// What is listed for the most words from there on, and how many these are.
    fn longest<T>(
        &self,
        from: usize,
        most: usize,
        listed: impl Fn(&str) -> Option<T>,
    ) -> Option<(usize, T)> {
        let most = most.min(self.len() - from);
        (1..=most).rev().find_map(|words| {
            let (begin, end) = (self.words[from].0, self.words[from + words - 1].1);
            Some((words, listed(&self.text[begin..end])?))
        })
    }
}

/// What words tell, alone or together.
type Words = BTreeMap<&'static str, Vec<Trade>>;

/// The lists, as they are looked up.
struct Lists {
    names: Vec<&'static str>,
    payees: Words,
    categories: Words,
    brands: HashMap<&'static str, Trade>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    read(
        include_str!("trades/trades.txt"),
        include_str!("trades/brands.txt"),
    )
});

/// Reads both lists. They are part of the program, so what does not read is left to the tests.
fn read(trades: &'static str, brands: &'static str) -> Lists {
    let mut lists = Lists {
        names: Vec::new(),
        payees: BTreeMap::new(),
        categories: BTreeMap::new(),
        brands: HashMap::new(),
    };
    for line in lines(trades) {
        let Some((list, words)) = line.trim_start().split_once(": ") else {
            lists.names.push(line);
            continue;
        };
        let list = match list {
            "payees" => &mut lists.payees,
            "categories" => &mut lists.categories,
            // for tools/brands.py
            _ => continue,
        };
        let trade = (lists.names.len() - 1) as Trade;
        for word in words.split(", ") {
            list.entry(word).or_default().push(trade);
        }
    }
    let numbers: HashMap<&str, Trade> = lists.names.iter().copied().zip(0..).collect();
    let brands = lines(brands).filter_map(|line| line.split_once(": "));
    let known = brands.filter_map(|(brand, trade)| Some((brand, *numbers.get(trade)?)));
    lists.brands = known.collect();
    lists
}

/// The lines that say something.
fn lines(list: &str) -> impl Iterator<Item = &str> {
    let lines = list.lines();
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn told(text: &str) -> Vec<&'static str> {
        let merchant = crate::merchant::merchant_key(text);
        let trades = Trades::of(&crate::text::fold(text), &merchant);
        trades.iter().map(|(trade, _)| name(trade)).collect()
    }

    fn asked(category: &str) -> Vec<&'static str> {
        of_category(category).into_iter().map(name).collect()
    }

    #[test]
    fn words_and_brands_tell_what_a_payee_deals_in() {
        assert_eq!(told("Shell Fiveways 387"), ["fuel"]);
        assert_eq!(told("TESCO PFS 4203"), ["fuel", "grocery"]);
        assert_eq!(told("Kettering Garden Service Station")[0], "fuel");
        assert_eq!(told("THE GRAND HOTEL"), ["hotel"]);
        assert_eq!(
            told("plumbersmate.example"),
            ["diy"],
            "a word begins with it"
        );
        assert_eq!(told("Holland & Barrett"), ["grocery"]);
        assert_eq!(
            told("MCDONALD'S 118"),
            ["restaurant"],
            "apostrophes are nothing"
        );
        assert!(
            told("Quadrant Nine").is_empty() && told("").is_empty() && told("' & ’").is_empty()
        );
        // a brand that does not stand in front is a word like others
        assert!(told("old shell suits").is_empty());
    }

    #[test]
    fn what_most_speaks_for_comes_first_and_few_are_kept() {
        let trades = Trades::of("hotel inn taxi book zoo gym", "hotel inn taxi book zoo gym");
        let told: Vec<_> = trades.iter().collect();
        assert_eq!(told.len(), MOST);
        assert_eq!((name(told[0].0), told[0].1), ("hotel", 2));
        assert_eq!(Trades::told(trades.iter()), trades);
    }

    #[test]
    fn names_of_categories_ask_for_trades_also_when_shortened() {
        assert_eq!(asked("Vehicle Fuel")[0], "fuel");
        assert_eq!(asked("Travel Bus/Rail")[..2], ["rail", "bus"]);
        assert_eq!(asked("SUBSCR."), ["member"]);
        assert_eq!(asked("Photocopying"), ["print"]);
        assert!(asked("Sundry Adjustment 7").len() <= 1);
        assert!(asked("").is_empty());
    }

    #[test]
    fn lists_are_those_that_models_were_learnt_with() {
        let lists = concat!(
            include_str!("trades/trades.txt"),
            include_str!("trades/brands.txt")
        );
        let lists: Vec<&str> = lines(lists).collect();
        let sum = crate::text::key(&lists.join("\n"));
        // change it, and the format version of snapshots with it
        assert_eq!(sum.to_string(), "87132ba2-eeb4-d735-366a-7085acd91ec2");
    }

    #[test]
    fn lists_are_whole() {
        let names: HashSet<&str> = LISTS.names.iter().copied().collect();
        assert_eq!(names.len(), LISTS.names.len(), "each trade once");
        assert!(names.len() < usize::from(Trade::MAX));
        let brands = lines(include_str!("trades/brands.txt"));
        assert_eq!(LISTS.brands.len(), brands.count(), "a trade that is none");
        for line in lines(include_str!("trades/trades.txt")) {
            let list = line.trim_start().split_once(": ").map(|(list, _)| list);
            let listed = matches!(list, None | Some("places" | "payees" | "categories"));
            assert!(listed, "{line}");
        }
        let listed = LISTS.payees.keys().chain(LISTS.categories.keys());
        for words in listed.chain(LISTS.brands.keys()) {
            let phrase = Phrase::of(words);
            assert_eq!(phrase.text, *words, "it would never be found");
            assert!(phrase.len() > 0);
        }
        let most = LISTS.payees.keys().map(|words| Phrase::of(words).len());
        assert!(most.max() <= Some(TOGETHER));
    }
}
