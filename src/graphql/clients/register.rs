//! Registering documents: each is looked at, then all are stored or none.

use super::{
    RegisterDocumentResult, RegisterDocumentStatus, RegisterDocumentsInput,
    RegisterDocumentsPayload,
};
use crate::clients::{self, Outcome};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::graphql::documents::{Checker, Draft, document_id};
use crate::graphql::error::{UserError, UserErrorCode};
use crate::graphql::node::global;
use crate::permission::Permission;

/// Documents one call may bring.
const AT_ONCE: usize = 1_000;

/// Registers what an input brings.
pub(super) async fn register(
    op: &Ctx,
    input: RegisterDocumentsInput,
) -> Result<RegisterDocumentsPayload> {
    op.require(Permission::RegisterDocuments)?;
    let length = input.documents.len();
    if length > AT_ONCE {
        let message = format!("are {length}; 1 to {AT_ONCE} are accepted at once");
        return nothing(Error::invalid("documents", message));
    }
    let client = super::client(&input.graphql_client_id);
    let checker = op.handles().kept.of::<Checker>();
    let mut fit = Vec::new();
    let mut wrong: Vec<Vec<UserError>> = Vec::new();
    for (index, document) in input.documents.into_iter().enumerate() {
        // a whole app's documents are work: others get their turn in between
        tokio::task::yield_now().await;
        let draft = Draft {
            id: document.id,
            text: document.text,
        };
        wrong.push(match checker.check(draft).await {
            Ok(document) => {
                fit.push(document);
                Vec::new()
            }
            Err(refusal) => vec![error(index, refusal.message)],
        });
    }
    if wrong.iter().any(|errors| !errors.is_empty()) {
        return Ok(refused(wrong));
    }
    let registered = match client {
        Ok(client) => clients::register(op, client, fit).await,
        Err(error) => Err(error),
    };
    match registered {
        Ok(Ok(outcomes)) => Ok(RegisterDocumentsPayload {
            results: outcomes.into_iter().map(Into::into).collect(),
            user_errors: Vec::new(),
        }),
        Ok(Err(clashes)) => {
            for clash in clashes {
                wrong[clash.index].push(error(clash.index, clash.message));
            }
            Ok(refused(wrong))
        }
        Err(error) => nothing(error),
    }
}

/// No document is at fault, and none was registered.
fn nothing(error: Error) -> Result<RegisterDocumentsPayload> {
    Ok(RegisterDocumentsPayload {
        results: Vec::new(),
        user_errors: vec![UserError::of(error)?],
    })
}

impl From<Outcome> for RegisterDocumentResult {
    fn from(outcome: Outcome) -> Self {
        let (status, row) = match outcome {
            Outcome::New(row) => (RegisterDocumentStatus::Registered, row),
            Outcome::Known(row) => (RegisterDocumentStatus::Unchanged, row),
        };
        Self {
            status,
            graphql_document_id: Some(global("GraphqlDocument", row.id)),
            document_id: Some(document_id(&row.text_hash)),
            cost: Some(row.cost),
            user_errors: Vec::new(),
        }
    }
}

/// None was registered; each is told why, or that the others stood in its way.
fn refused(wrong: Vec<Vec<UserError>>) -> RegisterDocumentsPayload {
    let user_errors = wrong.iter().flatten().cloned().collect();
    let results = wrong.into_iter().map(|errors| RegisterDocumentResult {
        status: match errors.is_empty() {
            true => RegisterDocumentStatus::HeldBack,
            false => RegisterDocumentStatus::Refused,
        },
        graphql_document_id: None,
        document_id: None,
        cost: None,
        user_errors: errors,
    });
    RegisterDocumentsPayload {
        results: results.collect(),
        user_errors,
    }
}

fn error(index: usize, message: String) -> UserError {
    UserError {
        field: Some(format!("documents[{index}]")),
        message,
        code: UserErrorCode::BadUserInput,
    }
}
