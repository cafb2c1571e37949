//! A schema as far as a comparison needs it, read from its SDL.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::Positioned;
use async_graphql::parser::types::{
    ConstDirective, DirectiveDefinition, FieldDefinition, InputValueDefinition, Type,
    TypeDefinition, TypeKind, TypeSystemDefinition,
};
use async_graphql::parser::{self, parse_schema};

/// A schema.
#[derive(Debug, Default)]
pub struct Model {
    pub(super) types: BTreeMap<String, Kind>,
    pub(super) directives: BTreeMap<String, Directive>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Scalar,
    Object(Fields),
    Interface(Fields),
    Union(BTreeSet<String>),
    Enum(BTreeMap<String, bool>),
    Input(Inputs),
}

/// Arguments, or the fields of an input.
pub(super) type Inputs = BTreeMap<String, Input>;

#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) implements: BTreeSet<String>,
    pub(super) fields: BTreeMap<String, Field>,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) ty: Type,
    pub(super) arguments: Inputs,
    pub(super) deprecated: bool,
}

#[derive(Debug)]
pub(super) struct Input {
    pub(super) ty: Type,
    pub(super) default: Option<String>,
    pub(super) deprecated: bool,
}

#[derive(Debug)]
pub(super) struct Directive {
    pub(super) arguments: Inputs,
    pub(super) locations: BTreeSet<String>,
}

impl Input {
    /// Whether it must be sent.
    pub(super) fn is_required(&self) -> bool {
        !self.ty.nullable && self.default.is_none()
    }
}

impl Kind {
    /// What it is called in SDL.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Object(_) => "type",
            Self::Interface(_) => "interface",
            Self::Union(_) => "union",
            Self::Enum(_) => "enum",
            Self::Input(_) => "input",
        }
    }
}

impl Model {
    /// Reads an SDL.
    pub fn read(sdl: &str) -> Result<Self, parser::Error> {
        let mut model = Self::default();
        for definition in parse_schema(sdl)?.definitions {
            match definition {
                TypeSystemDefinition::Type(ty) => {
                    let name = ty.node.name.node.to_string();
                    model.types.insert(name, kind(ty.node));
                }
                TypeSystemDefinition::Directive(directive) => {
                    let name = directive.node.name.node.to_string();
                    model
                        .directives
                        .insert(name, read_directive(directive.node));
                }
                TypeSystemDefinition::Schema(_) => {}
            }
        }
        Ok(model)
    }
}

fn kind(ty: TypeDefinition) -> Kind {
    match ty.kind {
        TypeKind::Scalar => Kind::Scalar,
        TypeKind::Object(object) => Kind::Object(Fields {
            implements: names(object.implements),
            fields: fields(object.fields),
        }),
        TypeKind::Interface(interface) => Kind::Interface(Fields {
            implements: names(interface.implements),
            fields: fields(interface.fields),
        }),
        TypeKind::Union(union) => Kind::Union(names(union.members)),
        TypeKind::Enum(values) => {
            let values = values.values.into_iter().map(|value| {
                let deprecated = is_deprecated(&value.node.directives);
                (value.node.value.node.to_string(), deprecated)
            });
            Kind::Enum(values.collect())
        }
        TypeKind::InputObject(input) => Kind::Input(inputs(input.fields)),
    }
}

fn fields(fields: Vec<Positioned<FieldDefinition>>) -> BTreeMap<String, Field> {
    let fields = fields.into_iter().map(|field| {
        let field = field.node;
        let deprecated = is_deprecated(&field.directives);
        let read = Field {
            ty: field.ty.node,
            arguments: inputs(field.arguments),
            deprecated,
        };
        (field.name.node.to_string(), read)
    });
    fields.collect()
}

fn inputs(inputs: Vec<Positioned<InputValueDefinition>>) -> Inputs {
    let inputs = inputs.into_iter().map(|input| {
        let input = input.node;
        let read = Input {
            deprecated: is_deprecated(&input.directives),
            ty: input.ty.node,
            default: input.default_value.map(|value| value.node.to_string()),
        };
        (input.name.node.to_string(), read)
    });
    inputs.collect()
}

fn read_directive(directive: DirectiveDefinition) -> Directive {
    let locations = directive.locations.iter();
    Directive {
        locations: locations.map(|place| format!("{:?}", place.node)).collect(),
        arguments: inputs(directive.arguments),
    }
}

fn names(names: Vec<Positioned<async_graphql::Name>>) -> BTreeSet<String> {
    names
        .into_iter()
        .map(|name| name.node.to_string())
        .collect()
}

fn is_deprecated(directives: &[Positioned<ConstDirective>]) -> bool {
    let mut directives = directives.iter();
    directives.any(|directive| directive.node.name.node == "deprecated")
}
