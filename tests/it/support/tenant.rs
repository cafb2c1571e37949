//! A company and its people.

use std::sync::atomic::{AtomicUsize, Ordering};

use balance::graphql::node::local;
use entity::TenantId;
use serde_json::json;

use super::{Client, Path};

/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery staple";

const REGISTER: &str = "mutation($input: RegisterTenantInput!) {
    registerTenant(input: $input) {
        session { accessToken viewer { tenant { id } user { id email } } }
        errors { field message code }
    }
}";
const ADD_MEMBER: &str = "mutation($input: AddMemberInput!) {
    addMember(input: $input) { link errors { field message code } }
}";
const ACCEPT: &str = "mutation($input: AcceptInvitationInput!) {
    acceptInvitation(input: $input) {
        session { accessToken }
        errors { field message code }
    }
}";

/// A tenant with its owner.
pub struct Tenant {
    /// Its global id.
    pub id: String,
    name: String,
    owner: Client,
    people: AtomicUsize,
}

impl Tenant {
    /// Registers a tenant as its owner would.
    pub async fn register(anybody: &Client, name: &str) -> Self {
        let email = format!("owner@{name}.example");
        let input = json!({
            "tenantName": name, "name": "Olive Owner", "email": email, "password": PASSWORD,
        });
        let registered = anybody.run(REGISTER, json!({ "input": input })).await.ok();
        let session = registered.path("registerTenant.session");
        Self {
            id: session.text("viewer.tenant.id"),
            name: name.to_owned(),
            owner: anybody.with_token(&session.text("accessToken")),
            people: AtomicUsize::new(0),
        }
    }

    /// Its id as the database knows it.
    pub fn local_id(&self) -> TenantId {
        local("Tenant", "id", &self.id.clone().into()).expect("it is the id of a tenant")
    }

    /// Its owner.
    pub fn owner(&self) -> Client {
        self.owner.clone()
    }

    /// A new reviewer.
    pub async fn reviewer(&self) -> Client {
        self.join("REVIEWER").await
    }

    /// A new viewer.
    pub async fn viewer(&self) -> Client {
        self.join("VIEWER").await
    }

    /// Somebody new, through the front door: the owner invites them, and they follow the link.
    pub async fn join(&self, role: &str) -> Client {
        let number = self.people.fetch_add(1, Ordering::Relaxed) + 1;
        let email = format!("{}{number}@{}.example", role.to_lowercase(), self.name);
        let input = json!({ "email": email, "role": role });
        let invited = self.owner.run(ADD_MEMBER, json!({ "input": input })).await;
        let link = invited.ok().text("addMember.link");
        let (_, token) = link.split_once("token=").expect("the link holds a token");
        let input =
            json!({ "token": token, "name": format!("{role} {number}"), "password": PASSWORD });
        let joined = self.owner.run(ACCEPT, json!({ "input": input })).await.ok();
        let token = joined.text("acceptInvitation.session.accessToken");
        self.owner.with_token(&token)
    }
}
