//! Being asked in, and answering.

use balance::identity;
use balance::page::Window;
use entity::membership::Role;

use crate::support::verbs::{PASSWORD, World, code, refused};

#[tokio::test]
async fn an_invitation_is_answered_once() {
    let world = World::start().await;
    let opened = world.tenant("ada").await;
    let owner = world.enter(&opened.tokens).await.unwrap();
    let accept = async |token: &str, password: &str| {
        identity::accept_invitation(&world.handles, token, "Bob", password).await
    };

    let replaced = identity::add_member(&owner, &world.email("bob"), Role::Viewer)
        .await
        .unwrap();
    let invited = identity::add_member(&owner, &world.email("BOB"), Role::Reviewer)
        .await
        .unwrap();
    assert!(
        invited
            .link
            .ends_with(&format!("/join?token={}", invited.token))
    );
    assert_eq!(identity::count_invitations(&owner).await.unwrap(), 1);
    assert_eq!(
        code(accept(&replaced.token, PASSWORD).await),
        "BAD_USER_INPUT"
    );
    assert_eq!(
        code(accept(&invited.token, "short").await),
        "BAD_USER_INPUT"
    );

    let bob = accept(&invited.token, PASSWORD).await.unwrap();
    assert_eq!((bob.tenant, bob.role), (opened.tenant, Role::Reviewer));
    assert_eq!(
        code(accept(&invited.token, PASSWORD).await),
        "BAD_USER_INPUT"
    );
    assert_eq!(
        code(identity::add_member(&owner, &world.email("bob"), Role::Viewer).await),
        "BAD_USER_INPUT"
    );
    owner.refresh().await;
    assert_eq!(identity::count_invitations(&owner).await.unwrap(), 0);

    let window = Window {
        size: 1,
        ..Window::default()
    };
    let members = identity::list_members(&owner, &window).await.unwrap();
    assert!(members.has_next);
    assert_eq!(members.rows[0].1.person.name, "ada");
    assert_eq!(identity::count_members(&owner).await.unwrap(), 2);
    assert_eq!(
        world.events(opened.tenant).await[2..],
        [
            "MEMBER_INVITED",
            "MEMBER_INVITED",
            "MEMBER_ADDED",
            "SIGNED_IN"
        ]
    );
    world.finish().await;
}

#[tokio::test]
async fn an_invitation_that_was_cancelled_or_is_a_week_old_lets_nobody_in() {
    let world = World::start().await;
    let opened = world.tenant("ada").await;
    let owner = world.enter(&opened.tokens).await.unwrap();
    let other = world.tenant("eve").await;
    let stranger = world.enter(&other.tokens).await.unwrap();

    let invited = identity::add_member(&owner, &world.email("bob"), Role::Viewer)
        .await
        .unwrap();
    let id = invited.invitation.id;
    assert_eq!(
        code(identity::cancel_invitation(&stranger, id).await),
        "NOT_FOUND"
    );
    identity::cancel_invitation(&owner, id).await.unwrap();
    let late = identity::add_member(&owner, &world.email("bob"), Role::Viewer)
        .await
        .unwrap();
    world.pass(7 * 86_400);
    for token in [&invited.token, &late.token] {
        let outcome = identity::accept_invitation(&world.handles, token, "Bob", PASSWORD).await;
        assert_eq!(code(outcome), "BAD_USER_INPUT");
    }
    world.finish().await;
}

#[tokio::test]
async fn someone_known_joins_another_tenant_with_their_own_password() {
    let world = World::start().await;
    let opened = world.tenant("ada").await;
    let owner = world.enter(&opened.tokens).await.unwrap();
    let bob = world.tenant("bob").await;
    let invited = identity::add_member(&owner, &world.email("bob"), Role::Admin)
        .await
        .unwrap();
    let accept = async |password: &str| {
        identity::accept_invitation(&world.handles, &invited.token, "Mallory", password).await
    };
    refused(accept("wrong horse battery").await);
    let joined = accept(PASSWORD).await.unwrap();
    assert_eq!((joined.user, joined.tenant), (bob.owner, opened.tenant));
    let viewer = identity::viewer(&world.enter(&joined).await.unwrap()).await;
    assert_eq!(viewer.unwrap().user.name, "bob");
    world.finish().await;
}
