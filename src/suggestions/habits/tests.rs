use uuid::Uuid;

use super::*;

fn category(n: u128) -> CategoryId {
    CategoryId(Uuid::from_u128(n))
}

fn card(n: u128) -> Option<AccountId> {
    Some(AccountId(Uuid::from_u128(n)))
}

fn key(account: Option<AccountId>) -> Key {
    Key {
        merchant: "corner bakery".to_owned(),
        account,
    }
}

fn approve(habits: &mut Habits, times: usize, card: Option<AccountId>, filed: u128) {
    for _ in 0..times {
        habits.approve("corner bakery", card, category(filed));
    }
}

#[test]
fn three_in_a_row_are_enough_and_each_contradiction_asks_for_two_more() {
    let mut habits = Habits::default();
    approve(&mut habits, 2, card(1), 7);
    assert!(!habits.is_ready(&key(card(1))));
    approve(&mut habits, 1, card(1), 7);
    assert!(habits.is_ready(&key(card(1))));
    assert!(
        !habits.is_ready(&key(None)),
        "one account is no merchant alone"
    );

    approve(&mut habits, 1, card(1), 9);
    let habit = habits.get(&key(card(1))).unwrap();
    assert_eq!((habit.in_a_row, habit.breaks, habit.seen), (1, 1, 4));
    assert_eq!(
        (habit.support(category(7)), habit.row_of(category(7))),
        (3, 0)
    );
    approve(&mut habits, 3, card(1), 9);
    assert!(!habits.is_ready(&key(card(1))), "four of five");
    approve(&mut habits, 1, card(1), 9);
    assert!(habits.is_ready(&key(card(1))));
}

#[test]
fn a_merchant_that_is_filed_elsewhere_on_other_accounts_takes_two_more() {
    let mut habits = Habits::default();
    approve(&mut habits, 1, card(2), 9);
    approve(&mut habits, 4, card(1), 7);
    assert!(!habits.is_ready(&key(card(1))), "another card says 9");
    approve(&mut habits, 1, card(1), 7);
    assert!(habits.is_ready(&key(card(1))));

    let mut habits = Habits::default();
    approve(&mut habits, 1, card(2), 7);
    approve(&mut habits, 3, card(1), 7);
    assert!(habits.is_ready(&key(card(1))), "another card agrees");
}

#[test]
fn a_merchant_alone_takes_eight_on_several_accounts_and_no_contradiction() {
    let mut habits = Habits::default();
    approve(&mut habits, 8, card(1), 7);
    assert!(!habits.is_ready(&key(None)));
    approve(&mut habits, 1, card(2), 7);
    assert!(habits.is_ready(&key(None)));
    approve(&mut habits, 1, card(2), 9);
    approve(&mut habits, 12, card(1), 9);
    assert!(!habits.is_ready(&key(None)), "contradicted");
    approve(&mut habits, FORGIVEN as usize, card(1), 9);
    assert!(habits.is_ready(&key(None)), "long forgotten");
}

#[test]
fn what_names_nobody_is_never_suggested() {
    for merchant in [
        "",
        "sq",
        "direct debit payment",
        "atm",
        "bp",
        "card 12",
        "a b c",
    ] {
        assert_eq!(Key::all(merchant, card(1)).count(), 0, "{merchant:?}");
    }
    assert_eq!(Key::all("shell direct", card(1)).count(), 2);
    assert_eq!(Key::all("corner bakery", None).count(), 1);
}

#[test]
fn taking_back_undoes_a_confirmation_and_a_contradiction() {
    let mut habits = Habits::default();
    approve(&mut habits, 3, card(1), 7);
    habits.take_back("corner bakery", card(1), category(7));
    assert!(!habits.is_ready(&key(card(1))));
    approve(&mut habits, 1, card(1), 9);
    habits.take_back("corner bakery", card(1), category(9));
    let habit = habits.get(&key(card(1))).unwrap();
    assert_eq!((habit.in_a_row, habit.seen), (0, 2));
    habits.take_back("corner bakery", card(1), category(7));
    habits.take_back("corner bakery", card(1), category(7));
    assert!(habits.get(&key(card(1))).is_none());
}

#[test]
fn a_rule_fails_when_less_than_nine_of_ten_hold_since() {
    let mut habits = Habits::default();
    approve(&mut habits, 3, card(1), 7);
    let seen = 3;
    approve(&mut habits, 10, card(1), 7);
    approve(&mut habits, 1, card(1), 9);
    let since = |habits: &Habits| {
        let habit = habits.get(&key(card(1))).unwrap();
        habit.since(seen, category(7))
    };
    assert_eq!(since(&habits), (11, 10));
    assert!(!is_failing(11, 10));
    approve(&mut habits, 1, card(1), 9);
    assert_eq!(since(&habits), (12, 10));
    assert!(is_failing(12, 10) && is_failing(1, 0) && !is_failing(0, 0));
}
