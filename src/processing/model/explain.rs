//! Which features spoke for the model's guess.

use super::features::{Facts, Kind};
use super::{Chart, Model, Views, features};

/// Reasons told at most.
const TOLD: usize = 5;
/// Weaker ones explain nothing.
const WORTH_TELLING: f32 = 0.1;

/// A feature that spoke for the guess.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// What it was, for people.
    pub feature: String,
    /// By how much it raised the guess over the runner-up.
    pub weight: f32,
}

/// Where a category stands among all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place<C> {
    /// How probable it is.
    pub probability: f32,
    /// Its rank, from 1.
    pub rank: usize,
    /// How many there are.
    pub of: usize,
    /// The most probable one.
    pub best: C,
    /// How probable that one is.
    pub best_probability: f32,
}

impl<C: Copy + Ord> Model<C> {
    /// Where a category stands for a record; none when it may not be proposed.
    pub fn place(&self, facts: &Facts<'_>, chart: &Chart<C>, category: C) -> Option<Place<C>> {
        let p = self.spread(facts, chart);
        let categories = chart.categories();
        let at = categories.iter().position(|known| *known == category)?;
        let best = (0..p.len()).max_by(|a, b| p[*a].total_cmp(&p[*b]).then(b.cmp(a)))?;
        Some(Place {
            probability: p[at],
            rank: 1 + p.iter().filter(|other| **other > p[at]).count(),
            of: p.len(),
            best: categories[best],
            best_probability: p[best],
        })
    }

    /// What raised `best` over `second`, the strongest first.
    pub fn reasons(&self, facts: &Facts<'_>, best: C, second: Option<C>) -> Vec<Reason> {
        let Some(best) = self.class(best) else {
            return Vec::new();
        };
        let second = second.and_then(|second| self.class(second));
        let past = self.past(facts, &Views::of(facts));
        let mut found = Vec::with_capacity(128);
        features::features(facts, past, &mut found);
        let mut strong: Vec<(u32, f32)> = Vec::with_capacity(found.len());
        for feature in &found {
            let row = self.weights.row(feature.at);
            let of = |class: u16| {
                let at = row.binary_search_by_key(&class, |weight| weight.class);
                at.map_or(0.0, |at| row[at].weight)
            };
            let weight = feature.value * (of(best) - second.map_or(0.0, of));
            if weight > WORTH_TELLING {
                strong.push((feature.at, weight));
            }
        }
        strong.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        strong.truncate(TOLD);

        let mut names: Vec<Option<String>> = vec![None; strong.len()];
        features::collect(facts, past, &mut found, |at, kind, letters| {
            let told = strong.iter().position(|(of, _)| *of == at);
            if let Some(name) = told.map(|told| &mut names[told]) {
                name.get_or_insert_with(|| name_of(kind, letters));
            }
        });
        let named = strong.into_iter().zip(names);
        named
            .filter_map(|((_, weight), name)| {
                Some(Reason {
                    feature: name?,
                    weight,
                })
            })
            .collect()
    }
}

/// A feature, for people.
fn name_of(kind: Kind, letters: &str) -> String {
    match kind {
        Kind::Any => "how often it is used".to_owned(),
        Kind::Letters => format!("letters \"{letters}\""),
        Kind::Word => format!("word \"{letters}\""),
        Kind::Reference => format!("reference \"{letters}\""),
        Kind::Merchant => format!("merchant \"{letters}\""),
        Kind::Account => "this account".to_owned(),
        Kind::MerchantOnAccount => format!("merchant \"{letters}\" on this account"),
        Kind::WordOnAccount => format!("word \"{letters}\" on this account"),
        Kind::TextOnAccount => format!("text \"{letters}\" on this account"),
        Kind::Size => "an amount of this size".to_owned(),
        Kind::MerchantSize => format!("merchant \"{letters}\" and an amount of this size"),
        Kind::AccountSize => "an amount of this size on this account".to_owned(),
        Kind::MerchantAmount => format!("merchant \"{letters}\" and exactly this amount"),
        Kind::Amount => "exactly this amount".to_owned(),
        Kind::Fraction => "the fraction of the amount".to_owned(),
        Kind::After => "what was approved just before".to_owned(),
        Kind::AfterOnAccount => "what was approved just before on this account".to_owned(),
        Kind::AfterTwo => "the two approvals before on this account".to_owned(),
        Kind::Familiarity => format!("a merchant {letters} before"),
        Kind::Trade => format!("trade \"{letters}\""),
    }
}
