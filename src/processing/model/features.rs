//! What the model sees of a record: hashed features, each with a value.
//!
//! Most come from fields of the record that never change: letters, words, merchant, account, amount and their pairs. A
//! few come from what was approved before: last on the same account, for people file in batches, and how often of the
//! same merchant, for what is new is filed elsewhere than what comes every week. What a payee deals in comes from the
//! lists of [`trades`]. The hash is FNV-1a, mixed and cut to `BITS` bits; two features that collide share a row.

use super::math;
use crate::processing::trades::{self, Trades};

/// The space of features, a power of two.
const BITS: u32 = 18;
/// The length that all trades of a record have together.
const TRADES: f32 = 2.0;
/// No category, among class numbers.
pub const NOTHING: u16 = u16::MAX;

/// A record, as far as the model looks at it. None of this ever changes.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The bank's text, folded.
    pub text: &'a str,
    /// The merchant key of that text.
    pub merchant: &'a str,
    /// What it deals in, as both of them tell.
    pub trades: Trades,
    /// The account the money moved on; 0 for none.
    pub account: u128,
    /// In 10^-5 units, money in positive.
    pub amount: i64,
}

impl Facts<'_> {
    /// The first word of the merchant.
    pub fn first_word(&self) -> &str {
        self.merchant.split_ascii_whitespace().next().unwrap_or("")
    }
}

/// What had been approved when a record was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// The classes approved last on the account, newest first.
    pub before: [u16; 2],
    /// How often the merchant was approved: never, once or twice, a few times, often (0 to 3).
    pub familiarity: u8,
}

impl Default for Past {
    fn default() -> Self {
        Self {
            before: [NOTHING; 2],
            familiarity: 0,
        }
    }
}

/// What a feature is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Every record has it.
    Any,
    /// Three or four letters in a row.
    Letters,
    /// A word of the merchant.
    Word,
    /// A part of the bank's text with a digit.
    Reference,
    /// The merchant.
    Merchant,
    /// The account.
    Account,
    /// The merchant on this account.
    MerchantOnAccount,
    /// The first word of the merchant, on this account.
    WordOnAccount,
    /// The whole text on this account.
    TextOnAccount,
    /// The order of magnitude of the amount and its sign.
    Size,
    /// The merchant, and an amount about so big.
    MerchantSize,
    /// The account, and an amount about so big.
    AccountSize,
    /// The merchant, and exactly this amount.
    MerchantAmount,
    /// Exactly this amount.
    Amount,
    /// The part of the amount behind the point.
    Fraction,
    /// What was approved just before on this account.
    After,
    /// The same, of this account only.
    AfterOnAccount,
    /// The two before.
    AfterTwo,
    /// How often the merchant was approved before.
    Familiarity,
    /// What the payee deals in.
    Trade,
}

/// A hashed feature and its value.
#[derive(Debug, Clone, Copy)]
pub struct Feature {
    /// Where its weights are.
    pub at: u32,
    /// How much it counts.
    pub value: f32,
}

/// The features of a record, in an order that never changes.
pub fn features(facts: &Facts<'_>, past: Past, into: &mut Vec<Feature>) {
    collect(facts, past, into, |_, _, _| {});
}

/// The features of a record, each told to `named` with its kind and its letters as it is made.
pub fn collect(
    facts: &Facts<'_>,
    past: Past,
    into: &mut Vec<Feature>,
    mut named: impl FnMut(u32, Kind, &str),
) {
    into.clear();
    let letters = into.len();
    grams(facts.merchant, |gram| {
        push(into, &mut named, Kind::Letters, &[gram.as_bytes()], gram);
    });
    // letters that come twice say no more than letters that come once
    into[letters..].sort_unstable_by_key(|feature| feature.at);
    into.dedup_by_key(|feature| feature.at);
    share(&mut into[letters..], 0.7);

    let words = into.len();
    for word in facts.merchant.split_ascii_whitespace() {
        push(into, &mut named, Kind::Word, &[word.as_bytes()], word);
    }
    for part in facts.text.split(|c: char| !c.is_alphanumeric()) {
        if part.bytes().any(|byte| byte.is_ascii_digit()) {
            push(into, &mut named, Kind::Reference, &[part.as_bytes()], part);
        }
    }
    share(&mut into[words..], 1.0);

    let account = &facts.account.to_le_bytes()[..];
    let merchant = facts.merchant.as_bytes();
    let (first, text) = (facts.first_word(), facts.text.as_bytes());
    let amount = &facts.amount.to_le_bytes()[..];
    let fraction = &(facts.amount % 100_000).to_le_bytes()[..];
    let size = &size(facts.amount).to_le_bytes()[..];
    let [last, second] = past.before.map(u16::to_le_bytes);
    let name = facts.merchant;
    let times = [
        "never approved",
        "approved once or twice",
        "approved a few times",
        "approved often",
    ];
    let times = times[usize::from(past.familiarity).min(times.len() - 1)];
    let single: [(Kind, &[&[u8]], &str, f32); 16] = [
        (Kind::Any, &[], "", 0.3),
        (Kind::Merchant, &[merchant], name, 1.0),
        (Kind::Account, &[account], "", 2.0),
        (Kind::MerchantOnAccount, &[merchant, account], name, 1.0),
        (
            Kind::WordOnAccount,
            &[first.as_bytes(), account],
            first,
            0.6,
        ),
        (Kind::TextOnAccount, &[text, account], facts.text, 0.5),
        (Kind::Size, &[size], "", 0.3),
        (Kind::MerchantSize, &[merchant, size], name, 0.5),
        (Kind::AccountSize, &[account, size], "", 0.4),
        (Kind::MerchantAmount, &[merchant, amount], name, 0.5),
        (Kind::Amount, &[amount], "", 0.3),
        (Kind::Fraction, &[fraction], "", 0.3),
        (Kind::After, &[&last], "", 0.4),
        (Kind::AfterOnAccount, &[&last, account], "", 0.4),
        (Kind::AfterTwo, &[&last, &second], "", 0.3),
        (Kind::Familiarity, &[&[past.familiarity]], times, 0.5),
    ];
    for (kind, parts, letters, value) in single {
        push(into, &mut named, kind, parts, letters);
        into.last_mut().expect("just pushed").value = value;
    }

    let told = into.len();
    for (trade, times) in facts.trades.iter() {
        push(
            into,
            &mut named,
            Kind::Trade,
            &[&[trade]],
            trades::name(trade),
        );
        into.last_mut().expect("just pushed").value = f32::from(times);
    }
    let squares: f32 = into[told..]
        .iter()
        .map(|feature| feature.value.powi(2))
        .sum();
    for feature in &mut into[told..] {
        feature.value *= TRADES / squares.sqrt();
    }
}

