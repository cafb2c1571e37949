//! Which operation of a document is meant.

use std::collections::HashSet;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Value};

use super::refusal::{Code, Refusal};

/// The operation that `operation_name` chooses, by the rules of the GraphQL specification.
pub fn select_operation<'a>(
    document: &'a ExecutableDocument,
    operation_name: Option<&str>,
) -> Result<&'a OperationDefinition, Refusal> {
    let unknown = |name: &str| {
        let name: String = name.chars().take(100).collect();
        let message = format!("The document has no operation named \"{name}\".");
        Refusal::new(Code::GraphqlValidationFailed, message)
    };
    match (&document.operations, operation_name) {
        (DocumentOperations::Single(only), None) => Ok(&only.node),
        (DocumentOperations::Single(_), Some(name)) => Err(unknown(name)),
        (DocumentOperations::Multiple(named), Some(name)) => named
            .get(name)
            .map(|found| &found.node)
            .ok_or_else(|| unknown(name)),
        (DocumentOperations::Multiple(named), None) => {
            let mut operations = named.values();
            match (operations.next(), operations.next()) {
                (Some(only), None) => Ok(&only.node),
                _ => Err(Refusal::new(
                    Code::GraphqlValidationFailed,
                    "The document has several operations; choose one with operationName.",
                )),
            }
        }
    }
}

/// The order in which an operation asks for its root fields. async-graphql resolves them side by side and answers in
/// the order they were done; the specification wants the order of the document.
#[derive(Debug, Clone, Default)]
pub struct RootOrder(Vec<Name>);

impl RootOrder {
    /// The order of an operation whose fragments are known to be without cycles or not: each is read once.
    pub fn of(document: &ExecutableDocument, operation: &OperationDefinition) -> Self {
        let mut order = Self::default();
        order.read(document, &operation.selection_set.node, &mut HashSet::new());
        order
    }

    fn read<'a>(
        &mut self,
        document: &'a ExecutableDocument,
        set: &'a SelectionSet,
        seen: &mut HashSet<&'a Name>,
    ) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let key = &field.node.response_key().node;
                    if !self.0.contains(key) {
                        self.0.push(key.clone());
                    }
                }
                Selection::InlineFragment(inline) => {
                    self.read(document, &inline.node.selection_set.node, seen);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = document.fragments.get(name)
                        && seen.insert(name)
                    {
                        self.read(document, &fragment.node.selection_set.node, seen);
                    }
                }
            }
        }
    }

    /// Puts the root fields of an answer into this order.
    pub fn sort(&self, data: &mut Value) {
        let Value::Object(members) = data else { return };
        if self.0.len() < 2 {
            return;
        }
        let place = |key: &Name| self.0.iter().position(|name| name == key);
        members.sort_by(|a, _, b, _| place(a).cmp(&place(b)));
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::value;

    use super::*;

    #[test]
    fn root_fields_answer_in_the_order_of_the_document() {
        let document =
            parse_query("{ b: x ...f a: x } fragment f on Query { c: x ... on Query { d: x } }")
                .unwrap();
        let operation = select_operation(&document, None).unwrap();
        let mut data = value!({ "a": 1, "d": 2, "b": 3, "c": 4 });
        RootOrder::of(&document, operation).sort(&mut data);
        assert_eq!(data.to_string(), "{b: 3, c: 4, d: 2, a: 1}");
    }
}
