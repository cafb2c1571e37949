//! How much a parsed document asks for, without ever spreading its fragments out.
//!
//! Twenty-six fragments that spread each other twice are a few hundred bytes and sixty-seven
//! million fields. So each fragment is summed up once, where its own type is known, and a spread
//! adds that sum; all arithmetic saturates. What is not in the schema costs like an object and is
//! left to validation, which may then walk the document safely.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;

use async_graphql::{
    Name, Positioned, Value as ConstValue, Variables,
    parser::types::{
        ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType,
        Selection, SelectionSet,
    },
};

use super::{
    cost::{CostIndex, FieldCost, LIST_SIZE, Multiplier, PAGE_SIZE, TypeCost},
    documents::told::Deprecation,
    limits::{Limits, at_most},
    operation::select_operation,
    refusal::{Code, Refusal},
};
use sum::Sum;

mod sum;

/// Selection sets inside each other, fragments included; the executor has the same bound.
const MAX_LEVELS: u64 = 33;

/// What the chosen operation asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Query, mutation or subscription.
    pub operation_type: OperationType,
    /// The most it can cost.
    pub cost: u64,
    /// Fields inside each other, outside introspection.
    pub depth: u64,
    /// Aliased fields.
    pub aliases: u64,
    /// Directives.
    pub directives: u64,
    /// Fields of the operation itself.
    pub root_fields: u64,
    /// Selections of every kind.
    pub expanded_fields: u64,
    /// Deprecated members it uses, as `Type.member` or `Type.field(argument:)`, sorted.
    pub deprecated: Vec<String>,
    /// When the first of them goes, and since when all of them are deprecated.
    pub end: Deprecation,
    /// Whether it asks for nothing but what needs no sign-in.
    pub open: bool,
    /// Whether it asks for the same whatever the variables.
    pub fixed: bool,
}

/// Measures the chosen operation and refuses what passes a limit.
///
/// The other operations of the document are not executed but still walked by the executor's own
/// checks, so they count towards the expanded fields.
pub fn measure(
    document: &ExecutableDocument,
    operation_name: Option<&str>,
    variables: &Variables,
    index: &CostIndex,
    limits: &Limits,
) -> Result<Measured, Refusal> {
    let chosen = select_operation(document, operation_name)?;
    let mut walk = Walk {
        document,
        index,
        variables,
        defaults: variable_defaults(chosen),
        fragments: HashMap::new(),
        deprecated: BTreeSet::new(),
        open: chosen.ty == OperationType::Query,
        fixed: Cell::new(true),
    };
    let sum = walk.operation(chosen)?;
    let deprecated = std::mem::take(&mut walk.deprecated);
    let open = walk.open;

    let mut expanded = sum.expanded;
    let mut levels = sum.levels;
    for (_, other) in document.operations.iter() {
        if !std::ptr::eq(&raw const other.node, chosen) {
            let other = walk.operation(&other.node)?;
            expanded = expanded.saturating_add(other.expanded);
            levels = levels.max(other.levels);
        }
    }
    // nobody spreads the rest, but validation looks into them for cycles
    for name in document.fragments.keys() {
        walk.fragment(name, 0)?;
    }
    check(&sum, expanded, levels, limits)?;
    Ok(Measured {
        operation_type: chosen.ty,
        cost: sum.cost(),
        depth: sum.depth,
        aliases: sum.aliases,
        directives: sum.directives,
        root_fields: sum.top_fields,
        expanded_fields: expanded,
        end: index.end_of(&deprecated),
        deprecated: deprecated.into_iter().collect(),
        open,
        fixed: walk.fixed.get(),
    })
}

