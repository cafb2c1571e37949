//! The life of tenants: opening another, going from one to the other, leaving, handing over, and who stays.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{Answer, Client, PASSWORD, Path, Setup, Sink, TestApp};

const CREATE: &str = "mutation($input: CreateTenantInput!) { createTenant(input: $input) {
    session { accessToken viewer { role tenant { id name baseCurrency } } } errors { field message code }
} }";
const SWITCH: &str = "mutation($input: SwitchTenantInput!) { switchTenant(input: $input) {
    session { accessToken viewer { role tenant { id } } } errors { field message code }
} }";
const LEAVE: &str = "mutation($input: LeaveTenantInput!) { leaveTenant(input: $input) {
    leftTenantId errors { field message code }
} }";
const TRANSFER: &str =
    "mutation($input: TransferOwnershipInput!) { transferOwnership(input: $input) {
    member { role user { id } } errors { field message code }
} }";
const REMOVE: &str = "mutation($input: RemoveMemberInput!) { removeMember(input: $input) {
    removedUserId errors { field message code }
} }";
const CHANGE_ROLE: &str =
    "mutation($input: ChangeMemberRoleInput!) { changeMemberRole(input: $input) {
    member { role } errors { field message code }
} }";
const INVITE: &str = "mutation($input: AddMemberInput!) { addMember(input: $input) {
    invitation { id } link errors { field message code }
} }";
const RESEND: &str = "mutation($input: ResendInvitationInput!) { resendInvitation(input: $input) {
    invitation { id expiresAt } link errors { field message code }
} }";
const JOIN: &str = "mutation($input: JoinTenantInput!) { joinTenant(input: $input) {
    session { accessToken viewer { role tenant { id } } } errors { field message code }
} }";
const ACCEPT: &str = "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) {
    session { accessToken } errors { field message code }
} }";
const DELETE_ME: &str = "mutation($input: DeleteMyAccountInput!) { deleteMyAccount(input: $input) {
    deleted errors { field message code }
} }";
const MINE: &str = "{ myTenants(first: 10) { totalCount edges { node {
    role isCurrent state { tenant { name } suspendedAt }
} } } }";
const MEMBERS: &str = "{ members(first: 50) { edges { node { role user { id name email } } } } }";

pub(crate) async fn act(who: &Client, document: &str, input: Value) -> Answer {
    who.run(document, json!({ "input": input })).await
}

pub(crate) async fn done(who: &Client, document: &str, input: Value) -> Value {
    act(who, document, input).await.ok()
}

/// The one thing that somebody has to put right.
pub(crate) async fn refused(who: &Client, document: &str, input: Value) -> Value {
    let answer = act(who, document, input).await;
    let data = &answer.body["data"];
    let payload = data.as_object().and_then(|data| data.values().next());
    let errors = payload.and_then(|payload| payload["errors"].as_array());
    match errors.map(Vec::as_slice) {
        Some([one]) => one.clone(),
        _ => panic!("one refusal was expected: {:#}", answer.body),
    }
}

async fn me(who: &Client) -> String {
    let viewer = who.run("{ viewer { user { id } } }", json!({})).await;
    viewer.ok().text("viewer.user.id")
}

async fn owners(who: &Client) -> usize {
    let members = who.run(MEMBERS, json!({})).await.ok();
    let edges = members.list("members.edges").iter();
    edges.filter(|edge| edge["node"]["role"] == "OWNER").count()
}

