//! What somebody does with their own account: passwords, links in mails, a second factor.

use serde_json::{Value, json};

use super::{AuthenticatorApp, Client, Path, TestApp};

/// The owner of acme.
pub const OWNER: &str = "owner@acme.example";
/// Another password.
pub const NEW: &str = "another horse battery";

/// A mutation with one input, and everything a person is told of it.
pub async fn run(client: &Client, name: &str, input: Value, select: &str) -> Value {
    let ty = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let document = format!(
        "mutation($input: {ty}!) {{ {name}(input: $input) {{ {select} errors {{ field message code }} }} }}"
    );
    let answer = client.run(&document, json!({ "input": input })).await;
    assert!(answer.body.get("errors").is_none(), "{:#}", answer.body);
    answer.body["data"][name].clone()
}

/// What a payload says is wrong.
#[track_caller]
pub fn refused(payload: &Value) -> String {
    let error = &payload["errors"][0];
    let field = error["field"].as_str().unwrap_or("-");
    assert!(error.is_object(), "it was done: {payload:#}");
    format!("{field}: {}", error.text("code"))
}

/// It was done.
#[track_caller]
pub fn done(payload: &Value) {
    assert_eq!(payload["errors"], json!([]), "{payload:#}");
}

/// Signs in with a password; the payload.
pub async fn sign_in(app: &TestApp, email: &str, password: &str) -> Value {
    let input = json!({ "email": email, "password": password });
    let select = "session { accessToken } challenge { token expiresAt }";
    run(&app.anybody(), "signIn", input, select).await
}

/// Signs in; who is in.
pub async fn enter(app: &TestApp, email: &str, password: &str) -> Client {
    let token = sign_in(app, email, password).await;
    app.anybody().with_token(&token.text("session.accessToken"))
}

/// Whether somebody is signed in.
pub async fn is_in(client: &Client) -> bool {
    let answer = client.run("{ viewer { role } }", json!({})).await;
    answer.body.get("errors").is_none()
}

/// Asks for a link to set a password.
pub async fn forget(app: &TestApp, email: &str) {
    let input = json!({ "email": email });
    let payload = run(&app.anybody(), "requestPasswordReset", input, "requested").await;
    done(&payload);
    app.run_background_work().await;
}

/// Follows a link to set a password.
pub async fn reset(app: &TestApp, token: &str, password: &str) -> Value {
    let input = json!({ "token": token, "password": password });
    run(&app.anybody(), "resetPassword", input, "reset").await
}

/// Follows a link that proves an address.
pub async fn verify(app: &TestApp, token: &str) -> Value {
    let input = json!({ "token": token });
    run(&app.anybody(), "verifyEmail", input, "verified").await
}

/// The kinds of events so far.
pub async fn events(client: &Client) -> Vec<String> {
    let feed = client.get("/api/v1/events?first=500").await.json();
    let kinds = feed
        .list("data.events")
        .iter()
        .map(|event| event.text("kind"));
    kinds.collect()
}

/// Follows the link that proves an address.
pub async fn prove_address(app: &TestApp, owner: &Client) {
    let asked = "mutation { requestEmailVerification { requested errors { code } } }";
    owner.run(asked, json!({})).await.ok();
    app.run_background_work().await;
    done(&verify(app, &app.last_mail(OWNER).token()).await);
}

/// Puts an authenticator app on; it and the recovery codes.
pub async fn with_app(
    app: &TestApp,
    owner: &Client,
    password: &str,
) -> (AuthenticatorApp, Vec<String>) {
    let verified = owner
        .run("{ mySecurity { emailVerifiedAt } }", json!({}))
        .await
        .ok();
    if verified.path("mySecurity.emailVerifiedAt").is_null() {
        prove_address(app, owner).await;
    }
    let select = "enrolment { secret uri }";
    let enrolled = run(owner, "enrolTotp", json!({ "password": password }), select).await;
    let phone = AuthenticatorApp::scan(&enrolled.text("enrolment.uri"));
    let input = json!({ "code": phone.code(app.clock.now()) });
    let confirmed = run(owner, "confirmTotp", input, "recoveryCodes").await;
    done(&confirmed);
    let codes = confirmed.list("recoveryCodes").iter();
    let codes = codes.map(|code| code.as_str().unwrap().to_owned());
    (phone, codes.collect())
}

/// Shows a second factor.
pub async fn complete(app: &TestApp, challenge: &Value, with: Value) -> Value {
    let mut input = with;
    input["challenge"] = challenge.path("challenge.token").clone();
    run(
        &app.anybody(),
        "completeSignIn",
        input,
        "session { accessToken }",
    )
    .await
}