fn check(sum: &Sum, expanded: u64, levels: u64, limits: &Limits) -> Result<(), Refusal> {
    let invalid = Code::GraphqlValidationFailed;
    let deep = |actual, maximum| {
        format!("The document nests {actual} levels deep; at most {maximum} are accepted.")
    };
    at_most(invalid, "depth", limits.depth, sum.depth, deep)?;
    at_most(
        invalid,
        "introspectionDepth",
        limits.introspection_depth,
        sum.introspection_depth,
        |actual, maximum| {
            format!("Introspection nests {actual} levels deep; at most {maximum} are accepted.")
        },
    )?;
    at_most(
        invalid,
        "introspectionLists",
        limits.introspection_lists,
        sum.introspection_lists,
        |actual, maximum| {
            format!("Introspection nests {actual} lists of types; at most {maximum} are accepted.")
        },
    )?;
    at_most(invalid, "nesting", MAX_LEVELS, levels, |actual, maximum| {
        format!("The document nests {actual} selections; at most {maximum} are accepted.")
    })?;
    let counted = [
        (
            "rootFields",
            "root fields",
            limits.root_fields,
            sum.top_fields,
        ),
        ("aliases", "aliases", limits.aliases, sum.aliases),
        (
            "directives",
            "directives",
            limits.directives,
            sum.directives,
        ),
        (
            "expandedFields",
            "fields, fragments spread out",
            limits.expanded_fields,
            expanded,
        ),
    ];
    for (limit, what, maximum, actual) in counted {
        at_most(invalid, limit, maximum, actual, |actual, maximum| {
            format!("The document has {actual} {what}; at most {maximum} are accepted.")
        })?;
    }
    at_most(
        Code::CostLimit,
        "cost",
        limits.cost,
        sum.cost(),
        |actual, maximum| {
            format!("The operation costs {actual}; at most {maximum} is accepted in one request.")
        },
    )
}

fn variable_defaults(operation: &OperationDefinition) -> HashMap<&str, &ConstValue> {
    operation
        .variable_definitions
        .iter()
        .filter_map(|definition| {
            let default = definition.node.default_value.as_ref()?;
            Some((definition.node.name.node.as_str(), &default.node))
        })
        .collect()
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    index: &'a CostIndex,
    variables: &'a Variables,
    defaults: HashMap<&'a str, &'a ConstValue>,
    /// `None` while a fragment is being summed up: to meet it again is a cycle.
    fragments: HashMap<&'a str, Option<Sum>>,
    deprecated: BTreeSet<String>,
    /// Until something was asked for that needs a sign-in.
    open: bool,
    /// Until a variable had a say.
    fixed: Cell<bool>,
}

impl<'a> Walk<'a> {
    fn operation(&mut self, operation: &'a OperationDefinition) -> Result<Sum, Refusal> {
        let root = self.index.root(operation.ty);
        let mut sum = self.selections(&operation.selection_set, root, 1)?;
        let on_variables: usize = operation
            .variable_definitions
            .iter()
            .map(|definition| definition.node.directives.len())
            .sum();
        sum.directives = sum
            .directives
            .saturating_add(count(operation.directives.len()))
            .saturating_add(count(on_variables));
        Ok(sum)
    }

