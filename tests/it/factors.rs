//! Passwords, addresses and second factors: changed by whom they belong to, and by nobody else.

use balance::config::Environment;
use balance::identity::{self, passwords};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{AuthenticatorApp, Client, PASSWORD, Path, Setup, TestApp};

const OWNER: &str = "owner@acme.example";
const NEW: &str = "another horse battery";

/// A mutation with one input, and everything a person is told of it.
async fn run(client: &Client, name: &str, input: Value, select: &str) -> Value {
    let ty = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let document = format!(
        "mutation($input: {ty}!) {{ {name}(input: $input) {{ {select} errors {{ field message code }} }} }}"
    );
    let answer = client.run(&document, json!({ "input": input })).await;
    assert!(answer.body.get("errors").is_none(), "{:#}", answer.body);
    answer.body["data"][name].clone()
}

#[track_caller]
fn refused(payload: &Value) -> String {
    let error = &payload["errors"][0];
    let field = error["field"].as_str().unwrap_or("-");
    assert!(error.is_object(), "it was done: {payload:#}");
    format!("{field}: {}", error.text("code"))
}

#[track_caller]
fn done(payload: &Value) {
    assert_eq!(payload["errors"], json!([]), "{payload:#}");
}

async fn sign_in(app: &TestApp, email: &str, password: &str) -> Value {
    let input = json!({ "email": email, "password": password });
    let select = "session { accessToken } challenge { token expiresAt }";
    run(&app.anybody(), "signIn", input, select).await
}

async fn enter(app: &TestApp, email: &str, password: &str) -> Client {
    let token = sign_in(app, email, password).await;
    app.anybody().with_token(&token.text("session.accessToken"))
}

async fn is_in(client: &Client) -> bool {
    let answer = client.run("{ viewer { role } }", json!({})).await;
    answer.body.get("errors").is_none()
}

