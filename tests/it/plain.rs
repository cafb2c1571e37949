//! Pages that write themselves answer what async-graphql answers, byte for byte.
//!
//! A root field that is asked for twice under one name is resolved field by field, so the same selection, sent once and
//! sent twice, goes both ways.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use crate::imports::account;
use crate::support::{Client, Path, TestApp};

/// A type: its name, its leaves, and its objects with their types.
type Shape = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

/// The types a page may hold.
const TYPES: &[Shape] = &[
    (
        "Record",
        &[
            "id",
            "status",
            "occurredOn",
            "description",
            "merchant",
            "project",
            "note",
            "error",
            "externalId",
            "raw",
            "metadata",
            "createdAt",
            "updatedAt",
            "voidedAt",
        ],
        &[
            ("amount", "Money"),
            ("account", "Account"),
            ("category", "Category"),
            ("decision", "Decision"),
        ],
    ),
    (
        "Approval",
        &[
            "id",
            "status",
            "source",
            "confidence",
            "comment",
            "decidedById",
            "decidedAt",
            "reopenedFromId",
            "createdAt",
        ],
        &[
            ("record", "Record"),
            ("decision", "Decision"),
            ("proposedCategory", "Category"),
            ("category", "Category"),
        ],
    ),
    ("Money", &["amount", "currency"], &[]),
    (
        "Account",
        &[
            "id",
            "name",
            "number",
            "kind",
            "currency",
            "csvMapping",
            "createdAt",
        ],
        &[],
    ),
    (
        "Category",
        &["id", "code", "name", "kind", "archivedAt", "updatedAt"],
        &[("parent", "Category")],
    ),
    (
        "Decision",
        &[
            "id",
            "source",
            "categoryId",
            "confidence",
            "model",
            "version",
            "rationale",
            "cost",
            "latencyUs",
            "actor",
            "createdAt",
        ],
        &[("category", "Category")],
    ),
];

/// A selection of a type, with aliases, fragments, directives and repetitions.
pub fn selection(kind: &str, depth: usize, random: &mut StdRng) -> String {
    let (_, leaves, objects) = TYPES
        .iter()
        .find(|(name, ..)| *name == kind)
        .expect("the type is listed");
    let mut text = String::new();
    for _ in 0..random.random_range(1..5) {
        let leaf = leaves[random.random_range(0..leaves.len())];
        text += &match random.random_range(0..8) {
            0 => format!(" alias_{leaf}: {leaf}"),
            1 => " __typename".to_owned(),
            2 => format!(" ... on {kind} {{ {leaf} }}"),
            3 => format!(" ... {{ again_{leaf}: {leaf} {leaf} }}"),
            4 => format!(" {leaf} @include(if: $yes)"),
            5 => format!(" gone_{leaf}: {leaf} @skip(if: $yes)"),
            _ => format!(" {leaf}"),
        };
    }
    if depth > 0 && !objects.is_empty() {
        for _ in 0..random.random_range(0..3) {
            let (name, of) = objects[random.random_range(0..objects.len())];
            text += &format!(" {name} {{ {} }}", selection(of, depth - 1, random));
        }
    }
    // never nothing at all
    format!("{text} {}", leaves[0])
}

#[tokio::test]
async fn a_page_at_once_and_field_by_field_are_the_same_bytes() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let account = account(&owner, "Main \"one\"\u{2028}").await;
    owner.import_rows(&account, 0..7).await;
    app.run_background_work().await;
    let pending = owner
        .run(
            "{ approvals(first: 3) { edges { node { id } } } }",
            json!({}),
        )
        .await;
    let pending = pending.ok();
    let one = pending.list("approvals.edges")[0]
        .text("node.id")
        .to_owned();
    let code = "{ categories { id children: parent { id } } }";
    let chart = owner.run(code, json!({})).await.ok();
    let category = chart.list("categories")[0].text("id").to_owned();
    let decide = "mutation($input: OverrideRecordInput!) { overrideRecord(input: $input) { errors { message } } }";
    let input = json!({ "approvalId": one, "categoryId": category, "note": "so \u{1F600}" });
    owner.run(decide, json!({ "input": input })).await.ok();
    app.run_background_work().await;

    let mut random = StdRng::seed_from_u64(20_261_121);
    for _ in 0..60 {
        for (list, kind) in [("records", "Record"), ("approvals", "Approval")] {
            let edge = format!(
                "cursor node {{ {} }} kind: __typename always: cursor @include(if: $yes)",
                selection(kind, 2, &mut random)
            );
            let page =
                format!("{list}(first: 5) {{ edges {{ {edge} }} pageInfo {{ endCursor }} }}");
            let once = format!("query($yes: Boolean = true) {{ {page} }}");
            let twice = format!(
                "query($yes: Boolean = true) {{ {page} ...Again }} fragment Again on Query {{ {page} }}"
            );
            let (once, twice) = (data(&owner, &once).await, data(&owner, &twice).await);
            assert_eq!(once, twice, "{page}");
            assert!(!once.contains("errors"), "{once}");
        }
    }
    app.finish().await;
}

/// The bytes of an answer before what it cost.
async fn data(who: &Client, query: &str) -> String {
    let answer = who.graphql(query, json!({})).await.text();
    let (data, _cost) = answer
        .split_once(",\"extensions\":")
        .expect("an answer tells its cost");
    data.to_owned()
}
