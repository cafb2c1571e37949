//! Who may do what, right now: on this node at once, on the others within a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use balance::ctx::{Actor, Ctx};
use balance::graphql::live::Live;
use balance::graphql::message::GraphqlRequest;
use balance::graphql::request::Allowed;
use balance::permission::Permissions;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::{Answer, Client, PASSWORD, Path, Setup, TestApp};

const TYPE: &str = "{ __typename }";
const WHO: &str = "{ viewer { user { id } role } }";
const INVITATIONS: &str = "{ invitations(first: 1) { edges { cursor } } }";
const CHANGE: &str = "mutation($input: ChangeMemberRoleInput!) {
    changeMemberRole(input: $input) { member { role } errors { message } }
}";
const REMOVE: &str = "mutation($input: RemoveMemberInput!) {
    removeMember(input: $input) { removedUserId errors { message } }
}";

const FEED: &str = "subscription { eventFeed { cursor event { kind } } }";
const SIGN_IN: &str = "mutation($input: SignInInput!) {
    signIn(input: $input) { session { accessToken refreshToken } errors { message } }
}";
const SIGN_OUT: &str = "mutation($input: SignOutInput!) { signOut(input: $input) { signedOut } }";
const SESSIONS: &str = "{ mySessions(first: 10) { totalCount edges { node {
    id tenantId device address signedInAt lastUsedAt expiresAt current
} } } }";
const REVOKE: &str = "mutation($input: RevokeSessionInput!) {
    revokeSession(input: $input) { revokedSessionId errors { code message } }
}";
const EVERYWHERE: &str = "mutation($input: SignOutEverywhereInput!) {
    signOutEverywhere(input: $input) { endedSessions errors { message } }
}";

/// How soon a change counts everywhere: a second, and what asking takes.
const SOON: Duration = Duration::from_millis(1_300);

#[tokio::test]
async fn who_asks_again_within_a_second_is_not_looked_up() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    owner.run(TYPE, json!({})).await.ok();
    let before = app.app().handles.db.statements();
    for _ in 0..5 {
        owner.run(TYPE, json!({})).await.ok();
    }
    assert_eq!(app.app().handles.db.statements(), before);
    app.advance(chrono::TimeDelta::seconds(1));
    owner.run(TYPE, json!({})).await.ok();
    assert!(app.app().handles.db.statements() > before);
    app.finish().await;
}

#[tokio::test]
async fn a_new_role_counts_at_the_next_request() {
    let app = two_nodes().await;
    let tenant = app.tenant("acme").await;
    let (owner, member) = (tenant.owner(), tenant.viewer().await);
    let elsewhere = app.another_node().await;
    let there = elsewhere.with_token(member.token.as_deref().unwrap());
    let id = user_id(&member).await;
    let refused = |answer: Answer| answer.error_code();
    assert_eq!(
        refused(member.run(INVITATIONS, json!({})).await),
        "FORBIDDEN"
    );
    assert_eq!(
        refused(there.run(INVITATIONS, json!({})).await),
        "FORBIDDEN"
    );

    change(&owner, &id, "ADMIN").await;
    member.run(INVITATIONS, json!({})).await.ok();
    soon(async || {
        there
            .run(INVITATIONS, json!({}))
            .await
            .body
            .get("errors")
            .is_none()
    })
    .await;

    change(&owner, &id, "REVIEWER").await;
    assert_eq!(
        refused(member.run(INVITATIONS, json!({})).await),
        "FORBIDDEN"
    );
    soon(async || {
        there
            .run(INVITATIONS, json!({}))
            .await
            .body
            .get("errors")
            .is_some()
    })
    .await;
    app.finish().await;
}

#[tokio::test]
async fn who_was_removed_is_out_at_the_next_request() {
    let app = two_nodes().await;
    let tenant = app.tenant("acme").await;
    let (owner, member) = (tenant.owner(), tenant.reviewer().await);
    let elsewhere = app.another_node().await;
    let there = elsewhere.with_token(member.token.as_deref().unwrap());
    let id = user_id(&member).await;
    there.run(TYPE, json!({})).await.ok();
    let input = json!({ "input": { "userId": id } });
    owner.run(REMOVE, input).await.ok();
    let refused = member.run(TYPE, json!({})).await;
    assert_eq!(refused.error_code(), "UNAUTHENTICATED");
    soon(async || {
        there
            .run(TYPE, json!({}))
            .await
            .body
            .get("errors")
            .is_some()
    })
    .await;
    app.finish().await;
}

