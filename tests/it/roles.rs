//! Roles of a tenant's own: what they bring, who may make and give them, and that nobody gives what they do not hold.

use std::fmt::Write;

use balance::permission::{PRESETS, Permission};
use entity::membership::Role;
use serde_json::{Value, json};

use crate::support::{Client, Path, Tenant, TestApp};

const CREATE: &str = "mutation($input: CreateRoleInput!) { createRole(input: $input) {
    role { id name grants { permission scope amountCeiling { amount currency } projects ownRecords recordStatus } }
    errors { field message code }
} }";
const UPDATE: &str = "mutation($input: UpdateRoleInput!) { updateRole(input: $input) {
    role { name grants { permission } } errors { field message code }
} }";
const ARCHIVE: &str = "mutation($id: ID!) { archiveRole(input: { customRoleId: $id }) {
    role { archivedAt } errors { field message code }
} }";
const CHANGE: &str = "mutation($input: ChangeMemberRoleInput!) { changeMemberRole(input: $input) {
    member { role customRole { id name } } errors { field message code }
} }";
const INVITE: &str = "mutation($input: AddMemberInput!) { addMember(input: $input) {
    invitation { role customRole { name } } link errors { field message code }
} }";
const ME: &str = "{ viewer { user { id } role permissions customRole { name } }
    myPermissions { permission scope } }";

/// A role that brings some permissions, without conditions.
pub async fn role(of: &Client, name: &str, permissions: &[&str]) -> String {
    let grants: Vec<Value> = permissions
        .iter()
        .map(|permission| json!({ "permission": permission }))
        .collect();
    make(of, name, json!(grants)).await
}

/// A role with these grants.
pub async fn make(of: &Client, name: &str, grants: Value) -> String {
    let input = json!({ "input": { "name": name, "grants": grants } });
    let made = of.run(CREATE, input).await.ok();
    made.text("createRole.role.id")
}

/// Somebody new with a role of the tenant's own.
pub async fn member_as(tenant: &Tenant, role: &str) -> Client {
    let somebody = tenant.viewer().await;
    give(&tenant.owner(), &somebody, role).await;
    somebody
}

async fn id_of(somebody: &Client) -> String {
    let me = somebody.run("{ viewer { user { id } } }", json!({})).await;
    me.ok().text("viewer.user.id")
}

async fn give(of: &Client, to: &Client, role: &str) {
    let input = json!({ "userId": id_of(to).await, "role": "CUSTOM", "customRoleId": role });
    let given = of.run(CHANGE, json!({ "input": input })).await.ok();
    assert_eq!(given.text("changeMemberRole.member.customRole.id"), role);
}

#[tokio::test]
async fn a_role_of_their_own_brings_what_it_says_and_no_more() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let id = role(&owner, "Clerk", &["records:read", "members:read"]).await;
    let clerk = member_as(&tenant, &id).await;
    let me = clerk.run(ME, json!({})).await.ok();
    assert_eq!(me.text("viewer.role"), "CUSTOM");
    assert_eq!(me.text("viewer.customRole.name"), "Clerk");
    assert_eq!(
        me.path("viewer.permissions"),
        &json!(["records:read", "members:read"])
    );
    let rules = clerk.run("{ rules { id } }", json!({})).await;
    assert_eq!(rules.error_code(), "FORBIDDEN");
    assert_eq!(rules.body["errors"][0]["path"], json!(["rules"]));

    // what it brings now counts at once, for whoever has it
    let grants = json!([{ "permission": "members:read" }, { "permission": "rules:read" }]);
    let input = json!({ "input": { "customRoleId": id, "name": "Reader", "grants": grants } });
    owner.run(UPDATE, input).await.ok();
    clerk.run("{ rules { id } }", json!({})).await.ok();
    let records = "{ records(first: 1) { edges { node { id } } } }";
    let gone = clerk.run(records, json!({})).await;
    assert_eq!(gone.error_code(), "FORBIDDEN");

    // people can be invited into it
    let input =
        json!({ "input": { "email": "new@acme.example", "role": "CUSTOM", "customRoleId": id } });
    let invited = owner.run(INVITE, input).await.ok();
    assert_eq!(
        invited.text("addMember.invitation.customRole.name"),
        "Reader"
    );
    let link = invited.text("addMember.link");
    let token = link.rsplit('=').next().unwrap();
    let joined = app
        .anybody()
        .run(
            "mutation($t: String!) { acceptInvitation(input: { token: $t, name: \"New\", password: \"correct horse battery\" }) {
                session { accessToken viewer { role permissions } } errors { message } } }",
            json!({ "t": token }),
        )
        .await
        .ok();
    let viewer = joined.path("acceptInvitation.session.viewer");
    assert_eq!(viewer["permissions"], json!(["rules:read", "members:read"]));
    app.finish().await;
}

