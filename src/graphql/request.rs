//! From a request to an answer: scan, parse, choose, measure, execute, finish.
//!
//! The document of a text is parsed, validated and measured once and kept; what depends on the
//! variables is done each time, for it takes microseconds. Deadlines, sign-in and the rate limit
//! belong to the caller, who finds the cost in [`Prepared`].

use std::sync::Arc;

use async_graphql::{
    Data, Executor, Request, Response, Value, Variables,
    futures_util::{
        FutureExt,
        stream::{self, BoxStream, StreamExt},
    },
    parser::{self, parse_query, types::OperationType},
};
use sha2::{Digest, Sha256};

use super::{
    answer::{self, Telling},
    cache::{Document, Documents, Hash, Operation},
    cost::CostIndex,
    documents::{Told, judge},
    idempotency::{Replayed, holds_a_key, to_its_end},
    inputs::InputIndex,
    limits::Limits,
    loader::execute,
    measure::{Measured, measure},
    message::GraphqlRequest,
    operation::{RootOrder, select_operation},
    price::Price,
    refusal::{Code, Refusal},
    scan::scan,
    variables::check_variables,
};

/// Syntax trees kept, in tokens: some sixty megabytes at the worst, a few thousand documents
/// as clients write them.
const KEPT_TOKENS: u64 = 200_000;

/// Which operations the transport carries, besides queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// Mutations: not by GET.
    pub mutations: bool,
    /// Subscriptions: only where the answer is a stream.
    pub subscriptions: bool,
}

impl Allowed {
    /// A GET with one answer.
    pub const GET: Self = Self {
        mutations: false,
        subscriptions: false,
    };
    /// A GET answered with a stream.
    pub const GET_STREAM: Self = Self {
        mutations: false,
        subscriptions: true,
    };
    /// A POST with one answer.
    pub const POST: Self = Self {
        mutations: true,
        subscriptions: false,
    };
    /// A socket, or a POST answered with a stream.
    pub const STREAM: Self = Self {
        mutations: true,
        subscriptions: true,
    };
}

/// A request that passed every check before validation.
#[derive(Debug)]
pub struct Prepared {
    /// What the executor takes. Add the caller's data to it.
    pub request: Request,
    /// What it asks for.
    pub measured: Measured,
    /// SHA-256 of the document.
    pub hash: Hash,
    /// What it may cost, and how to tell what it did.
    pub price: Price,
    /// Which of its mutations were answered from before.
    pub replayed: Replayed,
    /// Whether it is a mutation that comes again until it is answered, and ends though nobody waits for it.
    pub keyed: bool,
    /// What the answer should tell besides.
    pub told: Told,
    document: Arc<Document>,
    operation: Arc<Operation>,
    /// Values that may not fit, for validation to tell.
    unexpected: Variables,
}

/// The way of every GraphQL request, over any transport.
#[derive(Debug)]
pub struct Pipeline<E> {
    executor: E,
    streams: E,
    judge: Option<E>,
    index: Arc<CostIndex>,
    inputs: Arc<InputIndex>,
    limits: Limits,
    documents: Documents,
    suggestions: bool,
}

impl<E: Executor> Pipeline<E> {
    /// A pipeline in front of a schema with this SDL. The schema validates by itself, unless there is
    /// a [judge](Self::with_judge).
    pub fn new(executor: E, sdl: &str, limits: Limits) -> Result<Self, parser::Error> {
        Ok(Self {
            streams: executor.clone(),
            executor,
            judge: None,
            index: Arc::new(CostIndex::build(sdl)?),
            inputs: Arc::new(InputIndex::build(sdl)?),
            limits,
            documents: Documents::new(KEPT_TOKENS),
            suggestions: false,
        })
    }

    /// Gives streams an executor of their own, so that what they need costs single answers nothing.
    #[must_use]
    pub fn with_streams(self, streams: E) -> Self {
        Self { streams, ..self }
    }

