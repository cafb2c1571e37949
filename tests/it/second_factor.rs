//! The second factor: an authenticator app and recovery codes.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::own_account::{
    NEW, OWNER, complete, done, enter, events, forget, is_in, prove_address, refused, reset, run,
    sign_in, with_app,
};
use crate::support::{PASSWORD, Path, TestApp};

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
