//! The verbs of identity on an app of a test's own, called without a transport: what they promise to every edge.

use std::sync::Arc;

use balance::config::Config;
use balance::ctx::{Ctx, Handles};
use balance::error::{Error, Result};
use balance::identity::{self, Credentials, NewTenant, SignIn, SignedIn};
use balance::tenants::{self, Opened};
use chrono::TimeDelta;
use entity::membership::Role;
use entity::{TenantId, event, session};
use sea_orm::{PaginatorTrait, QueryOrder};
use serde_json::{Value, json};

use super::{Client, Setup, TestApp};

/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery";

/// An app whose verbs are called directly.
pub struct World {
    app: TestApp,
    /// What its process shares.
    pub handles: Arc<Handles>,
}

impl World {
    /// Starts one.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts one with other settings.
    pub async fn start_with(adjust: fn(&mut Config)) -> Self {
        let setup = Setup {
            adjust,
            ..Setup::default()
        };
        let app = TestApp::start_with(setup).await;
        let handles = Arc::clone(&app.app().handles);
        Self { app, handles }
    }

    /// Ends it, with the work that is left.
    pub async fn finish(self) {
        self.app.run_background_work().await;
        self.app.finish().await;
    }

    /// Somebody who is not signed in.
    pub fn anybody(&self) -> Client {
        self.app.anybody()
    }

    /// The address of somebody.
    pub fn email(&self, who: &str) -> String {
        format!("{who}@verbs.example")
    }

    /// Lets time pass.
    pub fn pass(&self, seconds: i64) {
        self.app.advance(TimeDelta::seconds(seconds));
    }

    /// A tenant to be opened.
    pub fn new_tenant(&self, owner: &str) -> NewTenant {
        NewTenant {
            tenant_name: format!("{owner} & Co"),
            name: owner.to_owned(),
            email: self.email(owner),
            password: PASSWORD.to_owned(),
            base_currency: "EUR".to_owned(),
        }
    }

    /// A tenant with its owner.
    pub async fn tenant(&self, owner: &str) -> Opened {
        tenants::open(&self.handles, self.new_tenant(owner))
            .await
            .unwrap()
    }

    /// Signs somebody in.
    pub async fn sign_in(&self, who: &str, password: &str) -> Result<SignedIn> {
        let credentials = Credentials {
            email: self.email(who),
            password: password.to_owned(),
            ..Credentials::default()
        };
        entered(identity::sign_in(&self.handles, credentials).await)
    }

    /// What a session opens.
    pub async fn enter(&self, session: &SignedIn) -> Result<Ctx> {
        identity::authenticate(&self.handles, &session.access_token).await
    }

    /// The next pair of tokens.
    pub async fn refresh(&self, session: &SignedIn) -> Result<SignedIn> {
        identity::refresh(&self.handles, &session.refresh_token).await
    }

    /// Somebody new in the tenant of an owner.
    pub async fn member(&self, owner: &Ctx, who: &str, role: Role) -> SignedIn {
        let invited = identity::add_member(owner, &self.email(who), role)
            .await
            .unwrap();
        identity::accept_invitation(&self.handles, &invited.token, who, PASSWORD)
            .await
            .unwrap()
    }

    /// What happened in a tenant, the making of its chart left out.
    pub async fn events(&self, tenant: TenantId) -> Vec<String> {
        let ctx = Ctx::system(self.handles.clone(), tenant);
        let read = ctx.read().await.unwrap();
        let rows = read
            .select::<event::Entity>()
            .order_by_asc(event::Column::Sequence)
            .all(read.on())
            .await
            .unwrap();
        let kinds = rows.into_iter().map(|row| row.kind);
        kinds.filter(|kind| kind != "CATEGORY_CREATED").collect()
    }

    /// How many sessions a tenant has.
    pub async fn sessions(&self, tenant: TenantId) -> u64 {
        let ctx = Ctx::system(self.handles.clone(), tenant);
        let read = ctx.read().await.unwrap();
        let sessions = read.select::<session::Entity>();
        sessions.count(read.on()).await.unwrap()
    }

    /// What a client is answered.
    pub async fn graphql(&self, session: Option<&SignedIn>, query: &str, input: Value) -> Value {
        let anybody = self.anybody();
        let client = match session {
            Some(session) => anybody.with_token(&session.access_token),
            None => anybody,
        };
        client.run(query, json!({ "input": input })).await.body
    }
}

/// The session of somebody for whom one factor is enough.
pub fn entered(outcome: Result<SignIn>) -> Result<SignedIn> {
    outcome.map(|sign_in| match sign_in {
        SignIn::In(signed_in) => signed_in,
        SignIn::SecondFactor(_) => panic!("nobody here has a second factor"),
    })
}

/// What somebody who is not let in is told.
pub fn refused<T>(outcome: Result<T>) -> String {
    match outcome {
        Err(error @ Error::Unauthenticated(_)) => error.to_string(),
        Err(error) => panic!("another refusal was expected than {error:?}"),
        Ok(_) => panic!("a refusal was expected"),
    }
}

/// The code of a refusal.
pub fn code<T>(outcome: Result<T>) -> &'static str {
    outcome.err().expect("a refusal was expected").code()
}
