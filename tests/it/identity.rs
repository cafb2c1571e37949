//! Getting in: opening a tenant, and signing in.

use balance::categories::chart::CHART;
use balance::identity::{self, Credentials, NewTenant};
use balance::permission::Permission;
use balance::tenants;
use entity::category;
use entity::membership::Role;
use sea_orm::PaginatorTrait;
use serde_json::{Value, json};

use crate::support::verbs::{PASSWORD, World, code, entered, refused};

#[tokio::test]
async fn a_tenant_opens_with_its_owner_its_log_and_its_chart() {
    let world = World::start().await;
    let opened = world.tenant("ada").await;
    let ctx = world.enter(&opened.tokens).await.unwrap();
    assert_eq!(ctx.tenant(), opened.tenant);
    assert_eq!(ctx.user(), Some(opened.owner));
    assert!(ctx.permissions().contains(Permission::ManageTenant));

    let viewer = identity::viewer(&ctx).await.unwrap();
    assert_eq!(viewer.user.name, "ada");
    assert_eq!(viewer.tenant.base_currency, "EUR");
    assert_eq!(viewer.role, Role::Owner);

    let read = ctx.read().await.unwrap();
    let categories = read.select::<category::Entity>().count(read.on()).await;
    assert_eq!(categories.unwrap(), CHART.len() as u64);
    assert_eq!(
        world.events(opened.tenant).await,
        ["TENANT_CREATED", "SIGNED_IN"]
    );
    world.finish().await;
}

#[tokio::test]
async fn a_tenant_that_cannot_be_opened_leaves_nothing_behind() {
    let world = World::start().await;
    for spoil in [
        |new: &mut NewTenant| new.base_currency = "XXX".to_owned(),
        |new: &mut NewTenant| new.tenant_name = " ".to_owned(),
        |new: &mut NewTenant| new.email = "ada".to_owned(),
        |new: &mut NewTenant| new.password = "short".to_owned(),
    ] {
        let mut new = world.new_tenant("ada");
        spoil(&mut new);
        assert_eq!(
            code(tenants::open(&world.handles, new).await),
            "BAD_USER_INPUT"
        );
    }
    refused(world.sign_in("ada", PASSWORD).await);
    world.finish().await;
}

#[tokio::test]
async fn an_unknown_email_and_a_wrong_password_get_the_same_answer() {
    let world = World::start().await;
    world.tenant("ada").await;
    let answers = [
        refused(world.sign_in("ada", "wrong horse battery").await),
        refused(world.sign_in("nobody", PASSWORD).await),
        refused(world.sign_in("not an address", PASSWORD).await),
        refused(world.sign_in("ada", &"x".repeat(5_000)).await),
        refused(
            tenants::open(
                &world.handles,
                NewTenant {
                    password: "wrong horse battery".to_owned(),
                    ..world.new_tenant("ada")
                },
            )
            .await,
        ),
    ];
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(world.sign_in("ADA", PASSWORD).await.is_ok());
    world.finish().await;
}

#[tokio::test]
async fn a_person_enters_the_tenant_they_name_and_else_their_first() {
    let world = World::start().await;
    let first = world.tenant("ada").await;
    world.pass(60);
    let second = world.tenant("ada").await;
    assert_eq!(first.owner, second.owner);
    assert_ne!(first.tenant, second.tenant);
    let other = world.tenant("bob").await;

    let into = async |tenant| {
        let credentials = Credentials {
            email: world.email("ada"),
            password: PASSWORD.to_owned(),
            tenant,
            ..Credentials::default()
        };
        entered(identity::sign_in(&world.handles, credentials).await)
    };
    assert_eq!(into(None).await.unwrap().tenant, first.tenant);
    assert_eq!(
        into(Some(second.tenant)).await.unwrap().tenant,
        second.tenant
    );
    refused(into(Some(other.tenant)).await);
    world.finish().await;
}

#[tokio::test]
async fn a_client_registers_and_sees_itself() {
    const REGISTER: &str = "mutation($input: RegisterTenantInput!) { registerTenant(input: $input) {
        session { accessToken viewer { user { name } tenant { name baseCurrency } role } } errors { field code } } }";
    let world = World::start().await;
    let input = |password: &str| json!({ "tenantName": "Acme", "name": "Ada", "email": world.email("ada"), "password": password });

    let refused = world.graphql(None, REGISTER, input("short")).await;
    assert_eq!(
        refused["data"]["registerTenant"],
        json!({ "session": null, "errors": [{ "field": "password", "code": "BAD_USER_INPUT" }] })
    );
    let made = world.graphql(None, REGISTER, input(PASSWORD)).await;
    assert_eq!(
        made["data"]["registerTenant"]["session"]["viewer"],
        json!({ "user": { "name": "Ada" }, "tenant": { "name": "Acme", "baseCurrency": "EUR" }, "role": "OWNER" })
    );

    let wrong = world
        .graphql(
            None,
            "mutation($input: SignInInput!) { signIn(input: $input) { session { expiresAt } errors { message } } }",
            json!({ "email": world.email("ada"), "password": "wrong horse battery" }),
        )
        .await;
    assert_eq!(
        wrong["data"]["signIn"],
        json!({ "session": null, "errors": [{ "message": "the email or the password is wrong" }] })
    );
    world.finish().await;
}

#[tokio::test]
async fn the_rest_edge_signs_in_refreshes_and_signs_out() {
    let world = World::start().await;
    world.tenant("ada").await;
    let post = async |path: &str, body: Value| {
        let path = format!("/api/v1/auth/{path}");
        let reply = world.anybody().post(&path, &body).await;
        (reply.status, reply.json())
    };
    let credentials = |password: &str| json!({ "email": world.email("ada"), "password": password });

    let (status, body) = post("sign-in", credentials("wrong horse battery")).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (401, &json!("UNAUTHENTICATED"))
    );
    let (status, body) = post("sign-in", json!({ "email": 1 })).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (400, &json!("BAD_USER_INPUT"))
    );

    let (status, body) = post("sign-in", credentials(PASSWORD)).await;
    assert_eq!((status, &body["data"]["role"]), (200, &json!("OWNER")));
    let token = &body["data"]["refreshToken"];
    let (status, body) = post("refresh", json!({ "refreshToken": token })).await;
    assert_eq!(status, 200);
    let token = &body["data"]["refreshToken"];
    let (status, body) = post("sign-out", json!({ "refreshToken": token })).await;
    assert_eq!(
        (status, &body["data"]),
        (200, &json!({ "signedOut": true }))
    );
    let (status, _) = post("refresh", json!({ "refreshToken": token })).await;
    assert_eq!(status, 401);
    world.finish().await;
}
