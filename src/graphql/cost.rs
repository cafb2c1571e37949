//! What a field costs, read once from the schema's own SDL.
//!
//! The rules, in full:
//!
//! - A scalar or an enum costs 0; `totalCount` costs [`COUNT_COST`], for it counts rows.
//! - An object costs 1, a mutation [`MUTATION_COST`], plus what is selected in it.
//! - A plain list costs, for each entry it may have, 1 plus what is selected in an entry.
//! - A connection costs 1, its `edges` 1 more, and what is selected in an edge once for each
//!   entry of the page; `pageInfo` and the like are paid once.
//! - The page is `first` or `last`, the length of `ids` where entries are asked for by id,
//!   [`PAGE_SIZE`] where a page is not given and [`LIST_SIZE`] where there is no page at all.
//! - Introspection lists are short work in memory: their entries count once.
//!
//! Sums are upper bounds: fields that merge, or that a directive skips, are counted nonetheless.

use std::collections::{BTreeSet, HashMap, HashSet};

use async_graphql::Positioned;
use async_graphql::parser::{
    self, parse_schema,
    types::{BaseType, FieldDefinition, OperationType, TypeKind, TypeSystemDefinition},
};

use super::deprecated::{DeprecatedInputs, reason};
use super::documents::told::Deprecation;
use super::inputs::innermost;

/// The cost of a mutation itself.
pub const MUTATION_COST: u64 = 10;
/// The cost of counting a whole list.
pub const COUNT_COST: u64 = 10;
/// The entries of a connection that is asked for without `first` and `last`.
pub const PAGE_SIZE: u64 = 20;
/// The entries assumed in a list that has no page.
pub const LIST_SIZE: u64 = 10;

/// Introspection is no part of an exported SDL, yet it executes like everything else.
const INTROSPECTION: &str = "
    type __Schema {
        description: String types: [__Type!]! queryType: __Type! mutationType: __Type
        subscriptionType: __Type directives: [__Directive!]!
    }
    type __Type {
        kind: __TypeKind! name: String description: String specifiedByURL: String isOneOf: Boolean
        fields: [__Field!] interfaces: [__Type!] possibleTypes: [__Type!]
        enumValues: [__EnumValue!] inputFields: [__InputValue!] ofType: __Type
    }
    type __Field {
        name: String! description: String args: [__InputValue!]! type: __Type!
        isDeprecated: Boolean! deprecationReason: String
    }
    type __InputValue {
        name: String! description: String type: __Type! defaultValue: String
        isDeprecated: Boolean! deprecationReason: String
    }
    type __EnumValue {
        name: String! description: String isDeprecated: Boolean! deprecationReason: String
    }
    type __Directive {
        name: String! description: String locations: [__DirectiveLocation!]!
        args: [__InputValue!]! isRepeatable: Boolean!
    }
    enum __TypeKind { SCALAR }
    enum __DirectiveLocation { QUERY }
";

/// How many times the selection of a field is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Multiplier {
    /// Once.
    One,
    /// Once for each entry assumed in a plain list.
    Entries(u64),
    /// Once for each entry of the page its own arguments name.
    Page,
    /// Once for each id in the argument `ids`.
    Ids,
    /// The connection: what is inside its lists is carried out for each entry of the page.
    Connection,
    /// The list inside a connection, sized by the connection around it.
    Edges,
}

/// What is known about one field.
#[derive(Debug)]
pub(super) struct FieldCost {
    pub(super) own: u64,
    pub(super) result: String,
    pub(super) multiplier: Multiplier,
    pub(super) deprecated: bool,
    pub(super) deprecated_arguments: Vec<String>,
    /// Arguments in which something deprecated can be written, and their types.
    pub(super) watched_arguments: Vec<(String, String)>,
    /// Whether whoever is not signed in may ask for it; what is inside an answer belongs to its root.
    pub(super) open: bool,
    /// A list of types below `__schema` or `__type`.
    pub(super) lists_types: bool,
}

/// What is known about one object or interface.
#[derive(Debug)]
pub(super) struct TypeCost {
    pub(super) name: String,
    pub(super) fields: HashMap<String, FieldCost>,
}

/// What each field of a schema costs.
#[derive(Debug)]
pub struct CostIndex {
    types: HashMap<String, TypeCost>,
    /// The end of each deprecated member, named as in [`Measured::deprecated`](super::measure::Measured).
    deprecations: HashMap<String, Deprecation>,
    /// Those that are written into inputs.
    pub(super) inputs: DeprecatedInputs,
    query: String,
    mutation: Option<String>,
    subscription: Option<String>,
}

