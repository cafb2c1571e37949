//! Whether a document is valid for a schema that is only known by its SDL: the one of a release to come, or of another
//! deployment. The schema of this build is asked by the [`Checker`](super::Checker).

use graphql_tools::parser::schema::{Definition, TypeDefinition};
use graphql_tools::parser::{parse_query, parse_schema};
use graphql_tools::static_graphql::schema::Document;
use graphql_tools::validation::rules::default_rules_validation_plan;
use graphql_tools::validation::validate::{ValidationPlan, validate};

/// What every schema has without saying so.
const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];

/// A schema by its SDL.
pub struct Against {
    schema: Document,
    rules: ValidationPlan,
}

impl Against {
    /// Reads an SDL.
    pub fn read(sdl: &str) -> Result<Self, String> {
        let mut schema = parse(sdl)?;
        // the validator knows no type by itself
        let named: Vec<String> = schema.definitions.iter().filter_map(scalar).collect();
        for name in BUILT_IN
            .iter()
            .filter(|name| !named.iter().any(|known| known == *name))
        {
            schema
                .definitions
                .extend(parse(&format!("scalar {name}"))?.definitions);
        }
        Ok(Self {
            schema,
            rules: default_rules_validation_plan(),
        })
    }

    /// What is wrong with a document; nothing if it is valid.
    pub fn check(&self, text: &str) -> Vec<String> {
        let document = match parse_query::<String>(text) {
            Ok(document) => document.into_static(),
            Err(error) => return vec![error.to_string()],
        };
        let found = validate(&self.schema, &document, &self.rules);
        found.into_iter().map(|error| error.message).collect()
    }
}

fn parse(sdl: &str) -> Result<Document, String> {
    match parse_schema::<String>(sdl) {
        Ok(schema) => Ok(schema.into_static()),
        Err(error) => Err(error.to_string()),
    }
}

/// The name of a scalar, if a definition is of one.
fn scalar(definition: &Definition<'static, String>) -> Option<String> {
    match definition {
        Definition::TypeDefinition(TypeDefinition::Scalar(scalar)) => Some(scalar.name.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_held_against_a_schema_that_is_not_ours() {
        let sdl = "type Query { a(x: Int!): A } type A { id: ID! }";
        let schema = Against::read(sdl).unwrap();
        assert_eq!(
            schema.check("query($x: Int!) { a(x: $x) { id } }"),
            Vec::<String>::new()
        );
        for (wrong, said) in [
            ("{ a { id } }", "x"),
            ("{ a(x: 1) { gone } }", "gone"),
            ("{ a(x: \"1\") { id } }", "Int"),
            ("query($x: String!) { a(x: $x) { id } }", "String"),
            ("{ a(x: 1) }", "a"),
        ] {
            let told = schema.check(wrong).join("; ");
            assert!(told.contains(said), "{wrong}: {told}");
        }
        assert!(Against::read("type {").is_err());
        assert_eq!(schema.check("{").len(), 1);
    }

    #[test]
    fn our_own_schema_is_read() {
        let schema = Against::read(include_str!("../../../schema.graphql")).unwrap();
        let document = "query A { records(first: 3) { edges { node { id amount { amount } } } } }";
        assert_eq!(schema.check(document), Vec::<String>::new());
    }
}
