//! How background work stands: what waits, since when, how fast it goes, and whose it is; and what to do about what died.

use balance::ctx::{Ctx, Job};
use balance::http::admin;
use balance::queue::{self, Queue};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Client, Path, Tenant, TestApp, World, cure, poison};

const QUEUES: &str =
    "{ queues { name waiting oldestDueAt delayed failedBefore running dead perMinute } }";

async fn processing(client: &Client) -> Value {
    let all = client.run(QUEUES, json!({})).await.ok();
    let mut queues = all.list("queues").iter();
    let found = queues.find(|queue| queue["name"] == "records:process");
    found.expect("it is a queue").clone()
}

#[tokio::test]
async fn what_waits_is_told_to_its_tenant_with_its_age_and_its_pace() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.tenant("acme").await, app.tenant("globex").await);
    let (us, them) = (ours.owner(), theirs.owner());
    let account = us.make_account("Main").await;
    us.import_rows(&account, 0..3).await;
    app.advance(TimeDelta::minutes(2));
    let queue = processing(&us).await;
    assert_eq!(
        (&queue["waiting"], &queue["delayed"]),
        (&json!(3), &json!(0))
    );
    assert_eq!(
        queue["oldestDueAt"], "2026-03-02T09:00:00+00:00",
        "{queue:#}"
    );
    assert_eq!(queue["perMinute"], Value::Null);
    assert_eq!(processing(&them).await["waiting"], json!(0));

    app.run_background_work().await;
    app.advance(TimeDelta::minutes(1));
    let queue = processing(&us).await;
    assert_eq!(
        (&queue["waiting"], &queue["oldestDueAt"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(
        (&queue["dead"], &queue["perMinute"]),
        (&json!(0), &json!(3.0))
    );
    let viewer = ours.viewer().await;
    let refused = viewer.run(QUEUES, json!({})).await;
    assert_eq!(refused.error_code(), "FORBIDDEN");
    app.finish().await;
}

const JOBS: &str = "query($filter: JobFilter) { jobs(filter: $filter, first: 50) { totalCount edges { node {
    id queue kind subjectId state attempt maxAttempts error retryable startedAt finishedAt progress { done total }
} } } }";
const RETRY: &str = "mutation($id: ID!) { retryJob(input: { jobId: $id }) {
    job { state attempt error } errors { message code } } }";
const DISCARD: &str = "mutation($id: ID!) { discardJob(input: { jobId: $id }) {
    job { state } errors { message code } } }";

async fn in_state(client: &Client, state: &str) -> Vec<Value> {
    let found = client
        .run(JOBS, json!({ "filter": { "states": [state] } }))
        .await
        .ok();
    let edges = found.list("jobs.edges");
    assert_eq!(found.number("jobs.totalCount"), edges.len() as i64);
    edges.iter().map(|edge| edge["node"].clone()).collect()
}

/// Makes a record fail: it waits for a decision before it was processed, which no verb does; the record.
async fn a_dead_job(app: &TestApp, tenant: &Tenant) -> String {
    let owner = tenant.owner();
    let account = owner.make_account("Main").await;
    let record = owner.import_rows(&account, 0..1).await.remove(0);
    poison(app, tenant, &record).await;
    for _ in 0..3 {
        app.run_background_work().await;
        app.advance(TimeDelta::seconds(30));
    }
    record
}

