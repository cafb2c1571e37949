//! What becomes of changes to apps and their documents.

use async_graphql::{Enum, ID, SimpleObject};

use super::GraphqlClient;
use crate::error::Result;
use crate::graphql::error::{UserError, payload};
use crate::graphql::payload::payloads;

payloads! {
    /// An app that was made known.
    CreateGraphqlClientPayload {
        /// The app.
        graphql_client: GraphqlClient
    },
    /// An app that was changed.
    UpdateGraphqlClientPayload {
        /// The app.
        graphql_client: GraphqlClient
    },
    /// An app that was put away.
    ArchiveGraphqlClientPayload {
        /// The app.
        graphql_client: GraphqlClient
    },
}

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum RegisterDocumentStatus {
    /// It is registered now.
    Registered,
    /// It was registered already.
    Unchanged,
    /// It cannot be registered; `errors` says why.
    Refused,
    /// Nothing is wrong with it, but others were refused, so none was registered.
    HeldBack,
}

/// What became of one document, in the order they were sent.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct RegisterDocumentResult {
    /// What became of it.
    pub status: RegisterDocumentStatus,
    /// The global id of the document, when it is registered.
    pub graphql_document_id: Option<ID>,
    /// What the app sends instead of the text, when it is registered.
    pub document_id: Option<String>,
    /// The most it can cost, with pages of 20 where a variable decides; when it is registered.
    pub cost: Option<i64>,
    /// What to put right in it.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}

/// Documents that were registered, all or none.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct RegisterDocumentsPayload {
    /// What became of each, in the order they were sent.
    pub results: Vec<RegisterDocumentResult>,
    /// What to put right, of all documents; empty when it was done.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}

/// Documents that were removed, all or none.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct RemoveDocumentsPayload {
    /// The ids of those that were.
    pub removed_ids: Vec<ID>,
    /// What to put right; empty when it was done.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}

impl RemoveDocumentsPayload {
    pub(super) fn removed(outcome: Result<()>, ids: Vec<ID>) -> Result<Self> {
        let (done, user_errors) = payload(outcome)?;
        let removed_ids = done.map(|()| ids).unwrap_or_default();
        Ok(Self {
            removed_ids,
            user_errors,
        })
    }
}