fn push(
    into: &mut Vec<Feature>,
    named: &mut impl FnMut(u32, Kind, &str),
    kind: Kind,
    parts: &[&[u8]],
    letters: &str,
) {
    let at = (key(kind as u8, parts) >> (64 - BITS)) as u32;
    named(at, kind, letters);
    into.push(Feature { at, value: 0.0 });
}

/// Gives the features equal values that have this length together.
fn share(group: &mut [Feature], length: f32) {
    let value = length / (group.len().max(1) as f32).sqrt();
    for feature in group {
        feature.value = value;
    }
}

/// Every three and every four letters in a row, with a space before and behind.
fn grams(text: &str, mut tell: impl FnMut(&str)) {
    let padded = format!(" {text} ");
    let starts: Vec<usize> = padded
        .char_indices()
        .map(|(at, _)| at)
        .chain([padded.len()])
        .collect();
    for length in [3, 4] {
        for window in starts.windows(length + 1) {
            tell(&padded[window[0]..window[length]]);
        }
    }
}

/// The order of magnitude of an amount in steps of about 1.6, and its sign.
fn size(amount: i64) -> i32 {
    let whole = amount.unsigned_abs() as f32 / 100_000.0 + 1.0;
    let steps = (math::ln(whole) * std::f32::consts::LOG2_E * 1.5) as i32;
    if amount < 0 { steps } else { -1 - steps }
}

/// A well mixed 64-bit hash of some parts, none of which runs into the next.
pub fn key(kind: u8, parts: &[&[u8]]) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let mut hash = step(0xcbf2_9ce4_8422_2325, kind);
    for part in parts {
        hash = part.iter().copied().fold(hash, step);
        hash = step(hash, 0xff);
    }
    math::mix(hash, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts<'_> = Facts {
        text: "tesco stores 3421",
        merchant: "tesco",
        trades: Trades::NONE,
        account: 7,
        amount: -1_250_000,
    };

    #[test]
    fn a_record_has_the_same_features_for_ever() {
        let mut found = Vec::new();
        features(&FACTS, Past::default(), &mut found);
        let sum = found
            .iter()
            .fold(0_u64, |sum, f| math::mix(sum, u64::from(f.at)));
        // what snapshots of earlier versions were learnt with: change it, and the format version with it
        assert_eq!((found.len(), sum), (27, 0x0254_1eae_39ee_4ab5));
    }

    #[test]
    fn how_often_a_merchant_was_approved_is_one_feature_and_told_in_words() {
        let told = |familiarity| {
            let (mut found, mut told) = (Vec::new(), Vec::new());
            let past = Past {
                familiarity,
                ..Past::default()
            };
            collect(&FACTS, past, &mut found, |at, kind, letters| {
                if kind == Kind::Familiarity {
                    told.push((at, letters.to_owned()));
                }
            });
            assert_eq!(told.len(), 1);
            told.remove(0)
        };
        assert_ne!(told(0).0, told(3).0);
        assert_eq!(
            (&*told(0).1, &*told(3).1),
            ("never approved", "approved often")
        );
    }

    #[test]
    fn letters_that_repeat_count_once() {
        let mut found = Vec::new();
        let facts = Facts {
            merchant: "lala lala",
            ..FACTS
        };
        features(&facts, Past::default(), &mut found);
        let mut places: Vec<u32> = found.iter().map(|feature| feature.at).collect();
        places.sort_unstable();
        places.dedup();
        assert!(places.len() >= found.len() - 1, "one word stands twice");
    }

    #[test]
    fn amounts_of_the_same_order_and_sign_are_of_one_size() {
        assert_eq!(size(-1_000_000), size(-1_050_000));
        assert_ne!(size(-1_000_000), size(1_000_000));
        assert_ne!(size(-1_000_000), size(-100_000_000));
    }
}
