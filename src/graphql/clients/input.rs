//! What clients send to change apps and their documents.

use async_graphql::{ID, InputObject, MaybeUndefined};

use super::GraphqlClientMode;

/// An app to be made known.
#[derive(InputObject)]
pub struct CreateGraphqlClientInput {
    /// How it names itself in the header `GraphQL-Client-Name`: 1 to 100 characters of ASCII.
    pub name: String,
    /// What it may send.
    #[graphql(default_with = "GraphqlClientMode::Permissive")]
    pub mode: GraphqlClientMode,
    /// The service account whose keys are this client, whatever they call themselves.
    pub service_account_id: Option<ID>,
    /// For how many seconds its own caches may keep the answer to a query that it asked for by GET and by the name of
    /// its document: 0 to 3600.
    #[graphql(default = 0)]
    pub cache_seconds: i32,
}

/// What changes in an app. What is left out stays.
#[derive(InputObject)]
pub struct UpdateGraphqlClientInput {
    /// Which one.
    pub graphql_client_id: ID,
    /// How it names itself from now on.
    pub name: Option<String>,
    /// What it may send from now on.
    pub mode: Option<GraphqlClientMode>,
    /// The service account whose keys are this client; null for none.
    pub service_account_id: MaybeUndefined<ID>,
    /// For how many seconds its own caches may keep an answer: 0 to 3600.
    pub cache_seconds: Option<i32>,
}

/// An app to put away.
#[derive(InputObject)]
pub struct ArchiveGraphqlClientInput {
    /// Which one.
    pub graphql_client_id: ID,
}

/// A document to be registered.
#[derive(InputObject)]
pub struct DocumentInput {
    /// The document, with one operation.
    pub text: String,
    /// Its id in the manifest, where that is not its SHA-256: letters, digits, `-`, `_` and `.`.
    pub id: Option<String>,
}

/// Documents to be registered.
#[derive(InputObject)]
pub struct RegisterDocumentsInput {
    /// The app.
    pub graphql_client_id: ID,
    /// The documents, 1 to 1000.
    pub documents: Vec<DocumentInput>,
}

/// Documents to be removed.
#[derive(InputObject)]
pub struct RemoveDocumentsInput {
    /// The app.
    pub graphql_client_id: ID,
    /// Which documents of it, 1 to 1000.
    pub graphql_document_ids: Vec<ID>,
}
