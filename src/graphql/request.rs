//! From a request to an answer: scan, parse, choose, measure, execute, finish.
//!
//! The document of a text is parsed once and kept; everything that depends on the variables is
//! done each time, for it takes microseconds. Deadlines, sign-in and the rate limit belong to the
//! caller, who finds the cost in [`Prepared`].

use std::sync::Arc;

use async_graphql::{
    Data, Executor, Request, Response, Value, Variables,
    futures_util::stream::{self, BoxStream, StreamExt},
    parser::{self, parse_query, types::OperationType},
};
use sha2::{Digest, Sha256};

use super::{
    answer::{self, Telling},
    cache::{Document, Documents, Hash},
    cost::CostIndex,
    idempotency::{Replayed, holds_a_key, to_its_end},
    limits::Limits,
    loader::execute,
    measure::{Measured, measure},
    message::GraphqlRequest,
    operation::{RootOrder, select_operation},
    price::Price,
    refusal::{Code, Refusal},
    scan::scan,
    variables::{InputIndex, check_variables},
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
    /// The order its root fields were asked in.
    pub root: RootOrder,
    /// What it may cost, and how to tell what it did.
    pub price: Price,
    /// Which of its mutations were answered from before.
    pub replayed: Replayed,
    /// Whether it is a mutation that comes again until it is answered, and ends though nobody waits for it.
    pub keyed: bool,
}

/// The way of every GraphQL request, over any transport.
#[derive(Debug)]
pub struct Pipeline<E> {
    executor: E,
    streams: E,
    index: Arc<CostIndex>,
    inputs: InputIndex,
    limits: Limits,
    documents: Documents,
    suggestions: bool,
}

