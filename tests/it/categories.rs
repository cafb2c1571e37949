//! The chart of accounts.

use serde_json::{Value, json};

use crate::support::{Answer, Client, Path, TestApp};

const CHART: &str = "query($all: Boolean!) {
    categories(includeArchived: $all) { id code name kind archivedAt parent { id code kind } }
}";
const CREATE: &str = "mutation($input: CreateCategoryInput!) {
    createCategory(input: $input) { category { id parent { code } } errors { field message code } }
}";
const UPDATE: &str = "mutation($input: UpdateCategoryInput!) {
    updateCategory(input: $input) { category { code name parent { code } } errors { field message code } }
}";
const ARCHIVE: &str = "mutation($input: ArchiveCategoryInput!) {
    archiveCategory(input: $input) { category { archivedAt } errors { field message code } }
}";
const RESTORE: &str = "mutation($input: RestoreCategoryInput!) {
    restoreCategory(input: $input) { category { archivedAt } errors { field message code } }
}";

async fn id_of(client: &Client, code: &str) -> String {
    let chart = client.run(CHART, json!({ "all": true })).await.ok();
    let nodes = chart.list("categories");
    let node = nodes.iter().find(|node| node["code"] == code);
    node.expect("the chart has it").text("id")
}

async fn change(client: &Client, document: &str, input: Value) -> Answer {
    client.run(document, json!({ "input": input })).await
}

#[track_caller]
fn refused(answer: &Answer, field: &str, code: &str) {
    let errors = answer.user_errors();
    assert_eq!(
        (
            errors[0]["field"].as_str().unwrap_or(""),
            errors[0]["code"].as_str()
        ),
        (field, Some(code)),
        "{errors:?}"
    );
}

#[tokio::test]
async fn a_new_tenant_has_a_chart_sorted_by_code_with_parents_of_the_same_kind() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let before = app.app().handles.db.statements();
    let chart = owner.run(CHART, json!({ "all": false })).await.ok();
    let statements = app.app().handles.db.statements() - before;
    let nodes = chart.list("categories");
    assert!(nodes.len() > 40);
    assert!(nodes.is_sorted_by_key(|node| node.text("code")));
    for node in nodes.iter().filter(|node| !node["parent"].is_null()) {
        assert_eq!(node.path("kind"), node.path("parent.kind"));
    }
    assert!(
        statements < 8,
        "a chart with its parents cost {statements} statements"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_category_is_made_moved_renamed_put_away_and_taken_out_again() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let (office, travel) = (id_of(&owner, "6400").await, id_of(&owner, "6600").await);
    let input = json!({ "code": "6470", "name": "Plants", "kind": "EXPENSE", "parentId": office });
    let made = change(&owner, CREATE, input).await.ok();
    assert_eq!(made.text("createCategory.category.parent.code"), "6400");
    let id = made.text("createCategory.category.id");

    let input = json!({ "categoryId": id, "name": "Green", "parentId": travel });
    let moved = change(&owner, UPDATE, input).await.ok();
    let expected = json!({ "code": "6470", "name": "Green", "parent": { "code": "6600" } });
    assert_eq!(moved.path("updateCategory.category"), &expected);
    let top = change(
        &owner,
        UPDATE,
        json!({ "categoryId": id, "parentId": null }),
    )
    .await
    .ok();
    assert!(top.path("updateCategory.category.parent").is_null());

    let away = change(&owner, ARCHIVE, json!({ "categoryId": id }))
        .await
        .ok();
    assert!(away.path("archiveCategory.category.archivedAt").is_string());
    let chart = owner.run(CHART, json!({ "all": false })).await.ok();
    assert!(
        chart
            .list("categories")
            .iter()
            .all(|node| node["code"] != "6470")
    );
    refused(
        &change(&owner, ARCHIVE, json!({ "categoryId": id })).await,
        "",
        "CONFLICT",
    );
    let back = change(&owner, RESTORE, json!({ "categoryId": id }))
        .await
        .ok();
    assert!(back.path("restoreCategory.category.archivedAt").is_null());
    app.finish().await;
}

#[tokio::test]
async fn what_would_break_the_chart_is_refused_with_the_reason() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let (office, software) = (id_of(&owner, "6400").await, id_of(&owner, "6410").await);
    let make = |code: &str, kind: &str, parent: &str| json!({ "code": code, "name": "X", "kind": kind, "parentId": parent });
    refused(
        &change(&owner, CREATE, make("6410", "EXPENSE", &office)).await,
        "code",
        "BAD_USER_INPUT",
    );
    refused(
        &change(&owner, CREATE, make("6 4", "EXPENSE", &office)).await,
        "code",
        "BAD_USER_INPUT",
    );
    refused(
        &change(&owner, CREATE, make("6499", "INCOME", &office)).await,
        "parentId",
        "BAD_USER_INPUT",
    );
    refused(
        &change(&owner, CREATE, make("6499", "EXPENSE", "nonsense")).await,
        "parentId",
        "BAD_USER_INPUT",
    );
    let cycle = json!({ "categoryId": office, "parentId": software });
    refused(
        &change(&owner, UPDATE, cycle).await,
        "parentId",
        "BAD_USER_INPUT",
    );
    refused(
        &change(&owner, ARCHIVE, json!({ "categoryId": office })).await,
        "",
        "CONFLICT",
    );
    app.finish().await;
}

#[tokio::test]
async fn a_viewer_and_a_stranger_change_nothing() {
    let app = TestApp::start().await;
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    let software = id_of(&acme.owner(), "6410").await;
    let by_viewer = change(
        &acme.viewer().await,
        ARCHIVE,
        json!({ "categoryId": software }),
    )
    .await;
    assert_eq!(by_viewer.error_code(), "FORBIDDEN");
    let by_stranger = change(&other.owner(), ARCHIVE, json!({ "categoryId": software })).await;
    refused(&by_stranger, "", "NOT_FOUND");
    app.finish().await;
}