impl CostIndex {
    /// Reads the SDL of a schema, as `Schema::sdl` writes it.
    pub fn build(sdl: &str) -> Result<Self, parser::Error> {
        let mut index = Self {
            types: HashMap::new(),
            deprecations: HashMap::new(),
            inputs: DeprecatedInputs::default(),
            query: "Query".to_owned(),
            mutation: Some("Mutation".to_owned()),
            subscription: Some("Subscription".to_owned()),
        };
        let mut definitions = parse_schema(INTROSPECTION)?.definitions;
        definitions.extend(parse_schema(sdl)?.definitions);
        index.inputs =
            DeprecatedInputs::read(
                definitions
                    .iter()
                    .filter_map(|definition| match definition {
                        TypeSystemDefinition::Type(ty) => Some(&ty.node),
                        _ => None,
                    }),
            );

        let mut leaves =
            HashSet::from(["Int", "Float", "String", "Boolean", "ID"].map(str::to_owned));
        let mut composites = Vec::new();
        for definition in definitions {
            match definition {
                TypeSystemDefinition::Schema(schema) => {
                    let schema = schema.node;
                    let name = |name: Positioned<async_graphql::Name>| name.node.to_string();
                    if let Some(query) = schema.query {
                        index.query = name(query);
                        index.mutation = schema.mutation.map(name);
                        index.subscription = schema.subscription.map(name);
                    }
                }
                TypeSystemDefinition::Type(ty) => {
                    let name = ty.node.name.node.to_string();
                    match ty.node.kind {
                        TypeKind::Object(object) => composites.push((name, object.fields)),
                        TypeKind::Interface(interface) => composites.push((name, interface.fields)),
                        TypeKind::Union(_) => composites.push((name, Vec::new())),
                        TypeKind::Scalar | TypeKind::Enum(_) => {
                            leaves.insert(name);
                        }
                        TypeKind::InputObject(_) => {}
                    }
                }
                TypeSystemDefinition::Directive(_) => {}
            }
        }

        for (name, definitions) in composites {
            let mutation = index.mutation.as_ref() == Some(&name);
            let ty = index.types.entry(name.clone()).or_insert_with(|| TypeCost {
                name,
                fields: HashMap::new(),
            });
            for definition in definitions {
                let definition = definition.node;
                let leaf = leaves.contains(innermost(&definition.ty.node));
                let mut field = describe(&ty.name, &definition, leaf, mutation);
                let arguments = definition.arguments.iter().map(|argument| &argument.node);
                field.watched_arguments = arguments
                    .filter(|argument| index.inputs.can_be_in(&argument.ty.node))
                    .map(|argument| {
                        let ty = innermost(&argument.ty.node);
                        (argument.name.node.to_string(), ty.to_owned())
                    })
                    .collect();
                field.open = ty.name != index.query || needs_no_sign_in(&definition);
                for (member, end) in deprecations(&ty.name, &definition) {
                    index.deprecations.insert(member, end);
                }
                ty.fields.insert(definition.name.node.to_string(), field);
            }
        }
        if let Some(query) = index.types.get_mut(&index.query) {
            for (name, result) in [("__schema", "__Schema"), ("__type", "__Type")] {
                query
                    .fields
                    .insert(name.to_owned(), FieldCost::object(result));
            }
        }
        Ok(index)
    }

    pub(super) fn find(&self, name: &str) -> Option<&TypeCost> {
        self.types.get(name)
    }

    /// When the first of these members goes, and since when all of them are deprecated.
    pub(super) fn end_of(&self, members: &BTreeSet<String>) -> Deprecation {
        let end = |member: &String| {
            let field = self.deprecations.get(member).copied();
            field.or_else(|| self.inputs.end(member))
        };
        let ends = members.iter().map(|member| end(member).unwrap_or_default());
        let ends: Vec<Deprecation> = ends.collect();
        let all = ends.iter().all(|end| end.since.is_some());
        Deprecation {
            since: ends
                .iter()
                .filter_map(|end| end.since)
                .max()
                .filter(|_| all),
            until: ends.iter().filter_map(|end| end.until).min(),
        }
    }

    pub(super) fn root(&self, operation: OperationType) -> Option<&TypeCost> {
        let name = match operation {
            OperationType::Query => Some(&self.query),
            OperationType::Mutation => self.mutation.as_ref(),
            OperationType::Subscription => self.subscription.as_ref(),
        };
        name.and_then(|name| self.find(name))
    }
}

impl FieldCost {
    fn object(result: &str) -> Self {
        Self {
            own: 1,
            result: result.to_owned(),
            multiplier: Multiplier::One,
            deprecated: false,
            deprecated_arguments: Vec::new(),
            watched_arguments: Vec::new(),
            open: true,
            lists_types: false,
        }
    }
}

/// Whether a type is a page of a list; the sender of webhooks is called `Connection` alone.
fn is_relay(name: &str) -> bool {
    name.len() > "Connection".len() && name.ends_with("Connection")
}

