//! The watch over secrets works from end to end: a test in which one is told fails when it ends.

use crate::support::TestApp;

#[tokio::test]
#[should_panic(expected = "secrets were told")]
async fn a_test_in_which_a_token_is_logged_fails() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    tracing::warn!(bearer = owner.token, "Somebody came in");
    app.finish().await;
}

#[tokio::test]
async fn signing_in_tells_nobody_the_password() {
    let app = TestApp::start().await;
    app.tenant("acme").await;
    let wrong = serde_json::json!({ "email": "owner@acme.example", "password": "a password that nobody else has" });
    let refused = app.anybody().post("/api/v1/auth/sign-in", &wrong).await;
    assert_eq!(refused.status, 401);
    assert!(app.anybody().watch.knows("a password that nobody else has"));
    app.finish().await;
}
