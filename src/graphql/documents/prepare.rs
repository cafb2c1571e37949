//! From what was sent to a document that may be carried out: sent as text, by its hash, or by its id; of a client that
//! may send anything, or registered documents only. The same way over every transport.

use std::sync::Arc;

use async_graphql::Executor;
use sha2::{Digest, Sha256};

use super::automatic::{Automatic, Scope};
use super::id::{DocumentId, document_id, persisted_query};
use super::told::Told;
use crate::clients::{self, Client, Use, client_of};
use crate::ctx::{Ctx, Handles};
use crate::error::Error;
use crate::graphql::cache::{Document, Hash};
use crate::graphql::error;
use crate::graphql::message::GraphqlRequest;
use crate::graphql::refusal::{Code, Refusal};
use crate::graphql::request::{Allowed, Pipeline, Prepared};

/// Who asks.
pub struct Who<'a> {
    /// What the process shares.
    pub handles: &'a Arc<Handles>,
    /// Their operation, if they are signed in.
    pub ctx: Option<&'a Ctx>,
    /// The client they say they are.
    pub client_name: Option<&'a str>,
    /// Where they call from.
    pub address: Option<&'a str>,
}

/// A document that was found by its name, or sent along.
struct Found {
    hash: Hash,
    document: Arc<Document>,
    /// The row of it, when their client has registered it.
    registered: Option<entity::GraphqlDocumentId>,
}

/// Finds the document of a request, refuses it to a client that may not send it, and checks all that can be checked
/// before it is carried out. What the answer should tell besides is in [`Prepared::told`].
pub async fn prepare<E: Executor>(
    pipeline: &Pipeline<E>,
    who: &Who<'_>,
    mut sent: GraphqlRequest,
    allowed: Allowed,
) -> Result<Prepared, Refusal> {
    let client = match who.ctx {
        Some(ctx) => client_of(ctx, who.client_name).await.map_err(refusal)?,
        None => None,
    };
    let client = client.as_deref();
    let by_name = sent.query.as_deref().is_none_or(str::is_empty);
    let found = match find(pipeline, who, client, &mut sent).await {
        Ok(found) => found,
        Err(refused) => {
            if refused.code == Code::PersistedQueryRequired {
                note_refused(who, client, None);
            }
            return Err(refused);
        }
    };
    if let Some(client) = client.filter(|client| client.strict)
        && found.registered.is_none()
    {
        note_refused(who, Some(client), Some(&found.hash));
        return Err(required());
    }
    let mut prepared = pipeline.prepare_document(found.hash, found.document, sent, allowed)?;
    let kept = by_name && !allowed.mutations;
    prepared.told = Told::of(
        &prepared.measured,
        kept,
        client.map(|client| client.cache_seconds),
    );
    note_use(who, client, found.registered, &prepared);
    Ok(prepared)
}

async fn find<E: Executor>(
    pipeline: &Pipeline<E>,
    who: &Who<'_>,
    client: Option<&Client>,
    sent: &mut GraphqlRequest,
) -> Result<Found, Refusal> {
    // some clients cannot leave the text out and send an empty one beside a name
    let text = sent.query.take().filter(|text| !text.is_empty());
    let hash = persisted_query(&sent.extensions)?;
    match (text, hash, sent.document_id.take()) {
        (Some(_), _, Some(_)) | (None, Some(_), Some(_)) => {
            let message = "Send the document, its hash or its documentId; not two of them.";
            Err(Refusal::new(Code::BadRequest, message))
        }
        (Some(text), hash, None) => {
            let (own, document) = pipeline.document(&text)?;
            if hash.is_some_and(|hash| hash != own) {
                let message =
                    "extensions.persistedQuery.sha256Hash is not the SHA-256 of the query.";
                return Err(Refusal::new(Code::BadRequest, message));
            }
            if hash.is_some() && client.is_none_or(|client| !client.strict) {
                automatic(who).keep(&scope(who, client), own, &text);
            }
            let registered = match (client, who.ctx) {
                (Some(client), Some(ctx)) => client.by_hash(ctx, &own).await.map_err(refusal)?,
                _ => None,
            };
            Ok(Found {
                hash: own,
                document,
                registered,
            })
        }
        (None, Some(hash), None) => {
            named(pipeline, who, client, DocumentId::Hash(hash), true).await
        }
        (None, None, Some(id)) => named(pipeline, who, client, DocumentId::read(&id)?, false).await,
        (None, None, None) => Err(Refusal::new(Code::BadRequest, "The request has no query.")),
    }
}

