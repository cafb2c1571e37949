//! Passkeys: what gets in, and what does not.

use balance::graphql::node::local;
use chrono::TimeDelta;
use entity::{UserId, user};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use crate::support::{Answer, Authenticator, Client, Path, TestApp};

const START: &str = "mutation { startPasskeyRegistration { challenge { token options expiresAt } errors { message } } }";
const FINISH: &str = "mutation($input: FinishPasskeyRegistrationInput!) {
    finishPasskeyRegistration(input: $input) { passkey { id name } errors { field message code } }
}";
const START_SIGN_IN: &str =
    "mutation { startPasskeySignIn { challenge { token options } errors { message } } }";
const SIGN_IN: &str = "mutation($input: FinishPasskeySignInInput!) {
    finishPasskeySignIn(input: $input) {
        session { accessToken viewer { user { id } tenant { name } } }
        errors { field message code }
    }
}";
const MINE: &str = "{ myPasskeys { id name createdAt lastUsedAt suspectedAt } }";
const REMOVE: &str = "mutation($input: RemovePasskeyInput!) {
    removePasskey(input: $input) { removedPasskeyId errors { field message code } }
}";

#[tokio::test]
async fn a_passkey_signs_in_without_a_password() {
    let app = TestApp::start().await;
    let olive = app.tenant("acme").await.owner();
    let mut key = Authenticator::new(1);
    let added = add(&olive, &mut key, "Laptop").await;
    assert_eq!(added.text("name"), "Laptop");

    app.advance(TimeDelta::minutes(20));
    let session = sign_in(&app.anybody(), &mut key).await.ok();
    let session = session.path("finishPasskeySignIn.session").clone();
    let back = app.anybody().with_token(&session.text("accessToken"));
    let mine = back.run(MINE, json!({})).await.ok();
    assert_eq!(mine.list("myPasskeys").len(), 1);
    assert_eq!(mine.text("myPasskeys[0].id"), added.text("id"));
    assert_eq!(
        mine.text("myPasskeys[0].lastUsedAt"),
        "2026-03-02T09:20:00+00:00"
    );

    let log = back.get("/api/v1/events?first=500").await.text();
    for event in ["PASSKEY_ADDED", "SIGNED_IN"] {
        assert!(log.contains(event), "{event} is not in {log}");
    }
    assert!(!log.contains("Laptop"), "a name is nothing for the log");
    app.finish().await;
}

#[tokio::test]
async fn the_browser_is_asked_for_a_passkey_that_verifies_and_says_whose_it_is() {
    let app = TestApp::start().await;
    let olive = app.tenant("acme").await.owner();
    add(&olive, &mut Authenticator::new(1), "First").await;
    let asked = olive.run(START, json!({})).await.ok();
    let options = asked.path("startPasskeyRegistration.challenge.options");
    assert_eq!(options.text("rp.id"), "localhost");
    assert_eq!(options.text("user.name"), "owner@acme.example");
    assert_eq!(
        options.text("authenticatorSelection.residentKey"),
        "required"
    );
    assert_eq!(
        options.text("authenticatorSelection.userVerification"),
        "required"
    );
    assert_eq!(
        options.list("excludeCredentials").len(),
        1,
        "one passkey for each authenticator"
    );
    let asked = app.anybody().run(START_SIGN_IN, json!({})).await.ok();
    let options = asked.path("startPasskeySignIn.challenge.options");
    assert_eq!(options.text("userVerification"), "required");
    assert_eq!(
        options.list("allowCredentials").len(),
        0,
        "nobody says who they are first"
    );
    app.finish().await;
}

