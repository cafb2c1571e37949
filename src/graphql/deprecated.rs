//! Deprecated members that are used by writing them down: fields of inputs and values of enums, in the arguments of a
//! document and in its variables.
//!
//! Only types that lead to such a member are known here. A schema without any costs its requests nothing.

use std::collections::{BTreeSet, HashMap, HashSet};

use async_graphql::parser::types::{
    ConstDirective, OperationDefinition, Type, TypeDefinition, TypeKind,
};
use async_graphql::{Positioned, Value, Variables};

use super::cost::CostIndex;
use super::documents::told::Deprecation;
use super::inputs::innermost;
use super::measure::Measured;

/// The input types that lead to a deprecated member.
#[derive(Debug, Default)]
pub struct DeprecatedInputs {
    types: HashMap<String, Kind>,
    ends: HashMap<String, Deprecation>,
}

#[derive(Debug)]
enum Kind {
    /// Its deprecated values.
    Enum(HashSet<String>),
    /// Its fields: their types, and whether they are deprecated.
    Object(HashMap<String, (String, bool)>),
}

impl DeprecatedInputs {
    /// Reads the types of a schema.
    pub(super) fn read<'a>(types: impl Iterator<Item = &'a TypeDefinition>) -> Self {
        let mut all = Self::default();
        for ty in types {
            let name = ty.name.node.as_str();
            if let Some(kind) = all.kind(name, &ty.kind) {
                all.types.insert(name.to_owned(), kind);
            }
        }
        all.keep_what_leads_somewhere();
        all
    }

    fn kind(&mut self, name: &str, kind: &TypeKind) -> Option<Kind> {
        match kind {
            TypeKind::Enum(values) => {
                let values = values.values.iter().map(|value| &value.node);
                let old = values
                    .filter(|value| self.note(name, value.value.node.as_str(), &value.directives));
                Some(Kind::Enum(
                    old.map(|value| value.value.node.to_string()).collect(),
                ))
            }
            TypeKind::InputObject(input) => {
                let fields = input.fields.iter().map(|field| {
                    let field = &field.node;
                    let old = self.note(name, field.name.node.as_str(), &field.directives);
                    let ty = innermost(&field.ty.node).to_owned();
                    (field.name.node.to_string(), (ty, old))
                });
                Some(Kind::Object(fields.collect()))
            }
            _ => None,
        }
    }

    /// Whether a member is deprecated; notes until when it is there.
    fn note(&mut self, ty: &str, member: &str, directives: &[Positioned<ConstDirective>]) -> bool {
        let reason = reason(directives);
        if let Some(reason) = reason {
            self.ends
                .insert(format!("{ty}.{member}"), Deprecation::of(reason));
        }
        reason.is_some()
    }

    fn keep_what_leads_somewhere(&mut self) {
        let own = |kind: &Kind| match kind {
            Kind::Enum(values) => !values.is_empty(),
            Kind::Object(fields) => fields.values().any(|(_, old)| *old),
        };
        let found = self.types.iter().filter(|(_, kind)| own(kind));
        let mut leading: HashSet<String> = found.map(|(name, _)| name.clone()).collect();
        loop {
            let more = self.types.iter().filter(|(name, kind)| {
                let Kind::Object(fields) = kind else {
                    return false;
                };
                !leading.contains(*name) && fields.values().any(|(ty, _)| leading.contains(ty))
            });
            let more: Vec<String> = more.map(|(name, _)| name.clone()).collect();
            if more.is_empty() {
                break;
            }
            leading.extend(more);
        }
        self.types.retain(|name, _| leading.contains(name));
    }

    /// Whether a value of this type can use a deprecated member.
    pub fn can_be_in(&self, ty: &Type) -> bool {
        self.types.contains_key(innermost(ty))
    }

    /// The end of a member.
    pub(super) fn end(&self, member: &str) -> Option<Deprecation> {
        self.ends.get(member).copied()
    }

    /// Adds the members that the variables of an operation use, as `Type.member`.
    pub fn in_variables(
        &self,
        operation: &OperationDefinition,
        variables: &Variables,
        found: &mut BTreeSet<String>,
    ) {
        if self.types.is_empty() {
            return;
        }
        for definition in &operation.variable_definitions {
            let definition = &definition.node;
            let default = definition.default_value.as_ref().map(|value| &value.node);
            if let Some(value) = variables.get(&definition.name.node).or(default) {
                self.in_value(innermost(&definition.var_type.node), value, found);
            }
        }
    }

    /// Adds the members that a value of this type uses.
    pub fn in_value(&self, ty: &str, value: &Value, found: &mut BTreeSet<String>) {
        match (self.types.get(ty), value) {
            (Some(_), Value::List(items)) => {
                items.iter().for_each(|item| self.in_value(ty, item, found));
            }
            (Some(Kind::Enum(old)), Value::String(given)) if old.contains(given) => {
                found.insert(format!("{ty}.{given}"));
            }
            (Some(Kind::Enum(old)), Value::Enum(given)) if old.contains(given.as_str()) => {
                found.insert(format!("{ty}.{given}"));
            }
            (Some(Kind::Object(fields)), Value::Object(given)) => {
                for (name, value) in given {
                    let Some((inner, old)) = fields.get(name.as_str()) else {
                        continue;
                    };
                    if *old {
                        found.insert(format!("{ty}.{name}"));
                    }
                    self.in_value(inner, value, found);
                }
            }
            _ => {}
        }
    }
}

impl Measured {
    /// Adds the deprecated members that are used in the values of variables.
    pub fn note_variables(
        &mut self,
        operation: &OperationDefinition,
        variables: &Variables,
        index: &CostIndex,
    ) {
        let mut found = BTreeSet::new();
        index.inputs.in_variables(operation, variables, &mut found);
        if found.is_empty() {
            return;
        }
        found.extend(std::mem::take(&mut self.deprecated));
        self.end = index.end_of(&found);
        self.deprecated = found.into_iter().collect();
    }
}

/// Why a member is deprecated, if it is.
pub(super) fn reason(directives: &[Positioned<ConstDirective>]) -> Option<&str> {
    let mut directives = directives.iter().map(|directive| &directive.node);
    let deprecated = directives.find(|directive| directive.name.node == "deprecated")?;
    match deprecated.get_argument("reason").map(|reason| &reason.node) {
        Some(Value::String(reason)) => Some(reason),
        _ => Some(""),
    }
}
