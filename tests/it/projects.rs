//! Projects and teams: what records are worked on for, by whom.

use serde_json::{Value, json};

use crate::support::{Client, Path, TestApp};

const CREATE: &str = "mutation($input: CreateProjectInput!) { createProject(input: $input) {
    project { id key name } errors { field message code }
} }";
const ARCHIVE: &str = "mutation($id: ID!) { archiveProject(input: { projectId: $id }) {
    project { archivedAt } errors { code message }
} }";
const RULE: &str = "mutation($input: CreateRuleInput!) { createRule(input: $input) {
    rule { project } errors { field message code }
} }";
const OVERRIDE: &str = "mutation($input: OverrideRecordInput!) { overrideRecord(input: $input) {
    approval { record { id project } } errors { field message code }
} }";
const QUEUE: &str = "{ approvals(filter: { status: [PENDING] }, first: 50) { edges { node { id record { id } } } } }";

/// Makes a project; its id.
pub async fn project(of: &Client, name: &str) -> String {
    let made = of.run(CREATE, json!({ "input": { "name": name } })).await;
    made.ok().text("createProject.project.id")
}

fn rule(project: &str) -> Value {
    json!({ "input": {
        "name": "Fair", "actions": { "project": project },
        "conditions": { "text": { "op": "CONTAINS", "value": "fair" } },
    } })
}

#[tokio::test]
async fn a_project_is_named_by_its_key_whatever_its_letter_case() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let (owner, reviewer) = (tenant.owner(), tenant.reviewer().await);
    project(&owner, "Fair 2026").await;
    let made = reviewer.run(RULE, rule(" fair 2026")).await.ok();
    assert_eq!(made.text("createRule.rule.project"), "Fair 2026");
    let twice = json!({ "input": { "name": "FAIR 2026" } });
    let twice = owner.run(CREATE, twice).await;
    assert_eq!(twice.user_errors()[0]["field"], "key");
    app.finish().await;
}

#[tokio::test]
async fn a_slip_of_the_pen_is_no_new_project() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let (owner, reviewer) = (tenant.owner(), tenant.reviewer().await);
    project(&owner, "Fair").await;
    let slip = reviewer.run(RULE, rule("Fiar")).await;
    let error = &slip.user_errors()[0];
    assert_eq!(error["field"], "actions.project");
    assert!(
        error.text("message").contains("did you mean Fair?"),
        "{error}"
    );

    // those who may make projects make one by using it
    let made = owner.run(RULE, rule("Fiar")).await.ok();
    assert_eq!(made.text("createRule.rule.project"), "Fiar");
    let keys = "{ projects(first: 10) { edges { node { key name } } totalCount } }";
    let keys = reviewer.run(keys, json!({})).await.ok();
    assert_eq!(keys.number("projects.totalCount"), 2);
    assert_eq!(keys.text("projects.edges[1].node.key"), "Fiar");
    app.finish().await;
}

#[tokio::test]
async fn nothing_new_is_filed_under_an_archived_project() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let id = project(&owner, "Fair").await;
    let rename =
        "mutation($id: ID!) { renameProject(input: { projectId: $id, name: \"Spring fair\" }) {
        project { key name } errors { message } } }";
    let renamed = owner.run(rename, json!({ "id": id })).await.ok();
    assert_eq!(renamed.text("renameProject.project.key"), "Fair");
    owner.run(ARCHIVE, json!({ "id": id })).await.ok();
    let again = owner.run(ARCHIVE, json!({ "id": id })).await;
    assert_eq!(again.user_errors()[0]["code"], "CONFLICT");
    let refused = owner.run(RULE, rule("fair")).await;
    assert!(
        refused.user_errors()[0]
            .text("message")
            .contains("archived")
    );
    let restore = "mutation($id: ID!) { restoreProject(input: { projectId: $id }) { project { archivedAt } errors { message } } }";
    owner.run(restore, json!({ "id": id })).await.ok();
    owner.run(RULE, rule("fair")).await.ok();
    app.finish().await;
}

#[tokio::test]
async fn records_are_found_by_their_project() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let account = owner.make_account("Main").await;
    owner.import_rows(&account, 0..3).await;
    app.run_background_work().await;
    let queue = owner.run(QUEUE, json!({})).await.ok();
    let chart = owner.run("{ categories { id } }", json!({})).await.ok();
    let input = json!({
        "approvalId": queue.text("approvals.edges[0].node.id"), "project": "House",
        "categoryId": chart.text("categories[5].id"),
    });
    let filed = owner.run(OVERRIDE, json!({ "input": input })).await.ok();
    assert_eq!(
        filed.text("overrideRecord.approval.record.project"),
        "House"
    );
    let find = "{ records(filter: { project: \"House\" }, first: 5) { edges { node { id } } totalCount } }";
    let found = owner.run(find, json!({})).await.ok();
    assert_eq!(found.number("records.totalCount"), 1);
    assert_eq!(
        found.text("records.edges[0].node.id"),
        queue.text("approvals.edges[0].node.record.id")
    );
    app.finish().await;
}

#[tokio::test]
async fn a_team_holds_members_and_open_projects_only() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant("acme").await, app.tenant("globex").await);
    let owner = tenant.owner();
    let fair = project(&owner, "Fair").await;
    let stranger = other
        .owner()
        .run("{ viewer { user { id } } }", json!({}))
        .await
        .ok();
    let create = "mutation($input: CreateTeamInput!) { createTeam(input: $input) {
        team { id name members { id } projects { key } } errors { field message code } } }";
    let input = json!({ "name": "Hall 4", "userIds": [stranger.text("viewer.user.id")] });
    let refused = owner.run(create, json!({ "input": input })).await;
    assert_eq!(refused.user_errors()[0]["field"], "userIds");
    let elsewhere = project(&other.owner(), "Fair").await;
    let input = json!({ "name": "Hall 4", "projectIds": [elsewhere] });
    let refused = owner.run(create, json!({ "input": input })).await;
    assert_eq!(refused.user_errors()[0]["field"], "projectIds");

    let me = owner
        .run("{ viewer { user { id } } }", json!({}))
        .await
        .ok();
    let me = me.text("viewer.user.id");
    let input = json!({ "name": "Hall 4", "userIds": [me], "projectIds": [fair] });
    let made = owner.run(create, json!({ "input": input })).await.ok();
    assert_eq!(made.text("createTeam.team.projects[0].key"), "Fair");
    assert_eq!(made.text("createTeam.team.members[0].id"), me);
    let update = "mutation($input: UpdateTeamInput!) { updateTeam(input: $input) {
        team { name members { id } projects { key } } errors { field message code } } }";
    let id = made.text("createTeam.team.id");
    let input = json!({ "teamId": id, "name": "Hall 5", "remove": { "userIds": [me] } });
    let changed = owner.run(update, json!({ "input": input })).await.ok();
    assert_eq!(changed.text("updateTeam.team.name"), "Hall 5");
    assert!(changed.list("updateTeam.team.members").is_empty());
    let archive = "mutation($id: ID!) { archiveTeam(input: { teamId: $id }) { team { archivedAt } errors { code } } }";
    owner.run(archive, json!({ "id": id })).await.ok();
    let late = json!({ "input": { "teamId": id, "name": "Hall 6" } });
    assert_eq!(
        owner.run(update, late).await.user_errors()[0]["code"],
        "CONFLICT"
    );
    let listed = owner.run("{ teams { id } }", json!({})).await.ok();
    assert!(listed.list("teams").is_empty());
    app.finish().await;
}