/// An app whose nodes have clocks that run.
async fn two_nodes() -> TestApp {
    let setup = Setup {
        real_time: true,
        ..Setup::default()
    };
    TestApp::start_with(setup).await
}

/// Opens a socket with a subscription on each node, and tells how each was closed within a second of `how`.
async fn shown_out(nodes: [Client; 2], how: impl AsyncFnOnce()) -> Vec<(u16, String)> {
    let mut sockets = Vec::new();
    for node in nodes {
        let mut socket = node.socket().await;
        let payload = json!({ "query": FEED });
        socket
            .send(&json!({ "id": "1", "type": "subscribe", "payload": payload }))
            .await;
        sockets.push(socket);
    }
    // what was open before counts, not what opens meanwhile
    tokio::time::sleep(Duration::from_millis(300)).await;
    how().await;
    let started = Instant::now();
    let mut closed = Vec::new();
    for mut socket in sockets {
        closed.push(socket.closed().await);
    }
    let took = started.elapsed();
    assert!(took < SOON, "it took {took:?}");
    closed
}

async fn user_id(client: &Client) -> Value {
    let viewer = client.run(WHO, json!({})).await.ok();
    viewer.path("viewer.user.id").clone()
}

async fn change(owner: &Client, user: &Value, role: &str) {
    let input = json!({ "input": { "userId": user, "role": role } });
    owner.run(CHANGE, input).await.ok();
}

/// Fails unless it is so within a second.
#[track_caller]
fn soon<F: Future<Output = bool>>(so: impl Fn() -> F) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let started = Instant::now();
        while !so().await {
            assert!(started.elapsed() < SOON, "not within a second: {caller}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn what_is_open_is_closed_on_every_node_within_a_second() {
    let app = two_nodes().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let elsewhere = app.another_node().await;
    let there = |client: &Client| elsewhere.with_token(client.token.as_deref().unwrap());
    let mine = || sign_in(&owner, "owner@acme.example");

    // signed out
    let (client, refresh) = mine().await;
    let closed = shown_out([client.clone(), there(&client)], async || {
        let input = json!({ "input": { "refreshToken": refresh } });
        owner.run(SIGN_OUT, input).await.ok();
    });
    assert_eq!(closed.await, ended(2));

    // revoked from another device
    let (client, _) = mine().await;
    let id = current_session(&client).await;
    let closed = shown_out([client.clone(), there(&client)], async || {
        let input = json!({ "input": { "sessionId": id } });
        owner.run(REVOKE, input).await.ok();
    });
    assert_eq!(closed.await, ended(2));

    // signed out everywhere but here
    let (client, _) = mine().await;
    let mut kept = owner.socket().await;
    let closed = shown_out([client.clone(), there(&client)], async || {
        owner.run(EVERYWHERE, json!({ "input": {} })).await.ok();
    });
    assert_eq!(closed.await, ended(2));
    kept.send(&json!({ "type": "ping" })).await;
    assert_eq!(kept.next().await["type"], "pong");

    // removed
    let member = tenant.reviewer().await;
    let id = user_id(&member).await;
    let closed = shown_out([member.clone(), there(&member)], async || {
        owner
            .run(REMOVE, json!({ "input": { "userId": id } }))
            .await
            .ok();
    });
    assert_eq!(closed.await, ended(2));
    app.finish().await;
}

#[tokio::test]
async fn what_a_key_opened_is_closed_on_every_node_within_a_second_of_its_revocation() {
    let app = two_nodes().await;
    let owner = app.tenant("acme").await.owner();
    let elsewhere = app.another_node().await;
    let made = "mutation { createServiceAccount(input: { name: \"Partner\", permissions: [\"events:read\"] }) {
        serviceAccount { id }
    } }";
    let made = owner.run(made, json!({})).await.ok();
    let account = made.path("createServiceAccount.serviceAccount.id").clone();
    let make = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id } key } }";
    let mut keys = Vec::new();
    for name in ["lost", "kept"] {
        let input = json!({ "serviceAccountId": account, "name": name });
        let made = owner.run(make, json!({ "input": input })).await.ok();
        keys.push(made.path("createApiKey").clone());
    }
    let shows = |client: &Client, key: &Value| client.with_token(&key.text("key"));
    let mut kept = shows(&owner, &keys[1]).socket().await;
    let nodes = [shows(&owner, &keys[0]), shows(&elsewhere, &keys[0])];
    let closed = shown_out(nodes, async || {
        let revoke =
            "mutation($id: ID!) { revokeApiKey(input: { apiKeyId: $id }) { errors { message } } }";
        let id = keys[0].path("apiKey.id");
        owner.run(revoke, json!({ "id": id })).await.ok();
    });
    let codes: Vec<u16> = closed.await.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [4403, 4403]);
    // another key of the same account goes on
    kept.send(&json!({ "type": "ping" })).await;
    assert_eq!(kept.next().await["type"], "pong");
    app.finish().await;
}