#[tokio::test]
async fn an_answer_counts_once_and_for_five_minutes() {
    let app = TestApp::start().await;
    let olive = app.tenant("acme").await.owner();
    let mut key = Authenticator::new(1);

    let asked = challenge(&olive, START).await;
    let made = json!({ "input": { "token": asked.text("token"), "credential": key.create(asked.path("options")) } });
    olive.run(FINISH, made.clone()).await.ok();
    assert_refused(&olive.run(FINISH, made).await, "token");

    let asked = challenge(&app.anybody(), START_SIGN_IN).await;
    let signed = answer(&asked, &mut key);
    app.anybody().run(SIGN_IN, signed.clone()).await.ok();
    assert_refused(&app.anybody().run(SIGN_IN, signed).await, "token");

    let asked = challenge(&app.anybody(), START_SIGN_IN).await;
    let late = answer(&asked, &mut key);
    app.advance(TimeDelta::minutes(5));
    assert_refused(&app.anybody().run(SIGN_IN, late).await, "token");

    // a wrong answer is an answer: there is no second try
    let asked = challenge(&app.anybody(), START_SIGN_IN).await;
    let mut forger = Authenticator {
        key: 1,
        ..key.clone()
    };
    let forged = answer(&asked, &mut forger);
    assert_refused(&app.anybody().run(SIGN_IN, forged).await, "credential");
    let right = answer(&asked, &mut key);
    assert_refused(&app.anybody().run(SIGN_IN, right).await, "token");
    app.finish().await;
}

#[tokio::test]
async fn forgers_are_refused_and_learn_nothing() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let mut key = Authenticator::new(1);
    add(&tenant.owner(), &mut key, "Laptop").await;
    let mut theirs = Authenticator::new(2);
    add(&tenant.viewer().await, &mut theirs, "Phone").await;
    let forgers = [
        (
            "another key",
            Authenticator {
                key: 1,
                ..key.clone()
            },
        ),
        (
            "an unknown passkey",
            Authenticator {
                id: vec![9; 32],
                ..key.clone()
            },
        ),
        (
            "somebody else's handle",
            Authenticator {
                holder: theirs.holder.clone(),
                ..key.clone()
            },
        ),
        (
            "a handle of nobody",
            Authenticator {
                holder: "AAAA".to_owned(),
                ..key.clone()
            },
        ),
        (
            "another page",
            Authenticator {
                origin: "https://localhost.example".to_owned(),
                ..key.clone()
            },
        ),
        (
            "another scheme",
            Authenticator {
                origin: "https://localhost:4000".to_owned(),
                ..key.clone()
            },
        ),
        (
            "another site",
            Authenticator {
                site: "example.com".to_owned(),
                ..key.clone()
            },
        ),
        (
            "nobody verified",
            Authenticator {
                verifies: false,
                ..key.clone()
            },
        ),
        (
            "an answer to another question",
            Authenticator {
                says: Some("webauthn.create"),
                ..key.clone()
            },
        ),
    ];
    let mut answers = Vec::new();
    for (what, mut forger) in forgers {
        let asked = challenge(&app.anybody(), START_SIGN_IN).await;
        let refused = app
            .anybody()
            .run(SIGN_IN, answer(&asked, &mut forger))
            .await;
        assert_eq!(refused.status, 200, "{what}");
        assert!(
            refused.body["data"]["finishPasskeySignIn"]["session"].is_null(),
            "{what}: {:#}",
            refused.body
        );
        answers.push(refused.user_errors()[0].clone());
    }
    // an answer to a challenge that was another's
    let (asked, others) = (
        challenge(&app.anybody(), START_SIGN_IN).await,
        challenge(&app.anybody(), START_SIGN_IN).await,
    );
    let mut swapped = answer(&asked, &mut key);
    swapped["input"]["token"] = others["token"].clone();
    answers.push(app.anybody().run(SIGN_IN, swapped).await.user_errors()[0].clone());
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    // the right one still opens
    sign_in(&app.anybody(), &mut key).await.ok();
    app.finish().await;
}

#[tokio::test]
async fn a_passkey_is_added_by_whoever_asked_for_it_on_our_page_only() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let (olive, victor) = (tenant.owner(), tenant.viewer().await);
    let forgers = [
        Authenticator {
            origin: "https://evil.example".to_owned(),
            ..Authenticator::new(1)
        },
        Authenticator {
            site: "evil.example".to_owned(),
            ..Authenticator::new(1)
        },
        Authenticator {
            verifies: false,
            ..Authenticator::new(1)
        },
        Authenticator {
            says: Some("webauthn.get"),
            ..Authenticator::new(1)
        },
    ];
    for mut forger in forgers {
        let asked = challenge(&olive, START).await;
        let made = json!({ "input": { "token": asked["token"], "credential": forger.create(asked.path("options")) } });
        assert_refused(&olive.run(FINISH, made).await, "credential");
    }
    let asked = challenge(&olive, START).await;
    let made = json!({ "input": { "token": asked["token"], "credential": Authenticator::new(1).create(asked.path("options")) } });
    assert_refused(&victor.run(FINISH, made.clone()).await, "token");
    olive.run(FINISH, made).await.ok();

    // what one person has, nobody else can add
    let asked = challenge(&victor, START).await;
    let made = json!({ "input": { "token": asked["token"], "credential": Authenticator::new(1).create(asked.path("options")) } });
    let refused = victor.run(FINISH, made).await.user_errors();
    assert_eq!(refused[0].text("code"), "CONFLICT", "{refused:?}");
    app.finish().await;
}