#[tokio::test]
async fn a_dead_job_tells_why_in_words_for_its_tenant_and_is_driven_again_with_its_record() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let record = a_dead_job(&app, &tenant).await;

    let dead = in_state(&owner, "DEAD").await;
    assert_eq!(dead.len(), 1, "{dead:#?}");
    let job = &dead[0];
    assert_eq!(
        (&job["kind"], &job["subjectId"], &job["queue"]),
        (
            &json!("PROCESS_RECORD"),
            &json!(record),
            &json!("records:process")
        )
    );
    assert_eq!(
        (&job["attempt"], &job["maxAttempts"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(job["retryable"], true);
    // the same words as with the record: what failed, never a statement
    let told = "it was made at the same time by someone else; look again";
    assert_eq!(job["error"], told);
    let failed = "query($id: ID!) { record(id: $id) { status error } }";
    let failed = owner.run(failed, json!({ "id": record })).await.ok();
    assert_eq!(
        failed["record"],
        json!({ "status": "FAILED", "error": told })
    );

    cure(&app, &tenant).await;
    let id = json!({ "id": job["id"] });
    let driven = owner.run(RETRY, id.clone()).await.ok();
    assert_eq!(
        *driven.path("retryJob.job"),
        json!({ "state": "READY", "attempt": 0, "error": told })
    );
    let twice = owner.run(RETRY, id.clone()).await.user_errors();
    assert_eq!(twice[0]["code"], "CONFLICT");
    let waiting = owner.run(DISCARD, id).await.user_errors();
    assert_eq!(waiting[0]["code"], "CONFLICT");
    app.run_background_work().await;
    let done = "query($id: ID!) { record(id: $id) { status error } }";
    let done = owner.run(done, json!({ "id": record })).await.ok();
    assert_eq!(
        done["record"],
        json!({ "status": "PROCESSED", "error": null })
    );
    assert_eq!(in_state(&owner, "DEAD").await, Vec::<Value>::new());
    let feed = "{ eventFeed(after: \"START\", kinds: [\"JOB_RETRIED\", \"PROCESSING_RETRIED\"], first: 9) { events { kind } } }";
    let feed = owner.run(feed, json!({})).await.ok();
    let kinds: Vec<String> = feed
        .list("eventFeed.events")
        .iter()
        .map(|it| it.text("kind"))
        .collect();
    assert_eq!(kinds, ["PROCESSING_RETRIED", "JOB_RETRIED"]);
    app.finish().await;
}

#[tokio::test]
async fn the_dead_jobs_of_a_queue_are_driven_again_together() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    a_dead_job(&app, &tenant).await;
    cure(&app, &tenant).await;
    let retry = "mutation($queue: String!) { retryJobs(input: { queue: $queue }) { retried errors { field code } } }";
    for (queue, retried) in [
        ("emails", 0),
        ("records:process", 1),
        ("records:process", 0),
    ] {
        let driven = owner.run(retry, json!({ "queue": queue })).await.ok();
        assert_eq!(driven.number("retryJobs.retried"), retried, "{queue}");
    }
    let unknown = owner.run(retry, json!({ "queue": "nonsense" })).await;
    assert_eq!(unknown.user_errors()[0]["field"], "queue");
    let viewer = tenant.viewer().await;
    let refused = viewer.run(retry, json!({ "queue": "emails" })).await;
    assert_eq!(refused.error_code(), "FORBIDDEN");
    app.run_background_work().await;
    assert_eq!(in_state(&owner, "DEAD").await, Vec::<Value>::new());
    app.finish().await;
}

#[tokio::test]
async fn a_discarded_job_is_gone_and_what_it_was_about_stays_failed() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let record = a_dead_job(&app, &tenant).await;
    let job = in_state(&owner, "DEAD").await.remove(0);
    let id = json!({ "id": job["id"] });
    // of another tenant, and of somebody who may only look at records
    let stranger = app.tenant("globex").await.owner();
    let viewer = tenant.viewer().await;
    for document in [RETRY, DISCARD] {
        let unseen = stranger.run(document, id.clone()).await;
        assert!(
            unseen.body.to_string().contains("NOT_FOUND"),
            "{}",
            unseen.body
        );
        assert_eq!(
            viewer.run(document, id.clone()).await.error_code(),
            "FORBIDDEN"
        );
    }
    assert_eq!(in_state(&stranger, "DEAD").await, Vec::<Value>::new());

    let gone = owner.run(DISCARD, id.clone()).await.ok();
    assert_eq!(gone.text("discardJob.job.state"), "DEAD");
    assert_eq!(in_state(&owner, "DEAD").await, Vec::<Value>::new());
    let failed = "query($id: ID!) { record(id: $id) { status } }";
    let failed = owner.run(failed, json!({ "id": record })).await.ok();
    assert_eq!(failed.text("record.status"), "FAILED");
    let again = owner.run(RETRY, id).await;
    assert!(
        again.body.to_string().contains("NOT_FOUND"),
        "{}",
        again.body
    );
    app.finish().await;
}

