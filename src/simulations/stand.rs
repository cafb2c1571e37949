//! What a simulation found: the rules and the policy that were in force. Whoever applies it later sees by this what was
//! changed since.

use std::collections::{HashMap, HashSet};

use entity::automation::Mode;
use entity::{RuleId, rule};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::automation::Policy;

/// The rules in their order, each with a fingerprint of what it does, and the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stand {
    rules: Vec<(RuleId, String)>,
    policy: StoredPolicy,
}

/// What may pass without a person, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredPolicy {
    automatic: bool,
    target_permille: i32,
    audit_permille: i32,
}

impl From<Policy> for StoredPolicy {
    fn from(policy: Policy) -> Self {
        Self {
            automatic: policy.mode == Mode::Automatic,
            target_permille: policy.target_permille,
            audit_permille: policy.audit_permille,
        }
    }
}

impl From<StoredPolicy> for Policy {
    fn from(stored: StoredPolicy) -> Self {
        Self {
            mode: match stored.automatic {
                true => Mode::Automatic,
                false => Mode::ProposeOnly,
            },
            target_permille: stored.target_permille,
            audit_permille: stored.audit_permille,
        }
    }
}

/// What was changed between two stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// Rules that were made, changed, switched or removed.
    pub rules: Vec<RuleId>,
    /// Whether the others are tried in another order.
    pub order: bool,
    /// Whether something else may pass without a person.
    pub policy: bool,
}

impl Since {
    /// Whether nothing was changed.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Stand {
    /// The rules in the order they are tried, as they are tried, and the policy.
    pub fn of(rules: &[rule::Model], policy: Policy) -> Self {
        Self {
            rules: rules.iter().map(|rule| (rule.id, print(rule))).collect(),
            policy: policy.into(),
        }
    }

    /// What was changed from here to a later stand.
    pub fn until(&self, now: &Self) -> Since {
        let then: HashMap<RuleId, &str> = by_id(&self.rules);
        let later: HashMap<RuleId, &str> = by_id(&now.rules);
        let all = self.rules.iter().chain(&now.rules).map(|(id, _)| *id);
        let mut told = HashSet::new();
        let changed = all.filter(|id| told.insert(*id) && then.get(id) != later.get(id));
        let rules: Vec<RuleId> = changed.collect();
        let same = |list: &[(RuleId, String)]| -> Vec<RuleId> {
            let ids = list.iter().map(|(id, _)| *id);
            ids.filter(|id| then.get(id) == later.get(id)).collect()
        };
        Since {
            order: same(&self.rules) != same(&now.rules),
            policy: self.policy != now.policy,
            rules,
        }
    }
}

fn by_id(rules: &[(RuleId, String)]) -> HashMap<RuleId, &str> {
    let pairs = rules.iter();
    pairs.map(|(id, print)| (*id, print.as_str())).collect()
}

/// Stands for what a rule does: two that do the same have the same. What it is called and where it stands are no part.
fn print(rule: &rule::Model) -> String {
    hex(&[
        &rule.conditions,
        &rule.actions,
        if rule.stop { "stop" } else { "" },
        if rule.shadow { "shadow" } else { "" },
        if rule.disabled_at.is_some() {
            "off"
        } else {
            ""
        },
        &rule.group_id.map(|id| id.to_string()).unwrap_or_default(),
    ])
}

/// Stands for everything that people see of a rule but its place.
pub fn whole_print(rule: &rule::Model) -> String {
    hex(&[&print(rule), &rule.name])
}

fn hex(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    let whole = digest.finalize();
    whole[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn stand(rules: &[(u128, &str)]) -> Stand {
        let rule = |(id, print): &(u128, &str)| (RuleId(Uuid::from_u128(*id)), (*print).to_owned());
        Stand {
            rules: rules.iter().map(rule).collect(),
            policy: Policy::default().into(),
        }
    }

    fn since(then: &[(u128, &str)], now: &[(u128, &str)]) -> (Vec<u128>, bool) {
        let since = stand(then).until(&stand(now));
        let ids = since.rules.iter().map(|id| id.0.as_u128());
        (ids.collect(), since.order)
    }

    #[test]
    fn what_was_made_changed_or_removed_is_named() {
        let then = [(1, "a"), (2, "b"), (3, "c")];
        assert_eq!(since(&then, &then), (vec![], false));
        assert_eq!(
            since(&then, &[(1, "a"), (2, "x"), (4, "d")]),
            (vec![2, 3, 4], false)
        );
        assert_eq!(
            since(&then, &[(2, "b"), (1, "a"), (3, "c")]),
            (vec![], true)
        );
        // one more in front moves nobody
        assert_eq!(
            since(&then, &[(9, "n"), (1, "a"), (2, "b"), (3, "c")]),
            (vec![9], false)
        );
    }

    #[test]
    fn another_policy_is_seen() {
        let (then, mut now) = (stand(&[]), stand(&[]));
        now.policy.target_permille = 990;
        assert!(then.until(&now).policy && !then.until(&then).policy);
        assert!(then.until(&then).is_nothing());
        assert_eq!(Policy::from(then.policy), Policy::default());
    }
}
