//! Which records stand out as pairs. Pure: everything read is given.

use std::collections::{BTreeMap, HashMap};

use chrono::{NaiveDate, TimeDelta};
use entity::{AccountId, RecordId};
use sea_orm::FromQueryResult;

/// Days between the two sides of a transfer: over a long weekend.
pub(super) const TRANSFER_DAYS: TimeDelta = TimeDelta::days(4);
/// Days from a purchase to its refund.
pub(super) const REFUND_DAYS: TimeDelta = TimeDelta::days(120);

/// What pairing looks at in a record.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub(super) struct Side {
    pub id: RecordId,
    pub account_id: Option<AccountId>,
    pub amount: i64,
    pub currency: String,
    pub merchant_key: String,
    pub occurred_on: NaiveDate,
}

/// Two records that belong together, as it seems, and why.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pair {
    pub out: RecordId,
    pub into: RecordId,
    pub reason: String,
}

/// Transfers among `sides`, one side of which is one of `new`. Each side has no other that would fit as well.
pub(super) fn transfers(new: &[Side], sides: &[Side]) -> Vec<Pair> {
    // by size and currency: those that do not fit are never compared
    let mut alike: HashMap<(u64, &str), BTreeMap<RecordId, &Side>> = HashMap::new();
    for side in new
        .iter()
        .chain(sides)
        .filter(|side| side.account_id.is_some())
    {
        let key = (side.amount.unsigned_abs(), &*side.currency);
        alike.entry(key).or_default().insert(side.id, side);
    }
    let only = |side: &Side| -> Option<&Side> {
        let alike = alike.get(&(side.amount.unsigned_abs(), &*side.currency))?;
        let mut fitting = alike.values().filter(|other| {
            other.amount == -side.amount
                && other.account_id != side.account_id
                && (other.occurred_on - side.occurred_on).abs() <= TRANSFER_DAYS
        });
        let one = fitting.next().copied();
        one.filter(|_| fitting.next().is_none())
    };
    let mut pairs = BTreeMap::new();
    for side in new
        .iter()
        .filter(|side| side.account_id.is_some() && side.amount != 0)
    {
        let Some(other) = only(side) else { continue };
        if only(other).is_none_or(|back| back.id != side.id) {
            continue;
        }
        let (out, into) = if side.amount < 0 {
            (side, other)
        } else {
            (other, side)
        };
        let reason = match (into.occurred_on - out.occurred_on).num_days() {
            0 => "the same day".to_owned(),
            1 => "a day later".to_owned(),
            -1 => "a day before".to_owned(),
            days if days > 0 => format!("{days} days later"),
            days => format!("{} days before", -days),
        };
        let pair = Pair {
            out: out.id,
            into: into.id,
            reason: format!("The amount left one account and came in on another {reason}."),
        };
        pairs.insert((out.id, into.id), pair);
    }
    pairs.into_values().collect()
}