    /// Lets a schema that stops after validation judge each document once; those behind need not
    /// validate then.
    #[must_use]
    pub fn with_judge(self, judge: E) -> Self {
        Self {
            judge: Some(judge),
            ..self
        }
    }

    /// Lets validation suggest names of the schema; for development.
    #[must_use]
    pub fn with_suggestions(self, suggestions: bool) -> Self {
        Self {
            suggestions,
            ..self
        }
    }

    /// The bounds of one request.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What each field costs.
    pub fn index(&self) -> &CostIndex {
        &self.index
    }

    /// The schema behind.
    pub fn executor(&self) -> &E {
        &self.executor
    }

    /// Checks all that can be checked before validation of a document that is sent as text.
    pub fn prepare(&self, sent: GraphqlRequest, allowed: Allowed) -> Result<Prepared, Refusal> {
        let Some(text) = &sent.query else {
            return Err(Refusal::new(Code::BadRequest, "The request has no query."));
        };
        let (hash, document) = self.document(text)?;
        self.prepare_document(hash, document, sent, allowed)
    }

    /// The same for a document that was found already, whatever else was sent.
    pub fn prepare_document(
        &self,
        hash: Hash,
        document: Arc<Document>,
        sent: GraphqlRequest,
        allowed: Allowed,
    ) -> Result<Prepared, Refusal> {
        check_characters(&document, &sent.variables)?;
        let name = sent.operation_name.as_deref();
        let chosen = select_operation(&document.tree, name)?;
        check_transport(chosen.ty, allowed)?;
        check_variables(chosen, &sent.variables, &self.inputs)?;
        let known = document.operation(name);
        let mut measured = match known.as_ref().and_then(|known| known.measured.as_ref()) {
            Some(measured) => measured.clone(),
            None => measure(
                &document.tree,
                name,
                &sent.variables,
                &self.index,
                &self.limits,
            )?,
        };
        let operation = known.unwrap_or_else(|| {
            document.keep(Operation {
                name: name.map(str::to_owned),
                root: RootOrder::of(&document.tree, chosen),
                measured: measured.fixed.then(|| measured.clone()),
            })
        });
        measured.note_variables(chosen, &sent.variables, &self.index);

        let price = Price::new(
            Arc::clone(&document),
            sent.operation_name.clone(),
            Arc::clone(&self.index),
            &measured,
        );
        let keyed = measured.operation_type == OperationType::Mutation
            && holds_a_key(&document, &sent.variables);
        let replayed = Replayed::default();
        let unexpected = judge::unexpected(&document, &sent.variables);
        // the tree is all the executor reads
        let mut request = Request::new("").variables(sent.variables);
        if keyed {
            request = request.data(replayed.clone());
        }
        request.operation_name = sent.operation_name;
        request.set_parsed_query(document.tree.clone());
        Ok(Prepared {
            request,
            measured,
            hash,
            price,
            replayed,
            keyed,
            told: Told::default(),
            document,
            operation,
            unexpected,
        })
    }

    /// The document of a hash, if its text was parsed lately.
    pub fn known(&self, hash: &Hash) -> Option<Arc<Document>> {
        self.documents.find(hash)
    }

    /// The parsed document of a text, within the limits of the text.
    pub fn document(&self, text: &str) -> Result<(Hash, Arc<Document>), Refusal> {
        // before hashing: the hash of an endless text is work too
        let scanned = scan(text, &self.limits)?;
        let hash = Sha256::digest(text.as_bytes()).into();
        if let Some(document) = self.documents.find(&hash) {
            return Ok((hash, document));
        }
        let tree = parse_query(text).map_err(parse_failed)?;
        let document = Arc::new(Document::new(tree, scanned.tokens, text));
        self.documents.insert(hash, Arc::clone(&document));
        Ok((hash, document))
    }

    /// Carries out a query or a mutation.
    pub async fn execute(&self, prepared: Prepared, request_id: &str) -> Response {
        let judged = self.validate(&prepared.document, prepared.unexpected);
        if let Err(refused) = judged.await {
            return self.finish(refused, request_id);
        }
        let mut response = match prepared.keyed {
            true => to_its_end(self.executor.clone(), prepared.request).await,
            false => execute(&self.executor, prepared.request).await,
        };
        prepared.replayed.tell(&mut response);
        prepared.operation.root.sort(&mut response.data);
        self.finish(response, request_id)
    }

