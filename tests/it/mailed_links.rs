//! Links in mails: forgotten passwords, addresses that are proved or changed.

use balance::config::Environment;
use balance::identity::passwords;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::own_account::{
    NEW, OWNER, done, enter, events, forget, is_in, refused, reset, run, sign_in, verify,
};
use crate::support::{PASSWORD, Path, Setup, TestApp};

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
