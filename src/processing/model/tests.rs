//! What the model promises.

use super::*;
use crate::processing::trades::Trades;

impl Name for u16 {
    fn to_bytes(self) -> [u8; 16] {
        u128::from(self).to_le_bytes()
    }

    fn from_bytes(bytes: [u8; 16]) -> Self {
        u16::try_from(u128::from_le_bytes(bytes)).expect("it was one")
    }
}

const KINDS: [&str; 3] = ["bakery", "garage", "florist"];

/// The merchant of a made-up record: a name of its own and what it is.
fn merchant(number: usize) -> String {
    let own = math::mix(1, number as u64);
    let letter = |at: u32| char::from(b'a' + (own >> (at * 5)) as u8 % 26);
    let name: String = (0..6).map(letter).collect();
    format!("{name} {}", KINDS[number % 3])
}

fn facts(merchant: &str, account: u128) -> Facts<'_> {
    Facts {
        text: merchant,
        merchant,
        trades: Trades::of(merchant, merchant),
        account,
        amount: -1_250_000,
    }
}

/// A model that learnt that records of each kind are filed under the number of the kind.
fn taught(count: usize) -> Model<u16> {
    let mut model = Model::default();
    for number in 0..count {
        let merchant = merchant(number);
        model.learn(
            &facts(&merchant, 1 + number as u128 % 2),
            (number % 3) as u16,
        );
    }
    model
}

fn entry(category: u16) -> Entry<'static, u16> {
    Entry {
        category,
        name: None,
        default: false,
        way: 0,
    }
}

fn chart(model: &Model<u16>) -> Chart<u16> {
    let mut chart = Chart::of((0..20).map(entry));
    chart.align(|category| model.class(category));
    chart
}

fn guess(model: &Model<u16>, merchant: &str) -> Opinion<u16> {
    model
        .predict(&facts(merchant, 1), &chart(model))
        .expect("it has an opinion")
}

#[test]
fn it_generalises_to_merchants_never_seen_and_says_why() {
    let model = taught(60);
    for (category, kind) in (0..).zip(KINDS) {
        let merchant = format!("zwolle {kind}");
        let opinion = guess(&model, &merchant);
        assert_eq!(opinion.category, category);
        assert!(opinion.confidence > 0.5, "{opinion:?}");
        assert_eq!(opinion.top.len(), NAMED);
        let reasons = model.reasons(&facts(&merchant, 1), category, Some(opinion.top[1].0));
        assert!(
            reasons.iter().any(|reason| reason.feature.contains(kind)),
            "{reasons:?}"
        );
    }
}

#[test]
fn it_learns_where_what_is_new_is_filed() {
    let mut model = Model::default();
    // whoever is paid for the first time is filed under 9, and under 0 from then on
    for number in 0..120 {
        let merchant = merchant(number);
        for time in 0..4 {
            let category = if time == 0 { 9 } else { 0 };
            model.learn(&facts(&merchant, 1), category);
        }
    }
    assert_eq!(guess(&model, "zwolle bakery").category, 9);
    assert_eq!(guess(&model, &merchant(7)).category, 0);
}

#[test]
fn it_knows_how_little_it_knows() {
    assert_eq!(
        Model::default().predict(&facts("anything", 1), &chart(&Model::default())),
        None
    );
    let one = taught(1);
    assert!(
        guess(&one, "something else").confidence < 0.5,
        "one approval is no pattern"
    );
}

#[test]
fn the_same_approvals_make_the_same_model_and_a_snapshot_is_that_model() {
    let model = taught(300);
    assert_eq!(model.to_bytes(), taught(300).to_bytes());
    let mut copy = Model::from_bytes(&model.to_bytes()).expect("it reads well");
    assert_eq!(copy, model);
    assert_ne!(copy.mixture, Mixture::default(), "it learnt whom to trust");

    // and goes on the same
    let mut model = model;
    for number in 300..320 {
        let merchant = merchant(number);
        model.learn(&facts(&merchant, 3), 5);
        copy.learn(&facts(&merchant, 3), 5);
    }
    assert_eq!(copy.to_bytes(), model.to_bytes());
}

#[test]
fn a_damaged_snapshot_is_none() {
    let bytes = taught(10).to_bytes();
    for at in [0, bytes.len() / 2, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(Model::<u16>::from_bytes(&damaged).is_none());
    }
    assert!(Model::<u16>::from_bytes(&bytes[..bytes.len() - 1]).is_none());
    assert!(Model::<u16>::from_bytes(&[]).is_none());
}

#[test]
fn what_is_taken_back_is_not_proposed_any_more() {
    let mut model = taught(60);
    let before = guess(&model, "zwolle bakery");
    let wrong = facts("utrecht bakery", 1);
    for _ in 0..3 {
        model.learn(&wrong, 7);
    }
    assert_eq!(guess(&model, "utrecht bakery").category, 7);
    for _ in 0..3 {
        model.forget(&wrong, 7);
    }
    assert_eq!(guess(&model, "utrecht bakery").category, 0);
    let after = guess(&model, "zwolle bakery");
    assert_eq!(after.category, 0);
    assert!(
        (after.confidence - before.confidence).abs() < 0.2,
        "{before:?} {after:?}"
    );
    assert!(
        after
            .top
            .iter()
            .all(|(category, p)| *category != 7 || *p < 0.01)
    );
}

#[test]
fn forgetting_what_was_never_learnt_changes_no_opinion() {
    let mut model = taught(30);
    let before = guess(&model, "zwolle garage");
    model.forget(&facts("zwolle garage", 1), 11);
    assert_eq!(guess(&model, "zwolle garage"), before);
}

#[test]
fn probabilities_sum_to_one_with_those_of_what_was_never_approved() {
    let mut model = taught(60);
    model.learn(&facts("utrecht bakery", 1), 7);
    model.forget(&facts("utrecht bakery", 1), 7);
    for merchant in [merchant(0), "zwolle bakery".to_owned()] {
        let facts = facts(&merchant, 1);
        let (views, mut features) = (Views::of(&facts), Vec::new());
        features::features(&facts, model.past(&facts, &views), &mut features);
        let Blend { p, other, .. } = model.blend(&features, &views, 20);
        let sum = p.iter().sum::<f32>() + other * (20 - p.len()) as f32;
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        assert!(other > 0.0);
    }
}

#[test]
fn an_archived_category_is_not_an_opinion() {
    let model = taught(30);
    let mut open = Chart::of((1..20).map(entry));
    open.align(|category| model.class(category));
    let opinion = model
        .predict(&facts("zwolle bakery", 1), &open)
        .expect("there are others");
    assert_ne!(opinion.category, 0);
    let sum: f32 = opinion.top.iter().map(|(_, p)| p).sum();
    assert!(sum <= 1.0 + 1e-4);
}

#[test]
fn memory_stays_within_its_bounds_whatever_is_learnt() {
    let mut model = Model::default();
    for number in 0..9_000_usize {
        let merchant = merchant(number);
        model.learn(&facts(&merchant, number as u128 % 50), (number % 40) as u16);
    }
    assert!(model.bytes() < 40_000_000, "{}", model.bytes());
}