impl<E: Executor> Pipeline<E> {
    /// A pipeline in front of a strictly validating schema with this SDL.
    pub fn new(executor: E, sdl: &str, limits: Limits) -> Result<Self, parser::Error> {
        Ok(Self {
            streams: executor.clone(),
            executor,
            index: Arc::new(CostIndex::build(sdl)?),
            inputs: InputIndex::build(sdl)?,
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

    /// Checks all that can be checked before validation.
    pub fn prepare(&self, sent: GraphqlRequest, allowed: Allowed) -> Result<Prepared, Refusal> {
        let Some(text) = sent.query else {
            return Err(Refusal::new(Code::BadRequest, "The request has no query."));
        };
        let (hash, document) = self.document(&text)?;
        check_characters(&text, &sent.variables)?;
        let name = sent.operation_name.as_deref();
        let operation = select_operation(&document.tree, name)?;
        check_transport(operation.ty, allowed)?;
        check_variables(operation, &sent.variables, &self.inputs)?;
        let measured = measure(
            &document.tree,
            name,
            &sent.variables,
            &self.index,
            &self.limits,
        )?;

        let root = RootOrder::of(&document.tree, operation);
        let price = Price::new(
            Arc::clone(&document),
            sent.operation_name.clone(),
            Arc::clone(&self.index),
            &measured,
        );
        let keyed = operation.ty == OperationType::Mutation && holds_a_key(&text, &sent.variables);
        let replayed = Replayed::default();
        let mut request = Request::new(text).variables(sent.variables);
        if keyed {
            request = request.data(replayed.clone());
        }
        request.operation_name = sent.operation_name;
        request.set_parsed_query(document.tree.clone());
        Ok(Prepared {
            request,
            measured,
            hash,
            root,
            price,
            replayed,
            keyed,
        })
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
        let document = Arc::new(Document {
            tree,
            tokens: scanned.tokens,
        });
        self.documents.insert(hash, Arc::clone(&document));
        Ok((hash, document))
    }

    /// Carries out a query or a mutation.
    pub async fn execute(&self, prepared: Prepared, request_id: &str) -> Response {
        let root = prepared.root;
        let mut response = match prepared.keyed {
            true => to_its_end(self.executor.clone(), prepared.request).await,
            false => execute(&self.executor, prepared.request).await,
        };
        prepared.replayed.tell(&mut response);
        root.sort(&mut response.data);
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
        if prepared.keyed && session.is_none() {
            let (streams, replayed) = (self.streams.clone(), prepared.replayed);
            let once = async move {
                let mut response = to_its_end(streams, prepared.request).await;
                replayed.tell(&mut response);
                answer::finish(response, &request_id, telling)
            };
            return stream::once(once).boxed();
        }
        self.streams
            .execute_stream(prepared.request, session)
            .map(move |response| answer::finish(response, &request_id, telling))
            .boxed()
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
fn check_characters(text: &str, variables: &Variables) -> Result<(), Refusal> {
    fn holds_nul(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::List(items) => items.iter().any(holds_nul),
            Value::Object(members) => members.values().any(holds_nul),
            _ => false,
        }
    }
    if text.contains('\0') || text.contains("\\u0000") || variables.values().any(holds_nul) {
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
mod tests {
    use async_graphql::{EmptySubscription, Object, Schema, Subscription, Variables};
    use serde_json::json;

    use super::*;

    struct Query;

    #[Object]
    impl Query {
        async fn double(&self, n: i32) -> i32 {
            n * 2
        }

        async fn broken(&self) -> async_graphql::Result<i32> {
            Err(async_graphql::Error::new("disk /dev/sda1 is full"))
        }
    }

    struct Mutation;

    #[Object]
    impl Mutation {
        async fn touch(&self) -> bool {
            true
        }
    }

    struct Ticks;

    #[Subscription]
    impl Ticks {
        async fn ticks(&self) -> impl stream::Stream<Item = i32> {
            stream::iter([1, 2])
        }
    }

    fn pipeline() -> Pipeline<Schema<Query, Mutation, Ticks>> {
        let schema = Schema::new(Query, Mutation, Ticks);
        let sdl = schema.sdl();
        Pipeline::new(schema, &sdl, Limits::default()).unwrap()
    }

    fn sent(query: &str) -> GraphqlRequest {
        GraphqlRequest {
            query: Some(query.to_owned()),
            ..GraphqlRequest::default()
        }
    }

    async fn answer(query: &str, variables: serde_json::Value) -> serde_json::Value {
        let pipeline = pipeline();
        let mut request = sent(query);
        request.variables = Variables::from_json(variables);
        let prepared = pipeline.prepare(request, Allowed::POST).unwrap();
        let response = pipeline.execute(prepared, "req-1").await;
        serde_json::from_slice(&super::super::status::to_json(&response).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_request_passes_through_to_its_answer() {
        let query = "query($n: Int!) { double(n: $n) }";
        assert_eq!(
            answer(query, json!({"n": 21})).await,
            json!({"data": {"double": 42}})
        );
    }

    #[test]
    fn variables_that_do_not_fit_are_refused_before_anything_runs() {
        let mut request = sent("query($n: Int!) { double(n: $n) }");
        let missing = pipeline()
            .prepare(request.clone(), Allowed::POST)
            .unwrap_err();
        assert_eq!((missing.code, missing.status), (Code::BadUserInput, 400));
        request.variables = Variables::from_json(json!({"n": "x"}));
        assert_eq!(
            pipeline()
                .prepare(request, Allowed::POST)
                .unwrap_err()
                .details
                .len(),
            1
        );
    }

    #[tokio::test]
    async fn errors_of_the_executor_have_codes_and_tell_no_secrets() {
        let broken = answer("{ broken }", json!({})).await;
        assert_eq!(broken["errors"][0]["extensions"]["code"], "INTERNAL");
        assert!(!broken.to_string().contains("sda1"));

        let unknown = answer("{ doubel(n: 1) }", json!({})).await;
        assert_eq!(
            unknown["errors"][0]["extensions"]["code"],
            "GRAPHQL_VALIDATION_FAILED"
        );
        assert_eq!(unknown.get("data"), None);
        assert!(!unknown.to_string().contains("Did you mean"));
    }

    #[test]
    fn get_carries_queries_only() {
        let refusal = pipeline()
            .prepare(sent("mutation { touch }"), Allowed::GET)
            .unwrap_err();
        assert_eq!((refusal.status, refusal.allow), (405, Some("POST")));
        assert!(
            pipeline()
                .prepare(sent("{ double(n: 1) }"), Allowed::GET)
                .is_ok()
        );
        assert!(
            pipeline()
                .prepare(sent("subscription { ticks }"), Allowed::POST)
                .is_err()
        );
        assert!(
            pipeline()
                .prepare(sent("subscription { ticks }"), Allowed::GET_STREAM)
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_subscription_is_a_stream_of_answers() {
        let pipeline = pipeline();
        let prepared = pipeline
            .prepare(sent("subscription { ticks }"), Allowed::STREAM)
            .unwrap();
        let answers: Vec<_> = pipeline
            .stream(prepared, None, "req-1".to_owned())
            .collect()
            .await;
        assert_eq!(answers.len(), 2);
        assert!(answers.iter().all(Response::is_ok));
    }

    #[test]
    fn a_syntax_error_says_where_and_quotes_nothing() {
        let text = format!("{{ a(secret: \"hush\") {}", " ".repeat(5_000));
        let refusal = pipeline().prepare(sent(&text), Allowed::POST).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.status),
            (Code::GraphqlParseFailed, 400)
        );
        assert!(
            refusal.message.starts_with("Syntax error: expected"),
            "{}",
            refusal.message
        );
        assert!(!refusal.message.contains("hush") && refusal.message.len() < 400);
        assert_eq!(refusal.locations.len(), 1);
        let twice = pipeline().prepare(sent("query A { a } query A { a }"), Allowed::POST);
        assert_eq!(
            twice.unwrap_err().message,
            "The document cannot be used: operation A is defined twice."
        );
    }

    #[test]
    fn the_same_text_is_parsed_once() {
        let pipeline = pipeline();
        let (_, first) = pipeline.document("{ double(n: 1) }").unwrap();
        let (_, second) = pipeline.document("{ double(n: 1) }").unwrap();
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn an_operation_must_be_chosen_among_several() {
        let text = "query A { double(n: 1) } query B { double(n: 2) }";
        let refusal = pipeline().prepare(sent(text), Allowed::POST).unwrap_err();
        assert_eq!(refusal.code, Code::GraphqlValidationFailed);
        let chosen = GraphqlRequest {
            operation_name: Some("B".to_owned()),
            ..sent(text)
        };
        assert!(pipeline().prepare(chosen, Allowed::POST).is_ok());
    }

    #[tokio::test]
    async fn a_schema_without_subscriptions_still_has_its_pipeline() {
        let schema = Schema::new(Query, Mutation, EmptySubscription);
        let sdl = schema.sdl();
        let pipeline = Pipeline::new(schema, &sdl, Limits::default()).unwrap();
        let prepared = pipeline
            .prepare(sent("{ __typename }"), Allowed::POST)
            .unwrap();
        assert_eq!(prepared.measured.cost, 0);
    }
}