#[tokio::test]
async fn a_person_opens_another_tenant_and_goes_back_and_forth() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme").await;
    let ada = acme.owner();
    app.advance(chrono::TimeDelta::minutes(1));
    let input = json!({ "tenantName": "Globex", "baseCurrency": "USD" });
    let opened = done(&ada, CREATE, input).await;
    let globex = opened.path("createTenant.session.viewer");
    assert_eq!(globex.text("tenant.baseCurrency"), "USD");
    assert_eq!(globex.text("role"), "OWNER");
    let there = ada.with_token(&opened.text("createTenant.session.accessToken"));
    let chart = there.run("{ categories { code } }", json!({})).await.ok();
    assert!(!chart.list("categories").is_empty());

    // the session before goes on, and both know of both
    let mine = ada.run(MINE, json!({})).await.ok();
    assert_eq!(mine.number("myTenants.totalCount"), 2);
    let names: Vec<_> = mine.list("myTenants.edges").iter().collect();
    assert_eq!(names[0]["node"]["isCurrent"], true);
    assert_eq!(names[1].text("node.state.tenant.name"), "Globex");

    let back = done(&there, SWITCH, json!({ "tenantId": acme.id })).await;
    assert_eq!(back.text("switchTenant.session.viewer.tenant.id"), acme.id);
    let back = ada.with_token(&back.text("switchTenant.session.accessToken"));
    assert_eq!(me(&back).await, me(&ada).await);
    app.finish().await;
}

#[tokio::test]
async fn nobody_switches_to_a_tenant_that_is_not_theirs() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
    let owner = acme.owner();
    let theirs = refused(&owner, SWITCH, json!({ "tenantId": globex.id })).await;
    let nobodys = crate::support::nowhere("Tenant");
    let nobodys = refused(&owner, SWITCH, json!({ "tenantId": nobodys })).await;
    assert_eq!(theirs, nobodys);
    assert_eq!(theirs["code"], "NOT_FOUND");
    let leave = refused(&owner, LEAVE, json!({ "tenantId": globex.id })).await;
    assert_eq!(leave["code"], "NOT_FOUND");

    // one who was there once finds it closed too
    let viewer = acme.viewer().await;
    done(&viewer, LEAVE, json!({ "tenantId": acme.id })).await;
    assert_eq!(
        viewer
            .run("{ viewer { role } }", json!({}))
            .await
            .error_code(),
        "UNAUTHENTICATED"
    );
    app.finish().await;
}

#[tokio::test]
async fn the_last_owner_stays_whatever_is_tried() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme").await;
    let owner = acme.owner();
    let id = me(&owner).await;
    let email = "owner@acme.example";
    for (document, input) in [
        (LEAVE, json!({ "tenantId": acme.id })),
        (REMOVE, json!({ "userId": id })),
        (CHANGE_ROLE, json!({ "userId": id, "role": "ADMIN" })),
        (DELETE_ME, json!({ "email": email, "password": PASSWORD })),
    ] {
        let refusal = refused(&owner, document, input).await;
        assert_eq!(refusal["code"], "CONFLICT", "{refusal}");
        assert!(refusal.text("message").contains("last owner"), "{refusal}");
    }
    assert_eq!(owners(&owner).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn ownership_is_handed_over_in_one_step() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme").await;
    let (owner, admin) = (acme.owner(), acme.join("ADMIN").await);
    let heir = me(&admin).await;
    let theirs = act(&admin, TRANSFER, json!({ "userId": heir })).await;
    assert_eq!(theirs.error_code(), "FORBIDDEN");
    let self_ = json!({ "userId": me(&owner).await });
    assert_eq!(
        refused(&owner, TRANSFER, self_).await["code"],
        "BAD_USER_INPUT"
    );

    let given = done(&owner, TRANSFER, json!({ "userId": heir })).await;
    assert_eq!(given.text("transferOwnership.member.role"), "OWNER");
    assert_eq!(owners(&admin).await, 1);
    let before = owner.run("{ viewer { role } }", json!({})).await.ok();
    assert_eq!(before.text("viewer.role"), "ADMIN");
    // and so the one who gave it may leave now
    done(&owner, LEAVE, json!({ "tenantId": acme.id })).await;
    let log = admin
        .run("{ eventFeed(first: 500) { events { kind } } }", json!({}))
        .await
        .ok();
    let kinds: Vec<_> = log
        .list("eventFeed.events")
        .iter()
        .map(|e| e.text("kind"))
        .collect();
    let told = |kind: &str| kinds.iter().filter(|k| *k == kind).count();
    assert_eq!(told("OWNERSHIP_TRANSFERRED"), 1, "{kinds:?}");
    assert_eq!(told("MEMBER_CHANGED"), 2);
    app.finish().await;
}