async fn forget(app: &TestApp, email: &str) {
    let input = json!({ "email": email });
    let payload = run(&app.anybody(), "requestPasswordReset", input, "requested").await;
    done(&payload);
    app.run_background_work().await;
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Value {
    let input = json!({ "token": token, "password": password });
    run(&app.anybody(), "resetPassword", input, "reset").await
}

async fn verify(app: &TestApp, token: &str) -> Value {
    let input = json!({ "token": token });
    run(&app.anybody(), "verifyEmail", input, "verified").await
}

async fn events(client: &Client) -> Vec<String> {
    let feed = client.get("/api/v1/events?first=500").await.json();
    let kinds = feed
        .list("data.events")
        .iter()
        .map(|event| event.text("kind"));
    kinds.collect()
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_by_a_mailed_link_once() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    // however it is typed, the mail goes to the address that is known
    forget(&app, " OWNER@Acme.Example").await;
    let mail = app.last_mail(OWNER);
    assert!(
        mail.text
            .contains("http://127.0.0.1:4000/reset-password?token="),
        "{mail:?}"
    );
    let token = mail.token();

    assert_eq!(
        refused(&reset(&app, &token, "short").await),
        "password: BAD_USER_INPUT"
    );
    assert_eq!(
        refused(&reset(&app, &token, "Owner@acme.example").await),
        "password: BAD_USER_INPUT"
    );
    assert!(is_in(&owner).await);
    let (one, two) = tokio::join!(reset(&app, &token, NEW), reset(&app, &token, NEW));
    let mut outcomes = [one["reset"].clone(), two["reset"].clone()];
    outcomes.sort_by_key(Value::is_null);
    assert_eq!(outcomes, [json!(true), Value::Null], "{one} {two}");
    assert_eq!(
        refused(&reset(&app, &token, NEW).await),
        "token: BAD_USER_INPUT"
    );

    assert!(!is_in(&owner).await, "the session before is still good");
    assert_eq!(
        refused(&sign_in(&app, OWNER, PASSWORD).await),
        "password: BAD_USER_INPUT"
    );
    let owner = enter(&app, OWNER, NEW).await;
    let security = owner
        .run("{ mySecurity { emailVerifiedAt } }", json!({}))
        .await
        .ok();
    assert!(security.path("mySecurity.emailVerifiedAt").is_string());
    app.run_background_work().await;
    assert_eq!(app.last_mail(OWNER).subject, "Your password was changed");
    assert!(events(&owner).await.contains(&"PASSWORD_RESET".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn nobody_learns_from_outside_who_has_an_account() {
    let app = TestApp::start().await;
    app.tenant("acme").await;
    let inside = app.app();
    let counted = async |path: &str, body: Value| {
        let before = (inside.handles.db.statements(), passwords::hashed());
        let reply = app.anybody().post(path, &body).await;
        let mut answer = reply.json();
        answer["meta"] = Value::Null;
        let spent = inside.handles.db.statements() - before.0;
        (reply.status, answer, spent, passwords::hashed() - before.1)
    };
    for path in [
        "/api/v1/auth/request-password-reset",
        "/api/v1/auth/sign-in",
    ] {
        let body = |email: &str| match path.ends_with("reset") {
            true => json!({ "email": email }),
            false => json!({ "email": email, "password": "wrong horse battery" }),
        };
        let known = counted(path, body(OWNER)).await;
        let unknown = counted(path, body("nobody@acme.example")).await;
        assert_eq!(known, unknown, "{path}");
        assert_eq!(
            known.3,
            u64::from(path.ends_with("sign-in")),
            "{path}: hashes"
        );
    }
    app.run_background_work().await;
    let to: Vec<_> = app.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, [OWNER]);
    app.finish().await;
}

#[tokio::test]
async fn a_mailbox_is_not_filled_and_only_the_last_link_works() {
    let app = TestApp::start().await;
    app.tenant("acme").await;
    for _ in 0..3 {
        forget(&app, OWNER).await;
    }
    assert_eq!(app.mails().len(), 1);
    let first = app.last_mail(OWNER).token();
    for _ in 0..8 {
        app.advance(TimeDelta::seconds(61));
        forget(&app, OWNER).await;
    }
    assert_eq!(app.mails().len(), 5, "mails in an hour");
    let last = app.last_mail(OWNER).token();
    assert_eq!(
        refused(&reset(&app, &first, NEW).await),
        "token: BAD_USER_INPUT"
    );
    app.advance(TimeDelta::minutes(61));
    assert_eq!(
        refused(&reset(&app, &last, NEW).await),
        "token: BAD_USER_INPUT"
    );
    for nonsense in ["", "x", &"x".repeat(10_000)] {
        assert_eq!(
            refused(&reset(&app, nonsense, NEW).await),
            "token: BAD_USER_INPUT"
        );
    }
    forget(&app, OWNER).await;
    done(&reset(&app, &app.last_mail(OWNER).token(), NEW).await);
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn a_token_is_good_for_one_thing_only() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let asked = "mutation { requestEmailVerification { requested errors { code } } }";
    owner.run(asked, json!({})).await.ok();
    app.run_background_work().await;
    let verification = app.last_mail(OWNER).token();
    forget(&app, OWNER).await;
    let resetting = app.last_mail(OWNER).token();
    assert_eq!(
        refused(&reset(&app, &verification, NEW).await),
        "token: BAD_USER_INPUT"
    );
    assert_eq!(
        refused(&verify(&app, &resetting).await),
        "token: BAD_USER_INPUT"
    );

    let security = "{ mySecurity { emailVerifiedAt hasPassword totpEnabledAt recoveryCodesLeft } }";
    let before = owner.run(security, json!({})).await.ok();
    let expected = json!({ "emailVerifiedAt": null, "hasPassword": true, "totpEnabledAt": null, "recoveryCodesLeft": 0 });
    assert_eq!(before["mySecurity"], expected);
    done(&verify(&app, &verification).await);
    assert_eq!(
        refused(&verify(&app, &verification).await),
        "token: BAD_USER_INPUT"
    );
    let after = owner.run(security, json!({})).await.ok();
    assert!(after.path("mySecurity.emailVerifiedAt").is_string());
    let again = owner.run(asked, json!({})).await.user_errors();
    assert_eq!(again[0]["code"], "CONFLICT");
    // a link that let nobody in yet is useless once the password is another
    done(&reset(&app, &resetting, NEW).await);
    assert!(
        events(&enter(&app, OWNER, NEW).await)
            .await
            .contains(&"EMAIL_VERIFIED".to_owned())
    );
    app.run_background_work().await;
    app.finish().await;
}

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
async fn an_address_is_taken_once_it_was_proved() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    app.tenant("globex").await;
    let change = async |email: &str, password: &str| {
        let input = json!({ "email": email, "password": password });
        run(&owner, "changeEmail", input, "requested").await
    };
    assert_eq!(
        refused(&change("ada@acme.example", "wrong horse battery").await),
        "password: BAD_USER_INPUT"
    );
    for email in [
        "ada",
        "Owner@ACME.example",
        "\u{430}da@acme.example",
        "ada@acme.example\r\nBcc: eve@evil.example",
    ] {
        assert_eq!(
            refused(&change(email, PASSWORD).await),
            "email: BAD_USER_INPUT",
            "{email}"
        );
    }
    // nobody learns here that it is somebody else's; whoever has the mailbox learns it there, and takes nothing
    done(&change("OWNER@globex.example", PASSWORD).await);
    app.run_background_work().await;
    let stolen = app.last_mail("OWNER@globex.example").token();
    assert_eq!(refused(&verify(&app, &stolen).await), "-: CONFLICT");

    forget(&app, OWNER).await;
    let old_link = app.last_mail(OWNER).token();
    app.advance(TimeDelta::seconds(61));
    done(&change("Ada@acme.example", PASSWORD).await);
    app.run_background_work().await;
    assert!(is_in(&enter(&app, OWNER, PASSWORD).await).await);
    assert_eq!(
        refused(&sign_in(&app, "ada@acme.example", PASSWORD).await),
        "password: BAD_USER_INPUT"
    );
    let token = app.last_mail("Ada@acme.example").token();
    done(&verify(&app, &token).await);
    assert_eq!(
        refused(&verify(&app, &token).await),
        "token: BAD_USER_INPUT"
    );

    assert_eq!(
        refused(&sign_in(&app, OWNER, PASSWORD).await),
        "password: BAD_USER_INPUT"
    );
    assert!(is_in(&enter(&app, "ada@acme.example", PASSWORD).await).await);
    assert_eq!(
        refused(&reset(&app, &old_link, NEW).await),
        "token: BAD_USER_INPUT"
    );
    app.run_background_work().await;
    assert_eq!(app.last_mail(OWNER).subject, "Your address was changed");
    let viewer = owner
        .run("{ viewer { user { email } } }", json!({}))
        .await
        .ok();
    assert_eq!(viewer.text("viewer.user.email"), "Ada@acme.example");
    assert!(events(&owner).await.contains(&"EMAIL_CHANGED".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn a_variant_of_an_address_takes_nothing_over_and_doubles_nobody() {
    let app = TestApp::start().await;
    let owner = app.tenant("stra\u{df}e").await.owner();
    let register = async |email: &str| {
        let input = json!({ "tenantName": "Evil", "name": "Eve", "email": email, "password": NEW });
        run(
            &app.anybody(),
            "registerTenant",
            input,
            "session { accessToken }",
        )
        .await
    };
    for variant in [
        "OWNER@STRASSE.example",
        "owner@stra\u{df}e.EXAMPLE",
        "\u{ff4f}wner@strasse.example",
        "  owner@stra\u{17f}se.example ",
    ] {
        assert_eq!(
            refused(&register(variant).await),
            "password: BAD_USER_INPUT",
            "{variant}"
        );
    }
    for lookalike in [
        "\u{43e}wner@strasse.example",
        "owner@str\u{430}sse.example",
        "own\u{200b}er@strasse.example",
    ] {
        assert_eq!(
            refused(&register(lookalike).await),
            "email: BAD_USER_INPUT",
            "{lookalike}"
        );
        let invite = json!({ "email": lookalike, "role": "ADMIN" });
        assert_eq!(
            refused(&run(&owner, "addMember", invite, "link").await),
            "email: BAD_USER_INPUT"
        );
    }
    assert!(is_in(&owner).await);
    app.finish().await;
}

/// Follows the link that proves an address.
async fn prove_address(app: &TestApp, owner: &Client) {
    let asked = "mutation { requestEmailVerification { requested errors { code } } }";
    owner.run(asked, json!({})).await.ok();
    app.run_background_work().await;
    done(&verify(app, &app.last_mail(OWNER).token()).await);
}

/// Puts an authenticator app on; it and the recovery codes.
async fn with_app(
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

async fn complete(app: &TestApp, challenge: &Value, with: Value) -> Value {
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

#[tokio::test]
async fn a_second_factor_is_asked_for_and_taken_once() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let early = run(
        &owner,
        "enrolTotp",
        json!({ "password": PASSWORD }),
        "enrolment { uri }",
    )
    .await;
    assert_eq!(
        refused(&early),
        "-: CONFLICT",
        "the address is not verified"
    );
    prove_address(&app, &owner).await;
    let wrong = run(
        &owner,
        "enrolTotp",
        json!({ "password": NEW }),
        "enrolment { uri }",
    )
    .await;
    assert_eq!(refused(&wrong), "password: BAD_USER_INPUT");
    let early = run(
        &owner,
        "confirmTotp",
        json!({ "code": "000000" }),
        "recoveryCodes",
    )
    .await;
    assert_eq!(refused(&early), "-: CONFLICT");
    // one that was begun and not confirmed is asked for by nobody
    run(
        &owner,
        "enrolTotp",
        json!({ "password": PASSWORD }),
        "enrolment { uri }",
    )
    .await;
    assert!(sign_in(&app, OWNER, PASSWORD).await["session"].is_object());

    let elsewhere = enter(&app, OWNER, PASSWORD).await;
    let (phone, codes) = with_app(&app, &owner, PASSWORD).await;
    assert_eq!(codes.len(), 10);
    assert!(is_in(&owner).await && !is_in(&elsewhere).await);
    let again = run(
        &owner,
        "enrolTotp",
        json!({ "password": PASSWORD }),
        "enrolment { uri }",
    )
    .await;
    assert_eq!(refused(&again), "-: CONFLICT");

    assert!(
        sign_in(&app, OWNER, NEW).await["challenge"].is_null(),
        "the password comes first"
    );
    let challenge = sign_in(&app, OWNER, PASSWORD).await;
    assert!(challenge["session"].is_null() && challenge["challenge"].is_object());
    // the code that confirmed was seen, and does not work again
    let code = json!({ "code": phone.code(app.clock.now()) });
    assert_eq!(
        refused(&complete(&app, &challenge, code.clone()).await),
        "code: BAD_USER_INPUT"
    );
    app.advance(TimeDelta::seconds(30));
    let code = json!({ "code": phone.code(app.clock.now()) });
    let entered = complete(&app, &challenge, code.clone()).await;
    let inside = app
        .anybody()
        .with_token(&entered.text("session.accessToken"));
    assert!(is_in(&inside).await);
    assert_eq!(
        refused(&complete(&app, &challenge, code.clone()).await),
        "code: BAD_USER_INPUT"
    );
    let other = sign_in(&app, OWNER, PASSWORD).await;
    assert_eq!(
        refused(&complete(&app, &other, code).await),
        "code: BAD_USER_INPUT"
    );

    // a recovery code, however it is typed, works once
    let typed = json!({ "recoveryCode": codes[3].to_lowercase().replace('-', " ") });
    assert!(complete(&app, &other, typed.clone()).await["session"].is_object());
    let other = sign_in(&app, OWNER, PASSWORD).await;
    assert_eq!(
        refused(&complete(&app, &other, typed).await),
        "code: BAD_USER_INPUT"
    );
    let both = json!({ "code": "000000", "recoveryCode": codes[4] });
    assert_eq!(
        refused(&complete(&app, &other, both).await),
        "code: BAD_USER_INPUT"
    );
    let left = owner
        .run("{ mySecurity { recoveryCodesLeft } }", json!({}))
        .await
        .ok();
    assert_eq!(left.path("mySecurity.recoveryCodesLeft"), &json!(9));

    app.run_background_work().await;
    assert_eq!(app.last_mail(OWNER).subject, "A recovery code was used");
    assert!(
        events(&owner)
            .await
            .contains(&"SECOND_FACTOR_ENABLED".to_owned())
    );
    app.finish().await;
}

#[tokio::test]
async fn no_other_door_opens_with_the_password_alone() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let other = app.tenant("globex").await.owner();
    with_app(&app, &tenant.owner(), PASSWORD).await;
    let register = |password: &str| json!({ "tenantName": "Evil", "name": "Eve", "email": OWNER, "password": password });
    let select = "session { accessToken }";
    let wrong = run(&app.anybody(), "registerTenant", register(NEW), select).await;
    assert_eq!(refused(&wrong), "password: BAD_USER_INPUT");
    let right = run(&app.anybody(), "registerTenant", register(PASSWORD), select).await;
    assert_eq!(refused(&right), "-: CONFLICT");
    let invited = run(
        &other,
        "addMember",
        json!({ "email": OWNER, "role": "VIEWER" }),
        "link",
    )
    .await;
    let link = invited.text("link");
    let token = link.split_once("token=").unwrap().1;
    let input = json!({ "token": token, "password": PASSWORD });
    let accepted = run(&app.anybody(), "acceptInvitation", input, select).await;
    assert_eq!(refused(&accepted), "-: CONFLICT");
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn recovery_codes_are_replaced_and_the_app_is_taken_off_by_its_owner() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let (phone, before) = with_app(&app, &owner, PASSWORD).await;
    app.advance(TimeDelta::seconds(30));
    let renew = async |code: &str| {
        run(
            &owner,
            "renewRecoveryCodes",
            json!({ "code": code }),
            "recoveryCodes",
        )
        .await
    };
    assert_eq!(refused(&renew("000000").await), "code: BAD_USER_INPUT");
    let renewed = renew(&phone.code(app.clock.now())).await;
    assert_eq!(renewed.list("recoveryCodes").len(), 10);
    let challenge = sign_in(&app, OWNER, PASSWORD).await;
    let old = json!({ "recoveryCode": before[0] });
    assert_eq!(
        refused(&complete(&app, &challenge, old).await),
        "code: BAD_USER_INPUT"
    );

    // a forgotten password does not take the second factor off
    forget(&app, OWNER).await;
    done(&reset(&app, &app.last_mail(OWNER).token(), NEW).await);
    // nor does a sign-in that was halfway survive it
    app.advance(TimeDelta::seconds(30));
    let code = json!({ "code": phone.code(app.clock.now()) });
    assert_eq!(
        refused(&complete(&app, &challenge, code.clone()).await),
        "code: BAD_USER_INPUT"
    );
    let challenge = sign_in(&app, OWNER, NEW).await;
    let entered = complete(&app, &challenge, code).await;
    let owner = app
        .anybody()
        .with_token(&entered.text("session.accessToken"));

    let disable = async |with: Value| run(&owner, "disableTotp", with, "disabled").await;
    assert_eq!(refused(&disable(json!({})).await), "code: BAD_USER_INPUT");
    assert_eq!(
        refused(&disable(json!({ "password": PASSWORD })).await),
        "password: BAD_USER_INPUT"
    );
    assert_eq!(
        refused(&disable(json!({ "code": "000000" })).await),
        "code: BAD_USER_INPUT"
    );
    done(&disable(json!({ "password": NEW })).await);
    assert_eq!(
        refused(&disable(json!({ "password": NEW })).await),
        "-: CONFLICT"
    );
    assert!(sign_in(&app, OWNER, NEW).await["session"].is_object());
    app.run_background_work().await;
    assert_eq!(
        app.last_mail(OWNER).subject,
        "Your authenticator app is out of use"
    );
    let told = events(&owner).await;
    for kind in ["RECOVERY_CODES_RENEWED", "SECOND_FACTOR_DISABLED"] {
        assert!(told.contains(&kind.to_owned()), "{kind}");
    }
    app.finish().await;
}

#[tokio::test]
async fn codes_cannot_be_guessed() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let (phone, codes) = with_app(&app, &owner, PASSWORD).await;
    app.advance(TimeDelta::seconds(30));
    let challenge = sign_in(&app, OWNER, PASSWORD).await;
    for _ in 0..5 {
        let wrong = complete(&app, &challenge, json!({ "code": "12345x" })).await;
        assert_eq!(refused(&wrong), "code: BAD_USER_INPUT");
    }
    // neither this challenge nor another one takes a right code now
    let right = json!({ "code": phone.code(app.clock.now()) });
    assert_eq!(
        refused(&complete(&app, &challenge, right.clone()).await),
        "code: BAD_USER_INPUT"
    );
    let another = sign_in(&app, OWNER, PASSWORD).await;
    assert_eq!(
        refused(&complete(&app, &another, right).await),
        "-: CONFLICT"
    );
    let recovery = json!({ "recoveryCode": codes[0] });
    assert_eq!(
        refused(&complete(&app, &another, recovery).await),
        "-: CONFLICT"
    );
    let inside = json!({ "code": phone.code(app.clock.now()) });
    assert_eq!(
        refused(&run(&owner, "disableTotp", inside, "disabled").await),
        "-: CONFLICT"
    );

    app.advance(TimeDelta::minutes(15));
    let challenge = sign_in(&app, OWNER, PASSWORD).await;
    let right = json!({ "code": phone.code(app.clock.now()) });
    assert!(complete(&app, &challenge, right).await["session"].is_object());
    // a challenge is over after five minutes
    let challenge = sign_in(&app, OWNER, PASSWORD).await;
    app.advance(TimeDelta::minutes(5));
    let right = json!({ "code": phone.code(app.clock.now()) });
    assert_eq!(
        refused(&complete(&app, &challenge, right).await),
        "code: BAD_USER_INPUT"
    );
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn of_two_who_show_one_code_at_the_same_time_one_is_let_in() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let (phone, codes) = with_app(&app, &owner, PASSWORD).await;
    app.advance(TimeDelta::seconds(30));
    let code = phone.code(app.clock.now());
    for shown in [json!({ "code": code }), json!({ "recoveryCode": codes[0] })] {
        let (one, two) = (
            sign_in(&app, OWNER, PASSWORD).await,
            sign_in(&app, OWNER, PASSWORD).await,
        );
        let (one, two) = tokio::join!(
            complete(&app, &one, shown.clone()),
            complete(&app, &two, shown.clone())
        );
        let let_in = [&one, &two].map(|payload| payload["session"].is_object());
        assert!(let_in[0] != let_in[1], "{one} {two}");
    }
    app.run_background_work().await;
    app.finish().await;
}

#[tokio::test]
async fn the_rest_edge_does_the_same() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let (phone, _) = with_app(&app, &owner, PASSWORD).await;
    app.advance(TimeDelta::seconds(30));
    let post = async |path: &str, body: Value| {
        let reply = app
            .anybody()
            .post(&format!("/api/v1/auth/{path}"), &body)
            .await;
        (reply.status, reply.json())
    };
    let (status, body) = post("sign-in", json!({ "email": OWNER, "password": PASSWORD })).await;
    assert_eq!(status, 200);
    assert_eq!(body["data"].as_object().unwrap().len(), 1, "{body}");
    let token = body.text("data.challenge.token");
    let (status, _) = post("complete-sign-in", json!({ "challenge": token })).await;
    assert_eq!(status, 400);
    let (status, _) = post(
        "complete-sign-in",
        json!({ "challenge": token, "code": "000000" }),
    )
    .await;
    assert_eq!(status, 401);
    let code = phone.code(app.clock.now());
    let (status, body) = post(
        "complete-sign-in",
        json!({ "challenge": token, "code": code }),
    )
    .await;
    assert_eq!(status, 200, "{body}");
    assert!(is_in(&app.anybody().with_token(&body.text("data.accessToken"))).await);

    let (status, _) = post("request-password-reset", json!({ "email": OWNER })).await;
    assert_eq!(status, 202);
    app.run_background_work().await;
    let token = app.last_mail(OWNER).token();
    let (status, _) = post("verify-email", json!({ "token": token })).await;
    assert_eq!(status, 400);
    let (status, _) = post("reset-password", json!({ "token": token, "password": NEW })).await;
    assert_eq!(status, 200);
    let (status, _) = post("reset-password", json!({ "token": token, "password": NEW })).await;
    assert_eq!(status, 400);
    app.run_background_work().await;
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

#[tokio::test]
async fn a_server_that_sends_no_mail_says_so() {
    let app = TestApp::start_with(Setup {
        adjust: |config| config.environment = Environment::Staging,
        ..Setup::default()
    })
    .await;
    let owner = app.tenant("acme").await.owner();
    for email in [OWNER, "nobody@acme.example"] {
        let input = json!({ "email": email });
        let payload = run(&app.anybody(), "requestPasswordReset", input, "requested").await;
        assert_eq!(refused(&payload), "-: CONFLICT");
    }
    // what does not need it works without it
    let input = json!({ "currentPassword": PASSWORD, "newPassword": NEW });
    done(&run(&owner, "changePassword", input, "changed").await);
    app.finish().await;
}
