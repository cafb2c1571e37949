//! What holds for a stream whatever carries it: resumed without loss, ended with the access it began with, never held
//! for a client that does not read, and gone with its client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use balance::ctx::{Ctx, Event, Handles};
use balance::http::open_streams::OpenStreams;
use chrono::TimeDelta;
use entity::TenantId;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{Client, Form, Heard, PASSWORD, PATIENCE, Path, Setup, Streamed, TestApp};

const FEED: &str =
    "subscription($after: String) { eventFeed(after: $after) { cursor event { sequence kind } } }";
/// How soon a change counts everywhere: a second, and what asking takes.
const SOON: Duration = Duration::from_millis(1_300);

/// Files events in one transaction.
async fn write(handles: &Arc<Handles>, tenant: TenantId, events: usize) {
    let ctx = Ctx::system(Arc::clone(handles), tenant);
    let mut tx = ctx.begin().await.unwrap();
    for _ in 0..events {
        tx.record(Event::RuleDeleted { rule: ctx.id() });
    }
    tx.commit().await.unwrap();
}

fn open(app: &TestApp) -> usize {
    app.app().handles.kept.of::<OpenStreams>().count()
}

/// Waits until nothing is open any more; how long that took. It may be long on a busy machine: whoever is to be cut first
/// has to be sent more than the system holds for them.
async fn freed(app: &TestApp) -> Duration {
    let started = Instant::now();
    while open(app) > 0 {
        assert!(started.elapsed() < 6 * PATIENCE, "{} are open", open(app));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    started.elapsed()
}

fn sequence(event: &Value) -> i64 {
    let sequence = event.path("eventFeed.event.sequence").as_i64();
    sequence.expect("an event has a sequence")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_cut_and_resumes_hears_each_event_once_and_in_order() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let elsewhere = app.another_node().await;
    let there = elsewhere.with_token(tenant.owner().token.as_deref().unwrap());
    let handles = Arc::clone(&app.app().handles);
    let writing = Arc::new(AtomicBool::new(true));
    let mut readers = Vec::new();
    for form in Form::ALL {
        let nodes = [tenant.owner(), there.clone()];
        let writing = Arc::clone(&writing);
        readers.push(tokio::spawn(async move {
            let (mut heard, mut after) = (Vec::new(), "START".to_owned());
            for turn in 0.. {
                // each time at another node
                let node = &nodes[turn % 2];
                let mut stream = node.stream(form, FEED, json!({ "after": after })).await;
                for _ in 0..rand::random_range(1..200) {
                    let quiet = Duration::from_millis(700);
                    let Ok(next) = tokio::time::timeout(quiet, stream.next()).await else {
                        if writing.load(Ordering::SeqCst) {
                            break;
                        }
                        return heard;
                    };
                    heard.push(sequence(&next));
                    after = next.text("eventFeed.cursor");
                }
            }
            heard
        }));
    }
    for _ in 0..25 {
        write(&handles, tenant.local_id(), rand::random_range(1..60)).await;
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..60))).await;
    }
    writing.store(false, Ordering::SeqCst);
    for reader in readers {
        let heard = reader.await.unwrap();
        let ctx = Ctx::system(Arc::clone(&handles), tenant.local_id());
        let head = balance::events::head(&ctx).await.unwrap().sequence();
        assert_eq!(heard, (1..=head).collect::<Vec<_>>());
        ctx.refresh().await;
    }
    app.finish().await;
}

