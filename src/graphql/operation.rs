//! Which operation of a document is meant.

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition};

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
