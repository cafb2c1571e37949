//! What a rule must be before it is stored; every refusal names its place and what would be accepted.

use super::condition::{
    Actions, AmountTest, Condition, CurrencyTest, DateTest, DayOfMonthTest, SplitLine,
};
use crate::splits::{self, Share};
use crate::tag;
use crate::text::fold;

/// How deep conditions may be nested.
pub const MAX_DEPTH: usize = 8;
/// How many tests one rule may hold.
pub const MAX_LEAVES: usize = 64;
/// How many characters a text may have.
pub const MAX_TEXT: usize = 200;
/// How many tags a rule may set.
pub const MAX_TAGS: usize = 10;
/// How many accounts or currencies a set may name.
pub const MAX_SET: usize = 100;

/// Why a rule is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct InvalidRule {
    /// Where in the rule, such as `conditions.all[2].amount.min`.
    pub path: String,
    /// What is accepted there.
    pub message: String,
}

/// Refuses a rule that would be too costly, could never match, or would do nothing.
pub fn validate(conditions: &Condition, actions: &Actions) -> Result<(), InvalidRule> {
    let mut check = Check {
        path: "conditions".to_owned(),
        leaves: 0,
    };
    check.condition(conditions, 1)?;
    check.path = "actions".to_owned();
    check.actions(actions)
}

/// The place reached and what was counted on the way.
struct Check {
    path: String,
    leaves: usize,
}

type Verdict = Result<(), InvalidRule>;

impl Check {
    fn condition(&mut self, condition: &Condition, depth: usize) -> Verdict {
        self.require(depth <= MAX_DEPTH, "", || {
            format!("at most {MAX_DEPTH} levels of conditions are accepted")
        })?;
        match condition {
            Condition::All(list) => self.at(".all", |check| check.list(list, depth)),
            Condition::Any(list) => self.at(".any", |check| check.list(list, depth)),
            Condition::Not(inner) => self.at(".not", |check| check.condition(inner, depth + 1)),
            leaf => {
                self.leaves += 1;
                self.require(self.leaves <= MAX_LEAVES, "", || {
                    format!("at most {MAX_LEAVES} tests are accepted")
                })?;
                self.leaf(leaf)
            }
        }
    }

    fn list(&mut self, list: &[Condition], depth: usize) -> Verdict {
        self.require(!list.is_empty(), "", || {
            "at least one condition is needed".to_owned()
        })?;
        for (at, condition) in list.iter().enumerate() {
            self.at(&format!("[{at}]"), |check| {
                check.condition(condition, depth + 1)
            })?;
        }
        Ok(())
    }