#[tokio::test]
async fn two_owners_who_act_against_each_other_at_once_leave_one() {
    let app = TestApp::start().await;
    for attempt in ["remove", "demote", "leave"] {
        let acme = app.tenant(&format!("acme-{attempt}")).await;
        let one = acme.owner();
        let two = acme.join("OWNER").await;
        let (id_one, id_two) = (me(&one).await, me(&two).await);
        let outcomes = match attempt {
            "remove" => tokio::join!(
                act(&one, REMOVE, json!({ "userId": id_two })),
                act(&two, REMOVE, json!({ "userId": id_one })),
            ),
            "demote" => tokio::join!(
                act(
                    &one,
                    CHANGE_ROLE,
                    json!({ "userId": id_two, "role": "VIEWER" })
                ),
                act(
                    &two,
                    CHANGE_ROLE,
                    json!({ "userId": id_one, "role": "VIEWER" })
                ),
            ),
            _ => tokio::join!(
                act(&one, LEAVE, json!({ "tenantId": acme.id })),
                act(&two, LEAVE, json!({ "tenantId": acme.id })),
            ),
        };
        let mut left = 0;
        for who in [&one, &two] {
            let role = who.run("{ viewer { role } }", json!({})).await;
            left += usize::from(role.body["data"]["viewer"]["role"] == "OWNER");
        }
        assert_eq!(
            left, 1,
            "{attempt}: {:#} {:#}",
            outcomes.0.body, outcomes.1.body
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn an_invitation_is_sent_again_with_another_link() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme").await;
    let owner = acme.owner();
    let invite = json!({ "email": "nina@new.example", "role": "REVIEWER" });
    let invited = done(&owner, INVITE, invite).await;
    let id = invited.text("addMember.invitation.id");
    let first = token(&invited.text("addMember.link"));
    let again = json!({ "invitationId": id });
    let early = refused(&owner, RESEND, again.clone()).await;
    assert_eq!(early["code"], "CONFLICT");

    // also after it has lapsed
    app.advance(chrono::TimeDelta::days(8));
    let owner = sign_in(&app, "owner@acme.example").await;
    let resent = done(&owner, RESEND, again.clone()).await;
    let second = token(&resent.text("resendInvitation.link"));
    assert_ne!(first, second);
    let accept = |token: &str| json!({ "token": token, "name": "Nina", "password": PASSWORD });
    let nobody = app.anybody();
    assert_eq!(
        refused(&nobody, ACCEPT, accept(&first)).await["field"],
        "token"
    );
    done(&nobody, ACCEPT, accept(&second)).await;
    assert_eq!(
        refused(&nobody, ACCEPT, accept(&second)).await["field"],
        "token"
    );
    assert_eq!(refused(&owner, RESEND, again).await["code"], "NOT_FOUND");
    app.finish().await;
}

#[tokio::test]
async fn an_invitation_is_mailed_to_whom_it_is_for() {
    let Some(sink) = Sink::start().await else {
        return;
    };
    let app = TestApp::start_with(Setup {
        mail_url: Some(format!("smtp://127.0.0.1:{}", sink.smtp)),
        ..Setup::default()
    })
    .await;
    let owner = app.tenant("acme").await.owner();
    let invite = json!({ "email": "nina@new.example", "role": "VIEWER" });
    let invited = done(&owner, INVITE, invite).await;
    app.run_background_work().await;
    let mails = sink.mails().await;
    assert_eq!(mails.len(), 1);
    let mail = mails[0].to_string();
    assert!(mail.contains("nina@new.example"), "{mail}");
    // whatever a company calls itself is nothing to be mailed to strangers
    assert!(!mail.contains("acme"), "{mail}");
    let text = mail
        .replace("=\\n", "")
        .replace("=\\r\\n", "")
        .replace("=3D", "=");
    assert!(
        text.contains(&token(&invited.text("addMember.link"))),
        "{mail}"
    );
    app.finish().await;
    sink.stop().await;
}

#[tokio::test]
async fn an_invitation_is_answered_by_whom_it_is_for() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
    let invite = json!({ "email": "OWNER@globex.example", "role": "VIEWER" });
    let invited = done(&acme.owner(), INVITE, invite).await;
    let answer = json!({ "token": token(&invited.text("addMember.link")) });
    // a link that was passed on
    let stranger = globex.viewer().await;
    assert_eq!(
        refused(&stranger, JOIN, answer.clone()).await["field"],
        "token"
    );

    let joined = done(&globex.owner(), JOIN, answer.clone()).await;
    let viewer = joined.path("joinTenant.session.viewer");
    assert_eq!(
        (viewer.text("role"), viewer.text("tenant.id")),
        ("VIEWER".into(), acme.id.clone())
    );
    assert_eq!(
        refused(&globex.owner(), JOIN, answer).await["field"],
        "token"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_deleted_account_is_out_everywhere_and_forgotten() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
    let person = acme.reviewer().await;
    let email = "reviewer1@acme.example";
    let invited = done(
        &globex.owner(),
        INVITE,
        json!({ "email": email, "role": "VIEWER" }),
    )
    .await;
    done(
        &person,
        JOIN,
        json!({ "token": token(&invited.text("addMember.link")) }),
    )
    .await;
    done(&person, "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { profile { locale } errors { message } } }",
        json!({ "locale": "de-AT" })).await;

    let wrong = json!({ "email": email, "password": "not it at all" });
    assert_eq!(
        refused(&person, DELETE_ME, wrong).await["field"],
        "password"
    );
    let other = json!({ "email": "somebody@else.example", "password": PASSWORD });
    assert_eq!(refused(&person, DELETE_ME, other).await["field"], "email");
    done(
        &person,
        DELETE_ME,
        json!({ "email": email, "password": PASSWORD }),
    )
    .await;

    assert_eq!(
        person
            .run("{ viewer { role } }", json!({}))
            .await
            .error_code(),
        "UNAUTHENTICATED"
    );
    for tenant in [&acme, &globex] {
        let members = tenant.owner().run(MEMBERS, json!({})).await.ok();
        assert!(!members.to_string().contains(email), "{members}");
    }
    // the address is free again, and whoever takes it is somebody new
    let input = json!({ "tenantName": "Anew", "name": "Nora", "email": email, "password": "another password" });
    done(&app.anybody(), "mutation($input: RegisterTenantInput!) { registerTenant(input: $input) { session { accessToken } errors { message } } }", input).await;
    app.finish().await;
}

#[tokio::test]
async fn what_people_set_is_the_same_in_every_tenant() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme").await;
    let owner = acme.owner();
    let profile = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) {
        profile { user { name } locale timeZone } errors { field message }
    } }";
    let preferences =
        "mutation($input: UpdatePreferencesInput!) { updatePreferences(input: $input) {
        profile { preferences { pageSize theme app } } errors { field message }
    } }";
    let set = json!({ "name": "Olivia", "locale": "de-AT", "timeZone": "Europe/Vienna" });
    done(&owner, profile, set).await;
    let set = json!({ "pageSize": 25, "theme": "DARK", "app": { "columns": ["date", "amount"] } });
    done(&owner, preferences, set).await;
    done(&owner, preferences, json!({ "theme": null })).await;
    for (document, input, field) in [
        (profile, json!({ "timeZone": "nowhere" }), "timeZone"),
        (profile, json!({ "locale": "1" }), "locale"),
        (preferences, json!({ "pageSize": 101 }), "pageSize"),
        (
            preferences,
            json!({ "app": { "a": "x".repeat(5_000) } }),
            "app",
        ),
        (preferences, json!({ "app": [1] }), "app"),
    ] {
        assert_eq!(refused(&owner, document, input).await["field"], field);
    }

    let opened = done(&owner, CREATE, json!({ "tenantName": "Globex" })).await;
    let there = owner.with_token(&opened.text("createTenant.session.accessToken"));
    let mine = "{ myProfile { user { name } locale timeZone preferences { pageSize theme app } } }";
    assert_eq!(
        there.run(mine, json!({})).await.ok(),
        json!({ "myProfile": {
            "user": { "name": "Olivia" }, "locale": "de-AT", "timeZone": "Europe/Vienna",
            "preferences": { "pageSize": 25, "theme": null, "app": { "columns": ["date", "amount"] } },
        } })
    );
    app.finish().await;
}

