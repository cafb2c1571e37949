//! What people try who want in: each is a clear refusal, and none breaks anything.

use std::fmt::Write;

use balance::secret::stored;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use entity::signing_key;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::support::{Client, PASSWORD, Path, Setup, TestApp};

const WHO: &str = "{ viewer { user { email } } }";

#[tokio::test]
async fn a_forged_token_lets_nobody_in() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let token = owner.token.clone().unwrap();
    let (kid, key, public) = signing_key_of(&app).await;
    let claims = part(&token, 1);
    let header = part(&token, 0);
    assert_eq!(
        (header.text("alg"), header.text("typ")),
        ("EdDSA".to_owned(), "at+jwt".to_owned())
    );
    assert_eq!(header.text("kid"), kid);
    assert_eq!(claims.text("iss"), "http://127.0.0.1:4000");

    let sign = |adjust: &dyn Fn(&mut Header, &mut Value)| {
        let mut header = Header::new(Algorithm::EdDSA);
        (header.typ, header.kid) = (Some("at+jwt".to_owned()), Some(kid.clone()));
        let mut claims = claims.clone();
        adjust(&mut header, &mut claims);
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    };
    // the forger of this test is able: unchanged, its token is good
    let good = sign(&|_, _| {});
    owner.with_token(&good).run(WHO, json!({})).await.ok();

    let shared = |alg: Algorithm, secret: &[u8], kid: Option<&str>| {
        let mut header = Header::new(alg);
        (header.typ, header.kid) = (Some("at+jwt".to_owned()), kid.map(str::to_owned));
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    let published = BASE64_URL_SAFE_NO_PAD.encode(&public);
    let (_, rest) = token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let none = |alg: &str| {
        let header = json!({ "alg": alg, "typ": "at+jwt", "kid": kid }).to_string();
        BASE64_URL_SAFE_NO_PAD.encode(header)
    };
    let mut promoted = claims.clone();
    promoted["sub"] = json!("00000000-0000-0000-0000-000000000000");
    let promoted = BASE64_URL_SAFE_NO_PAD.encode(promoted.to_string());
    let forged = [
        ("alg none", format!("{}.{payload}.", none("none"))),
        (
            "alg none, signed",
            format!("{}.{payload}.{signature}", none("None")),
        ),
        (
            "the public key as a secret",
            shared(Algorithm::HS256, &public, Some(&kid)),
        ),
        (
            "its text as a secret",
            shared(Algorithm::HS256, published.as_bytes(), Some(&kid)),
        ),
        ("an empty secret", shared(Algorithm::HS256, b"", None)),
        ("expired", sign(&|_, claims| claims["exp"] = json!(1))),
        (
            "without an end",
            sign(&|_, claims| drop(claims.as_object_mut().unwrap().remove("exp"))),
        ),
        (
            "of another issuer",
            sign(&|_, claims| claims["iss"] = json!("https://evil.example")),
        ),
        (
            "for somebody else",
            sign(&|_, claims| claims["aud"] = json!("other")),
        ),
        (
            "without an audience",
            sign(&|_, claims| drop(claims.as_object_mut().unwrap().remove("aud"))),
        ),
        (
            "another type",
            sign(&|header, _| header.typ = Some("JWT".to_owned())),
        ),
        ("no type", sign(&|header, _| header.typ = None)),
        ("no key named", sign(&|header, _| header.kid = None)),
        (
            "an unknown key",
            sign(&|header, _| header.kid = Some("01890000-0000-7000-8000-000000000000".to_owned())),
        ),
        (
            "a key that is a path",
            sign(&|header, _| header.kid = Some("../../etc/passwd".to_owned())),
        ),
        (
            "of no session",
            sign(&|_, claims| claims["sid"] = json!("01890000-0000-7000-8000-000000000000")),
        ),
        (
            "of somebody else's tenant",
            sign(&|_, claims| claims["tid"] = json!("01890000-0000-7000-8000-000000000000")),
        ),
        (
            "tampered",
            format!(
                "{}.{promoted}.{signature}",
                token.split('.').next().unwrap()
            ),
        ),
        ("a cut signature", token[..token.len() - 4].to_owned()),
        ("not a token", "a.b.c".to_owned()),
        ("too long", "x".repeat(20_000)),
    ];
    let mut wrong = String::new();
    for (what, forged) in &forged {
        let somebody = owner.with_token(forged);
        let reply = somebody.graphql(WHO, json!({})).await;
        let rest = somebody.get("/api/v1/events").await;
        let code = reply.json().text("errors[0].extensions.code");
        if (reply.status, rest.status, code.as_str()) != (401, 401, "UNAUTHENTICATED") {
            writeln!(wrong, "{what}: {} {} {code}", reply.status, rest.status).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    app.finish().await;
}

#[tokio::test]
async fn keys_follow_each_other_and_a_leaked_one_is_not_believed() {
    let app = TestApp::start().await;
    let anybody = app.anybody();
    let owner = app.tenant("acme").await.owner();
    let handles = || std::sync::Arc::clone(&app.app().handles);
    let published = async || {
        let reply = anybody.get("/.well-known/jwks.json").await;
        assert_eq!(reply.header("cache-control"), "public, max-age=300");
        let keys = reply.json();
        let keys = keys.list("keys").clone();
        assert!(keys.iter().all(|key| key.get("d").is_none()));
        keys.iter().map(|key| key.text("kid")).collect::<Vec<_>>()
    };
    let kid = |client: &Client| part(client.token.as_deref().unwrap(), 0).text("kid");
    let first = kid(&owner);
    assert_eq!(published().await, [first.as_str()]);

    // the next key is known before it signs
    balance::identity::rotate_signing_key(&handles(), false)
        .await
        .unwrap();
    let keys = published().await;
    assert_eq!((keys.len(), &keys[0]), (2, &first));
    assert_eq!(kid(&sign_in(&anybody).await), first);
    app.advance(TimeDelta::minutes(10));
    let later = sign_in(&anybody).await;
    assert_eq!(kid(&later), keys[1]);
    // what the first one signed is believed until it has expired
    owner.run(WHO, json!({})).await.ok();
    app.advance(TimeDelta::minutes(20));
    assert_eq!(published().await, [keys[1].as_str()]);

    // rotation by age
    app.advance(TimeDelta::days(31));
    balance::identity::keep_signing_keys(&handles())
        .await
        .unwrap();
    assert_eq!(published().await.len(), 2);
    app.advance(TimeDelta::minutes(11));
    let aged = sign_in(&anybody).await;
    assert!(!keys.contains(&kid(&aged)));

    // a leak: nothing that was signed before counts, here and on the other node
    aged.run(WHO, json!({})).await.ok();
    balance::identity::rotate_signing_key(&handles(), true)
        .await
        .unwrap();
    let refused = aged.run(WHO, json!({})).await;
    assert_eq!(refused.error_code(), "UNAUTHENTICATED");
    let elsewhere = app.another_node().await;
    let refused = elsewhere.with_token(aged.token.as_deref().unwrap());
    assert_eq!(
        refused.run(WHO, json!({})).await.error_code(),
        "UNAUTHENTICATED"
    );
    let fresh = sign_in(&elsewhere).await;
    anybody
        .with_token(fresh.token.as_deref().unwrap())
        .run(WHO, json!({}))
        .await
        .ok();
    app.finish().await;
}

#[tokio::test]
async fn a_deployment_with_a_shared_key_believes_no_key_pair() {
    const SECRET: &str = "a shared key of at least 32 characters";
    let app = TestApp::start_with(Setup {
        adjust: |config| config.jwt_secret = Some(SECRET.to_owned()),
        ..Setup::default()
    })
    .await;
    let owner = app.tenant("acme").await.owner();
    let token = owner.token.clone().unwrap();
    assert_eq!(part(&token, 0).text("alg"), "HS256");
    owner.run(WHO, json!({})).await.ok();
    let keys = app.anybody().get("/.well-known/jwks.json").await.json();
    assert_eq!(keys, json!({ "keys": [] }));

    balance::identity::rotate_signing_key(&app.app().handles, false)
        .await
        .unwrap();
    let (kid, key, _) = signing_key_of(&app).await;
    let mut header = Header::new(Algorithm::EdDSA);
    (header.typ, header.kid) = (Some("at+jwt".to_owned()), Some(kid));
    let forged = jsonwebtoken::encode(&header, &part(&token, 1), &key).unwrap();
    let refused = owner.with_token(&forged).run(WHO, json!({})).await;
    assert_eq!(refused.error_code(), "UNAUTHENTICATED");
    app.finish().await;
}

#[tokio::test]
async fn a_stolen_refresh_token_ends_the_session_for_both() {
    let app = TestApp::start().await;
    app.tenant("acme").await;
    let anybody = app.anybody();
    let post = async |path: &str, body: Value| {
        let reply = anybody.post(&format!("/api/v1/auth/{path}"), &body).await;
        (reply.status, reply.json())
    };
    let (_, session) = post("sign-in", credentials()).await;
    let stolen = json!({ "refreshToken": session.path("data.refreshToken") });
    let (status, used) = post("refresh", stolen.clone()).await;
    assert_eq!(status, 200);
    app.advance(TimeDelta::seconds(11));
    let (status, refused) = post("refresh", stolen).await;
    assert_eq!(
        (status, refused.text("error.code")),
        (401, "UNAUTHENTICATED".to_owned())
    );
    let (status, _) = post(
        "refresh",
        json!({ "refreshToken": used.path("data.refreshToken") }),
    )
    .await;
    assert_eq!(status, 401);
    let thief = anybody.with_token(&used.text("data.accessToken"));
    assert_eq!(
        thief.run(WHO, json!({})).await.error_code(),
        "UNAUTHENTICATED"
    );

    // a new sign-in takes over nothing of a session somebody prepared
    let (_, fresh) = post("sign-in", credentials()).await;
    let before = part(&used.text("data.accessToken"), 1).text("sid");
    let after = part(&fresh.text("data.accessToken"), 1).text("sid");
    assert_ne!(before, after);
    app.finish().await;
}

#[tokio::test]
async fn what_is_too_much_or_nonsense_is_refused_and_breaks_nothing() {
    let app = TestApp::start().await;
    app.tenant("acme").await;
    let anybody = app.anybody();
    let huge = "x".repeat(10 * 1024 * 1024);
    let sign_in = |password: &str| json!({ "email": "owner@acme.example", "password": password });
    let mut wrong = String::new();
    for (what, path, body, expected) in [
        ("10 MB password", "sign-in", sign_in(&huge), 413),
        ("2 MB password", "sign-in", sign_in(&huge[..2 << 20]), 401),
        (
            "10 MB refresh token",
            "refresh",
            json!({ "refreshToken": huge }),
            413,
        ),
        (
            "2 MB refresh token",
            "refresh",
            json!({ "refreshToken": &huge[..2 << 20] }),
            401,
        ),
        ("nonsense", "refresh", json!({ "refreshToken": "a.b" }), 401),
        ("U+0000", "sign-in", sign_in("a\0b"), 401),
        ("another shape", "sign-in", json!([1, 2]), 400),
    ] {
        let reply = anybody.post(&format!("/api/v1/auth/{path}"), &body).await;
        if reply.status != expected {
            writeln!(wrong, "{what}: {} {}", reply.status, reply.text()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let reply = anybody
        .graphql("mutation($p: String!) { signIn(input: { email: \"owner@acme.example\", password: $p }) { errors { message } } }", json!({ "p": huge }))
        .await;
    assert_eq!(reply.status, 413, "{}", reply.text());
    let headers = anybody
        .request(Method::GET, "/api/v1/events")
        .header("authorization", "Bearer");
    assert_eq!(anybody.send(headers).await.status, 401);
    app.finish().await;
}

fn credentials() -> Value {
    json!({ "email": "owner@acme.example", "password": PASSWORD })
}

async fn sign_in(anybody: &Client) -> Client {
    let reply = anybody
        .post("/api/v1/auth/sign-in", &credentials())
        .await
        .json();
    anybody.with_token(&reply.text("data.accessToken"))
}

/// A part of a token, unread by anybody.
fn part(token: &str, at: usize) -> Value {
    let part = token.split('.').nth(at).expect("a token has three parts");
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(part)
        .expect("its parts are base64");
    serde_json::from_slice(&bytes).expect("its parts are JSON")
}

/// The key that signs: its id, its private half and its public half.
#[expect(
    clippy::disallowed_methods,
    reason = "the forger of a test has what no forger has"
)]
async fn signing_key_of(app: &TestApp) -> (String, EncodingKey, Vec<u8>) {
    let handles = &app.app().handles;
    let tx = handles.db.begin_read(None).await.unwrap();
    let row = signing_key::Entity::find().one(&tx).await.unwrap().unwrap();
    let place = stored::SIGNING_KEY.of(row.id);
    let private = handles.vault.open(&place, &row.private_key).unwrap();
    (
        row.id.to_string(),
        EncodingKey::from_ed_der(&private),
        row.public_key,
    )
}