    /// Carries out any operation as a stream of answers.
    pub fn stream(
        &self,
        prepared: Prepared,
        session: Option<Arc<Data>>,
        request_id: String,
    ) -> BoxStream<'static, Response> {
        let telling = self.telling();
        let answers = match &self.judge {
            Some(judge) if !prepared.document.is_valid() || !prepared.unexpected.is_empty() => {
                let (judge, streams) = (judge.clone(), self.streams.clone());
                let inputs = Arc::clone(&self.inputs);
                let judged = async move {
                    let unexpected = prepared.unexpected;
                    let document = &prepared.document;
                    match judge::validate(&judge, &inputs, document, unexpected).await {
                        Ok(()) => streams.execute_stream(prepared.request, session),
                        Err(refused) => stream::once(async { refused }).boxed(),
                    }
                };
                judged.flatten_stream().boxed()
            }
            _ => self.streams.execute_stream(prepared.request, session),
        };
        answers
            .map(move |response| answer::finish(response, &request_id, telling))
            .boxed()
    }

    /// Validates a document against the schema, unless it has passed before and there are no
    /// `unexpected` values. The answer of one that does not pass is for [`finish`](Self::finish).
    pub async fn validate(
        &self,
        document: &Document,
        unexpected: Variables,
    ) -> Result<(), Response> {
        match &self.judge {
            Some(judge) if !document.is_valid() || !unexpected.is_empty() => {
                judge::validate(judge, &self.inputs, document, unexpected).await
            }
            _ => Ok(()),
        }
    }

    /// Bounds, codes and masks the errors of an answer.
    #[must_use]
    pub fn finish(&self, response: Response, request_id: &str) -> Response {
        answer::finish(response, request_id, self.telling())
    }

    fn telling(&self) -> Telling {
        Telling {
            errors: self.limits.errors,
            suggestions: self.suggestions,
        }
    }
}

/// Refuses U+0000 anywhere: PostgreSQL cannot store it, and nobody means it.
fn check_characters(document: &Document, variables: &Variables) -> Result<(), Refusal> {
    fn holds_nul(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::List(items) => items.iter().any(holds_nul),
            Value::Object(members) => members.values().any(holds_nul),
            _ => false,
        }
    }
    if document.holds_nul || variables.values().any(holds_nul) {
        let message = "The character U+0000 is not accepted in any text.";
        return Err(Refusal::new(Code::BadUserInput, message));
    }
    Ok(())
}

fn check_transport(operation: OperationType, allowed: Allowed) -> Result<(), Refusal> {
    match operation {
        OperationType::Mutation if !allowed.mutations => Err(Refusal {
            allow: Some("POST"),
            ..Refusal::new(Code::BadRequest, "Send mutations by POST.").with_status(405)
        }),
        OperationType::Subscription if !allowed.subscriptions => Err(Refusal::new(
            Code::BadRequest,
            "Subscriptions need a WebSocket, or an Accept header with text/event-stream.",
        )),
        _ => Ok(()),
    }
}

/// The parser quotes the line it stumbled over, which may be the whole document; what it expected
/// and where is enough.
fn parse_failed(error: parser::Error) -> Refusal {
    let message = match &error {
        parser::Error::Syntax { message, .. } => {
            let expected = message
                .lines()
                .rev()
                .find_map(|line| line.trim().strip_prefix("= "));
            let short: String = expected
                .unwrap_or("not understood")
                .chars()
                .take(300)
                .collect();
            format!("Syntax error: {short}.")
        }
        other => format!(
            "The document cannot be used: {}.",
            other.to_string().trim_end_matches('.')
        ),
    };
    Refusal::new(Code::GraphqlParseFailed, message).at(error.positions())
}

#[cfg(test)]
mod tests;