fn describe(parent: &str, field: &FieldDefinition, leaf: bool, mutation: bool) -> FieldCost {
    let result = innermost(&field.ty.node);
    let name = field.name.node.as_str();
    let takes = |name: &str| {
        field
            .arguments
            .iter()
            .any(|argument| argument.node.name.node == name)
    };
    let introspection = parent.starts_with("__");
    let is_list = matches!(field.ty.node.base, BaseType::List(_));
    let paged = takes("first") || takes("last");

    let multiplier = if introspection || leaf {
        Multiplier::One
    } else if !is_list && is_relay(result) {
        Multiplier::Connection
    } else if !is_list {
        Multiplier::One
    } else if paged {
        Multiplier::Page
    } else if takes("ids") {
        Multiplier::Ids
    } else if is_relay(parent) {
        Multiplier::Edges
    } else {
        Multiplier::Entries(LIST_SIZE)
    };
    let own = match (leaf, name) {
        _ if mutation => MUTATION_COST,
        (true, "totalCount") => COUNT_COST,
        (true, _) => 0,
        (false, _) => 1,
    };
    FieldCost {
        own,
        result: result.to_owned(),
        multiplier,
        deprecated: reason(&field.directives).is_some(),
        open: true,
        deprecated_arguments: field
            .arguments
            .iter()
            .filter(|argument| reason(&argument.node.directives).is_some())
            .map(|argument| argument.node.name.node.to_string())
            .collect(),
        watched_arguments: Vec::new(),
        lists_types: introspection
            && matches!(
                name,
                "fields" | "interfaces" | "possibleTypes" | "inputFields"
            ),
    }
}

/// The deprecated members that a field is or has.
fn deprecations(parent: &str, field: &FieldDefinition) -> Vec<(String, Deprecation)> {
    let name = &field.name.node;
    let own = reason(&field.directives).map(|reason| (format!("{parent}.{name}"), reason));
    let arguments = field.arguments.iter().filter_map(|argument| {
        let reason = reason(&argument.node.directives)?;
        let argument = &argument.node.name.node;
        Some((format!("{parent}.{name}({argument}:)"), reason))
    });
    let members = own.into_iter().chain(arguments);
    members
        .map(|(member, reason)| (member, Deprecation::of(reason)))
        .collect()
}

/// Descriptions of operations say what they need; tests hold them to it.
fn needs_no_sign_in(field: &FieldDefinition) -> bool {
    let description = field.description.as_ref().map(|text| text.node.as_str());
    let words: Vec<_> = description.unwrap_or_default().split_whitespace().collect();
    words.join(" ").contains("Needs no sign-in")
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptySubscription, ID, Object, Schema, SimpleObject};

    use super::*;

    #[derive(SimpleObject)]
    struct Tag {
        /// How it "reads", with \ in its description.
        name: String,
        #[graphql(deprecation = "use name")]
        label: String,
    }

    struct Query;

    #[Object]
    impl Query {
        async fn tags(&self, #[graphql(deprecation = "no use")] old: Option<i32>) -> Vec<Tag> {
            let _ = old;
            vec![Tag {
                name: "a".into(),
                label: "a".into(),
            }]
        }

        async fn nodes(&self, ids: Vec<ID>) -> Vec<Option<Tag>> {
            drop(ids);
            Vec::new()
        }
    }

    struct Mutation;

    #[Object]
    impl Mutation {
        async fn rename(&self) -> bool {
            true
        }
    }

    #[test]
    fn the_sdl_of_a_real_schema_is_understood() {
        let sdl = Schema::new(Query, Mutation, EmptySubscription).sdl();
        let index = CostIndex::build(&sdl).unwrap();
        let query = index.root(OperationType::Query).unwrap();
        assert_eq!(
            query.fields["tags"].multiplier,
            Multiplier::Entries(LIST_SIZE)
        );
        assert_eq!(query.fields["tags"].deprecated_arguments, ["old"]);
        assert_eq!(query.fields["nodes"].multiplier, Multiplier::Ids);
        assert_eq!(query.fields["__type"].result, "__Type");
        let tag = index.find("Tag").unwrap();
        assert_eq!(
            (tag.fields["name"].own, tag.fields["name"].deprecated),
            (0, false)
        );
        assert!(tag.fields["label"].deprecated);
        let mutation = index.root(OperationType::Mutation).unwrap();
        assert_eq!(mutation.fields["rename"].own, MUTATION_COST);
        assert!(index.root(OperationType::Subscription).is_none());
    }

    #[test]
    fn an_sdl_that_does_not_parse_is_an_error() {
        assert!(CostIndex::build("type {").is_err());
    }
}
