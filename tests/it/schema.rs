//! The schema is what `schema.graphql` says, and explains itself.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, InputValueDefinition, ServiceDocument, TypeDefinition, TypeKind,
    TypeSystemDefinition,
};
use async_graphql::{Name, Positioned};
use balance::graphql::schema::sdl;

#[test]
fn the_committed_schema_is_the_schema() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    // not assert_eq: the difference is for `git diff` to show
    let same = committed.trim_end() == sdl().trim_end();
    assert!(same, "write it again: cargo run -- schema > schema.graphql");
}

#[test]
fn everything_in_the_schema_is_described() {
    let mut silent = Silent::default();
    for definition in &document().definitions {
        if let TypeSystemDefinition::Type(definition) = definition {
            silent.look_at(&definition.node);
        }
    }
    let count = silent.0.len();
    assert!(
        count == 0,
        "{count} without a description:\n{}",
        silent.0.join("\n")
    );
}

#[test]
fn every_scalar_says_where_it_is_specified() {
    let document = document();
    let scalars = document
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(ty) if matches!(ty.node.kind, TypeKind::Scalar) => {
                Some(&ty.node)
            }
            _ => None,
        });
    let loose: Vec<_> = scalars
        .filter(|ty| {
            !ty.directives
                .iter()
                .any(|directive| directive.node.name.node == "specifiedBy")
        })
        .map(|ty| ty.name.node.to_string())
        .collect();
    assert_eq!(loose, Vec::<String>::new());
}

#[test]
fn every_field_has_one_meaning_of_null() {
    // a list whose members may be null makes every client check twice
    let mut loose = Vec::new();
    for definition in &document().definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        let TypeKind::Object(object) = &definition.node.kind else {
            continue;
        };
        let name = &definition.node.name.node;
        for field in &object.fields {
            let ty = field.node.ty.node.to_string();
            // what is asked for by id may not exist, one by one
            let by_id = field.node.name.node == "nodes" && name == "Query";
            if ty.contains('[') && !ty.contains("!]") && !by_id {
                loose.push(format!("{name}.{}: {ty}", field.node.name.node));
            }
        }
    }
    assert!(loose.is_empty(), "{}", loose.join("\n"));
}

fn document() -> ServiceDocument {
    parse_schema(sdl()).unwrap()
}

/// What says nothing about itself.
#[derive(Default)]
struct Silent(Vec<String>);

impl Silent {
    fn look_at(&mut self, definition: &TypeDefinition) {
        let name = definition.name.node.as_str();
        self.expect(definition.description.as_ref(), name);
        match &definition.kind {
            TypeKind::Object(object) => self.fields(name, &object.fields),
            TypeKind::Interface(interface) => self.fields(name, &interface.fields),
            TypeKind::InputObject(input) => self.inputs(name, &input.fields),
            TypeKind::Enum(choices) => {
                for value in &choices.values {
                    let described = value.node.description.as_ref();
                    self.expect(described, &format!("{name}.{}", value.node.value.node));
                }
            }
            TypeKind::Scalar | TypeKind::Union(_) => {}
        }
    }

    fn fields(&mut self, of: &str, fields: &[Positioned<FieldDefinition>]) {
        for field in fields {
            let name = path(of, &field.node.name.node);
            self.expect(field.node.description.as_ref(), &name);
            self.inputs(&name, &field.node.arguments);
        }
    }

    fn inputs(&mut self, of: &str, inputs: &[Positioned<InputValueDefinition>]) {
        for input in inputs {
            let name = path(of, &input.node.name.node);
            self.expect(input.node.description.as_ref(), &name);
        }
    }

    fn expect(&mut self, description: Option<&Positioned<String>>, what: &str) {
        if description.is_none_or(|text| text.node.trim().is_empty()) {
            self.0.push(what.to_owned());
        }
    }
}

fn path(of: &str, name: &Name) -> String {
    format!("{of}.{name}")
}
