//! One execution of an event for all who ask the same: what it saves, and whom it may not be told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::{
    Context, EmptyMutation, Object, Request, Schema, SimpleObject, Subscription, Variables,
};
use balance::ctx::{Actor, Ctx, Witness};
use balance::events::Cursor;
use balance::graphql::coalesce::{Coalescing, Question, Turn};
use balance::graphql::events::{Place, of_events};
use balance::graphql::fresh::Fresh;
use balance::permission::{Grant, Limit, Permission, Permissions, Scope};
use entity::UserId;
use futures::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::roles::{make, member_as};
use crate::support::{Client, Path, Socket, Tenant, TestApp};

const MOVED: &str = "subscription($after: String) { approvalEvents(after: $after) {
    kind record { description account { name } category { code } decision { rationale } }
} }";
const REJECT: &str =
    "mutation($id: ID!) { rejectRecord(input: { approvalId: $id }) { errors { message } } }";

async fn queue(owner: &Client) -> Vec<String> {
    let queue = "{ approvals(first: 50, filter: { status: [PENDING] }) { edges { node { id } } } }";
    let queue = owner.run(queue, json!({})).await.ok();
    let edges = queue.list("approvals.edges").iter();
    edges.map(|edge| edge.text("node.id")).collect()
}

/// A tenant whose queue holds some approvals.
async fn waiting(app: &TestApp, name: &str, records: usize) -> (Tenant, Vec<String>) {
    let tenant = app.tenant(name).await;
    let owner = tenant.owner();
    let account = owner.make_account(&format!("Bank of {name}")).await;
    owner.import_rows(&account, 0..records).await;
    app.run_background_work().await;
    let queue = queue(&owner).await;
    assert_eq!(queue.len(), records);
    (tenant, queue)
}

