//! Passwords, and the history of who used them.

use balance::identity::{self, passwords};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use crate::support::own_account::{
    NEW, OWNER, complete, done, enter, events, forget, is_in, refused, reset, run, sign_in,
    with_app,
};
use crate::support::{PASSWORD, Path, TestApp};

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let elsewhere = enter(&app, OWNER, PASSWORD).await;
    let change = async |current: &str, new: &str| {
        let input = json!({ "currentPassword": current, "newPassword": new });
        run(&owner, "changePassword", input, "changed").await
    };
    assert_eq!(
        refused(&change("wrong horse battery", NEW).await),
        "currentPassword: BAD_USER_INPUT"
    );
    assert_eq!(
        refused(&change(PASSWORD, "short").await),
        "newPassword: BAD_USER_INPUT"
    );
    assert_eq!(
        refused(&change(PASSWORD, OWNER).await),
        "newPassword: BAD_USER_INPUT"
    );
    forget(&app, OWNER).await;
    let link = app.last_mail(OWNER).token();
    assert!(is_in(&elsewhere).await);

    done(&change(PASSWORD, NEW).await);
    assert!(is_in(&owner).await && !is_in(&elsewhere).await);
    assert_eq!(
        refused(&reset(&app, &link, "yet another password").await),
        "token: BAD_USER_INPUT"
    );
    assert_eq!(
        refused(&sign_in(&app, OWNER, PASSWORD).await),
        "password: BAD_USER_INPUT"
    );
    assert!(is_in(&enter(&app, OWNER, NEW).await).await);
    app.run_background_work().await;
    assert_eq!(app.last_mail(OWNER).subject, "Your password was changed");
    assert!(
        events(&owner)
            .await
            .contains(&"PASSWORD_CHANGED".to_owned())
    );
    app.finish().await;
}

#[tokio::test]
async fn people_see_who_tried_to_be_them() {
    const HISTORY: &str = "query($first: Int!) { mySignIns(first: $first) {
        totalCount pageInfo { hasNextPage } edges { node { at factor outcome address device } } } }";
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let (owner, other) = (tenant.owner(), tenant.viewer().await);
    for password in ["wrong horse battery", PASSWORD] {
        app.advance(TimeDelta::seconds(1));
        let body = json!({ "email": OWNER, "password": password });
        let request = app.anybody().request(Method::POST, "/api/v1/auth/sign-in");
        let request = request.header("user-agent", "A phone").json(&body);
        app.anybody().send(request).await;
    }
    let (phone, _) = with_app(&app, &owner, PASSWORD).await;
    app.advance(TimeDelta::seconds(30));
    let challenge = sign_in(&app, OWNER, PASSWORD).await;
    app.advance(TimeDelta::seconds(1));
    complete(&app, &challenge, json!({ "code": "00000x" })).await;
    app.advance(TimeDelta::seconds(1));
    complete(
        &app,
        &challenge,
        json!({ "code": phone.code(app.clock.now()) }),
    )
    .await;

    let history = owner.run(HISTORY, json!({ "first": 10 })).await.ok();
    let seen: Vec<_> = history
        .list("mySignIns.edges")
        .iter()
        .map(|edge| format!("{} {}", edge.text("node.factor"), edge.text("node.outcome")))
        .collect();
    assert_eq!(
        seen,
        [
            "TOTP SIGNED_IN",
            "TOTP REFUSED",
            "PASSWORD SECOND_FACTOR_ASKED",
            "PASSWORD SIGNED_IN",
            "PASSWORD REFUSED"
        ]
    );
    let oldest = history.path("mySignIns.edges[4].node");
    assert_eq!(
        (oldest.text("address"), oldest.text("device")),
        ("127.0.0.1".to_owned(), "A phone".to_owned())
    );
    assert!(!history.to_string().contains("horse"));
    let page = owner.run(HISTORY, json!({ "first": 2 })).await.ok();
    assert_eq!(page.path("mySignIns.totalCount"), &json!(5));
    assert_eq!(page.path("mySignIns.pageInfo.hasNextPage"), &json!(true));
    let theirs = other.run(HISTORY, json!({ "first": 10 })).await.ok();
    assert_eq!(theirs.path("mySignIns.totalCount"), &json!(0));

    app.run_background_work().await;
    app.advance(TimeDelta::days(91));
    identity::prune(&app.app().handles).await.unwrap();
    let owner = sign_in(&app, OWNER, PASSWORD).await;
    let code = json!({ "code": phone.code(app.clock.now()) });
    let owner = complete(&app, &owner, code).await;
    let owner = app.anybody().with_token(&owner.text("session.accessToken"));
    let history = owner.run(HISTORY, json!({ "first": 10 })).await.ok();
    assert_eq!(history.path("mySignIns.totalCount"), &json!(2));
    app.finish().await;
}

#[tokio::test]
async fn a_password_of_megabytes_costs_nothing_and_breaks_nothing() {
    let app = TestApp::start().await;
    app.tenant("acme").await;
    let before = passwords::hashed();
    for (size, status) in [(9 << 20, 401), (10 << 20, 413)] {
        let body = json!({ "email": OWNER, "password": "x".repeat(size) });
        let reply = app.anybody().post("/api/v1/auth/sign-in", &body).await;
        assert_eq!(reply.status, status, "{}", reply.text());
    }
    let body =
        json!({ "query": "{ __typename }", "variables": { "password": "x".repeat(10 << 20) } });
    assert_eq!(app.anybody().post("/graphql", &body).await.status, 413);
    let input = json!({ "email": OWNER, "password": "x".repeat(900_000) });
    assert_eq!(
        refused(&run(&app.anybody(), "signIn", input, "session { expiresAt }").await),
        "password: BAD_USER_INPUT"
    );
    assert_eq!(passwords::hashed(), before);
    app.finish().await;
}
