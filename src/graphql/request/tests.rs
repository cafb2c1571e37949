use async_graphql::{
    EmptySubscription, Object, Schema, Subscription, Variables, futures_util::stream,
};
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
    serde_json::from_slice(&crate::graphql::status::to_json(&response).unwrap()).unwrap()
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