#[tokio::test]
async fn nonsense_is_refused_as_such() {
    let app = TestApp::start().await;
    let olive = app.tenant("acme").await.owner();
    let deep = (0..120).fold(json!(1), |inner, _| json!([inner]));
    for nonsense in [
        json!({}),
        json!([]),
        json!("x"),
        deep,
        json!({ "id": "x".repeat(70_000) }),
    ] {
        let input = json!({ "input": { "token": "x", "credential": nonsense } });
        assert_refused(&olive.run(FINISH, input.clone()).await, "credential");
        assert_refused(&app.anybody().run(SIGN_IN, input).await, "credential");
    }
    let mut key = Authenticator::new(1);
    let asked = challenge(&olive, START).await;
    let mut made = key.create(asked.path("options"));
    made["response"]["attestationObject"] = json!("oWNmbXTbAAAAAAAAAAA");
    let input = json!({ "input": { "token": asked["token"], "credential": made } });
    assert_refused(&olive.run(FINISH, input).await, "credential");
    app.finish().await;
}

#[tokio::test]
async fn a_counter_that_goes_back_means_a_copy_and_ends_the_passkey() {
    let app = TestApp::start().await;
    let olive = app.tenant("acme").await.owner();
    let mut key = Authenticator {
        count: 4,
        ..Authenticator::new(1)
    };
    add(&olive, &mut key, "Key").await;
    let mut copy = key.clone();
    key.count = 6;
    sign_in(&app.anybody(), &mut key).await.ok();
    copy.count = 5;
    let refused = sign_in(&app.anybody(), &mut copy).await.user_errors();
    assert!(refused[0].text("message").contains("copy"), "{refused:?}");
    // from now on neither of the two is believed
    key.count = 9;
    let refused = sign_in(&app.anybody(), &mut key).await.user_errors();
    assert!(refused[0].text("message").contains("copy"), "{refused:?}");
    let mine = olive.run(MINE, json!({})).await.ok();
    assert!(
        mine.path("myPasskeys[0].suspectedAt").is_string(),
        "{mine:#}"
    );
    let log = olive.get("/api/v1/events?first=500").await.text();
    assert_eq!(log.matches("PASSKEY_SUSPECTED").count(), 1, "{log}");
    app.finish().await;
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let app = TestApp::start().await;
    let olive = app.tenant("acme").await.owner();
    let first = add(&olive, &mut Authenticator::new(1), "First")
        .await
        .text("id");
    let second = add(&olive, &mut Authenticator::new(2), "Second")
        .await
        .text("id");
    forget_password(&app, &olive).await;

    let (one, other) = tokio::join!(remove(&olive, &first), remove(&olive, &second));
    let refused = [one.user_errors(), other.user_errors()].concat();
    assert_eq!(
        refused.len(),
        1,
        "two leave at once, and one way in stays: {refused:?}"
    );
    assert_eq!(refused[0].text("code"), "CONFLICT");
    let left = olive.run(MINE, json!({})).await.ok();
    assert_eq!(left.list("myPasskeys").len(), 1);
    let left = left.text("myPasskeys[0].id");
    assert_eq!(
        remove(&olive, &left).await.user_errors()[0].text("code"),
        "CONFLICT"
    );

    add(&olive, &mut Authenticator::new(3), "Third").await;
    remove(&olive, &left).await.ok();
    let gone = remove(&olive, &left).await.user_errors();
    assert_eq!(gone[0].text("code"), "NOT_FOUND");
    app.finish().await;
}