#[tokio::test]
async fn every_role_and_what_it_brings_is_listed() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let grants = json!([
        { "permission": "records:read" },
        { "permission": "approvals:decide", "scope": "PROJECT", "projects": ["fair"], "recordStatus": ["PROCESSED"],
          "amountCeiling": { "amount": "100", "currency": "EUR" } },
    ]);
    let id = make(&owner, "Fair", grants).await;
    let listed = "{ roles { presets { role description grants { permission ownRecords } }
        custom { id name grants { permission scope projects recordStatus amountCeiling { amount currency } } } } }";
    let roles = tenant.viewer().await.run(listed, json!({})).await.ok();
    assert_eq!(roles.list("roles.presets").len(), 10);
    assert_eq!(roles.text("roles.custom[0].id"), id);
    assert_eq!(
        roles.path("roles.custom[0].grants[1]"),
        &json!({
            "permission": "approvals:decide", "scope": "PROJECT", "projects": ["fair"],
            "recordStatus": ["PROCESSED"], "amountCeiling": { "amount": "100.00", "currency": "EUR" },
        })
    );
    app.finish().await;
}

#[tokio::test]
async fn a_role_that_somebody_has_does_not_vanish() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let id = role(&owner, "Clerk", &["records:read"]).await;
    let clerk = member_as(&tenant, &id).await;
    let kept = owner.run(ARCHIVE, json!({ "id": id })).await;
    let error = &kept.user_errors()[0];
    assert_eq!(error["code"], "CONFLICT");
    assert!(error.text("message").contains("VIEWER 1"), "{error}");

    let input = json!({ "userId": id_of(&clerk).await, "role": "VIEWER" });
    owner.run(CHANGE, json!({ "input": input })).await.ok();
    let input = json!({ "email": "new@acme.example", "role": "CUSTOM", "customRoleId": id });
    owner.run(INVITE, json!({ "input": input })).await.ok();
    let kept = owner.run(ARCHIVE, json!({ "id": id })).await;
    assert!(kept.user_errors()[0].text("message").contains("invited"));

    let other = role(&owner, "Other", &["records:read"]).await;
    owner.run(ARCHIVE, json!({ "id": other })).await.ok();
    let input = json!({ "userId": id_of(&clerk).await, "role": "CUSTOM", "customRoleId": other });
    let late = owner.run(CHANGE, json!({ "input": input })).await;
    assert_eq!(late.user_errors()[0]["field"], "customRoleId");
    // its name is free again
    role(&owner, "Other", &["rules:read"]).await;
    let twice = json!({ "input": { "name": "Other", "grants": [{ "permission": "rules:read" }] } });
    let twice = owner.run(CREATE, twice).await;
    assert_eq!(twice.user_errors()[0]["field"], "name");
    app.finish().await;
}