#[tokio::test]
async fn a_stream_ends_with_the_access_it_began_with_on_every_node() {
    let setup = Setup {
        real_time: true,
        ..Setup::default()
    };
    let app = TestApp::start_with(setup).await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let elsewhere = app.another_node().await;
    let open = async |client: &Client| {
        let there = elsewhere.with_token(client.token.as_deref().unwrap());
        let mut streams = Vec::new();
        for node in [client, &there] {
            for form in Form::ALL {
                streams.push(node.stream(form, FEED, Value::Null).await.settled().await);
            }
        }
        streams
    };
    let shown_out = async |streams: Vec<Streamed>, code: &str| {
        let started = Instant::now();
        for mut stream in streams {
            let left = SOON.saturating_sub(started.elapsed());
            assert_eq!(stream.ended(left).await, code);
        }
    };

    // signed out
    let (client, refresh) = sign_in(&owner).await;
    let streams = open(&client).await;
    let input = json!({ "input": { "refreshToken": refresh } });
    let document = "mutation($input: SignOutInput!) { signOut(input: $input) { signedOut } }";
    client.run(document, input).await.ok();
    shown_out(streams, "UNAUTHENTICATED").await;

    // a key that was revoked
    let (id, program) = key(&owner).await;
    let streams = open(&program).await;
    let document =
        "mutation($id: ID!) { revokeApiKey(input: { apiKeyId: $id }) { errors { message } } }";
    owner.run(document, json!({ "id": id })).await.ok();
    shown_out(streams, "UNAUTHENTICATED").await;

    // a tenant on hold
    let streams = open(&owner).await;
    let input = json!({ "input": { "tenantId": tenant.id } });
    let document = "mutation($input: SuspendTenantInput!) { suspendTenant(input: $input) { errors { message } } }";
    owner.run(document, input).await.ok();
    shown_out(streams, "FORBIDDEN").await;
    let request = owner.request(Method::POST, "/graphql");
    let request = request.json(&json!({ "query": FEED }));
    let refused = Streamed::open(Form::Sse, request).await.err().unwrap();
    assert_eq!(refused.status, 403, "{}", refused.text());
    freed(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn a_stream_lives_as_long_as_its_token() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let handles = Arc::clone(&app.app().handles);
    let mut streams = Vec::new();
    for form in Form::ALL {
        let stream = tenant.owner().stream(form, FEED, Value::Null).await;
        streams.push(stream.settled().await);
    }
    app.advance(TimeDelta::minutes(16));
    // the clock of this test does not tick: the next event makes the server look at it
    write(&handles, tenant.local_id(), 1).await;
    for mut stream in streams {
        assert_eq!(stream.ended(SOON).await, "UNAUTHENTICATED");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_permission_that_is_lost_ends_what_needed_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let member = tenant.join("ADMIN").await;
    let who = member.run("{ viewer { user { id } } }", json!({})).await;
    let user = who.ok().text("viewer.user.id");
    let mut streams = Vec::new();
    for form in Form::ALL {
        streams.push(member.stream(form, FEED, Value::Null).await.settled().await);
    }
    let role = "mutation { createRole(input: { name: \"Clerk\", grants: [{ permission: \"records:read\" }] }) {
        role { id } errors { message }
    } }";
    let role = owner.run(role, json!({})).await.ok();
    let change = "mutation($input: ChangeMemberRoleInput!) { changeMemberRole(input: $input) { errors { message } } }";
    let input = json!({ "userId": user, "role": "CUSTOM", "customRoleId": role.text("createRole.role.id") });
    owner.run(change, json!({ "input": input })).await.ok();
    for mut stream in streams {
        assert_eq!(stream.ended(SOON).await, "FORBIDDEN");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_server_that_stops_sends_its_clients_elsewhere() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let elsewhere = app.another_node().await;
    let there = elsewhere.with_token(tenant.owner().token.as_deref().unwrap());
    let mut streams = Vec::new();
    for form in Form::ALL {
        streams.push((
            form,
            there.stream(form, FEED, Value::Null).await.settled().await,
        ));
    }
    app.last_app().stopping.cancel();
    for (form, mut stream) in streams {
        match form {
            // without an end the official client, and every `EventSource`, connects again by itself
            Form::Sse => assert_eq!(stream.answer().await, Heard::Closed),
            Form::Multipart => assert_eq!(stream.ended(SOON).await, "UPSTREAM"),
        }
        let resumed = tenant.owner().stream(form, FEED, Value::Null).await;
        resumed.settled().await;
    }
    app.finish().await;
}

#[tokio::test]
async fn a_client_that_is_gone_holds_nothing_after_a_second() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let mut streams = Vec::new();
    for form in Form::ALL {
        streams.push(owner.stream(form, FEED, Value::Null).await.settled().await);
    }
    let socket = owner.subscribe(FEED, Value::Null).await.into_socket();
    // each is a connection and an operation
    assert_eq!(open(&app), 6);
    socket.cut();
    drop(streams);
    let took = freed(&app).await;
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    app.finish().await;
}

