//! Validation apart from execution. async-graphql validates inside `execute`; a schema with [`Judge`] goes as far as
//! that and stops, so that whoever executes need not validate a document that has passed before.
//!
//! A verdict holds whatever the variables: [`check_variables`](crate::graphql::variables::check_variables) has compared
//! their values with their declared types, and [`wrong_values`] compares the declared types with the places they are
//! used in. For the `if` of a directive async-graphql looks at the values too: there they are judged, when they are not
//! what is expected.

use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation};
use async_graphql::parser::types::{Directive, ExecutableDocument, Selection, SelectionSet};
use async_graphql::{
    Executor, Name, Positioned, Request, Response, ServerError, ValidationResult, Value, Variables,
};

use super::values::wrong_values;
use crate::graphql::cache::Document;
use crate::graphql::inputs::InputIndex;

/// What a document that passed is answered with; no message of a validation rule.
const PASSED: &str = "passed";

/// Stops a schema after validation.
pub struct Judge;

impl ExtensionFactory for Judge {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Judge {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        next.run(ctx).await?;
        Err(vec![ServerError::new(PASSED, None)])
    }
}

/// Whether a document is valid for the schema of a judge; noted in it when it is.
pub(in crate::graphql) async fn validate<E: Executor>(
    judge: &E,
    inputs: &InputIndex,
    document: &Document,
    variables: Variables,
) -> Result<(), Response> {
    let mut request = Request::new("").variables(variables);
    request.set_parsed_query(document.tree.clone());
    let mut verdict = judge.execute(request).await;
    let judged = !verdict.errors.is_empty();
    let mut errors = std::mem::take(&mut verdict.errors);
    errors.retain(|error| error.message != PASSED && !is_used(document, error));
    if judged && errors.is_empty() {
        errors.extend(overlooked(&document.tree));
        errors.extend(wrong_values(&document.tree, inputs));
        if errors.is_empty() {
            document.passed();
            return Ok(());
        }
    }
    verdict.errors = errors;
    Err(verdict)
}

/// Whether a variable that is said to be without use decides about something: the rules pass over a `__typename`.
fn is_used(document: &Document, error: &ServerError) -> bool {
    let said = |name: &Name| format!("Variable \"${name}\" is not used");
    let mut switches = document.switches.iter();
    switches.any(|name| error.message.starts_with(&said(name)))
}

/// The first directive of a `__typename` that is unknown or repeated: the rules pass over that field.
fn overlooked(tree: &ExecutableDocument) -> Option<ServerError> {
    let operations = tree.operations.iter();
    let sets = operations.map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = tree.fragments.values();
    let mut sets = sets.chain(fragments.map(|fragment| &fragment.node.selection_set.node));
    sets.find_map(overlooked_in)
}

fn overlooked_in(set: &SelectionSet) -> Option<ServerError> {
    set.items
        .iter()
        .find_map(|selection| match &selection.node {
            Selection::Field(field) if field.node.name.node == "__typename" => {
                wrong(&field.node.directives)
            }
            Selection::Field(field) => overlooked_in(&field.node.selection_set.node),
            Selection::InlineFragment(inline) => overlooked_in(&inline.node.selection_set.node),
            Selection::FragmentSpread(_) => None,
        })
}

fn wrong(directives: &[Positioned<Directive>]) -> Option<ServerError> {
    let name = |directive: &Positioned<Directive>| directive.node.name.node.clone();
    let wrong = directives.iter().enumerate().find_map(|(at, directive)| {
        let this = name(directive);
        let problem = match this.as_str() {
            "skip" | "include" => {
                let repeated = directives[..at].iter().any(|other| name(other) == this);
                repeated.then_some("Duplicate")?
            }
            _ => "Unknown",
        };
        Some((problem, this, directive.pos))
    });
    let (problem, name, pos) = wrong?;
    Some(ServerError::new(
        format!("{problem} directive \"{name}\""),
        Some(pos),
    ))
}

/// The values that a verdict depends on: those of an `if` that are not what an `if` takes.
pub(in crate::graphql) fn unexpected(document: &Document, variables: &Variables) -> Variables {
    let mut found = Variables::default();
    for name in &document.switches {
        match variables.get(name) {
            None | Some(Value::Boolean(_)) => {}
            Some(value) => drop(found.insert(name.clone(), value.clone())),
        }
    }
    found
}

/// The variables in the directives of a document.
pub(in crate::graphql) fn switches(tree: &ExecutableDocument) -> Vec<Name> {
    let mut found = Vec::new();
    for (_, operation) in tree.operations.iter() {
        look(&operation.node.directives, &mut found);
        walk(&operation.node.selection_set.node, &mut found);
    }
    for fragment in tree.fragments.values() {
        look(&fragment.node.directives, &mut found);
        walk(&fragment.node.selection_set.node, &mut found);
    }
    found
}

fn walk(set: &SelectionSet, found: &mut Vec<Name>) {
    for selection in &set.items {
        look(selection.node.directives(), found);
        match &selection.node {
            Selection::Field(field) => walk(&field.node.selection_set.node, found),
            Selection::InlineFragment(inline) => walk(&inline.node.selection_set.node, found),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn look(directives: &[Positioned<Directive>], found: &mut Vec<Name>) {
    let arguments = directives
        .iter()
        .flat_map(|directive| &directive.node.arguments);
    for (_, value) in arguments {
        // only what becomes of its variables matters
        let _ = value.node.clone().into_const_with(|name| {
            if !found.contains(&name) {
                found.push(name);
            }
            Ok::<_, ()>(Value::Null)
        });
    }
}
