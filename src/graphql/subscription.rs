//! What is asked of a subscription before it begins: that it has one field, and where it is to go on.

use std::convert::Infallible;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Value as Constant};
use async_graphql_value::Value;

use super::coalesce::Question;
use super::operation::select_operation;
use super::refusal::{Code, Refusal};
use super::request::Prepared;

/// Refuses a subscription that has not exactly one field, as the GraphQL specification asks: a stream stands at one
/// place, and two would be resumed at the place of whichever was heard last. Nor may a directive leave that one out.
pub fn check(prepared: &mut Prepared) -> Result<(), Refusal> {
    let said = match chosen(prepared).map(only_field) {
        Some(None) => "A subscription has exactly one field, written in the operation itself.",
        Some(Some(field)) if !field.directives.is_empty() => {
            "The field of a subscription takes no @skip and no @include: it would follow nothing."
        }
        _ => return Ok(()),
    };
    Err(Refusal::new(Code::GraphqlValidationFailed, said))
}

/// Lets a subscription go on after `last`, if there was one. Whether its events may have cursors as ids: that is where
/// its `after` is a variable.
///
/// It is for clients that know nothing of cursors. An `EventSource` that lost its connection asks for the same address
/// again, with the id of the last event it got; that takes the place of the variable. Where `after` is written out there
/// is nothing to put it into, and events have no ids.
pub fn resume(prepared: &mut Prepared, last: Option<&str>) -> bool {
    let Some(after) = chosen(prepared).and_then(after) else {
        return false;
    };
    if let Some(last) = last.filter(|last| !last.is_empty()) {
        let last = Constant::String(last.to_owned());
        prepared.request.variables.insert(after, last);
    }
    true
}

/// What a subscription asks about each of its events. Where it began has no part in it, so that whoever resumed asks the
/// same as the others.
pub fn question(prepared: &mut Prepared) -> Option<Question> {
    let (hash, mut variables) = (prepared.hash, prepared.request.variables.clone());
    let name = prepared.request.operation_name.clone();
    let document = prepared.request.parsed_query().ok()?;
    let operation = select_operation(document, name.as_deref()).ok()?;
    if let Some(after) = after(operation).filter(|after| uses(document, operation, after) == 1) {
        variables.remove(&after);
    }
    Question::new(&hash, name.as_deref(), &variables)
}

fn chosen(prepared: &mut Prepared) -> Option<&OperationDefinition> {
    let name = prepared.request.operation_name.clone();
    let document = prepared.request.parsed_query().ok()?;
    select_operation(document, name.as_deref()).ok()
}

fn only_field(operation: &OperationDefinition) -> Option<&Field> {
    match operation.selection_set.node.items.as_slice() {
        [selection] => match &selection.node {
            Selection::Field(field) => Some(&field.node),
            _ => None,
        },
        _ => None,
    }
}

/// The variable that says after which cursor an operation begins.
fn after(operation: &OperationDefinition) -> Option<Name> {
    let after = only_field(operation)?.get_argument("after")?.node.clone();
    let mut variable = None;
    let constant = after.into_const_with(|name| {
        variable = Some(name);
        Ok::<_, Infallible>(Constant::Null)
    });
    // a variable alone, and not one inside a value
    matches!(constant, Ok(Constant::Null)).then_some(variable)?
}

/// How often a variable is used in an operation and in all fragments.
fn uses(document: &ExecutableDocument, operation: &OperationDefinition, name: &Name) -> usize {
    fn in_value(value: &Value, name: &Name) -> usize {
        match value {
            Value::Variable(variable) => usize::from(variable == name),
            Value::List(items) => items.iter().map(|item| in_value(item, name)).sum(),
            Value::Object(members) => members.values().map(|item| in_value(item, name)).sum(),
            _ => 0,
        }
    }
    fn in_set(set: &SelectionSet, name: &Name) -> usize {
        set.items
            .iter()
            .map(|it| in_selection(&it.node, name))
            .sum()
    }
    fn in_selection(selection: &Selection, name: &Name) -> usize {
        let (arguments, beneath) = match selection {
            Selection::Field(field) => (&*field.node.arguments, Some(&field.node.selection_set)),
            Selection::FragmentSpread(_) => (&[] as &[_], None),
            Selection::InlineFragment(inline) => (&[] as &[_], Some(&inline.node.selection_set)),
        };
        let directives = selection.directives().iter();
        let given = directives.flat_map(|directive| &directive.node.arguments);
        let given = given
            .chain(arguments)
            .map(|(_, value)| in_value(&value.node, name));
        given.sum::<usize>() + beneath.map_or(0, |set| in_set(&set.node, name))
    }
    let fragments = document.fragments.values();
    let beneath: usize = fragments
        .map(|it| in_set(&it.node.selection_set.node, name))
        .sum();
    beneath + in_set(&operation.selection_set.node, name)
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn found(text: &str) -> Option<String> {
        let document = parse_query(text).unwrap();
        let operation = select_operation(&document, None).unwrap();
        after(operation).map(|name| name.to_string())
    }

    #[test]
    fn only_a_variable_alone_can_be_replaced() {
        for (text, variable) in [
            (
                "subscription($a: String) { eventFeed(after: $a) { cursor } }",
                Some("a"),
            ),
            (
                "subscription { eventFeed(after: \"START\") { cursor } }",
                None,
            ),
            ("subscription { eventFeed(after: null) { cursor } }", None),
            ("subscription { eventFeed { cursor } }", None),
            (
                "subscription($a: String) { eventFeed(after: [$a]) { cursor } }",
                None,
            ),
            // the two would be at different places
            (
                "subscription($a: String) { a: eventFeed(after: $a) { cursor } b: eventFeed(after: $a) { cursor } }",
                None,
            ),
        ] {
            assert_eq!(found(text).as_deref(), variable, "{text}");
        }
    }

    #[test]
    fn uses_of_a_variable_are_counted_wherever_they_are() {
        let text = "subscription($a: String, $b: Boolean!) {
            eventFeed(after: $a, kinds: [$a]) { cursor @skip(if: $b) event { ...f } }
        } fragment f on Event { id ... on Event @include(if: $b) { kind(x: { y: [$a] }) } }";
        let document = parse_query(text).unwrap();
        let operation = select_operation(&document, None).unwrap();
        let uses = |name| uses(&document, operation, &Name::new(name));
        assert_eq!((uses("a"), uses("b"), uses("c")), (3, 2, 0));
    }

    #[test]
    fn a_subscription_has_one_field() {
        for (text, fine) in [
            ("subscription { eventFeed { cursor } }", true),
            (
                "subscription { a: eventFeed { cursor } b: eventFeed { cursor } }",
                false,
            ),
            (
                "subscription { ...f } fragment f on Subscription { eventFeed { cursor } }",
                false,
            ),
        ] {
            let document = parse_query(text).unwrap();
            let operation = select_operation(&document, None).unwrap();
            assert_eq!(only_field(operation).is_some(), fine, "{text}");
        }
    }
}
