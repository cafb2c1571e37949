use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema, Value, value};

use super::{Plain, Rows};
use crate::graphql::accounts::Account;
use crate::graphql::approvals::Approval;
use crate::graphql::categories::Category;
use crate::graphql::decisions::Decision;
use crate::graphql::page::Edge;
use crate::graphql::records::Record;
use crate::graphql::scalar::{Decimal, Money};
use crate::graphql::status::to_json;

struct Query;

#[Object]
impl Query {
    async fn sums(&self) -> Rows<Money> {
        let sum = |amount: &str, currency: &str| Money {
            amount: Decimal(amount.into()),
            currency: currency.into(),
        };
        Rows::new(vec![sum("1.00", "EUR"), sum("-2.50", "\"US\nD\"")])
    }
}

async fn ask(document: &str) -> async_graphql::Response {
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription).finish();
    schema.execute(document).await
}

fn sums(data: &Value) -> &Value {
    match data {
        Value::Object(members) => &members["sums"],
        other => panic!("an object, not {other}"),
    }
}

#[tokio::test]
async fn a_page_is_written_as_json_at_once() {
    let document = "query($no: Boolean = false) {
        sums { ...Sum kind: __typename ... on Money { currency amount @include(if: $no) } }
    } fragment Sum on Money { currency ... { a: amount } currency }";
    let answer = ask(document).await;
    let Value::List(rows) = sums(&answer.data) else {
        panic!("a list, not {}", sums(&answer.data));
    };
    assert!(rows.iter().all(|row| matches!(row, Value::Binary(_))));
    let json = String::from_utf8(to_json(&answer).unwrap()).unwrap();
    assert_eq!(
        json,
        r#"{"data":{"sums":[{"currency":"EUR","a":"1.00","kind":"Money"},"#.to_owned()
            + r#"{"currency":"\"US\nD\"","a":"-2.50","kind":"Money"}]}}"#
    );
}

#[tokio::test]
async fn what_is_asked_for_twice_is_put_together_field_by_field() {
    let answer = ask("{ sums { amount } ... on Query { sums { currency } } }").await;
    let expected = value!([
        { "amount": "1.00", "currency": "EUR" },
        { "amount": "-2.50", "currency": "\"US\nD\"" },
    ]);
    assert_eq!(*sums(&answer.data), expected);
}

#[tokio::test]
async fn nothing_selected_is_null_as_it_is_field_by_field() {
    let document = "query($no: Boolean = false) { sums { amount @include(if: $no) } }";
    assert_eq!(
        *sums(&ask(document).await.data),
        value!([null, null]),
        "async-graphql answers null for an object without members"
    );
}

/// What a plan cannot hold: it asks the database for more than a page's relations, or has arguments.
const ORDINARY: &[&str] = &[
    "Record.connection",
    "Record.decisions",
    "Record.import",
    "Record.reasoningTrace",
    "Record.refundOf",
    "Record.refunds",
    "Record.similarRecords",
    "Record.splits",
    "Record.transfer",
    "Decision.considered",
    "Decision.explain",
    "Decision.splits",
];

#[test]
fn a_plain_type_lists_every_field_it_has() {
    let sdl = include_str!("../../../schema.graphql");
    compare::<Account>(sdl);
    compare::<Approval>(sdl);
    compare::<Category>(sdl);
    compare::<Decision>(sdl);
    compare::<Edge<Record>>(sdl);
    compare::<Money>(sdl);
    compare::<Record>(sdl);
}

fn compare<T: Plain>(sdl: &str) {
    let document = async_graphql::parser::parse_schema(sdl).unwrap();
    let name = T::type_name();
    let fields = document
        .definitions
        .iter()
        .find_map(|definition| {
            use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
            match definition {
                TypeSystemDefinition::Type(found) if found.node.name.node == *name => {
                    match &found.node.kind {
                        TypeKind::Object(object) => Some(&object.fields),
                        _ => None,
                    }
                }
                _ => None,
            }
        })
        .unwrap();
    let there: Vec<&str> = fields.iter().map(|f| f.node.name.node.as_str()).collect();
    for entry in T::FIELDS {
        assert!(
            there.contains(&entry.name),
            "{name} has no field {}",
            entry.name
        );
    }
    for field in there {
        let listed = T::FIELDS.iter().any(|entry| entry.name == field);
        let ordinary = ORDINARY.contains(&format!("{name}.{field}").as_str());
        assert_ne!(listed, ordinary, "{name}.{field} is in one of both lists");
    }
}