#[tokio::test]
async fn what_somebody_asked_for_and_what_changed_meanwhile_is_not_driven_again() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let record = a_dead_job(&app, &tenant).await;
    cure(&app, &tenant).await;
    let retry = "mutation($id: ID!) { retryFailedRecords(input: { recordIds: [$id] }) { recordIds errors { message } } }";
    owner.run(retry, json!({ "id": record })).await.ok();
    app.run_background_work().await;
    let dead = in_state(&owner, "DEAD").await.remove(0);
    let refused = owner.run(RETRY, json!({ "id": dead["id"] })).await;
    assert_eq!(
        refused.user_errors()[0]["message"],
        "its record is not failed any more; discard the job"
    );
    // nothing of it was stored
    assert_eq!(in_state(&owner, "DEAD").await.len(), 1);

    // a report that is nowhere cannot be made
    let ctx = Ctx::system(app.app().handles.clone(), tenant.local_id());
    let mut tx = ctx.begin().await.unwrap();
    tx.enqueue(Job::GenerateReport { report: ctx.id() });
    tx.commit().await.unwrap();
    for _ in 0..3 {
        app.run_background_work().await;
        app.advance(TimeDelta::seconds(30));
    }
    let dead = in_state(&owner, "DEAD").await.remove(0);
    assert_eq!(
        (&dead["kind"], &dead["retryable"], &dead["error"]),
        (
            &json!("GENERATE_REPORT"),
            &json!(false),
            &json!("report not found")
        )
    );
    let refused = owner.run(RETRY, json!({ "id": dead["id"] })).await;
    assert_eq!(refused.user_errors()[0]["code"], "CONFLICT");
    app.finish().await;
}

#[tokio::test]
async fn a_monitor_reads_the_same_figures_over_rest_with_how_long_jobs_waited() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let account = owner.make_account("Main").await;
    owner.import_rows(&account, 0..3).await;
    app.advance(TimeDelta::seconds(90));
    let figures = async || {
        let reply = owner.get("/api/v1/queues").await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("cache-control"), "no-store");
        let all = reply.json();
        let mut queues = all.list("data.queues").iter();
        let found = queues.find(|queue| queue["name"] == "records:process");
        found.expect("it is a queue").clone()
    };
    let waiting = figures().await;
    assert_eq!(
        (&waiting["waiting"], &waiting["oldestWaitingSeconds"]),
        (&json!(3), &json!(90.0))
    );
    assert!(waiting.get("waitP95Ms").is_none(), "{waiting}");
    app.run_background_work().await;
    let done = figures().await;
    assert_eq!((&done["waiting"], &done["done"]), (&json!(0), &json!(3)));
    assert_eq!(
        (&done["waitP95Ms"], &done["runP95Ms"]),
        (&json!(90_000), &json!(0))
    );
    assert_eq!(
        tenant.viewer().await.get("/api/v1/queues").await.status,
        403
    );
    assert_eq!(app.anybody().get("/api/v1/queues").await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn a_running_job_tells_how_far_it_is_to_every_process_that_shares_redis() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let handles = app.app().handles.clone();
    let ctx = Ctx::system(handles.clone(), tenant.local_id());
    let mut tx = ctx.begin().await.unwrap();
    tx.enqueue(Job::SuggestRules {
        records: Vec::new(),
    });
    tx.commit().await.unwrap();
    let claim = queue::claim(&handles.db, Queue::Suggestions, "test", ctx.now()).await;
    let claim = claim.unwrap().expect("a job is due");
    let running = in_state(&owner, "RUNNING").await;
    assert_eq!((running.len(), &running[0]["progress"]), (1, &Value::Null));

    ctx.tell_progress(claim.jobs[0].id, 1_000, 48_000);
    let far = json!({ "done": 1_000, "total": 48_000 });
    assert_eq!(in_state(&owner, "RUNNING").await[0]["progress"], far);
    let elsewhere = app.another_node().await;
    let elsewhere = elsewhere.with_token(owner.token.as_deref().unwrap());
    let told = match World::is_production() {
        true => far,
        // in process, who works is who tells
        false => Value::Null,
    };
    let mut seen = json!("nothing");
    for _ in 0..100 {
        seen = in_state(&elsewhere, "RUNNING").await[0]["progress"].clone();
        if seen == told {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(seen, told);

    queue::release(&handles.db, &claim, ctx.now())
        .await
        .unwrap();
    assert_eq!(in_state(&owner, "READY").await[0]["progress"], Value::Null);
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn the_page_of_the_queues_is_the_same_for_everybody_and_held_to_this_origin() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    for (path, media) in [
        ("/admin/queues", "text/html; charset=utf-8"),
        ("/admin/queues.js", "text/javascript; charset=utf-8"),
        ("/admin/queues.css", "text/css; charset=utf-8"),
    ] {
        let reply = anybody.get(path).await;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("content-type"), media);
        assert_eq!(reply.header("content-security-policy"), admin::POLICY);
        assert_eq!(reply.header("x-frame-options"), "DENY");
    }
    assert!(!admin::POLICY.contains("unsafe"));
    app.finish().await;
}