async fn reject(owner: &Client, id: &str) {
    let answer = owner.run(REJECT, json!({ "id": id })).await.ok();
    assert!(answer.list("rejectRecord.errors").is_empty(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_who_ask_the_same_read_what_one_reads() {
    let app = TestApp::start().await;
    let (tenant, queue) = waiting(&app, "acme", 2).await;
    let (owner, other) = (tenant.owner(), tenant.join("OWNER").await);
    let statements = || app.app().handles.db.statements();

    let cursor = owner.run("{ eventCursor }", json!({})).await.ok();
    let mut first = owner.subscribe(MOVED, json!({})).await;
    let before = statements();
    reject(&owner, &queue[0]).await;
    let told = first.next().await;
    let alone = statements() - before;

    let mut feeds = vec![first];
    for _ in 0..10 {
        feeds.push(owner.subscribe(MOVED, json!({})).await);
        // another person with the same permissions, who begins elsewhere
        let after = json!({ "after": cursor.text("eventCursor") });
        let mut resumed = other.subscribe(MOVED, after).await;
        assert_eq!(resumed.next().await, told);
        feeds.push(resumed);
    }
    let before = statements();
    reject(&owner, &queue[1]).await;
    let mut heard = Vec::new();
    for feed in &mut feeds {
        heard.push(feed.next().await);
    }
    let together = statements() - before;
    assert_eq!(
        heard[0].text("approvalEvents.record.account.name"),
        "Bank of acme"
    );
    assert!(heard.iter().all(|told| told == &heard[0]), "{heard:#?}");
    // each for itself would read its record, account, category and decision; on a machine that stands still some do
    assert!(
        together < alone + 20,
        "{alone} statements for one, {together} for {}",
        feeds.len()
    );
    app.finish().await;
}

/// Subscribes without looking at what comes.
async fn follow(client: &Client, document: &str) -> Socket {
    let mut socket = client.socket().await;
    let payload = json!({ "query": document });
    socket
        .send(&json!({ "id": "1", "type": "subscribe", "payload": payload }))
        .await;
    socket.send(&json!({ "type": "ping" })).await;
    assert_eq!(socket.next().await["type"], "pong");
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    socket
}

#[tokio::test]
async fn whoever_may_see_less_is_told_less() {
    let app = TestApp::start().await;
    let (tenant, queue) = waiting(&app, "acme", 1).await;
    let owner = tenant.owner();
    let grants = json!([{ "permission": "records:read" }, { "permission": "approvals:read" }]);
    let narrow = member_as(&tenant, &make(&owner, "Narrow", grants).await).await;
    let mut sees = follow(&owner, MOVED).await;
    let mut blind = follow(&narrow, MOVED).await;
    reject(&owner, &queue[0]).await;
    let (sees, blind) = (sees.next().await, blind.next().await);
    assert_eq!(
        sees.text("payload.data.approvalEvents.record.account.name"),
        "Bank of acme"
    );
    let record = blind.path("payload.data.approvalEvents.record");
    assert!(
        record.get("account").is_none_or(Value::is_null),
        "{blind:#}"
    );
    assert_eq!(blind.text("payload.errors[0].extensions.code"), "FORBIDDEN");
    app.finish().await;
}

#[tokio::test]
async fn tenants_hear_of_their_own_though_their_logs_are_as_long() {
    let app = TestApp::start().await;
    let (acme, of_acme) = waiting(&app, "acme", 1).await;
    let (umbrella, of_umbrella) = waiting(&app, "umbrella", 1).await;
    let mut feeds = Vec::new();
    for (tenant, queue) in [(&acme, &of_acme), (&umbrella, &of_umbrella)] {
        let feed = tenant.owner().subscribe(MOVED, json!({})).await;
        feeds.push((feed, tenant.owner(), &queue[0]));
    }
    for (_, owner, approval) in &feeds {
        reject(owner, approval).await;
    }
    for ((feed, ..), name) in feeds.iter_mut().zip(["Bank of acme", "Bank of umbrella"]) {
        let told = feed.next().await;
        assert_eq!(told.text("approvalEvents.record.account.name"), name);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_witness_notices_who_asks_who_acts() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let user = Actor::User(UserId(Uuid::from_u128(7)));
    let ctx = |permissions: Permissions| {
        let witness = Witness::default();
        let handles = app.app().handles.clone();
        let ctx = Ctx::new(handles, user, tenant.local_id(), permissions);
        (ctx.before(witness.clone()), witness)
    };
    let (everything, witness) = ctx(Permissions::all());
    everything.require(Permission::ReadRecords).unwrap();
    assert!(everything.reach(Permission::ReadRecords).is_everything());
    everything.again().read().await.unwrap();
    assert!(!witness.is_personal());
    everything.again().actor();
    assert!(
        witness.is_personal(),
        "also where the operation goes on elsewhere"
    );

    let own = Limit {
        own_records: true,
        scope: Scope::Org,
        ..Limit::default()
    };
    let own = Grant {
        permission: Permission::ReadRecords,
        limit: own,
    };
    let (limited, witness) = ctx(Permissions::granted([own]));
    limited.reach(Permission::ReadRecords);
    assert!(witness.is_personal());
    drop((everything, limited));
    app.finish().await;
}

/// One event, told, and then a refusal.
struct Telling;

#[derive(SimpleObject)]
#[graphql(complex)]
struct Message {
    kind: &'static str,
}

#[async_graphql::ComplexObject]
impl Message {
    /// How often a message was read.
    async fn read(&self, ctx: &Context<'_>) -> usize {
        ctx.data_unchecked::<AtomicUsize>()
            .fetch_add(1, Ordering::SeqCst)
    }
}

struct Nothing;

#[Object]
impl Nothing {
    async fn nothing(&self) -> bool {
        true
    }
}

#[Subscription]
impl Telling {
    async fn told(
        &self,
        ctx: &Context<'_>,
    ) -> impl Stream<Item = async_graphql::Result<Message>> + use<> {
        let place = ctx.data_unchecked::<Place>().clone();
        let messages = stream::iter([Ok(Message { kind: "told" }), Err("lost".into())]);
        let messages = messages.inspect(move |message: &async_graphql::Result<Message>| {
            if message.is_ok() {
                place.tell(Cursor::new(7, chrono::DateTime::UNIX_EPOCH));
            }
        });
        of_events(ctx, messages)
    }
}

#[tokio::test]
async fn a_refusal_is_told_though_others_were_told_of_the_event_before() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let handles = Arc::clone(&app.app().handles);
    let ctx = Arc::new(Ctx::system(handles, tenant.local_id()));
    let schema = Schema::build(Nothing, EmptyMutation, Telling)
        .extension(Fresh)
        .data(AtomicUsize::new(1))
        .finish();
    let question = Question::new(&[7; 32], None, &Variables::default()).unwrap();
    for _ in 0..3 {
        let request = Request::new("subscription { told { kind read } }")
            .data(Arc::clone(&ctx))
            .data(Place::default())
            .data(question);
        let told: Vec<_> = schema.execute_stream(request).collect().await;
        // what is kept is kept as it is written
        let json = balance::graphql::status::to_json(&told[0]).unwrap();
        let expected = json!({ "data": { "told": { "kind": "told", "read": 1 } } });
        assert_eq!(serde_json::from_slice::<Value>(&json).unwrap(), expected);
        assert_eq!(told[1].errors[0].message, "lost");
        assert_eq!(told.len(), 2);
    }
    app.finish().await;
}

#[tokio::test]
async fn nobody_depends_on_who_reads_first() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let ctx = Ctx::system(Arc::clone(&app.app().handles), tenant.local_id());
    let question = Question::new(&[7; 32], None, &Variables::default()).unwrap();
    let coalescing = Coalescing::default();
    let join = |sequence| coalescing.join(&ctx, question, sequence);

    // one that stands still: the next takes its place and tells
    let Turn::First(_still) = join(1).await else {
        panic!("nobody was here before");
    };
    let Turn::First(second) = join(1).await else {
        panic!("the first stands still");
    };
    let answer = async_graphql::Response::new(async_graphql::Value::from("told"));
    second.tell(answer, 5);
    assert!(matches!(join(1).await, Turn::Told(told) if told.cost == 5));

    // one that gives up, as with what is not for others
    let Turn::First(first) = join(2).await else {
        panic!("it is another event");
    };
    drop(first);
    assert!(matches!(join(2).await, Turn::Alone));

    // more at once than are kept: the newest are shared, and nobody is turned away
    let mut firsts = Vec::new();
    for sequence in 10..1_010 {
        let Turn::First(first) = join(sequence).await else {
            panic!("it is another event");
        };
        firsts.push(first);
    }
    let answer = async_graphql::Response::new(async_graphql::Value::from("told"));
    firsts.pop().unwrap().tell(answer, 7);
    assert!(matches!(join(1_009).await, Turn::Told(told) if told.cost == 7));
    app.finish().await;
}