#[tokio::test]
async fn what_one_client_has_open_is_bounded() {
    let setup = Setup {
        adjust: |config| {
            config.streams_per_client = 2;
            config.streams_per_address = 5;
        },
        ..Setup::default()
    };
    let app = TestApp::start_with(setup).await;
    let tenant = app.tenant("acme").await;
    let (owner, viewer) = (tenant.owner(), tenant.viewer().await);
    let refused = async |client: &Client, form: Form| {
        let request = client.request(Method::POST, "/graphql");
        let request = request.json(&json!({ "query": FEED }));
        let reply = Streamed::open(form, request).await.err().unwrap();
        assert_eq!((reply.status, reply.header("retry-after")), (429, "5"));
        assert_eq!(
            reply.json().text("errors[0].extensions.code"),
            "RATE_LIMITED"
        );
        reply.json().text("errors[0].message")
    };
    let first = owner.stream(Form::Sse, FEED, Value::Null).await;
    let mut socket = owner.socket().await;
    let ask = |id: &str| json!({ "id": id, "type": "subscribe", "payload": { "query": FEED } });
    socket.send(&ask("a")).await;
    socket.send(&ask("b")).await;
    let error = socket.next().await;
    assert_eq!(
        (error.text("type"), error.text("id")),
        ("error".into(), "b".into())
    );
    assert_eq!(error.text("payload[0].extensions.code"), "RATE_LIMITED");
    for form in Form::ALL {
        let message = refused(&owner, form).await;
        assert!(message.contains("At most 2"), "{message}");
    }
    // another one has places of their own, at the same address
    let second = viewer.stream(Form::Multipart, FEED, Value::Null).await;
    let third = viewer.stream(Form::Sse, FEED, Value::Null).await;
    let fourth = viewer.bare_socket().await;
    let message = refused(&tenant.reviewer().await, Form::Sse).await;
    assert!(message.contains("At most 5"), "{message}");
    assert_eq!(owner.socket_with(&[]).await.err(), Some(429));
    // what is closed makes room
    drop((first, second, third, fourth));
    socket.cut();
    freed(&app).await;
    owner
        .stream(Form::Sse, FEED, Value::Null)
        .await
        .settled()
        .await;
    app.finish().await;
}

