//! Whether the variables fit the operation, before anything is carried out.
//!
//! The executor coerces a variable where a resolver reads it, so half of a mutation could have
//! run before a missing value is found, and a subscription would report it as its first item.
//! Custom scalars are left to their own parsers.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Value, Variables,
    parser::types::{BaseType, OperationDefinition, Type},
};

use super::inputs::{Input, InputField, InputIndex};
use super::refusal::{Code, Detail, Refusal};

/// More would be noise.
const MOST_DETAILS: usize = 20;

/// Refuses variables that are missing or of the wrong type, naming each.
pub fn check_variables(
    operation: &OperationDefinition,
    variables: &Variables,
    index: &InputIndex,
) -> Result<(), Refusal> {
    let mut check = Check {
        index,
        details: Vec::new(),
    };
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let name = &definition.name.node;
        let ty = &definition.var_type.node;
        match variables.get(name) {
            Some(value) => check.value(&mut name.to_string(), ty, value),
            None if ty.nullable || definition.default_value.is_some() => {}
            None => check.note(name, format!("is required ({ty})")),
        }
    }
    let Some(first) = check.details.first() else {
        return Ok(());
    };
    let message = format!("Variable ${} {}.", first.path, first.msg);
    Err(Refusal {
        details: check.details.into(),
        ..Refusal::new(Code::BadUserInput, message)
    })
}

struct Check<'a> {
    index: &'a InputIndex,
    details: Vec<Detail>,
}

impl Check<'_> {
    fn note(&mut self, path: &str, msg: impl Into<String>) {
        if self.details.len() < MOST_DETAILS {
            self.details.push(Detail {
                path: path.to_owned(),
                msg: msg.into(),
            });
        }
    }

    fn value(&mut self, path: &mut String, ty: &Type, value: &Value) {
        match (&ty.base, value) {
            (_, Value::Null) if ty.nullable => {}
            (_, Value::Null) => self.note(path, format!("must not be null ({ty})")),
            (BaseType::List(inner), Value::List(items)) => {
                for (at, item) in items.iter().enumerate() {
                    self.within(path, &at.to_string(), inner, item);
                }
            }
            // one value stands for a list of one
            (BaseType::List(inner), single) => self.value(path, inner, single),
            (BaseType::Named(name), value) => self.named(path, name, value),
        }
    }

    fn within(&mut self, path: &mut String, step: &str, ty: &Type, value: &Value) {
        let length = path.len();
        path.push('.');
        path.push_str(step);
        self.value(path, ty, value);
        path.truncate(length);
    }

    fn named(&mut self, path: &mut String, name: &Name, value: &Value) {
        let index = self.index;
        let fits = match (name.as_str(), value) {
            // 64-bit integers are called Int too
            ("Int", Value::Number(number)) => number.is_i64() || number.is_u64(),
            ("Float", Value::Number(_))
            | ("String" | "ID", Value::String(_))
            | ("Boolean", Value::Boolean(_)) => true,
            ("ID", Value::Number(number)) => number.is_i64() || number.is_u64(),
            ("Int" | "Float" | "String" | "ID" | "Boolean", _) => false,
            (name, value) => match (index.find(name), value) {
                (Some(Input::Enum(names)), Value::String(given)) => names.contains(given),
                (Some(Input::Enum(names)), Value::Enum(given)) => names.contains(given.as_str()),
                (Some(Input::Object { fields, one_of }), Value::Object(given)) => {
                    return self.object(path, fields, *one_of, given.iter());
                }
                (Some(_), _) => false,
                (None, _) => true,
            },
        };
        if !fits {
            self.note(path, format!("is not of type {name}"));
        }
    }

    fn object<'v>(
        &mut self,
        path: &mut String,
        fields: &HashMap<String, InputField>,
        one_of: bool,
        given: impl Iterator<Item = (&'v Name, &'v Value)>,
    ) {
        let mut seen = HashSet::new();
        for (name, value) in given {
            seen.insert(name.as_str());
            match fields.get(name.as_str()) {
                Some(field) => self.within(path, name, &field.ty, value),
                None => {
                    let name: String = name.chars().take(100).collect();
                    self.note(&format!("{path}.{name}"), "is not a field of its type");
                }
            }
        }
        if one_of && seen.len() != 1 {
            self.note(path, "must have exactly one field");
        }
        let mut missing: Vec<_> = fields
            .iter()
            .filter(|(name, field)| field.is_required() && !seen.contains(name.as_str()))
            .collect();
        missing.sort_by_key(|(name, _)| *name);
        for (name, field) in missing {
            self.note(
                &format!("{path}.{name}"),
                format!("is required ({})", field.ty),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;
    use crate::graphql::operation::select_operation;

    const SDL: &str = r#"
        enum Color { RED GREEN }
        scalar Date
        input Line { amount: String! color: Color = RED note: String on: Date }
        input Choice @oneOf { a: Int b: Int }
        type Query { a: Int }
    "#;

    /// What is wrong with `value` as a variable `v` of type `ty`: the paths.
    fn wrong(ty: &str, value: serde_json::Value) -> Vec<String> {
        let document = parse_query(format!("query($v: {ty}) {{ a }}")).unwrap();
        let operation = select_operation(&document, None).unwrap();
        let index = InputIndex::build(SDL).unwrap();
        match check_variables(operation, &Variables::from_json(value), &index) {
            Ok(()) => Vec::new(),
            Err(refusal) => refusal
                .details
                .iter()
                .map(|detail| detail.path.clone())
                .collect(),
        }
    }

    #[test]
    fn what_fits_is_accepted() {
        for (ty, value) in [
            ("Int", json!({})),
            ("Int", json!({"v": null})),
            ("Int! = 3", json!({})),
            ("Int!", json!({"v": 9_000_000_000_i64, "more": 1})),
            ("Float!", json!({"v": 1})),
            ("ID!", json!({"v": 1})),
            ("[String!]!", json!({"v": ["a", "b"]})),
            ("[String!]!", json!({"v": "a"})),
            ("Color!", json!({"v": "RED"})),
            ("Date!", json!({"v": "whenever"})),
            (
                "Line!",
                json!({"v": {"amount": "1", "note": null, "on": {}}}),
            ),
            ("Choice!", json!({"v": {"a": 1}})),
        ] {
            assert_eq!(
                wrong(ty, value.clone()),
                Vec::<String>::new(),
                "{ty} {value}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_path() {
        for (ty, value, path) in [
            ("Int!", json!({}), "v"),
            ("Int!", json!({"v": null}), "v"),
            ("Int", json!({"v": 1.5}), "v"),
            ("Int", json!({"v": "1"}), "v"),
            ("String", json!({"v": 1}), "v"),
            ("[Int!]", json!({"v": [1, null]}), "v.1"),
            ("Color", json!({"v": "BLUE"}), "v"),
            ("Line", json!({"v": {}}), "v.amount"),
            ("Line", json!({"v": "x"}), "v"),
            (
                "[Line!]",
                json!({"v": [{"amount": "1"}, {"amount": 1}]}),
                "v.1.amount",
            ),
            (
                "Line",
                json!({"v": {"amount": "1", "amuont": "2"}}),
                "v.amuont",
            ),
            ("Choice", json!({"v": {"a": 1, "b": 2}}), "v"),
        ] {
            assert_eq!(wrong(ty, value.clone()), [path], "{ty} {value}");
        }
    }

    #[test]
    fn at_most_twenty_values_are_named() {
        assert_eq!(
            wrong("[Int!]", json!({"v": vec!["x"; 100]})).len(),
            MOST_DETAILS
        );
    }
}