#[tokio::test]
async fn a_suspended_tenant_has_no_open_socket_on_any_node() {
    let app = two_nodes().await;
    let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
    let elsewhere = app.another_node().await;
    let there = |client: &Client| elsewhere.with_token(client.token.as_deref().unwrap());
    let (owner, member) = (acme.owner(), acme.reviewer().await);
    let mut theirs = there(&globex.owner()).socket().await;
    let suspend = "mutation($input: SuspendTenantInput!) { suspendTenant(input: $input) { errors { message } } }";
    let closed = shown_out([member.clone(), there(&member)], async || {
        let this = json!({ "input": { "tenantId": acme.id } });
        owner.run(suspend, this).await.ok();
    });
    let codes: Vec<u16> = closed.await.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [4403, 4403]);
    // nobody else's tenant is touched
    theirs.send(&json!({ "type": "ping" })).await;
    assert_eq!(theirs.next().await["type"], "pong");
    app.finish().await;
}

#[tokio::test]
async fn what_is_open_goes_on_with_a_new_role() {
    let app = two_nodes().await;
    let tenant = app.tenant("acme").await;
    let (owner, member) = (tenant.owner(), tenant.viewer().await);
    let elsewhere = app.another_node().await;
    let there = elsewhere.with_token(member.token.as_deref().unwrap());
    let id = user_id(&member).await;
    for node in [&member, &there] {
        change(&owner, &id, "VIEWER").await;
        let mut socket = node.socket().await;
        let mut feed = node.subscribe(FEED, json!({})).await;
        let ask = json!({ "id": "a", "type": "subscribe", "payload": { "query": INVITATIONS } });
        change(&owner, &id, "ADMIN").await;
        assert_eq!(
            feed.next().await.text("eventFeed.event.kind"),
            "MEMBER_CHANGED"
        );
        let started = Instant::now();
        loop {
            socket.send(&ask).await;
            let next = socket.next().await;
            socket.next().await;
            if next["payload"].get("errors").is_none() {
                break;
            }
            assert!(started.elapsed() < SOON, "{next:#}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_stream_ends_when_its_permission_is_lost() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let inside = app.app();
    let pipeline = std::sync::Arc::clone(&inside.edge().pipeline);
    let ctx = |permissions| {
        let (handles, tenant) = (Arc::clone(&inside.handles), tenant.local_id());
        Arc::new(Ctx::new(handles, Actor::System, tenant, permissions))
    };
    let (now, live) = watch::channel(ctx(Permissions::all()));
    let query = FEED.to_owned();
    let sent = GraphqlRequest {
        query: Some(query),
        ..GraphqlRequest::default()
    };
    let mut prepared = pipeline.prepare(sent, Allowed::STREAM).unwrap();
    let request = prepared.request.data(Arc::clone(&live.borrow()));
    prepared.request = request.data(Live::new(live));
    let mut answers = pipeline.stream(prepared, None, "1".to_owned());
    let mut next = async || {
        let next = tokio::time::timeout(SOON, answers.next()).await;
        next.expect("an answer comes in time")
    };
    let invite = async |name: &str| {
        let invited = "mutation($input: AddMemberInput!) { addMember(input: $input) { link } }";
        let input =
            json!({ "input": { "email": format!("{name}@acme.example"), "role": "VIEWER" } });
        tenant.owner().run(invited, input).await.ok();
    };
    let (first, ()) = tokio::join!(next(), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        invite("one").await;
    });
    assert!(first.unwrap().is_ok());
    // what happens from here on is not theirs to know
    now.send_replace(ctx(Permissions::NONE));
    invite("two").await;
    let refused = next().await.unwrap();
    let refused = serde_json::to_value(&refused.errors).unwrap();
    assert_eq!(refused[0]["extensions"]["code"], "FORBIDDEN", "{refused}");
    assert!(next().await.is_none());
    app.finish().await;
}

#[tokio::test]
async fn people_see_their_own_sessions_and_end_them() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let (owner, stranger) = (tenant.owner(), app.tenant("globex").await.owner());
    let (phone, _) = sign_in(&owner, "owner@acme.example").await;
    let mine = owner.run(SESSIONS, json!({})).await.ok();
    assert_eq!(mine.path("mySessions.totalCount"), &json!(2));
    let current = |answer: &Value| {
        let edges = answer.list("mySessions.edges").clone();
        let flags = edges
            .iter()
            .map(|edge| edge.path("node.current") == &json!(true));
        flags.filter(|current| *current).count()
    };
    assert_eq!(current(&mine), 1);
    let lost = current_session(&phone).await;
    assert_ne!(lost, current_session(&owner).await);

    // those of others do not exist
    let input = json!({ "input": { "sessionId": lost } });
    let refused = stranger.run(REVOKE, input.clone()).await.user_errors();
    assert_eq!(refused[0]["code"], "NOT_FOUND");
    phone.run(TYPE, json!({})).await.ok();

    owner.run(REVOKE, input.clone()).await.ok();
    assert_eq!(
        phone.run(TYPE, json!({})).await.error_code(),
        "UNAUTHENTICATED"
    );
    let again = owner.run(REVOKE, input).await.user_errors();
    assert_eq!(again[0]["code"], "NOT_FOUND");
    let mine = owner.run(SESSIONS, json!({})).await.ok();
    assert_eq!(mine.path("mySessions.totalCount"), &json!(1));

    let (other, _) = sign_in(&owner, "owner@acme.example").await;
    let all = json!({ "input": { "exceptThis": false } });
    let ended = owner.run(EVERYWHERE, all).await.ok();
    assert_eq!(ended.path("signOutEverywhere.endedSessions"), &json!(2));
    for client in [&owner, &other] {
        assert_eq!(
            client.run(TYPE, json!({})).await.error_code(),
            "UNAUTHENTICATED"
        );
    }
    let (owner, _) = sign_in(&owner, "owner@acme.example").await;
    let kinds = "{ eventFeed(kinds: [\"SESSION_ENDED\", \"SIGNED_OUT_EVERYWHERE\"]) { events { kind payload } } }";
    let told = owner.run(kinds, json!({})).await.ok();
    let told = told.list("eventFeed.events");
    assert_eq!(told[0].text("payload.reason"), "revoked");
    assert_eq!(told[1].text("kind"), "SIGNED_OUT_EVERYWHERE");
    assert_eq!(told.len(), 2);
    app.finish().await;
}

fn ended(times: usize) -> Vec<(u16, String)> {
    vec![(4403, "the session has ended; sign in again".to_owned()); times]
}

/// Another sign-in of somebody: their client, and the refresh token.
async fn sign_in(anybody: &Client, email: &str) -> (Client, String) {
    let input = json!({ "email": email, "password": PASSWORD });
    let mut nobody = anybody.clone();
    nobody.token = None;
    let session = nobody.run(SIGN_IN, json!({ "input": input })).await.ok();
    let token = session.text("signIn.session.accessToken");
    let refresh = session.text("signIn.session.refreshToken");
    (anybody.with_token(&token), refresh)
}

async fn current_session(client: &Client) -> Value {
    let mine = client.run(SESSIONS, json!({})).await.ok();
    let edges = mine.list("mySessions.edges").clone();
    let current = edges
        .iter()
        .find(|edge| edge.path("node.current") == &json!(true));
    current
        .expect("one of them is the current one")
        .path("node.id")
        .clone()
}