#[tokio::test]
async fn nobody_gives_what_they_do_not_hold() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let lead = role(
        &owner,
        "Lead",
        &[
            "members:read",
            "members:manage",
            "roles:manage",
            "records:read",
        ],
    )
    .await;
    let lead = member_as(&tenant, &lead).await;
    let clerk = tenant.viewer().await;

    // by making a role, by changing one, by giving one, by inviting into one
    let create =
        json!({ "input": { "name": "Mine", "grants": [{ "permission": "rules:write" }] } });
    assert_eq!(lead.run(CREATE, create).await.error_code(), "FORBIDDEN");
    let mine = role(&lead, "Mine", &["records:read"]).await;
    let grants = json!([{ "permission": "approvals:decide" }]);
    let update = json!({ "input": { "customRoleId": mine, "grants": grants } });
    assert_eq!(lead.run(UPDATE, update).await.error_code(), "FORBIDDEN");
    let mighty = role(&owner, "Mighty", &["rules:write", "approvals:decide"]).await;
    let update = json!({ "input": { "customRoleId": mighty, "grants": [{ "permission": "records:read" }] } });
    assert_eq!(lead.run(UPDATE, update).await.error_code(), "FORBIDDEN");
    assert_eq!(
        lead.run(ARCHIVE, json!({ "id": mighty }))
            .await
            .error_code(),
        "FORBIDDEN"
    );
    for (role, custom) in [
        ("OWNER", Value::Null),
        ("ADMIN", Value::Null),
        ("VIEWER", Value::Null),
        ("CUSTOM", json!(mighty)),
    ] {
        let input = json!({ "userId": id_of(&clerk).await, "role": role, "customRoleId": custom });
        let given = lead.run(CHANGE, json!({ "input": input })).await;
        assert_eq!(given.error_code(), "FORBIDDEN", "{role}");
        let input = json!({ "email": "new@acme.example", "role": role, "customRoleId": custom });
        let invited = lead.run(INVITE, json!({ "input": input })).await;
        assert_eq!(invited.error_code(), "FORBIDDEN", "{role}");
    }
    give(&lead, &clerk, &mine).await;

    // a limit is not lifted on the way
    let grants = json!([
        { "permission": "members:manage" }, { "permission": "roles:manage" },
        { "permission": "approvals:decide", "amountCeiling": { "amount": "100", "currency": "EUR" } },
    ]);
    let limited = member_as(&tenant, &make(&owner, "Limited", grants).await).await;
    let wide = json!({ "name": "Wide", "grants": [{ "permission": "approvals:decide" }] });
    let wide = limited.run(CREATE, json!({ "input": wide })).await;
    assert_eq!(wide.error_code(), "FORBIDDEN");
    assert!(wide.body.text("errors[0].message").contains("reach"));
    let grants = json!([{ "permission": "approvals:decide", "amountCeiling": { "amount": "50", "currency": "EUR" } }]);
    make(&limited, "Narrow", grants).await;

    // ownership comes with being an owner only
    let tenant_too = json!({ "name": "Too", "grants": [{ "permission": "tenant:manage" }] });
    let tenant_too = owner.run(CREATE, json!({ "input": tenant_too })).await;
    assert_eq!(tenant_too.user_errors()[0]["field"], "grants[0].permission");
    app.finish().await;
}

#[tokio::test]
async fn a_role_of_another_tenant_is_none() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.tenant("acme").await, app.tenant("globex").await);
    let role = role(&ours.owner(), "Clerk", &["records:read"]).await;
    let somebody = theirs.viewer().await;
    let input = json!({ "userId": id_of(&somebody).await, "role": "CUSTOM", "customRoleId": role });
    let given = theirs.owner().run(CHANGE, json!({ "input": input })).await;
    assert_eq!(given.user_errors()[0]["code"], "BAD_USER_INPUT");
    let archived = theirs.owner().run(ARCHIVE, json!({ "id": role })).await;
    assert_eq!(archived.user_errors()[0]["code"], "NOT_FOUND");
    app.finish().await;
}

/// The presets in the order of the documentation, which is that of `PRESETS`.
#[test]
fn the_table_in_the_docs_is_what_the_presets_bring() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/security.md");
    let docs = std::fs::read_to_string(path).unwrap();
    let mut table = String::new();
    for permission in Permission::ALL {
        let allows = permission.about().trim_end_matches('.');
        write!(table, "| `{permission}` | {allows} |").unwrap();
        for preset in PRESETS {
            let held = preset.permissions();
            let cell = match held.contains(*permission) {
                false => "",
                true if held.reach(*permission, None).is_everything() => "✓",
                true if permission.is_about_records() => "own",
                true => "✓",
            };
            write!(table, " {cell} |").unwrap();
        }
        table.push('\n');
    }
    assert!(PRESETS.iter().all(|preset| preset.role != Role::Custom));
    assert!(
        docs.contains(&table),
        "docs/security.md should hold:\n{table}"
    );
}