    fn selections(
        &mut self,
        set: &'a Positioned<SelectionSet>,
        parent: Option<&'a TypeCost>,
        level: u64,
    ) -> Result<Sum, Refusal> {
        // the stack is finite too: fragments that spread the next one are not seen by the scan
        at_most(
            Code::GraphqlValidationFailed,
            "nesting",
            2 * MAX_LEVELS,
            level,
            |_, _| {
                format!(
                    "The document nests too many selections; at most {MAX_LEVELS} are accepted."
                )
            },
        )?;
        let mut sum = Sum::default();
        for selection in &set.node.items {
            let mut one = match &selection.node {
                Selection::Field(field) => self.field(&field.node, parent, level)?,
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node, level)?
                }
                Selection::InlineFragment(inline) => {
                    let parent = match &inline.node.type_condition {
                        Some(condition) => self.index.find(&condition.node.on.node),
                        None => parent,
                    };
                    self.selections(&inline.node.selection_set, parent, level + 1)?
                }
            };
            one.expanded = one.expanded.saturating_add(1);
            let directives = count(selection.node.directives().len());
            one.directives = one.directives.saturating_add(directives);
            sum.add(&one);
        }
        sum.levels = sum.levels.saturating_add(1);
        Ok(sum)
    }

    fn fragment(&mut self, name: &'a Name, level: u64) -> Result<Sum, Refusal> {
        match self.fragments.get(name.as_str()) {
            Some(Some(sum)) => return Ok(*sum),
            Some(None) => {
                let message = format!("The fragment \"{name}\" spreads itself.");
                return Err(Refusal::new(Code::GraphqlValidationFailed, message));
            }
            None => {}
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            let message = format!("The fragment \"{name}\" is not defined.");
            return Err(Refusal::new(Code::GraphqlValidationFailed, message));
        };
        self.fragments.insert(name, None);
        let FragmentDefinition {
            type_condition,
            directives,
            selection_set,
        } = &fragment.node;
        let parent = self.index.find(&type_condition.node.on.node);
        let mut sum = self.selections(selection_set, parent, level + 1)?;
        sum.directives = sum.directives.saturating_add(count(directives.len()));
        self.fragments.insert(name, Some(sum));
        Ok(sum)
    }

    fn field(
        &mut self,
        field: &'a Field,
        parent: Option<&'a TypeCost>,
        level: u64,
    ) -> Result<Sum, Refusal> {
        let known = parent.and_then(|parent| parent.fields.get(field.name.node.as_str()));
        let selected = if field.selection_set.node.items.is_empty() {
            Sum::default()
        } else {
            let result = known.and_then(|known| self.index.find(&known.result));
            self.selections(&field.selection_set, result, level + 1)?
        };
        if let (Some(parent), Some(known)) = (parent, known) {
            self.note_deprecated(parent, known, field);
            self.open &= known.open;
        }

        let mut sum = Sum {
            top_fields: 1,
            depth: 1,
            ..selected
        };
        sum.aliases = selected
            .aliases
            .saturating_add(u64::from(field.alias.is_some()));
        (sum.fixed, sum.per_entry) = self.cost(field, known, &selected);
        match known {
            Some(known) if known.result.starts_with("__") => {
                let inside = selected.depth.max(selected.introspection_depth);
                sum.introspection_depth = inside.saturating_add(1);
                let lists = u64::from(known.lists_types);
                sum.introspection_lists = selected.introspection_lists.saturating_add(lists);
            }
            _ => sum.depth = selected.depth.saturating_add(1),
        }
        Ok(sum)
    }

    /// The cost paid once, and the cost paid for each entry of the connection around.
    fn cost(&self, field: &Field, known: Option<&FieldCost>, selected: &Sum) -> (u64, u64) {
        let Some(known) = known else {
            let own = u64::from(!field.selection_set.node.items.is_empty());
            return (own.saturating_add(selected.cost()), 0);
        };
        let once = |inside: u64| (known.own.saturating_add(inside), 0);
        let each = |entries: u64| {
            let entry = selected.cost().saturating_add(known.own);
            (entry.saturating_mul(entries), 0)
        };
        match known.multiplier {
            Multiplier::One => once(selected.cost()),
            Multiplier::Entries(entries) => each(entries),
            Multiplier::Page => each(self.page(field)),
            Multiplier::Ids => each(self.ids(field)),
            Multiplier::Connection => once(selected.cost_of(self.page(field))),
            Multiplier::Edges if known.result.ends_with("Edge") => (known.own, selected.cost()),
            Multiplier::Edges => (0, known.own.saturating_add(selected.cost())),
        }
    }

    fn page(&self, field: &Field) -> u64 {
        let size = |name| match self.argument(field, name)? {
            // a negative page is refused by the field, after which nothing is loaded
            ConstValue::Number(number) if number.is_i64() => {
                Some(number.as_u64().unwrap_or_default())
            }
            ConstValue::Number(number) => number.as_u64(),
            _ => None,
        };
        size("first").max(size("last")).unwrap_or(PAGE_SIZE)
    }

    fn ids(&self, field: &Field) -> u64 {
        match self.argument(field, "ids") {
            Some(ConstValue::List(ids)) => count(ids.len()),
            // where a list is expected, one value is a list of one
            Some(ConstValue::String(_) | ConstValue::Number(_)) => 1,
            _ => LIST_SIZE,
        }
    }

    /// The value of an argument; `None` when it has none yet, which is the field's to report.
    fn argument(&self, field: &Field, name: &str) -> Option<ConstValue> {
        let value = field.get_argument(name)?.node.clone();
        let known = value.into_const_with(|variable| {
            self.fixed.set(false);
            let given = self.variables.get(&variable);
            given
                .or_else(|| self.defaults.get(variable.as_str()).copied())
                .cloned()
                .ok_or(())
        });
        known.ok()
    }

    fn note_deprecated(&mut self, parent: &TypeCost, known: &FieldCost, field: &Field) {
        let name = &field.name.node;
        if known.deprecated {
            self.deprecated.insert(format!("{}.{name}", parent.name));
        }
        for argument in &known.deprecated_arguments {
            if field.get_argument(argument).is_some() {
                self.deprecated
                    .insert(format!("{}.{name}({argument}:)", parent.name));
            }
        }
        for (argument, ty) in &known.watched_arguments {
            // what is in a variable is looked for when it has a value
            let written = field.get_argument(argument).map(|value| {
                let written = value.node.clone();
                written.into_const_with(|_| Ok::<_, Infallible>(ConstValue::Null))
            });
            if let Some(Ok(value)) = written {
                self.index.inputs.in_value(ty, &value, &mut self.deprecated);
            }
        }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