/// Refunds among `new` of earlier purchases, of which so much is refunded already. The one purchase of exactly that
/// amount is meant, or else the one that is large enough.
pub(super) fn refunds(
    new: &[Side],
    purchases: &[Side],
    refunded: &HashMap<RecordId, i64>,
) -> Vec<Pair> {
    let mut of: HashMap<(&str, Option<AccountId>, &str), Vec<&Side>> = HashMap::new();
    for purchase in purchases.iter().filter(|purchase| purchase.amount < 0) {
        let key = (
            &*purchase.merchant_key,
            purchase.account_id,
            &*purchase.currency,
        );
        of.entry(key).or_default().push(purchase);
    }
    let mut pairs = Vec::new();
    for refund in new
        .iter()
        .filter(|side| side.amount > 0 && !side.merchant_key.is_empty())
    {
        let key = (&*refund.merchant_key, refund.account_id, &*refund.currency);
        let earlier = of.get(&key).into_iter().flatten().filter(|purchase| {
            let days = refund.occurred_on - purchase.occurred_on;
            days >= TimeDelta::zero() && days <= REFUND_DAYS
        });
        let left = |purchase: &Side| {
            -purchase.amount - refunded.get(&purchase.id).copied().unwrap_or_default()
        };
        let (mut whole, mut part) = (Vec::new(), Vec::new());
        for purchase in earlier {
            match left(purchase).cmp(&refund.amount) {
                std::cmp::Ordering::Equal => whole.push(purchase),
                std::cmp::Ordering::Greater => part.push(purchase),
                std::cmp::Ordering::Less => {}
            }
        }
        let (purchase, how) = match (&whole[..], &part[..]) {
            ([one], _) => (*one, "all that is left of"),
            ([], [one]) => (*one, "a part of"),
            _ => continue,
        };
        let on = purchase.occurred_on;
        pairs.push(Pair {
            out: purchase.id,
            into: refund.id,
            reason: format!("The same merchant paid back {how} the purchase of {on}."),
        });
    }
    pairs
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn side(id: u128, account: u128, amount: i64, day: u32) -> Side {
        Side {
            id: RecordId(Uuid::from_u128(id)),
            account_id: Some(AccountId(Uuid::from_u128(account))),
            amount,
            currency: "EUR".to_owned(),
            merchant_key: "shop".to_owned(),
            occurred_on: NaiveDate::from_ymd_opt(2026, 3, day).unwrap(),
        }
    }

    fn ids(pairs: &[Pair]) -> Vec<(u128, u128)> {
        let ids = |pair: &Pair| (pair.out.0.as_u128(), pair.into.0.as_u128());
        pairs.iter().map(ids).collect()
    }

    #[test]
    fn the_same_amount_on_two_accounts_within_days_is_a_transfer() {
        let new = [side(1, 1, -500, 6), side(2, 2, 500, 10)];
        assert_eq!(ids(&transfers(&new, &[])), [(1, 2)]);
        // either side may come last
        assert_eq!(ids(&transfers(&new[1..], &new[..1])), [(1, 2)]);
        let far = [side(1, 1, -500, 6), side(2, 2, 500, 11)];
        assert!(transfers(&far, &[]).is_empty());
        let own = [side(1, 1, -500, 6), side(2, 1, 500, 6)];
        assert!(transfers(&own, &[]).is_empty());
        let mut foreign = side(2, 2, 500, 6);
        foreign.currency = "USD".to_owned();
        assert!(transfers(&[side(1, 1, -500, 6), foreign], &[]).is_empty());
    }

    #[test]
    fn what_fits_twice_is_no_pair_whichever_side_is_double() {
        let two_in = [side(1, 1, -500, 6), side(2, 2, 500, 6), side(3, 3, 500, 7)];
        assert!(transfers(&two_in, &[]).is_empty());
        let two_out = [side(1, 1, -500, 6), side(2, 3, -500, 6)];
        assert!(transfers(&[side(3, 2, 500, 6)], &two_out).is_empty());
        // the same transfer every week is not ambiguous
        let weekly = [
            side(1, 1, -500, 6),
            side(2, 2, 500, 7),
            side(3, 1, -500, 13),
            side(4, 2, 500, 14),
        ];
        assert_eq!(ids(&transfers(&weekly, &[])), [(1, 2), (3, 4)]);
    }

    #[test]
    fn a_refund_belongs_to_the_one_purchase_it_fits() {
        let refund = [side(9, 1, 300, 20)];
        let none = HashMap::new();
        let purchases = [side(1, 1, -300, 6), side(2, 1, -900, 7)];
        assert_eq!(ids(&refunds(&refund, &purchases, &none)), [(1, 9)]);
        assert_eq!(ids(&refunds(&refund, &purchases[1..], &none)), [(2, 9)]);
        // twice the same, none large enough, later, or on another account
        let twice = [side(1, 1, -300, 6), side(2, 1, -300, 7)];
        assert!(refunds(&refund, &twice, &none).is_empty());
        assert!(refunds(&refund, &[side(1, 1, -200, 6)], &none).is_empty());
        assert!(refunds(&refund, &[side(1, 1, -300, 21)], &none).is_empty());
        assert!(refunds(&refund, &[side(1, 2, -300, 6)], &none).is_empty());
        // what is refunded already is not refunded again
        let some = HashMap::from([(purchases[1].id, 700)]);
        assert!(refunds(&refund, &purchases[1..], &some).is_empty());
        let some = HashMap::from([(purchases[1].id, 600)]);
        assert_eq!(ids(&refunds(&refund, &purchases[1..], &some)), [(2, 9)]);
    }
}
