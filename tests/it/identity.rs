//! Getting in, staying in and being shown out.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::sync::Arc;

use async_graphql::{Request, Schema};
use balance::bus::Bus;
use balance::categories::chart::CHART;
use balance::clock::Clock;
use balance::config::{Config, Secrets};
use balance::ctx::{Ctx, Handles, Kept, Standings};
use balance::db::{self, Db};
use balance::error::{Error, Result};
use balance::events::Tails;
use balance::graphql::fresh::Fresh;
use balance::graphql::schema;
use balance::http::{self, Edge};
use balance::identity::{self, Credentials, NewTenant, SignIn, SignedIn, tokens};
use balance::page::Window;
use balance::permission::Permission;
use balance::secret::{self, Vault};
use balance::tenants::{self, Opened};
use balance::vectors::Vectors;
use chrono::{DateTime, TimeDelta, Utc};
use entity::membership::Role;
use entity::{TenantId, category, event, session};
use sea_orm::{PaginatorTrait, QueryOrder};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

const PASSWORD: &str = "correct horse battery";

struct World {
    handles: Arc<Handles>,
    // one database may serve several tests: addresses are told apart by this
    name: String,
}

impl World {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(adjust: impl Fn(&mut Config)) -> Self {
        let name = secret::token()[..12].to_ascii_lowercase();
        let folder = std::env::temp_dir().join(format!("balance-identity-{name}"));
        let mut config = Config::development();
        config.data_dir = folder;
        adjust(&mut config);
        let url = match option(&["MIGRATION_DATABASE_URL", "DATABASE_URL"]) {
            Some([migrator, app]) => {
                let migrator = Db::connect(&migrator, 2, false).await.unwrap();
                db::migrate(&migrator).await.unwrap();
                db::grant_app_role(&migrator, "app").await.unwrap();
                migrator.close().await;
                app
            }
            None => config.database_url(),
        };
        let db = Db::connect(&url, 4, false).await.unwrap();
        if !db.is_postgres() {
            db::migrate(&db).await.unwrap();
        }
        let secrets = Secrets::load(&config).unwrap();
        let start = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
        let handles = Arc::new(Handles {
            vectors: Vectors::new(&config),
            vault: Vault::new(secrets.derive("vault")),
            config,
            secrets,
            db,
            bus: Bus::local(),
            standings: Standings::default(),
            kept: Kept::default(),
            clock: Clock::fixed(start),
        });
        Self { handles, name }
    }

    fn email(&self, who: &str) -> String {
        format!("{who}@{}.example", self.name)
    }

    fn pass(&self, seconds: i64) {
        self.handles.clock.advance(TimeDelta::seconds(seconds));
    }

    fn new_tenant(&self, owner: &str) -> NewTenant {
        NewTenant {
            tenant_name: format!("{owner} & Co"),
            name: owner.to_owned(),
            email: self.email(owner),
            password: PASSWORD.to_owned(),
            base_currency: "EUR".to_owned(),
        }
    }

    async fn tenant(&self, owner: &str) -> Opened {
        tenants::open(&self.handles, self.new_tenant(owner))
            .await
            .unwrap()
    }

    async fn sign_in(&self, who: &str, password: &str) -> Result<SignedIn> {
        let credentials = Credentials {
            email: self.email(who),
            password: password.to_owned(),
            ..Credentials::default()
        };
        entered(identity::sign_in(&self.handles, credentials).await)
    }

    async fn enter(&self, session: &SignedIn) -> Result<Ctx> {
        identity::authenticate(&self.handles, &session.access_token).await
    }

    async fn refresh(&self, session: &SignedIn) -> Result<SignedIn> {
        identity::refresh(&self.handles, &session.refresh_token).await
    }

    async fn member(&self, owner: &Ctx, who: &str, role: Role) -> SignedIn {
        let invited = identity::add_member(owner, &self.email(who), role)
            .await
            .unwrap();
        identity::accept_invitation(&self.handles, &invited.token, who, PASSWORD)
            .await
            .unwrap()
    }

    async fn events(&self, tenant: TenantId) -> Vec<String> {
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

    async fn sessions(&self, tenant: TenantId) -> u64 {
        let ctx = Ctx::system(self.handles.clone(), tenant);
        let read = ctx.read().await.unwrap();
        let sessions = read.select::<session::Entity>();
        sessions.count(read.on()).await.unwrap()
    }

    async fn graphql(&self, session: Option<&SignedIn>, query: &str, input: Value) -> Value {
        let variables = async_graphql::Variables::from_json(json!({ "input": input }));
        let mut request = Request::new(query).variables(variables);
        if let Some(session) = session {
            request = request.data(Arc::new(self.enter(session).await.unwrap()));
        }
        let schema = Schema::build(
            schema::Query::default(),
            schema::Mutation::default(),
            schema::Subscription::default(),
        )
        .data(Arc::clone(&self.handles))
        .extension(Fresh)
        .finish();
        serde_json::to_value(schema.execute(request).await).unwrap()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the suite learns of its services"
)]
fn option<const N: usize>(names: &[&str; N]) -> Option<[String; N]> {
    let values: Vec<String> = names
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .collect();
    values.try_into().ok()
}

/// The session of somebody for whom one factor is enough.
fn entered(outcome: Result<SignIn>) -> Result<SignedIn> {
    outcome.map(|sign_in| match sign_in {
        SignIn::In(signed_in) => signed_in,
        SignIn::SecondFactor(_) => panic!("nobody here has a second factor"),
    })
}

fn refused<T>(outcome: Result<T>) -> String {
    match outcome {
        Err(error @ Error::Unauthenticated(_)) => error.to_string(),
        Err(error) => panic!("another refusal was expected than {error:?}"),
        Ok(_) => panic!("a refusal was expected"),
    }
}

fn code<T>(outcome: Result<T>) -> &'static str {
    outcome.err().expect("a refusal was expected").code()
}

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
}

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
    let good = claims("balance", "balance");
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
        forge(Algorithm::HS256, "at+jwt", ours, claims("balance", "x")),
        format!("{unsigned}.{rest}"),
        format!("{unsigned}.{}.", rest.split('.').next().unwrap()),
        head.to_owned(),
        String::new(),
        "x".repeat(100_000),
    ] {
        refused(identity::authenticate(&world.handles, &forged).await);
    }
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
}

#[tokio::test]
async fn a_refresh_token_nobody_used_for_a_month_is_over() {
    let world = World::start().await;
    let session = world.tenant("ada").await.tokens;
    world.pass(29 * 86_400);
    let session = world.refresh(&session).await.unwrap();
    world.pass(30 * 86_400);
    refused(world.refresh(&session).await);
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
}

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
}

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
}

#[tokio::test]
async fn the_rest_edge_signs_in_refreshes_and_signs_out() {
    let world = World::start().await;
    world.tenant("ada").await;
    let router = http::router(Edge {
        handles: Arc::clone(&world.handles),
        pipeline: Arc::new(schema::pipeline(
            &world.handles,
            &Tails::new(Arc::clone(&world.handles)),
        )),
        started: std::time::Instant::now(),
        ready: Arc::default(),
        stopping: CancellationToken::new(),
    });
    let post = async |path: &str, body: Value| {
        let request = axum::http::Request::post(format!("/api/v1/auth/{path}"))
            .header("content-type", "application/json")
            .body(axum::body::Body::from(body.to_string()))
            .unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 100_000).await;
        let body: Value = serde_json::from_slice(&body.unwrap()).unwrap();
        (status, body)
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
}
