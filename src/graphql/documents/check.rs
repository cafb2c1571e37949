//! Looking at documents before they are sent: parsed, validated and measured as at a request, but carried out never.

use async_graphql::parser::types::OperationType;
use entity::graphql_document::Kind;

use super::id::DocumentId;
use crate::clients::NewDocument;
use crate::graphql::limits::Limits;
use crate::graphql::measure::measure;
use crate::graphql::refusal::{Code, Refusal};
use crate::graphql::request::Pipeline;
use crate::graphql::schema::{Balance, judge};

/// A document as a manifest or a mutation brings it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its id there.
    pub id: Option<String>,
    /// Its text.
    pub text: String,
}

/// Checks documents against the schema of this build. Made when it is first needed.
pub struct Checker(Pipeline<Balance>);

impl Default for Checker {
    fn default() -> Self {
        let judge = judge();
        let sdl = judge.sdl();
        let pipeline = Pipeline::new(judge.clone(), &sdl, Limits::default())
            .expect("the SDL that async-graphql writes can be parsed; a test proves it");
        Self(pipeline.with_judge(judge).with_suggestions(true))
    }
}

impl Checker {
    /// The document of a draft, ready to be registered.
    pub async fn check(&self, draft: Draft) -> Result<NewDocument, Refusal> {
        let (hash, document) = self.0.document(&draft.text)?;
        let invalid = |message: &str| Err(Refusal::new(Code::GraphqlValidationFailed, message));
        if document.holds_nul {
            return invalid("The character U+0000 is not accepted in any text.");
        }
        let mut operations = document.tree.operations.iter();
        let (Some((name, operation)), None) = (operations.next(), operations.next()) else {
            return invalid("A registered document has one operation; register each on its own.");
        };
        let name = name.map(ToString::to_string);
        let variables = Default::default();
        let measured = measure(
            &document.tree,
            name.as_deref(),
            &variables,
            self.0.index(),
            self.0.limits(),
        )?;
        if let Err(refused) = self.0.validate(&document, Default::default()).await {
            let mut refused = self.0.finish(refused, "").errors;
            refused.truncate(1);
            let error = refused.pop();
            let message = error
                .as_ref()
                .map_or("It is not valid.", |error| &error.message);
            let at = error.iter().flat_map(|error| error.locations.clone());
            return Err(Refusal::new(Code::GraphqlValidationFailed, message).at(at));
        }
        let custom_id = match draft.id.as_deref().map(DocumentId::read).transpose()? {
            Some(DocumentId::Hash(named)) if named != hash => {
                let message = "Its id is not the SHA-256 of its text.";
                return Err(Refusal::new(Code::BadUserInput, message));
            }
            Some(DocumentId::Custom(id)) => Some(id),
            Some(DocumentId::Hash(_)) | None => None,
        };
        Ok(NewDocument {
            hash,
            custom_id,
            name,
            kind: match operation.node.ty {
                OperationType::Query => Kind::Query,
                OperationType::Mutation => Kind::Mutation,
                OperationType::Subscription => Kind::Subscription,
            },
            cost: i64::try_from(measured.cost).unwrap_or(i64::MAX),
            text: draft.text,
        })
    }
}
