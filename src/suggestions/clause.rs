//! A suggestion as conditions of a rule: alone, added to others, and taken out again.

use entity::rule_suggestion;

use super::Key;
use crate::rules::condition::{AccountTest, Condition, TextField, TextOp, TextTest};

/// What a suggestion goes by, as a condition.
pub fn clause(row: &rule_suggestion::Model) -> Condition {
    let merchant = Condition::Text(TextTest {
        of: TextField::Merchant,
        op: TextOp::Equals,
        value: row.merchant_key.clone(),
    });
    match row.account_id {
        None => merchant,
        Some(account) => Condition::All(vec![
            merchant,
            Condition::Account(AccountTest {
                r#in: vec![account.0],
            }),
        ]),
    }
}

/// What a suggestion goes by.
pub(super) fn key(row: &rule_suggestion::Model) -> Key {
    Key {
        merchant: row.merchant_key.clone(),
        account: row.account_id,
    }
}

/// The condition that also holds where the clause does.
pub(super) fn with(condition: Condition, clause: Condition) -> Condition {
    match condition {
        Condition::Any(mut list) => {
            if !list.contains(&clause) {
                list.push(clause);
            }
            Condition::Any(list)
        }
        one if one == clause => one,
        other => Condition::Any(vec![other, clause]),
    }
}

/// The condition without the clause; none when it is not one of several.
pub(super) fn without(condition: Condition, clause: &Condition) -> Option<Condition> {
    let Condition::Any(mut list) = condition else {
        return None;
    };
    let before = list.len();
    list.retain(|other| other != clause);
    match list.len() {
        0 => None,
        left if left == before => None,
        1 => list.pop(),
        _ => Some(Condition::Any(list)),
    }
}

/// Whether a condition is nothing but a list of merchants, as one writes by hand.
pub(super) fn is_list_of_merchants(condition: &Condition) -> bool {
    let merchant = |condition: &Condition| {
        matches!(condition, Condition::Text(test)
            if test.of == TextField::Merchant && test.op == TextOp::Equals)
    };
    match condition {
        Condition::Any(list) => list.iter().all(merchant),
        one => merchant(one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merchant(name: &str) -> Condition {
        Condition::Text(TextTest {
            of: TextField::Merchant,
            op: TextOp::Equals,
            value: name.to_owned(),
        })
    }

    #[test]
    fn a_clause_joins_once_and_leaves_what_was_there() {
        let two = with(merchant("a"), merchant("b"));
        assert_eq!(two, Condition::Any(vec![merchant("a"), merchant("b")]));
        assert_eq!(with(two.clone(), merchant("b")), two);
        let three = with(two.clone(), merchant("c"));
        assert_eq!(without(three, &merchant("c")), Some(two.clone()));
        assert_eq!(without(two.clone(), &merchant("a")), Some(merchant("b")));
        assert_eq!(without(two, &merchant("z")), None);
        assert_eq!(without(merchant("a"), &merchant("a")), None);
    }

    #[test]
    fn only_a_list_of_merchants_is_one() {
        assert!(is_list_of_merchants(&with(merchant("a"), merchant("b"))));
        let nested = Condition::Any(vec![merchant("a"), Condition::All(vec![merchant("b")])]);
        assert!(!is_list_of_merchants(&nested));
    }
}
