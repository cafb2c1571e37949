//! Where rules stand beside each other.

use std::collections::HashMap;

use entity::{RuleGroupId, RuleId, rule};

use super::item::RuleAfter;
use crate::simulations::whole_print;

/// Neighbours that are remembered of a rule.
const AHEAD: usize = 50;

/// The rules ahead of one in its group, the nearest first.
pub(super) fn ahead(rules: &[rule::Model], id: RuleId) -> Vec<RuleId> {
    let Some(at) = rules.iter().position(|rule| rule.id == id) else {
        return Vec::new();
    };
    let group = rules[at].group_id;
    let ahead = rules[..at].iter().rev();
    let beside = ahead.filter(|rule| rule.group_id == group);
    beside.map(|rule| rule.id).take(AHEAD).collect()
}

/// The position in a group behind the nearest of those that stood ahead and are still there; the first without any.
pub(super) fn behind(
    rules: &[rule::Model],
    group: Option<RuleGroupId>,
    ahead: &[RuleId],
    but: RuleId,
) -> i32 {
    let others = rules
        .iter()
        .filter(|rule| rule.group_id == group && rule.id != but);
    let places: HashMap<RuleId, i32> = others.map(|rule| rule.id).zip(1..).collect();
    let nearest = ahead.iter().find_map(|id| places.get(id));
    nearest.map_or(1, |place| place + 1)
}

/// A rule as it stands.
pub(super) fn stands(rules: &[rule::Model], id: RuleId) -> RuleAfter {
    let Some(rule) = rules.iter().find(|rule| rule.id == id) else {
        return RuleAfter::default();
    };
    let group: Vec<RuleId> = rules
        .iter()
        .filter(|other| other.group_id == rule.group_id)
        .map(|other| other.id)
        .collect();
    let at = group.iter().position(|other| *other == id).unwrap_or(0);
    RuleAfter {
        print: Some(whole_print(rule)),
        beside: (
            at.checked_sub(1).and_then(|at| group.get(at)).copied(),
            group.get(at + 1).copied(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use entity::TenantId;
    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> RuleId {
        RuleId(Uuid::from_u128(n))
    }

    fn rules(ids: &[(u128, u128)]) -> Vec<rule::Model> {
        let row = |(n, group): &(u128, u128)| rule::Model {
            tenant_id: TenantId(Uuid::nil()),
            id: id(*n),
            name: n.to_string(),
            group_id: (*group > 0).then(|| RuleGroupId(Uuid::from_u128(*group))),
            position: 0,
            conditions: "{}".to_owned(),
            actions: "{}".to_owned(),
            stop: false,
            shadow: false,
            disabled_at: None,
            approval_id: None,
            created_by: None,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            deleted_at: None,
        };
        ids.iter().map(row).collect()
    }

    #[test]
    fn a_rule_goes_back_behind_the_nearest_that_is_left() {
        let then = rules(&[(1, 0), (2, 0), (3, 0), (4, 7)]);
        assert_eq!(ahead(&then, id(3)), [id(2), id(1)]);
        assert!(ahead(&then, id(4)).is_empty());
        let now = rules(&[(9, 0), (1, 0), (4, 7)]);
        assert_eq!(behind(&now, None, &ahead(&then, id(3)), id(3)), 3);
        assert_eq!(behind(&now, None, &[], id(3)), 1);
        // its own place does not count
        let moved = rules(&[(3, 0), (1, 0), (2, 0)]);
        assert_eq!(behind(&moved, None, &ahead(&then, id(3)), id(3)), 3);
    }

    #[test]
    fn who_stands_beside_a_rule_is_of_its_group() {
        let now = rules(&[(1, 0), (2, 0), (4, 7), (5, 7)]);
        assert_eq!(stands(&now, id(2)).beside, (Some(id(1)), None));
        assert_eq!(stands(&now, id(4)).beside, (None, Some(id(5))));
        assert_eq!(stands(&now, id(8)), RuleAfter::default());
    }
}
