//! The event log: read by page, followed live, verified.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use balance::bus::Wake;
use balance::ctx::{Ctx, Event, Handles};
use balance::events::{self, Cursor, Delivery, Filter, Following, Tails};
use balance::graphql::node::local;
use balance::permission::Permission;
use entity::TenantId;
use futures::StreamExt;
use serde_json::{Value, json};

use crate::support::{Client, Path, Tenant, TestApp};

const FEED: &str = "query($after: String!, $kinds: [String!], $first: Int!) {
    eventFeed(after: $after, kinds: $kinds, first: $first) { events { sequence kind cursor } cursor hasMore }
}";
const FOLLOW: &str = "subscription($after: String, $kinds: [String!]) {
    eventFeed(after: $after, kinds: $kinds) { cursor event { sequence kind subject { kind id } payload } }
}";
const CREATE: &str = "mutation($input: CreateCategoryInput!) {
    createCategory(input: $input) { category { id } errors { field message code } }
}";

fn id(tenant: &Tenant) -> TenantId {
    local("Tenant", "id", &tenant.id.as_str().into()).expect("it is the id of a tenant")
}

async fn make_category(client: &Client, code: &str) -> String {
    let input = json!({ "code": code, "name": "Something", "kind": "EXPENSE" });
    let made = client.run(CREATE, json!({ "input": input })).await.ok();
    made.text("createCategory.category.id")
}

/// Files some events in one transaction, held open for a while; now and then takes them back.
async fn write(handles: &Arc<Handles>, tenant: TenantId) {
    let ctx = Ctx::system(Arc::clone(handles), tenant);
    let mut tx = ctx.begin().await.unwrap();
    for _ in 0..rand::random_range(1..40) {
        tx.record(Event::RuleDeleted { rule: ctx.id() });
    }
    tokio::time::sleep(Duration::from_millis(rand::random_range(0..5))).await;
    if rand::random_bool(0.1) {
        tx.rollback().await.unwrap();
    } else {
        tx.commit().await.unwrap();
    }
}

async fn follow(tails: &Tails, ctx: &Ctx, after: Option<Cursor>) -> Following {
    let filter = Filter::default();
    let following = tails.follow(ctx, Permission::ReadEvents, after, filter);
    following.await.unwrap()
}