#[tokio::test]
async fn a_passkey_is_its_owners_to_name_and_to_remove() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let (olive, victor) = (tenant.owner(), tenant.viewer().await);
    let id = add(&victor, &mut Authenticator::new(1), "Phone")
        .await
        .text("id");
    let rename = "mutation($input: RenamePasskeyInput!) {
        renamePasskey(input: $input) { passkey { name } errors { field message code } }
    }";
    let renamed = json!({ "input": { "passkeyId": id, "name": "New phone" } });
    // not even the owner of the tenant: it belongs to the person
    let refused = olive.run(rename, renamed.clone()).await.user_errors();
    assert_eq!(refused[0].text("code"), "NOT_FOUND");
    assert_eq!(
        remove(&olive, &id).await.user_errors()[0].text("code"),
        "NOT_FOUND"
    );
    assert!(
        olive
            .run(MINE, json!({}))
            .await
            .ok()
            .list("myPasskeys")
            .is_empty()
    );

    let done = victor.run(rename, renamed).await.ok();
    assert_eq!(done.text("renamePasskey.passkey.name"), "New phone");
    remove(&victor, &id).await.ok();
    let log = olive.get("/api/v1/events?first=500").await.text();
    for event in ["PASSKEY_RENAMED", "PASSKEY_REMOVED"] {
        assert!(log.contains(event), "{event} is not in {log}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_passkey_opens_the_tenants_of_its_owner_and_no_other() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
    let mut key = Authenticator::new(1);
    add(&acme.owner(), &mut key, "Laptop").await;
    for (tenant, lets_in) in [(&acme.id, true), (&globex.id, false)] {
        let asked = challenge(&app.anybody(), START_SIGN_IN).await;
        let mut shown = answer(&asked, &mut key);
        shown["input"]["tenantId"] = json!(tenant);
        let outcome = app.anybody().run(SIGN_IN, shown).await;
        if lets_in {
            let session = outcome.ok();
            assert_eq!(
                session.text("finishPasskeySignIn.session.viewer.tenant.name"),
                "acme"
            );
        } else {
            assert_refused(&outcome, "tenantId");
        }
    }
    app.finish().await;
}

async fn add(person: &Client, key: &mut Authenticator, name: &str) -> Value {
    let asked = challenge(person, START).await;
    let credential = key.create(asked.path("options"));
    let input = json!({ "token": asked["token"], "credential": credential, "name": name });
    let added = person.run(FINISH, json!({ "input": input })).await.ok();
    added.path("finishPasskeyRegistration.passkey").clone()
}

async fn sign_in(anybody: &Client, key: &mut Authenticator) -> Answer {
    let asked = challenge(anybody, START_SIGN_IN).await;
    anybody.run(SIGN_IN, answer(&asked, key)).await
}

async fn remove(person: &Client, id: &str) -> Answer {
    person
        .run(REMOVE, json!({ "input": { "passkeyId": id } }))
        .await
}

async fn challenge(person: &Client, document: &str) -> Value {
    let asked = person.run(document, json!({})).await.ok();
    let (_, payload) = asked.as_object().unwrap().iter().next().unwrap();
    payload["challenge"].clone()
}

fn answer(asked: &Value, key: &mut Authenticator) -> Value {
    json!({ "input": { "token": asked["token"], "credential": key.get(asked.path("options")) } })
}

#[track_caller]
fn assert_refused(answer: &Answer, field: &str) {
    let errors = answer.user_errors();
    assert_eq!(errors.len(), 1, "{:#}", answer.body);
    assert_eq!(errors[0].text("field"), field, "{errors:?}");
    assert_eq!(errors[0].text("code"), "BAD_USER_INPUT", "{errors:?}");
}

/// Leaves somebody without a password, as they are who came in another way from the start.
#[expect(clippy::disallowed_methods, reason = "no client can bring this about")]
async fn forget_password(app: &TestApp, person: &Client) {
    let viewer = person
        .run("{ viewer { user { id } } }", json!({}))
        .await
        .ok();
    let id: UserId = local("User", "id", &viewer.text("viewer.user.id").into()).unwrap();
    let inside = app.app();
    let tx = inside.handles.db.begin(None).await.unwrap();
    user::Entity::update_many()
        .col_expr(user::Column::PasswordHash, Expr::value(None::<String>))
        .filter(user::Column::Id.eq(id))
        .exec(&tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}
