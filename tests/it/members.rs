//! Belonging to a tenant, as what, and being shown out.

use balance::identity;
use balance::permission::Permission;
use entity::membership::Role;
use serde_json::{Value, json};

use crate::support::verbs::{PASSWORD, World, code, refused};

#[tokio::test]
async fn ownership_is_given_and_taken_by_owners_and_one_of_them_stays() {
    let world = World::start().await;
    let opened = world.tenant("ada").await;
    let owner = world.enter(&opened.tokens).await.unwrap();
    let admin = world.member(&owner, "bob", Role::Admin).await;
    let viewer = world.member(&owner, "cy", Role::Viewer).await;
    let (bob, cy) = (admin.user, viewer.user);
    let as_admin = world.enter(&admin).await.unwrap();
    let as_viewer = world.enter(&viewer).await.unwrap();

    assert_eq!(
        code(identity::add_member(&as_admin, &world.email("dan"), Role::Owner).await),
        "FORBIDDEN"
    );
    assert_eq!(
        code(identity::change_role(&as_admin, bob, Role::Owner).await),
        "FORBIDDEN"
    );
    assert_eq!(
        code(identity::remove_member(&as_admin, opened.owner).await),
        "FORBIDDEN"
    );
    assert_eq!(
        code(identity::change_role(&as_viewer, cy, Role::Admin).await),
        "FORBIDDEN"
    );
    assert_eq!(
        code(identity::remove_member(&owner, opened.owner).await),
        "CONFLICT"
    );
    assert_eq!(
        code(identity::change_role(&owner, opened.owner, Role::Admin).await),
        "CONFLICT"
    );

    // a role counts from the next request on
    identity::change_role(&as_admin, cy, Role::Reviewer)
        .await
        .unwrap();
    let as_reviewer = world.enter(&viewer).await.unwrap();
    assert!(
        as_reviewer
            .permissions()
            .contains(Permission::DecideApprovals)
    );

    // two owners who remove each other: one of them stays
    identity::change_role(&owner, bob, Role::Owner)
        .await
        .unwrap();
    let as_owner = world.enter(&admin).await.unwrap();
    let (one, two) = tokio::join!(
        identity::remove_member(&owner, bob),
        identity::remove_member(&as_owner, opened.owner)
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    world.finish().await;
}

#[tokio::test]
async fn a_removed_member_is_out_at_once_and_may_be_invited_again() {
    let world = World::start().await;
    let opened = world.tenant("ada").await;
    let owner = world.enter(&opened.tokens).await.unwrap();
    let bob = world.member(&owner, "bob", Role::Admin).await;
    identity::remove_member(&owner, bob.user).await.unwrap();
    refused(world.enter(&bob).await);
    refused(world.refresh(&bob).await);
    refused(world.sign_in("bob", PASSWORD).await);
    assert_eq!(
        code(identity::remove_member(&owner, bob.user).await),
        "NOT_FOUND"
    );

    let again = world.member(&owner, "bob", Role::Viewer).await;
    assert_eq!((again.user, again.role), (bob.user, Role::Viewer));
    assert!(world.enter(&again).await.is_ok());
    refused(world.enter(&bob).await);
    world.finish().await;
}

#[tokio::test]
async fn a_client_manages_members() {
    let world = World::start().await;
    let owner = world.tenant("ada").await.tokens;
    let ask = async |query: &str, input: Value| {
        let answer = world.graphql(Some(&owner), query, input).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"].clone()
    };
    let invited = ask(
        "mutation($input: AddMemberInput!) { addMember(input: $input) { link invitation { id role } errors { code } } }",
        json!({ "email": world.email("bob"), "role": "VIEWER" }),
    )
    .await;
    assert_eq!(invited["addMember"]["invitation"]["role"], "VIEWER");
    let id = &invited["addMember"]["invitation"]["id"];
    let (_, token) = invited["addMember"]["link"]
        .as_str()
        .and_then(|link| link.split_once("token="))
        .unwrap();
    let open = ask(
        "{ invitations(first: 5) { totalCount edges { node { id } } } }",
        Value::Null,
    )
    .await;
    assert_eq!(
        open["invitations"],
        json!({ "totalCount": 1, "edges": [{ "node": { "id": id } }] })
    );
    ask(
        "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { errors { message } } }",
        json!({ "token": token, "name": "Bob", "password": PASSWORD }),
    )
    .await;
    let members = ask(
        "{ members(first: 5) { totalCount edges { node { role user { id name } } } } }",
        Value::Null,
    )
    .await;
    assert_eq!(members["members"]["totalCount"], 2);
    let bob = members["members"]["edges"][1]["node"]["user"]["id"].clone();
    let changed = ask(
        "mutation($input: ChangeMemberRoleInput!) { changeMemberRole(input: $input) { member { role } } }",
        json!({ "userId": bob, "role": "ADMIN" }),
    )
    .await;
    assert_eq!(changed["changeMemberRole"]["member"]["role"], "ADMIN");
    let gone = ask(
        "mutation($input: RemoveMemberInput!) { removeMember(input: $input) { removedUserId errors { code } } }",
        json!({ "userId": bob }),
    )
    .await;
    assert_eq!(
        gone["removeMember"],
        json!({ "removedUserId": bob, "errors": [] })
    );
    let wrong = ask(
        "mutation($input: CancelInvitationInput!) { cancelInvitation(input: $input) { cancelledInvitationId errors { code } } }",
        json!({ "invitationId": bob }),
    )
    .await;
    assert_eq!(
        wrong["cancelInvitation"]["errors"],
        json!([{ "code": "BAD_USER_INPUT" }])
    );
    world.finish().await;
}
