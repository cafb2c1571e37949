//! Where records count that do not count as they stand.

use chrono::DateTime;
use entity::{LinkId, TenantId};
use uuid::Uuid;

use super::*;

const NIL: TenantId = TenantId(Uuid::nil());

fn id(number: u128) -> RecordId {
    RecordId(Uuid::from_u128(number))
}

fn category(number: u128) -> CategoryId {
    CategoryId(Uuid::from_u128(number))
}

/// A record in a category of the same number, with a decision of the same number.
fn special(number: u128, amount: i64) -> Special {
    Special {
        id: id(number),
        decision_id: Some(DecisionId(Uuid::from_u128(number))),
        category_id: Some(category(number)),
        currency: "EUR".to_owned(),
        status: Status::Approved,
        amount,
        occurred_on: "2026-03-04".parse().unwrap(),
    }
}

fn link(kind: Kind, out: u128, into: u128) -> record_link::Model {
    record_link::Model {
        tenant_id: NIL,
        id: LinkId(Uuid::nil()),
        kind,
        status: record_link::Status::Confirmed,
        out_id: id(out),
        in_id: id(into),
        reason: String::new(),
        decided_by: None,
        decided_at: None,
        created_at: DateTime::UNIX_EPOCH,
    }
}

fn split(of: u128, parts: &[(u128, i64)]) -> ByDecision {
    let decision = DecisionId(Uuid::from_u128(of));
    let rows = parts
        .iter()
        .zip(1..)
        .map(|((to, amount), line)| record_split::Model {
            tenant_id: NIL,
            decision_id: decision,
            line,
            record_id: id(of),
            category_id: category(*to),
            amount: *amount,
            project: None,
            note: None,
        });
    ByDecision::from([(decision, rows.collect())])
}

/// Category, amount and count of each group.
fn told(groups: &[Group]) -> Vec<(u128, i128, i64)> {
    let category = |group: &Group| group.category_id.map_or(0, |id| id.0.as_u128());
    let told = |group: &Group| (category(group), group.units().0, group.records);
    groups.iter().map(told).collect()
}

fn none() -> Lines {
    Lines {
        of_specials: ByDecision::new(),
        of_purchases: ByDecision::new(),
    }
}

#[test]
fn both_sides_of_a_transfer_are_taken_away() {
    let specials = [special(1, -500_000), special(2, 500_000)];
    let links = [link(Kind::Transfer, 1, 2)];
    let made = groups(Interval::Month, &specials, &links, &[], &none());
    assert_eq!(told(&made), [(1, 500_000, -1), (2, -500_000, -1)]);
    assert_eq!(made[0].month, "2026-03");
}

#[test]
fn a_refund_counts_where_its_purchase_does_and_by_its_lines() {
    let refund = [special(2, 100_000)];
    let links = [link(Kind::Refund, 1, 2)];
    let made = groups(
        Interval::None,
        &refund,
        &links,
        &[special(1, -300_000)],
        &none(),
    );
    assert_eq!(told(&made), [(2, -100_000, -1), (1, 100_000, 1)]);
    // two thirds and one third of a euro, to the cent
    let lines = Lines {
        of_specials: ByDecision::new(),
        of_purchases: split(1, &[(8, -200_000), (9, -100_000)]),
    };
    let made = groups(
        Interval::None,
        &refund,
        &links,
        &[special(1, -300_000)],
        &lines,
    );
    let expected = [(2, -100_000, -1), (8, 67_000, 1), (9, 33_000, 1)];
    assert_eq!(told(&made), expected);
    // a purchase that does not count itself takes no refund along
    let made = groups(Interval::None, &refund, &links, &[], &none());
    assert_eq!(told(&made), [(2, -100_000, -1), (2, 100_000, 1)]);
}

#[test]
fn a_split_record_counts_line_by_line() {
    let lines = Lines {
        of_specials: split(1, &[(8, -200_000), (9, -100_000)]),
        of_purchases: ByDecision::new(),
    };
    let made = groups(Interval::None, &[special(1, -300_000)], &[], &[], &lines);
    let expected = [(1, 300_000, -1), (8, -200_000, 1), (9, -100_000, 1)];
    assert_eq!(told(&made), expected);
    assert_eq!(made[2].beside, [category(8)]);
}
