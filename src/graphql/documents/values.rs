//! The values that are written in a document, held against the schema as the GraphQL specification has it.
//!
//! async-graphql's own rules pass over a value as soon as there is a variable somewhere in it: a field that its input
//! does not have was ignored, and with it a filter that somebody had misspelt. Nor do they compare a variable with the
//! place it is used in. So that is done here: once for a document that passed the rules, for every value and place.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    BaseType, Directive, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
    Type, VariableDefinition,
};
use async_graphql::{Pos, Positioned, ServerError, Value as ConstValue};
use async_graphql_value::Value;

use crate::graphql::inputs::{Input, InputField, InputIndex};

/// More would be noise.
const MOST: usize = 20;

/// What is wrong with the values of a document; nothing, if they fit.
pub(in crate::graphql) fn wrong_values(
    tree: &ExecutableDocument,
    index: &InputIndex,
) -> Vec<ServerError> {
    let mut check = Check {
        tree,
        index,
        truth: Type {
            base: BaseType::Named(async_graphql::Name::new("Boolean")),
            nullable: false,
        },
        variables: HashMap::new(),
        seen: HashSet::new(),
        errors: Vec::new(),
    };
    for (_, operation) in tree.operations.iter() {
        check.operation(&operation.node);
    }
    check.errors
}

struct Check<'a> {
    tree: &'a ExecutableDocument,
    index: &'a InputIndex,
    /// What `@skip` and `@include` take.
    truth: Type,
    /// Those of the operation that is looked at.
    variables: HashMap<&'a str, &'a VariableDefinition>,
    /// The fragments it has been followed into.
    seen: HashSet<&'a str>,
    errors: Vec<ServerError>,
}

impl<'a> Check<'a> {
    fn operation(&mut self, operation: &'a OperationDefinition) {
        self.seen.clear();
        self.variables = operation
            .variable_definitions
            .iter()
            .map(|definition| (definition.node.name.node.as_str(), &definition.node))
            .collect();
        for definition in &operation.variable_definitions {
            if let Some(default) = &definition.node.default_value {
                let value = default.node.clone().into_value();
                self.value(&definition.node.var_type.node, false, &value, default.pos);
            }
            for directive in &definition.node.directives {
                let name = &directive.node.name.node;
                self.note(directive.pos, format!("Unknown directive \"{name}\""));
            }
        }
        let root = self.index.root(operation.ty);
        self.selections(&operation.selection_set.node, root);
    }

