//! Staying in: access tokens, refresh tokens, and the sessions they belong to.

use balance::identity::{self, tokens};
use serde_json::{Value, json};

use crate::support::verbs::{PASSWORD, World, code, refused};

#[tokio::test]
async fn an_access_token_ends_with_its_time_and_with_its_session() {
    let world = World::start().await;
    let opened = world.tenant("ada").await;
    let session = opened.tokens;
    world.pass(15 * 60 - 1);
    assert!(world.enter(&session).await.is_ok());
    world.pass(1);
    refused(world.enter(&session).await);

    let session = world.refresh(&session).await.unwrap();
    assert!(world.enter(&session).await.is_ok());
    for _ in 0..2 {
        identity::sign_out(&world.handles, &session.refresh_token)
            .await
            .unwrap();
    }
    refused(world.enter(&session).await);
    refused(world.refresh(&session).await);
    identity::sign_out(&world.handles, "nonsense")
        .await
        .unwrap();
    world.finish().await;
}

#[tokio::test]
async fn a_token_that_balance_did_not_make_is_no_token() {
    use jsonwebtoken::{Algorithm, EncodingKey, Header};

    const SECRET: &str = "a shared key of at least 32 characters";
    let world = World::start_with(|config| config.jwt_secret = Some(SECRET.to_owned())).await;
    let session = world.tenant("ada").await.tokens;
    let access = tokens::read(&world.handles, &session.access_token).await;
    let access = access.unwrap();
    let claims = |issuer: &str, audience: &str| {
        json!({
            "iss": issuer, "aud": audience, "sub": access.user.0, "tid": access.tenant.0, "sid": access.session.0,
            "iat": 0, "exp": access.expires_at.timestamp(),
        })
    };
    let forge = |algorithm, kind: &str, key: &[u8], claims: Value| {
        let mut header = Header::new(algorithm);
        header.typ = Some(kind.to_owned());
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(key)).unwrap()
    };
    let ours = SECRET.as_bytes();
    let issuer = world.handles.config.issuer();
    let good = claims(&issuer, "balance");
    let right = forge(Algorithm::HS256, "at+jwt", ours, good.clone());
    let read = tokens::read(&world.handles, &right).await.unwrap();
    assert_eq!(read, access);

    let (head, rest) = session.access_token.split_once('.').unwrap();
    let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0";
    for forged in [
        forge(Algorithm::HS256, "at+jwt", b"another key", good.clone()),
        forge(Algorithm::HS512, "at+jwt", ours, good.clone()),
        forge(Algorithm::HS256, "JWT", ours, good.clone()),
        forge(Algorithm::HS256, "at+jwt", ours, claims("x", "balance")),
        forge(Algorithm::HS256, "at+jwt", ours, claims(&issuer, "x")),
        format!("{unsigned}.{rest}"),
        format!("{unsigned}.{}.", rest.split('.').next().unwrap()),
        head.to_owned(),
        String::new(),
        "x".repeat(100_000),
    ] {
        refused(identity::authenticate(&world.handles, &forged).await);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_refresh_token_works_once_and_a_second_tab_gets_the_same_pair() {
    let world = World::start().await;
    let first = world.tenant("ada").await.tokens;
    world.pass(600);
    let (one, two) = tokio::join!(world.refresh(&first), world.refresh(&first));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.refresh_token, two.refresh_token);
    assert_ne!(one.refresh_token, first.refresh_token);

    world.pass(10);
    let late = world.refresh(&first).await.unwrap();
    assert_eq!(late.refresh_token, one.refresh_token);

    world.pass(1);
    refused(world.refresh(&first).await);
    refused(world.refresh(&one).await);
    refused(world.enter(&one).await);
    world.finish().await;
}

#[tokio::test]
async fn a_token_from_long_ago_ends_the_session_and_an_invented_one_does_not() {
    let world = World::start().await;
    let first = world.tenant("ada").await.tokens;
    let mut latest = first.clone();
    for _ in 0..3 {
        world.pass(600);
        latest = world.refresh(&latest).await.unwrap();
    }
    let (session, secret) = latest.refresh_token.split_once('.').unwrap();
    let altered = format!("{session}.{}A", &secret[1..]);
    for invented in [altered, format!("{session}.AAAA"), session.to_owned()] {
        refused(identity::refresh(&world.handles, &invented).await);
        identity::sign_out(&world.handles, &invented).await.unwrap();
    }
    assert!(world.enter(&latest).await.is_ok());

    refused(world.refresh(&first).await);
    refused(world.enter(&latest).await);
    world.finish().await;
}

#[tokio::test]
async fn a_refresh_token_nobody_used_for_a_month_is_over() {
    let world = World::start().await;
    let session = world.tenant("ada").await.tokens;
    world.pass(29 * 86_400);
    let session = world.refresh(&session).await.unwrap();
    world.pass(30 * 86_400);
    refused(world.refresh(&session).await);
    world.finish().await;
}

#[tokio::test]
async fn sessions_that_are_long_over_are_forgotten_and_no_other() {
    let world = World::start().await;
    let ended = world.tenant("ada").await.tokens;
    identity::sign_out(&world.handles, &ended.refresh_token)
        .await
        .unwrap();
    world.pass(29 * 86_400);
    let alive = world.sign_in("ada", PASSWORD).await.unwrap();
    let kept = world.sessions(alive.tenant).await;
    world.pass(2 * 86_400);
    identity::prune(&world.handles).await.unwrap();
    assert_eq!((kept, world.sessions(alive.tenant).await), (2, 1));
    assert!(world.refresh(&alive).await.is_ok());
    world.finish().await;
}

#[tokio::test]
async fn a_reset_password_ends_every_session_in_every_tenant() {
    let world = World::start().await;
    let first = world.tenant("ada").await;
    let second = world.tenant("ada").await;
    let email = world.email("Ada");
    let reset = async |email: &str, password: &str| {
        identity::reset_password(&world.handles, email, password).await
    };
    assert_eq!(code(reset(&email, "short").await), "BAD_USER_INPUT");
    assert_eq!(
        code(reset(&world.email("nobody"), "a new password").await),
        "NOT_FOUND"
    );
    reset(&email, "a new password").await.unwrap();
    for opened in [first, second] {
        refused(world.enter(&opened.tokens).await);
        refused(world.refresh(&opened.tokens).await);
        let events = world.events(opened.tenant).await;
        assert_eq!(events.last().unwrap(), "PASSWORD_RESET");
    }
    refused(world.sign_in("ada", PASSWORD).await);
    world.sign_in("ada", "a new password").await.unwrap();
    world.finish().await;
}