#[tokio::test]
async fn an_owner_renames_the_tenant() {
    let app = TestApp::start().await;
    let acme = app.tenant("acme").await;
    let update = "mutation($input: UpdateTenantInput!) { updateTenant(input: $input) {
        tenant { tenant { name baseCurrency } } errors { field message code }
    } }";
    let changed = done(
        &acme.owner(),
        update,
        json!({ "tenantName": "Acme AG", "baseCurrency": "CHF" }),
    )
    .await;
    assert_eq!(
        changed.path("updateTenant.tenant.tenant"),
        &json!({ "name": "Acme AG", "baseCurrency": "CHF" })
    );
    let wrong = refused(&acme.owner(), update, json!({ "baseCurrency": "XXQ" })).await;
    assert_eq!(wrong["field"], "baseCurrency");
    let admin = acme.join("ADMIN").await;
    assert_eq!(
        act(&admin, update, json!({ "tenantName": "Mine" }))
            .await
            .error_code(),
        "FORBIDDEN"
    );
    app.finish().await;
}

fn token(link: &str) -> String {
    link.split_once("token=").unwrap().1.to_owned()
}

pub(crate) async fn sign_in(app: &TestApp, email: &str) -> Client {
    let body = json!({ "email": email, "password": PASSWORD });
    let signed_in = app.anybody().post("/api/v1/auth/sign-in", &body).await;
    let signed_in: Value = serde_json::from_slice(&signed_in.body).unwrap();
    app.anybody()
        .with_token(&signed_in.text("data.accessToken"))
}

#[tokio::test]
async fn whoever_runs_the_server_notes_what_a_tenant_has_subscribed_to() {
    use entity::tenant::SubscriptionTier;
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let tier = "{ viewer { tenant { id subscriptionTier } } }";
    let before = owner.run(tier, json!({})).await.ok();
    assert_eq!(before.text("viewer.tenant.subscriptionTier"), "FREE");
    let id = before.text("viewer.tenant.id");
    let tenant = balance::graphql::node::local("Tenant", "id", &id.as_str().into()).unwrap();
    let operator = balance::ctx::Ctx::system(Arc::clone(&app.app().handles), tenant);
    for _ in 0..2 {
        balance::tenants::subscribe(&operator, SubscriptionTier::Premium)
            .await
            .unwrap();
    }
    let after = owner.run(tier, json!({})).await.ok();
    assert_eq!(after.text("viewer.tenant.subscriptionTier"), "PREMIUM");
    let told = "{ eventFeed(after: \"START\", kinds: [\"TENANT_SUBSCRIBED\"], first: 10) { events { payload } } }";
    let told = owner.run(told, json!({})).await.ok();
    assert_eq!(told.list("eventFeed.events").len(), 1, "once");
    app.finish().await;
}