    fn selections(&mut self, set: &'a SelectionSet, parent: Option<&'a str>) {
        for selection in &set.items {
            self.directives(selection.node.directives());
            match &selection.node {
                Selection::Field(field) => self.field(field, parent),
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let on = condition.map(|condition| condition.node.on.node.as_str());
                    self.selections(&inline.node.selection_set.node, on.or(parent));
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if let Some(fragment) = self.tree.fragments.get(name)
                        && self.seen.insert(name)
                    {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        self.selections(&fragment.node.selection_set.node, Some(on));
                    }
                }
            }
        }
    }

    fn field(&mut self, field: &'a Positioned<Field>, parent: Option<&'a str>) {
        let field = &field.node;
        let index = self.index;
        let known = parent.and_then(|parent| index.place(parent, &field.name.node));
        for (name, value) in &field.arguments {
            let argument = known.and_then(|known| known.arguments.get(name.node.as_str()));
            if let Some(argument) = argument {
                self.value(&argument.ty, argument.default, &value.node, value.pos);
            }
        }
        let result = known.map(|known| known.result.as_str());
        self.selections(&field.selection_set.node, result);
    }

    fn directives(&mut self, directives: &[Positioned<Directive>]) {
        for directive in directives {
            let Directive { name, arguments } = &directive.node;
            let mut given = false;
            for (argument, value) in arguments {
                if argument.node == "if" {
                    given = true;
                    let truth = self.truth.clone();
                    self.value(&truth, false, &value.node, value.pos);
                } else {
                    let (argument, name) = (&argument.node, &name.node);
                    let message =
                        format!("Unknown argument \"{argument}\" of the directive \"{name}\"");
                    self.note(value.pos, message);
                }
            }
            if !given {
                let message = format!("The directive \"{}\" needs its argument \"if\"", name.node);
                self.note(directive.pos, message);
            }
        }
    }

    /// A value in a place of this type, which may have a default.
    fn value(&mut self, ty: &Type, default: bool, value: &Value, pos: Pos) {
        match (value, &ty.base) {
            (Value::Variable(name), _) => self.variable(name, ty, default, pos),
            (Value::Null, _) if ty.nullable => {}
            (Value::Null, _) => self.note(pos, format!("null where {ty} is expected")),
            (Value::List(items), BaseType::List(inner)) => {
                for item in items {
                    self.value(inner, false, item, pos);
                }
            }
            // one value stands for a list of one
            (single, BaseType::List(inner)) => self.value(inner, false, single, pos),
            (value, BaseType::Named(name)) => self.named(name, value, pos),
        }
    }

    fn named(&mut self, name: &str, value: &Value, pos: Pos) {
        let index = self.index;
        let fits = match (name, value) {
            // 64-bit integers are called Int too; those that are not say so themselves
            ("Int" | "ID", Value::Number(number)) => number.is_i64() || number.is_u64(),
            ("Float", Value::Number(_))
            | ("String" | "ID", Value::String(_))
            | ("Boolean", Value::Boolean(_)) => true,
            ("Int" | "Float" | "String" | "ID" | "Boolean", _) => false,
            _ => match (index.find(name), value) {
                (Some(Input::Enum(names)), Value::Enum(given)) => names.contains(given.as_str()),
                (Some(Input::Object { fields, one_of }), Value::Object(given)) => {
                    let given = given.iter().map(|(name, value)| (name.as_str(), value));
                    return self.object(name, fields, *one_of, &given.collect(), pos);
                }
                (Some(_), _) => false,
                // a scalar of our own reads its values itself
                (None, _) => true,
            },
        };
        if !fits {
            self.note(
                pos,
                format!("a value that is no {name} where one is expected"),
            );
        }
    }

    fn object(
        &mut self,
        name: &str,
        fields: &'a HashMap<String, InputField>,
        one_of: bool,
        given: &HashMap<&str, &Value>,
        pos: Pos,
    ) {
        let mut names: Vec<_> = given.keys().copied().collect();
        names.sort_unstable();
        for field in names {
            match fields.get(field) {
                Some(known) => self.value(&known.ty, known.default, given[field], pos),
                None => self.note(pos, format!("unknown field \"{field}\" of type \"{name}\"")),
            }
        }
        let required = fields.iter().filter(|(_, field)| field.is_required());
        let missing = required.filter(|(field, _)| !given.contains_key(field.as_str()));
        let mut missing: Vec<_> = missing.map(|(field, known)| (field, &known.ty)).collect();
        missing.sort_unstable_by_key(|(field, _)| *field);
        for (field, ty) in missing {
            self.note(
                pos,
                format!("the field \"{field}\" ({ty}) of type \"{name}\" is missing"),
            );
        }
        if !one_of {
            return;
        }
        let chosen = match given.values().next() {
            Some(Value::Null) => false,
            Some(Value::Variable(variable)) => {
                let known = self.variables.get(variable.as_str());
                known.is_none_or(|known| !known.var_type.node.nullable)
            }
            _ => given.len() == 1,
        };
        if !chosen || given.len() != 1 {
            self.note(
                pos,
                format!("exactly one field of type \"{name}\" must have a value"),
            );
        }
    }

    fn variable(&mut self, name: &str, ty: &Type, default: bool, pos: Pos) {
        let Some(definition) = self.variables.get(name).copied() else {
            return self.note(pos, format!("Variable \"${name}\" is not defined"));
        };
        let own = &definition.var_type.node;
        let has_own = definition
            .default_value
            .as_ref()
            .is_some_and(|value| value.node != ConstValue::Null);
        let fits = if !ty.nullable && own.nullable {
            (has_own || default) && base_fits(own, ty)
        } else {
            type_fits(own, ty)
        };
        if !fits {
            let message = format!("Variable \"${name}\" of type {own} where {ty} is expected");
            self.note(pos, message);
        }
    }

    fn note(&mut self, pos: Pos, message: String) {
        if self.errors.len() < MOST {
            let message = match message.starts_with(char::is_lowercase) {
                true => format!("Invalid value: {message}"),
                false => message,
            };
            self.errors.push(ServerError::new(message, Some(pos)));
        }
    }
}

/// Whether all that a type holds may be where another is expected.
fn type_fits(own: &Type, expected: &Type) -> bool {
    (expected.nullable || !own.nullable) && base_fits(own, expected)
}

