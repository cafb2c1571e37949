//! What values a schema takes, and where: its enums and inputs, and the arguments of its fields.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::{
    self, parse_schema,
    types::{
        BaseType, FieldDefinition, InputValueDefinition, OperationType, Type, TypeDefinition,
        TypeKind, TypeSystemDefinition,
    },
};
use async_graphql::{Name, Positioned};

/// The input types of a schema, and the places that take a value.
#[derive(Debug, Default)]
pub struct InputIndex {
    types: HashMap<String, Input>,
    composites: HashMap<String, HashMap<String, Place>>,
    roots: [Option<String>; 3],
}

/// A type of values that is more than a scalar.
#[derive(Debug)]
pub(super) enum Input {
    /// The names of its values.
    Enum(HashSet<String>),
    /// What is written in it.
    Object {
        /// Its fields.
        fields: HashMap<String, InputField>,
        /// Whether it takes exactly one of them.
        one_of: bool,
    },
}

/// What takes a value: a field of an input, or an argument.
#[derive(Debug)]
pub(super) struct InputField {
    /// Of which type.
    pub(super) ty: Type,
    /// Whether it has a value when none is given.
    pub(super) default: bool,
}

/// A field of an object or an interface.
#[derive(Debug)]
pub(super) struct Place {
    /// What it can be asked with.
    pub(super) arguments: HashMap<String, InputField>,
    /// The type of what it answers.
    pub(super) result: String,
}

impl InputIndex {
    /// Reads the SDL of a schema, as `Schema::sdl` writes it.
    pub fn build(sdl: &str) -> Result<Self, parser::Error> {
        let mut index = Self {
            roots: ["Query", "Mutation", "Subscription"].map(|name| Some(name.to_owned())),
            ..Self::default()
        };
        for definition in parse_schema(sdl)?.definitions {
            match definition {
                TypeSystemDefinition::Schema(schema) if schema.node.query.is_some() => {
                    let schema = schema.node;
                    let name = |name: Option<Positioned<Name>>| Some(name?.node.to_string());
                    index.roots = [schema.query, schema.mutation, schema.subscription].map(name);
                }
                TypeSystemDefinition::Type(ty) => index.read(ty.node),
                _ => {}
            }
        }
        Ok(index)
    }

    fn read(&mut self, ty: TypeDefinition) {
        let name = ty.name.node.to_string();
        let mut directives = ty.directives.iter();
        let one_of = directives.any(|directive| directive.node.name.node == "oneOf");
        let input = match ty.kind {
            TypeKind::Enum(values) => {
                let values = values.values.into_iter();
                Input::Enum(
                    values
                        .map(|value| value.node.value.node.to_string())
                        .collect(),
                )
            }
            TypeKind::InputObject(input) => Input::Object {
                fields: fields(input.fields),
                one_of,
            },
            TypeKind::Object(object) => {
                self.composites.insert(name, places(object.fields));
                return;
            }
            TypeKind::Interface(interface) => {
                self.composites.insert(name, places(interface.fields));
                return;
            }
            TypeKind::Scalar | TypeKind::Union(_) => return,
        };
        self.types.insert(name, input);
    }

    /// The type of that name, if its values are more than scalars.
    pub(super) fn find(&self, name: &str) -> Option<&Input> {
        self.types.get(name)
    }

    /// The field of a type, if both are known; introspection is not.
    pub(super) fn place(&self, ty: &str, field: &str) -> Option<&Place> {
        self.composites.get(ty)?.get(field)
    }

    /// The type that operations of this kind begin with.
    pub(super) fn root(&self, operation: OperationType) -> Option<&str> {
        let [query, mutation, subscription] = &self.roots;
        let root = match operation {
            OperationType::Query => query,
            OperationType::Mutation => mutation,
            OperationType::Subscription => subscription,
        };
        root.as_deref()
    }
}

impl InputField {
    /// Whether a value must be given.
    pub(super) fn is_required(&self) -> bool {
        !self.ty.nullable && !self.default
    }
}

fn fields(given: Vec<Positioned<InputValueDefinition>>) -> HashMap<String, InputField> {
    let fields = given.into_iter().map(|field| {
        let field = field.node;
        let (ty, default) = (field.ty.node, field.default_value.is_some());
        (field.name.node.to_string(), InputField { ty, default })
    });
    fields.collect()
}

fn places(given: Vec<Positioned<FieldDefinition>>) -> HashMap<String, Place> {
    let places = given.into_iter().map(|field| {
        let field = field.node;
        let place = Place {
            arguments: fields(field.arguments),
            result: innermost(&field.ty.node).to_owned(),
        };
        (field.name.node.to_string(), place)
    });
    places.collect()
}

/// The type inside lists.
pub(super) fn innermost(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => innermost(inner),
    }
}