/// Follows a log from its start, cut at random and resumed, until nobody writes and its end is reached.
async fn read_all(
    handles: Arc<Handles>,
    tails: Tails,
    tenant: TenantId,
    writing: Arc<AtomicBool>,
) -> Vec<i64> {
    let (mut seen, mut cursor) = (Vec::new(), Cursor::START);
    loop {
        let ctx = Ctx::system(Arc::clone(&handles), tenant);
        let mut following = follow(&tails, &ctx, Some(cursor)).await;
        for _ in 0..rand::random_range(1..600) {
            let next = tokio::time::timeout(Duration::from_secs(1), following.next());
            let Ok(delivery) = next.await else { break };
            let delivery = delivery.expect("a stream does not end").unwrap();
            cursor = delivery.cursor();
            if let Delivery::Event(event) = delivery {
                seen.push(event.sequence);
            }
        }
        drop(following);
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..100))).await;
        let written = !writing.load(Ordering::SeqCst);
        if written && cursor.sequence() >= events::head(&ctx).await.unwrap().sequence() {
            return seen;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_cut_and_resumes_gets_exactly_the_log_in_order() {
    let app = TestApp::start().await;
    let tenant = id(&app.tenant("acme").await);
    let node = app.app();
    let writing = Arc::new(AtomicBool::new(true));
    let followers: Vec<_> = (0..6)
        .map(|_| {
            let (handles, tails) = (Arc::clone(&node.handles), node.tails.clone());
            tokio::spawn(read_all(handles, tails, tenant, Arc::clone(&writing)))
        })
        .collect();
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let handles = Arc::clone(&node.handles);
            tokio::spawn(async move {
                for _ in 0..40 {
                    write(&handles, tenant).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    writing.store(false, Ordering::SeqCst);
    let ctx = Ctx::system(Arc::clone(&node.handles), tenant);
    let head = events::head(&ctx).await.unwrap().sequence();
    assert!(head > 1_000, "the ring has turned over");
    let log: Vec<i64> = (1..=head).collect();
    for follower in followers {
        assert_eq!(follower.await.unwrap(), log);
    }
    let verdict = events::verify(&node.handles, tenant).await.unwrap();
    assert!(verdict.is_whole(), "{verdict:?}");
    assert_eq!((verdict.events, verdict.head), (head.unsigned_abs(), head));
    ctx.refresh().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wake_up_is_one_reading_whoever_follows_and_a_lost_one_is_only_late() {
    let app = TestApp::start().await;
    let tenant = id(&app.tenant("acme").await);
    let handles = Arc::clone(&app.app().handles);
    let tails = app.app().tails.clone();
    let ctx = Ctx::system(Arc::clone(&handles), tenant);
    let mut followers = Vec::new();
    for _ in 0..20 {
        let mut following = follow(&tails, &ctx, None).await;
        let settled = following
            .next()
            .await
            .expect("a stream does not end")
            .unwrap();
        assert!(matches!(settled, Delivery::Position(_)));
        followers.push(following);
    }
    assert_eq!(tails.len(), 1);
    // the tail has read once when a first wake-up has been answered
    handles.bus.publish(vec![Wake::Anything]);
    tokio::time::sleep(Duration::from_millis(200)).await;

    let mut tx = ctx.begin().await.unwrap();
    tx.record(Event::RuleDeleted { rule: ctx.id() });
    tx.commit().await.unwrap();
    let before = handles.db.statements();
    for following in &mut followers {
        let next = tokio::time::timeout(Duration::from_secs(5), following.next()).await;
        let delivery = next
            .expect("it comes in time")
            .expect("a stream does not end");
        assert!(matches!(delivery.unwrap(), Delivery::Event(_)));
    }
    let read = handles.db.statements() - before;
    assert!(read <= 4, "20 followers cost {read} statements");
    app.finish().await;
}

#[tokio::test]
async fn the_feed_goes_on_where_a_page_ended_and_passes_over_what_is_not_wanted() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let first = owner
        .run(FEED, json!({ "after": "START", "first": 2 }))
        .await
        .ok();
    assert_eq!(first.list("eventFeed.events").len(), 2);
    assert_eq!(first.path("eventFeed.hasMore"), &Value::Bool(true));
    let next = json!({ "after": first.text("eventFeed.cursor"), "first": 1 });
    let next = owner.run(FEED, next).await.ok();
    assert_eq!(next.number("eventFeed.events[0].sequence"), 3);

    let rare = json!({ "after": "START", "kinds": ["TENANT_CREATED"], "first": 500 });
    let rare = owner.run(FEED, rare).await.ok();
    let end = owner.run("{ eventCursor }", Value::Null).await.ok();
    assert_eq!(rare.path("eventFeed.cursor"), end.path("eventCursor"));
    app.finish().await;
}

#[tokio::test]
async fn a_cursor_that_cannot_be_and_a_kind_that_is_none_are_refused() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let ahead = Cursor::new(
        1_000_000,
        balance::clock::Clock::fixed(crate::support::START).now(),
    );
    for after in ["nonsense", "", &ahead.to_string()] {
        let refused = owner.run(FEED, json!({ "after": after, "first": 1 })).await;
        assert_eq!(refused.error_code(), "BAD_USER_INPUT", "{after}");
    }
    for other in [
        json!({ "kinds": ["NO_SUCH"], "first": 1 }),
        json!({ "first": 501 }),
    ] {
        let mut variables = json!({ "after": "START" });
        variables
            .as_object_mut()
            .unwrap()
            .extend(other.as_object().unwrap().clone());
        let refused = owner.run(FEED, variables).await;
        assert_eq!(refused.error_code(), "BAD_USER_INPUT");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_subscription_resumes_after_its_last_cursor() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let mut feed = owner.subscribe(FOLLOW, Value::Null).await;
    let first = make_category(&owner, "9001").await;
    let heard = feed.next().await;
    assert_eq!(heard.text("eventFeed.event.kind"), "CATEGORY_CREATED");
    assert_eq!(heard.text("eventFeed.event.subject.id"), first);
    assert_eq!(heard.text("eventFeed.event.payload.category"), first);
    feed.into_socket().cut();

    let second = make_category(&owner, "9002").await;
    let third = make_category(&owner, "9003").await;
    let after = json!({ "after": heard.text("eventFeed.cursor"), "kinds": ["CATEGORY_CREATED"] });
    let mut feed = owner.subscribe(FOLLOW, after).await;
    assert_eq!(feed.next().await.text("eventFeed.event.subject.id"), second);
    assert_eq!(feed.next().await.text("eventFeed.event.subject.id"), third);
    feed.quiet().await;
    app.finish().await;
}

#[tokio::test]
async fn nobody_hears_of_another_tenant() {
    let app = TestApp::start().await;
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    let mut feed = acme.owner().subscribe(FOLLOW, Value::Null).await;
    make_category(&other.owner(), "9001").await;
    feed.quiet().await;
    make_category(&acme.owner(), "9001").await;
    feed.next().await;
    app.finish().await;
}