fn base_fits(own: &Type, expected: &Type) -> bool {
    match (&own.base, &expected.base) {
        (BaseType::Named(own), BaseType::Named(expected)) => own == expected,
        (BaseType::List(own), BaseType::List(expected)) => type_fits(own, expected),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    const SDL: &str = r#"
        enum Color { RED GREEN }
        scalar Date
        input Line { amount: String! color: Color = RED note: String on: Date more: [Line!] sure: Boolean! = true }
        input Choice @oneOf { a: Int b: Int }
        type Query {
            list(ids: [ID!]!, line: Line, first: Int, size: Int! = 3, color: Color, choice: Choice, on: Date): [Thing!]!
        }
        type Thing { name(short: Boolean): String }
    "#;

    fn wrong(text: &str) -> Vec<String> {
        let index = InputIndex::build(SDL).unwrap();
        let errors = wrong_values(&parse_query(text).unwrap(), &index);
        errors.into_iter().map(|error| error.message).collect()
    }

    /// Each was asked of graphql-js too, which agrees.
    #[test]
    fn what_fits_passes() {
        for text in [
            "{ list(ids: [1, \"a\"], line: null, first: null, color: RED, on: \"x\") { name(short: true) } }",
            "query($a: ID!) { list(ids: [$a]) { name } }",
            "query($a: [ID!]!) { list(ids: $a) { name } }",
            "query($a: [ID!] = [\"x\"]) { list(ids: $a) { name } }",
            "query($size: Int) { list(ids: 1, size: $size) { name } }",
            "query($a: String!, $c: Color!, $s: Boolean) { list(ids: 1, line: { amount: $a, color: $c, sure: $s, more: { amount: \"1\" } }) { name } }",
            "query($d: Date) { list(ids: 1, on: $d, line: { amount: \"1\", on: $d }) { name } }",
            "query($n: Int!) { list(ids: 1, choice: { a: $n }) { name } }",
            "query($l: Line = { amount: \"1\", color: GREEN }) { list(ids: 1, line: $l) { name } }",
            "query($b: Boolean = true) { list(ids: 1) { ...T @include(if: $b) } } fragment T on Thing { name(short: $b) @skip(if: false) }",
            "{ __type(name: \"Thing\") { fields(includeDeprecated: true) { name } } }",
        ] {
            assert_eq!(wrong(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        for (text, said) in [
            (
                "query($a: String!) { list(ids: 1, line: { amount: $a, nope: $a }) { name } }",
                "unknown field \"nope\"",
            ),
            (
                "query($a: String) { list(ids: 1, line: { amount: $a }) { name } }",
                "$a",
            ),
            (
                "query($n: String) { list(ids: 1, line: { note: $n }) { name } }",
                "amount",
            ),
            (
                "query($c: String!) { list(ids: 1, color: $c) { name } }",
                "Color",
            ),
            ("{ list(ids: 1, color: \"RED\") { name } }", "no Color"),
            ("{ list(ids: 1, color: BLUE) { name } }", "no Color"),
            ("query($a: ID) { list(ids: [$a]) { name } }", "$a"),
            ("query($a: ID!) { list(ids: $a) { name } }", "[ID!]!"),
            ("query($a: [ID]!) { list(ids: $a) { name } }", "$a"),
            ("query($a: [ID!]) { list(ids: $a) { name } }", "$a"),
            (
                "query($a: String) { list(ids: 1, first: $a) { name } }",
                "$a",
            ),
            ("{ list(ids: [null]) { name } }", "null"),
            (
                "{ list(ids: 1, line: [{ amount: \"1\" }]) { name } }",
                "no Line",
            ),
            (
                "{ list(ids: 1, line: { amount: $u }) { name } }",
                "not defined",
            ),
            (
                "{ list(ids: 1, choice: { a: 1, b: 2 }) { name } }",
                "exactly one",
            ),
            (
                "{ list(ids: 1, choice: { a: null }) { name } }",
                "exactly one",
            ),
            ("{ list(ids: 1, choice: {}) { name } }", "exactly one"),
            (
                "query($n: Int) { list(ids: 1, choice: { a: $n }) { name } }",
                "exactly one",
            ),
            (
                "query($f: Int = 1.5) { list(ids: 1, first: $f) { name } }",
                "no Int",
            ),
            (
                "query($f: Line = { nope: 1, amount: \"1\" }) { list(ids: 1, line: $f) { name } }",
                "nope",
            ),
            (
                "query($f: Int @nope) { list(ids: 1, first: $f) { name } }",
                "nope",
            ),
            ("{ __typename @include }", "needs its argument"),
            ("{ __typename @include(if: 1) }", "no Boolean"),
            ("{ __typename @include(if: true, x: 1) }", "\"x\""),
            (
                "query($b: Boolean) { list(ids: 1) { name @skip(if: $b) } }",
                "$b",
            ),
            (
                "query A($b: Boolean!) { ...T } query B { ...T } fragment T on Query { list(ids: 1) { name(short: $b) } }",
                "not defined",
            ),
            (
                "query A($s: String) { ...T } fragment T on Query { list(ids: 1) { ... on Thing { name(short: $s) } } }",
                "$s",
            ),
        ] {
            let told = wrong(text).join("; ");
            assert!(told.contains(said), "{text}: {told}");
        }
        let many = "$u, ".repeat(100);
        assert_eq!(
            wrong(&format!("{{ list(ids: [{many}]) {{ name }} }}")).len(),
            MOST
        );
    }
}
