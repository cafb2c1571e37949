//! A worker that dies in the middle costs time and nothing else.

use std::time::{Duration, Instant};

use balance::{events, queue};
use entity::TenantId;

use crate::support::{Effects, Process, Setup, TestApp};

const RECORDS: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_loses_nothing_and_doubles_nothing() {
    let app = TestApp::start_with(Setup {
        real_time: true,
        ..Setup::default()
    })
    .await;
    let tenant = app.tenant("acme").await;
    let owner = tenant.owner();
    let account = owner.make_account("Main").await;
    for from in (0..RECORDS).step_by(1_000) {
        owner.import_rows(&account, from..from + 1_000).await;
    }
    let id = tenant.local_id();

    // killed while it works, more than once: each time something is cut
    for share in [10, 4] {
        let worker = Process::start(&app, &["serve", "--roles", "worker"]);
        processed(&app, id, RECORDS / share).await;
        worker.kill().await;
        let left = queue::depth(&app.app().handles.db, None).await.unwrap();
        assert!(left > 0, "it was done before it could be killed");
    }

    let worker = Process::start(&app, &["serve", "--roles", "worker"]);
    processed(&app, id, RECORDS).await;
    idle(&app).await;
    worker.kill().await;

    let effects = Effects::count(&app, id).await;
    assert_eq!(effects, Effects::once(RECORDS as u64));
    let verdict = events::verify(&app.app().handles, id).await.unwrap();
    assert!(verdict.is_whole(), "{:?}", verdict.problems);
    let verified = Process::start(&app, &["verify"]).end().await;
    assert!(verified.success(), "balance verify: {verified}");
    app.finish().await;
}

/// Waits until this many records are processed.
async fn processed(app: &TestApp, tenant: TenantId, records: usize) {
    let started = Instant::now();
    while Effects::count(app, tenant).await.processed < records as u64 {
        // leases of what was cut must lapse before it is done again
        assert!(
            started.elapsed() < Duration::from_secs(180),
            "{records} are not processed in time"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn idle(app: &TestApp) {
    let started = Instant::now();
    while queue::depth(&app.app().handles.db, None).await.unwrap() > 0 {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "work is left over"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