    fn leaf(&mut self, leaf: &Condition) -> Verdict {
        match leaf {
            Condition::Text(test) => self.at(".text.value", |check| check.text(&test.value)),
            Condition::Amount(test) => self.at(".amount", |check| check.amount(test)),
            Condition::Account(test) => self.at(".account.in", |check| {
                check.set(test.r#in.len(), "accounts")
            }),
            Condition::Currency(test) => self.at(".currency.in", |check| check.currencies(test)),
            Condition::Date(test) => self.at(".date", |check| check.dates(test)),
            Condition::DayOfMonth(test) => self.at(".dayOfMonth", |check| check.days(test)),
            Condition::Direction(_) | Condition::All(_) | Condition::Any(_) | Condition::Not(_) => {
                Ok(())
            }
        }
    }

    fn text(&mut self, value: &str) -> Verdict {
        let length = value.chars().count();
        let accepted = !fold(value).is_empty() && length <= MAX_TEXT;
        self.require(accepted, "", || {
            format!("1 to {MAX_TEXT} characters, not all of them blank, are accepted")
        })
    }

    fn amount(&mut self, test: &AmountTest) -> Verdict {
        self.require(test.min.is_some() || test.max.is_some(), "", || {
            "a min, a max or both are needed".to_owned()
        })?;
        for (name, end) in [(".min", test.min), (".max", test.max)] {
            self.require(test.signed || end.unwrap_or(0) >= 0, name, || {
                "0 or more is accepted; set signed to compare with the sign".to_owned()
            })?;
        }
        let order = test.min.zip(test.max).is_none_or(|(min, max)| min <= max);
        self.require(order, ".min", || "at most the max is accepted".to_owned())
    }

    fn currencies(&mut self, test: &CurrencyTest) -> Verdict {
        self.set(test.r#in.len(), "currencies")?;
        for (at, code) in test.r#in.iter().enumerate() {
            let accepted = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
            self.require(accepted, &format!("[{at}]"), || {
                "an ISO 4217 code such as EUR is accepted".to_owned()
            })?;
        }
        Ok(())
    }

    fn dates(&mut self, test: &DateTest) -> Verdict {
        self.require(test.from.is_some() || test.to.is_some(), "", || {
            "a from, a to or both are needed".to_owned()
        })?;
        let order = test.from.zip(test.to).is_none_or(|(from, to)| from <= to);
        self.require(order, ".from", || {
            "a day not after to is accepted".to_owned()
        })
    }

    fn days(&mut self, test: &DayOfMonthTest) -> Verdict {
        for (name, day) in [(".from", test.from), (".to", test.to)] {
            self.require((1..=31).contains(&day), name, || {
                "a day from 1 to 31 is accepted".to_owned()
            })?;
        }
        Ok(())
    }

    fn set(&mut self, size: usize, what: &str) -> Verdict {
        self.require((1..=MAX_SET).contains(&size), "", || {
            format!("1 to {MAX_SET} {what} are accepted")
        })
    }

    fn actions(&mut self, actions: &Actions) -> Verdict {
        let some = actions.category.is_some()
            || actions.split.is_some()
            || actions.project.is_some()
            || actions.note.is_some()
            || !actions.tags.is_empty()
            || actions.flag.is_some();
        self.require(some, "", || {
            "a category, a split, a project, a note, tags or a flag is needed".to_owned()
        })?;
        if let Some(split) = &actions.split {
            self.require(actions.category.is_none(), ".split", || {
                "a category or a split is accepted, not both".to_owned()
            })?;
            self.at(".split", |check| check.split(split))?;
        }
        self.at(".tags", |check| check.tags(&actions.tags))?;
        for (name, value) in [
            (".project", &actions.project),
            (".note", &actions.note),
            (".flag", &actions.flag),
        ] {
            if let Some(value) = value {
                self.at(name, |check| check.text(value))?;
            }
        }
        Ok(())
    }

    fn split(&mut self, lines: &[SplitLine]) -> Verdict {
        let shares: Vec<Share> = lines.iter().map(SplitLine::share).collect();
        if let Err(wrong) = splits::check(&shares) {
            return self.require(false, "", || wrong.to_owned());
        }
        // records that match differ in their amount
        let amounts = shares.iter().any(|share| matches!(share, Share::Amount(_)));
        self.require(!amounts || shares.contains(&Share::Rest), "", || {
            "beside amounts one line takes the rest; give it no percent and no amount".to_owned()
        })?;
        for (at, line) in lines.iter().enumerate() {
            let one = line.percent.is_none() || line.amount.is_none();
            self.require(one, &format!("[{at}]"), || {
                "a percent or an amount is accepted, not both".to_owned()
            })?;
            for (name, value) in [(".project", &line.project), (".note", &line.note)] {
                if let Some(value) = value {
                    self.at(&format!("[{at}]{name}"), |check| check.text(value))?;
                }
            }
        }
        Ok(())
    }

    fn tags(&mut self, tags: &[String]) -> Verdict {
        self.require(tags.len() <= MAX_TAGS, "", || {
            format!("at most {MAX_TAGS} tags are accepted")
        })?;
        for (at, tag) in tags.iter().enumerate() {
            let accepted = tag::kept(tag).is_some();
            self.require(accepted, &format!("[{at}]"), || tag::ACCEPTED.to_owned())?;
        }
        Ok(())
    }

    /// Checks what lies one step further down.
    fn at(&mut self, step: &str, check: impl FnOnce(&mut Self) -> Verdict) -> Verdict {
        let length = self.path.len();
        self.path.push_str(step);
        check(self)?;
        self.path.truncate(length);
        Ok(())
    }

    fn require(&self, holds: bool, step: &str, message: impl FnOnce() -> String) -> Verdict {
        if holds {
            Ok(())
        } else {
            Err(InvalidRule {
                path: format!("{}{step}", self.path),
                message: message(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    fn refusal(conditions: Value) -> Option<String> {
        let actions = Actions {
            category: Some(Uuid::nil()),
            ..Actions::default()
        };
        validate(&serde_json::from_value(conditions).unwrap(), &actions)
            .err()
            .map(|invalid| invalid.to_string())
    }

    #[test]
    fn a_refusal_names_the_place_and_what_is_accepted() {
        let text = json!({ "text": { "op": "contains", "value": "uber" } });
        let place = |condition: Value| {
            refusal(json!({ "all": [text, { "not": text }, condition] })).unwrap_or_default()
        };
        for (condition, expected) in [
            (
                json!({ "amount": { "min": -5 } }),
                "conditions.all[2].amount.min: 0 or more",
            ),
            (
                json!({ "amount": { "min": 5, "max": 4 } }),
                "conditions.all[2].amount.min: at most the max",
            ),
            (json!({ "amount": {} }), "conditions.all[2].amount: a min"),
            (
                json!({ "text": { "op": "equals", "value": " \t" } }),
                "conditions.all[2].text.value: 1 to 200",
            ),
            (
                json!({ "text": { "op": "equals", "value": "x".repeat(201) } }),
                "conditions.all[2].text.value: 1 to 200",
            ),
            (json!({ "any": [] }), "conditions.all[2].any: at least one"),
            (
                json!({ "not": { "account": { "in": [] } } }),
                "conditions.all[2].not.account.in: 1 to 100 accounts",
            ),
            (
                json!({ "currency": { "in": ["EUR", "eur"] } }),
                "conditions.all[2].currency.in[1]: an ISO 4217",
            ),
            (
                json!({ "date": { "from": "2026-02-01", "to": "2026-01-01" } }),
                "conditions.all[2].date.from: a day",
            ),
            (
                json!({ "dayOfMonth": { "from": 0, "to": 5 } }),
                "conditions.all[2].dayOfMonth.from: a day",
            ),
        ] {
            let found = place(condition);
            assert!(found.starts_with(expected), "{found}");
        }
        assert_eq!(
            place(json!({ "amount": { "min": -5, "max": -1, "signed": true } })),
            ""
        );
    }

    #[test]
    fn depth_and_number_of_tests_are_bounded() {
        let leaf = json!({ "direction": "in" });
        let deep =
            |levels: usize| (1..levels).fold(leaf.clone(), |inner, _| json!({ "not": inner }));
        assert_eq!(refusal(deep(MAX_DEPTH)), None);
        let found = refusal(deep(MAX_DEPTH + 1)).unwrap();
        assert!(
            found.ends_with(".not.not: at most 8 levels of conditions are accepted"),
            "{found}"
        );

        assert_eq!(
            refusal(json!({ "any": vec![leaf.clone(); MAX_LEAVES] })),
            None
        );
        let found = refusal(json!({ "any": vec![leaf.clone(); MAX_LEAVES + 1] })).unwrap();
        assert_eq!(found, "conditions.any[64]: at most 64 tests are accepted");
    }

    #[test]
    fn a_rule_that_would_do_nothing_is_refused() {
        let condition = serde_json::from_value(json!({ "direction": "in" })).unwrap();
        let refusal = |actions| validate(&condition, &actions).unwrap_err().path;
        assert_eq!(refusal(Actions::default()), "actions");
        assert_eq!(
            refusal(Actions {
                note: Some(" ".to_owned()),
                ..Actions::default()
            }),
            "actions.note"
        );
        let tags = |tags: &[&str]| Actions {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..Actions::default()
        };
        assert_eq!(validate(&condition, &tags(&["a b", "é_%"])), Ok(()));
        assert_eq!(refusal(tags(&["t"; 11])), "actions.tags");
        for wrong in [
            "",
            " ",
            "a,b",
            "a;b",
            "\"a\"",
            "a\\",
            "a\nb",
            &"x".repeat(51),
        ] {
            assert_eq!(refusal(tags(&["a", wrong])), "actions.tags[1]", "{wrong:?}");
        }
    }
}