/// A document by its name: one that the client has registered, or one that was sent before with its hash.
async fn named<E: Executor>(
    pipeline: &Pipeline<E>,
    who: &Who<'_>,
    client: Option<&Client>,
    id: DocumentId,
    automatically: bool,
) -> Result<Found, Refusal> {
    if let (Some(client), Some(ctx)) = (client, who.ctx) {
        let hash = match &id {
            DocumentId::Hash(hash) => Some(*hash),
            DocumentId::Custom(id) => client.by_custom_id(ctx, id).await.map_err(refusal)?,
        };
        let registered = match &hash {
            Some(hash) => client.by_hash(ctx, hash).await.map_err(refusal)?,
            None => None,
        };
        if let (Some(hash), Some(registered)) = (hash, registered)
            && let Some(document) =
                registered_document(pipeline, ctx, client, hash, registered).await?
        {
            return Ok(Found {
                hash,
                document,
                registered: Some(registered),
            });
        }
        if client.strict {
            return Err(required());
        }
    }
    if let DocumentId::Hash(hash) = id
        && automatically
        && let Some(text) = automatic(who).find(&scope(who, client), &hash)
    {
        let (hash, document) = pipeline.document(&text)?;
        return Ok(Found {
            hash,
            document,
            registered: None,
        });
    }
    Err(Refusal::new(
        Code::PersistedQueryNotFound,
        "PersistedQueryNotFound",
    ))
}

/// The document behind a row: parsed already, or read from the database.
async fn registered_document<E: Executor>(
    pipeline: &Pipeline<E>,
    ctx: &Ctx,
    client: &Client,
    hash: Hash,
    id: entity::GraphqlDocumentId,
) -> Result<Option<Arc<Document>>, Refusal> {
    if let Some(document) = pipeline.known(&hash) {
        return Ok(Some(document));
    }
    let text = client.text(ctx, id).await.map_err(refusal)?;
    let Some(text) = text.filter(|text| Hash::from(Sha256::digest(text.as_bytes())) == hash) else {
        return Ok(None);
    };
    Ok(Some(pipeline.document(&text)?.1))
}

fn required() -> Refusal {
    let message = "This client may send documents that it has registered, and no others.";
    Refusal::new(Code::PersistedQueryRequired, message)
}

fn refusal(error: Error) -> Refusal {
    if error::code(&error) == Code::Internal {
        tracing::error!(error = ?error, "{error}");
    }
    Refusal::new(error::code(&error), error.to_string()).with_status(error::status(&error))
}

fn automatic(who: &Who<'_>) -> Arc<Automatic> {
    who.handles.kept.of()
}

fn scope(who: &Who<'_>, client: Option<&Client>) -> Scope {
    match who.ctx {
        Some(ctx) => Scope::Tenant(ctx.tenant(), client.map(|client| client.id)),
        None => Scope::of_address(who.address),
    }
}

/// Logs and counts a document that a strict client has not registered: the app has moved on, or somebody else has its
/// key.
fn note_refused(who: &Who<'_>, client: Option<&Client>, hash: Option<&Hash>) {
    let (Some(ctx), Some(client)) = (who.ctx, client) else {
        return;
    };
    tracing::warn!(
        request.id = ctx.request_id(),
        tenant.id = %ctx.tenant(),
        graphql_client.id = %client.id,
        document.id = hash.map(|hash| document_id(hash)),
        "A strict client sent a document that it has not registered",
    );
    clients::note(who.handles, ctx.tenant(), Some(client.id), Use::Refused);
}

fn note_use(
    who: &Who<'_>,
    client: Option<&Client>,
    registered: Option<entity::GraphqlDocumentId>,
    prepared: &Prepared,
) {
    let Some(ctx) = who.ctx else { return };
    let (handles, tenant, client) = (who.handles, ctx.tenant(), client.map(|client| client.id));
    if let Some(document) = registered {
        let what = Use::Document(document, prepared.measured.cost);
        clients::note(handles, tenant, client, what);
    }
    for member in &prepared.measured.deprecated {
        clients::note(handles, tenant, client, Use::Deprecated(member.clone()));
    }
}