/// A client over a connection with the smallest buffers, which asks and then reads nothing.
async fn stubborn(client: &Client, request: &str) -> TcpStream {
    let address = client.url("");
    let address = address.trim_start_matches("http://").parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_cut_and_resumes_after_what_it_has_read() {
    let setup = Setup {
        adjust: |config| config.slow_client_seconds = 1,
        ..Setup::default()
    };
    let app = TestApp::start_with(setup).await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let handles = Arc::clone(&app.app().handles);
    for _ in 0..10 {
        write(&handles, tenant.local_id(), 300).await;
    }
    let payloads: String = (0..25).map(|n| format!(" p{n}: payload")).collect();
    let document = format!(
        "subscription($after: String) {{ eventFeed(after: $after) {{ cursor event {{ sequence{payloads} }} }} }}"
    );
    for form in Form::ALL {
        let body = json!({ "query": document, "variables": { "after": "START" } }).to_string();
        let request = format!(
            "POST /graphql HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\naccept: {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            owner.token.as_deref().unwrap(),
            form.accept(),
            body.len(),
        );
        let mut stream = stubborn(&owner, &request).await;
        // it is cut although its connection stays open, and nothing is held for it any more
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(open(&app), 2);
        freed(&app).await;
        // what had left before is still there to be read; a system that gave up on the connection may not say that it ended
        let mut read = Vec::new();
        drop(tokio::time::timeout(PATIENCE, stream.read_to_end(&mut read)).await);
        let read = String::from_utf8_lossy(&read).into_owned();
        let (last, cursor) = last_event(&read);
        assert!(
            last < 3_000,
            "everything was sent to a client that read nothing"
        );
        let after = json!({ "after": cursor });
        let mut resumed = owner.stream(form, FEED, after).await;
        assert_eq!(sequence(&resumed.next().await), last + 1);
        drop(resumed);
        freed(&app).await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_is_not_read_is_cut() {
    let setup = Setup {
        adjust: |config| config.slow_client_seconds = 1,
        ..Setup::default()
    };
    let app = TestApp::start_with(setup).await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let handles = Arc::clone(&app.app().handles);
    for _ in 0..10 {
        write(&handles, tenant.local_id(), 300).await;
    }
    let mut socket = owner.socket().await;
    let payloads: String = (0..25).map(|n| format!(" p{n}: payload")).collect();
    let document = format!(
        "subscription {{ eventFeed(after: \"START\") {{ cursor event {{ sequence{payloads} }} }} }}"
    );
    for id in 0..50 {
        let payload = json!({ "query": document });
        let subscribe = json!({ "id": id.to_string(), "type": "subscribe", "payload": payload });
        socket.send(&subscribe).await;
    }
    let started = Instant::now();
    while open(&app) == 0 {
        assert!(started.elapsed() < PATIENCE, "it never began");
    }
    freed(&app).await;
    drop(socket);
    app.finish().await;
}

/// The sequence and the cursor of the last whole event in what was read.
fn last_event(read: &str) -> (i64, String) {
    let events = read.match_indices("{\"data\":{\"eventFeed\":{\"cursor\":\"");
    let at = events.map(|(at, found)| at + found.len());
    let whole = |at: &usize| read[*at..].contains("}}}}");
    let last = at.filter(whole).last().expect("something was read");
    let (cursor, rest) = read[last..].split_once('"').unwrap();
    let number = rest.split_once("\"sequence\":").unwrap().1;
    let number: String = number.chars().take_while(char::is_ascii_digit).collect();
    (number.parse().unwrap(), cursor.to_owned())
}

async fn sign_in(anybody: &Client) -> (Client, String) {
    let document = "mutation($input: SignInInput!) {
        signIn(input: $input) { session { accessToken refreshToken } errors { message } }
    }";
    let input = json!({ "email": "owner@acme.example", "password": PASSWORD });
    let mut nobody = anybody.clone();
    nobody.token = None;
    let session = nobody.run(document, json!({ "input": input })).await.ok();
    let token = session.text("signIn.session.accessToken");
    let refresh = session.text("signIn.session.refreshToken");
    (anybody.with_token(&token), refresh)
}

/// A program with a key: the id of the key, and who calls with it.
async fn key(owner: &Client) -> (String, Client) {
    let document = "mutation { createServiceAccount(input: { name: \"Sync\", permissions: [\"events:read\"] }) {
        serviceAccount { id } errors { message }
    } }";
    let account = owner.run(document, json!({})).await.ok();
    let document = "mutation($input: CreateApiKeyInput!) {
        createApiKey(input: $input) { key apiKey { id } errors { message } }
    }";
    let account = account.text("createServiceAccount.serviceAccount.id");
    let input = json!({ "serviceAccountId": account, "name": "sync-1", "scopes": ["events:read"] });
    let made = owner.run(document, json!({ "input": input })).await.ok();
    let key = owner.with_token(&made.text("createApiKey.key"));
    (made.text("createApiKey.apiKey.id"), key)
}
