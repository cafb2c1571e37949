//! Mail leaves after what it tells about, arrives as it was meant, and its secrets do not stay behind.

use balance::ctx::Ctx;
use balance::error::Result;
use balance::mail::{self, Message};
use chrono::TimeDelta;
use entity::job;
use sea_orm::QueryOrder;

use crate::support::{Path, Setup, Sink, Tenant, TestApp};

async fn want(app: &TestApp, tenant: &Tenant, to: &str, subject: &str) -> Result<()> {
    let ctx = Ctx::system(app.app().handles.clone(), tenant.local_id());
    let mut tx = ctx.begin().await?;
    let message = Message {
        to: to.to_owned(),
        subject: subject.to_owned(),
        text: "Grüße aus Zürich,\nhttps://books.example/?token=hush\n.\nEnde\n".to_owned(),
    };
    mail::enqueue(&mut tx, message)?;
    tx.commit().await
}

async fn jobs(app: &TestApp, tenant: &Tenant) -> Vec<job::Model> {
    let ctx = Ctx::system(app.app().handles.clone(), tenant.local_id());
    let read = ctx.read().await.unwrap();
    let jobs = read.select::<job::Entity>().order_by_asc(job::Column::Id);
    jobs.all(read.on()).await.unwrap()
}

#[tokio::test]
async fn without_a_server_development_keeps_its_mail_in_a_folder() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    want(&app, &tenant, "ada@acme.example", "Hello")
        .await
        .unwrap();
    let waiting = jobs(&app, &tenant).await.remove(0);
    assert!(!waiting.payload.contains("hush") && !waiting.payload.contains("ada"));
    app.run_background_work().await;

    let folder = app.app().handles.config.data_dir.join("mails");
    let path = folder.join(format!("{}.eml", waiting.id));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("To: ada@acme.example\r\n"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let done = jobs(&app, &tenant).await.remove(0);
    assert_eq!(done.state, job::State::Done);
    assert_eq!(done.payload, r#"{"job":"sendMail","sealed":""}"#);
    app.finish().await;
}

#[tokio::test]
async fn a_mail_that_could_carry_another_is_not_taken() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    for to in [
        "ada@acme.example\r\nBcc: eve@evil.example",
        "ada@acme.example,eve@evil.example",
        "ada@acme.example> SIZE=1\r\nRCPT TO:<eve@evil.example",
    ] {
        let refused = want(&app, &tenant, to, "Hello").await.unwrap_err();
        assert_eq!(refused.code(), "BAD_USER_INPUT");
    }
    let subject = "Hello\r\nBcc: eve@evil.example";
    assert!(
        want(&app, &tenant, "ada@acme.example", subject)
            .await
            .is_err()
    );
    assert_eq!(app.run_background_work().await, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_meant() {
    let Some(sink) = Sink::start().await else {
        return;
    };
    let app = started(&sink).await;
    let tenant = app.tenant("acme").await;
    want(&app, &tenant, "ada@acme.example", "Schöne Grüße")
        .await
        .unwrap();
    assert!(sink.mails().await.is_empty(), "it left before its job");
    app.run_background_work().await;

    let mails = sink.mails().await;
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail.text("from"), "books@acme.example");
    assert_eq!(mail["to"], serde_json::json!(["ada@acme.example"]));
    assert_eq!(mail.text("subject"), "Schöne Grüße");
    let text = mail.text("text").replace("\r\n", "\n");
    let said = "Grüße aus Zürich,\nhttps://books.example/?token=hush\n.\nEnde";
    assert_eq!(text.trim_end(), said);
    assert_eq!(mail.text("headers.From"), "Büro <books@acme.example>");
    app.finish().await;
}

#[tokio::test]
async fn what_the_server_puts_off_is_tried_again_and_what_it_refuses_is_not() {
    let Some(sink) = Sink::start().await else {
        return;
    };
    let app = started(&sink).await;
    let tenant = app.tenant("acme").await;
    want(&app, &tenant, "later@acme.example", "Hello")
        .await
        .unwrap();
    want(&app, &tenant, "refused@acme.example", "Hello")
        .await
        .unwrap();
    app.run_background_work().await;
    let [later, refused] = &jobs(&app, &tenant).await[..] else {
        panic!("two mails were wanted");
    };
    assert_eq!((later.state, later.attempt), (job::State::Ready, 1));
    assert_eq!((refused.state, refused.attempt), (job::State::Dead, 1));
    // the server repeats the address in its answer
    let told = [later, refused].map(|job| job.last_error.clone().unwrap());
    assert!(
        told[0].contains("451") && told[1].contains("550"),
        "{told:?}"
    );
    assert!(told.iter().all(|told| !told.contains("acme")), "{told:?}");

    app.advance(TimeDelta::minutes(1));
    app.run_background_work().await;
    assert_eq!(sink.mails().await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_mail_server_that_is_away_loses_no_mail() {
    let Some(sink) = Sink::start().await else {
        return;
    };
    let app = started(&sink).await;
    let port = sink.stop().await;
    let tenant = app.tenant("acme").await;
    want(&app, &tenant, "ada@acme.example", "Hello")
        .await
        .unwrap();
    for _ in 0..3 {
        app.run_background_work().await;
        app.advance(TimeDelta::minutes(5));
    }
    let dead = jobs(&app, &tenant).await.remove(0);
    assert_eq!((dead.state, dead.attempt), (job::State::Dead, 3));

    let ctx = Ctx::system(app.app().handles.clone(), tenant.local_id());
    let driven = balance::jobs::retry(&ctx, dead.id).await.unwrap();
    assert_eq!((driven.id, driven.state), (dead.id, job::State::Ready));
    let sink = Sink::start_at(port).await;
    app.run_background_work().await;
    assert_eq!(sink.mails().await.len(), 1);
    app.finish().await;
}

async fn started(sink: &Sink) -> TestApp {
    let setup = Setup {
        mail_url: Some(format!("smtp://127.0.0.1:{}", sink.smtp)),
        adjust: |config| config.mail_from = Some("Büro <books@acme.example>".to_owned()),
        ..Setup::default()
    };
    TestApp::start_with(setup).await
}
