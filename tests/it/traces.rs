//! What is left of a person or a tenant once they are erased: every table of the database is read for it.

use balance::db::catalogue;
use balance::tenants;
use chrono::TimeDelta;
use entity::TenantId;
use reqwest::Method;
use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseTransaction, Statement};
use serde_json::{Value, json};

use crate::support::own_account::verify;
use crate::support::{Client, PASSWORD, Path, Setup, Tenant, TestApp};

const EMAIL: &str = "zelda.quist@traces.example";
const NEXT_EMAIL: &str = "z.quist@elsewhere.example";
const NAME: &str = "Zelda Quist";
const ADDRESS: &str = "203.0.113.77";
const AGENT: &str = "Quistscape/9.1";
/// What a person is known by.
const PERSONAL: [&str; 5] = [EMAIL, NEXT_EMAIL, NAME, ADDRESS, AGENT];

const INVITE: &str =
    "mutation($input: AddMemberInput!) { addMember(input: $input) { link errors { message } } }";
const ACCEPT: &str = "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) {
    session { accessToken } errors { message }
} }";
const LEAVE: &str =
    "mutation($input: LeaveTenantInput!) { leaveTenant(input: $input) { errors { message } } }";
const DELETE: &str = "mutation($input: DeleteMyAccountInput!) { deleteMyAccount(input: $input) { errors { message } } }";
const REQUEST: &str =
    "mutation($input: RequestTenantDeletionInput!) { requestTenantDeletion(input: $input) {
    errors { message }
} }";

/// An app that believes its proxy about addresses, which each request of a test names.
async fn start() -> TestApp {
    let setup = Setup {
        adjust: |config| config.trust_proxy = 1,
        ..Setup::default()
    };
    TestApp::start_with(setup).await
}

/// A request as the person's browser sends it.
async fn browse(client: &Client, path: &str, body: Value) -> Value {
    let request = client
        .request(Method::POST, path)
        .header("x-forwarded-for", ADDRESS)
        .header("user-agent", AGENT)
        .json(&body);
    let answer = client.send(request).await.json();
    assert!(answer.get("errors").is_none(), "{answer:#}");
    answer
}

async fn act(client: &Client, document: &str, input: Value) -> Value {
    let body = json!({ "query": document, "variables": { "input": input } });
    let answer = browse(client, "/graphql", body).await["data"].clone();
    for payload in answer.as_object().unwrap().values() {
        assert_eq!(payload["errors"], json!([]), "{answer:#}");
    }
    answer
}

/// Joins a tenant as a new person, or as one who is known.
async fn join(tenant: &Tenant, anybody: &Client) -> Client {
    let input = json!({ "email": EMAIL, "role": "ADMIN" });
    let invited = tenant
        .owner()
        .run(INVITE, json!({ "input": input }))
        .await
        .ok();
    let link = invited.text("addMember.link");
    let token = link.split_once("token=").unwrap().1;
    let input = json!({ "token": token, "name": NAME, "password": PASSWORD });
    let joined = act(anybody, ACCEPT, input).await;
    anybody.with_token(&joined.text("acceptInvitation.session.accessToken"))
}

/// Leaves something behind wherever something can be left.
async fn live(app: &TestApp, person: &Client) {
    let anybody = app.anybody();
    let category = "mutation($input: CreateCategoryInput!) { createCategory(input: $input) { errors { message } } }";
    act(
        person,
        category,
        json!({ "code": "9901", "name": "Odd", "kind": "EXPENSE" }),
    )
    .await;
    let ask = "mutation { requestEmailVerification { errors { message } } }";
    browse(person, "/graphql", json!({ "query": ask })).await;
    let change =
        "mutation($input: ChangeEmailInput!) { changeEmail(input: $input) { errors { message } } }";
    act(
        person,
        change,
        json!({ "email": NEXT_EMAIL, "password": PASSWORD }),
    )
    .await;
    let forgotten = "/api/v1/auth/request-password-reset";
    browse(&anybody, forgotten, json!({ "email": EMAIL })).await;
    let sign_in = |password: &str| {
        let body = json!({ "email": EMAIL, "password": password });
        let request = anybody
            .request(Method::POST, "/api/v1/auth/sign-in")
            .header("x-forwarded-for", ADDRESS)
            .header("user-agent", AGENT)
            .json(&body);
        anybody.send(request)
    };
    assert_eq!(sign_in("wrong horse battery staple").await.status, 401);
    assert_eq!(sign_in(PASSWORD).await.status, 200);
    app.run_background_work().await;
    // from here on they have another address
    let proved = verify(app, &app.last_mail(NEXT_EMAIL).token()).await;
    assert_eq!(proved["errors"], json!([]));
    app.run_background_work().await;
}

/// The places where something personal is still written, of rows that anybody or one of these tenants may see.
async fn found(app: &TestApp, tenants: &[TenantId]) -> Vec<String> {
    let db = &app.app().handles.db;
    let mut found = Vec::new();
    let scopes = std::iter::once(None).chain(tenants.iter().copied().map(Some));
    for scope in scopes {
        let tx = db.begin_read(scope).await.unwrap();
        for table in catalogue::tables(&tx).await.unwrap() {
            for row in rows(&tx, &table.name).await {
                let row = row.to_lowercase();
                let told = PERSONAL
                    .iter()
                    .filter(|what| row.contains(&what.to_lowercase()));
                found.extend(told.map(|what| format!("{what} in {}", table.name)));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Every row of a table, as text.
async fn rows(tx: &DatabaseTransaction, table: &str) -> Vec<String> {
    let backend = tx.get_database_backend();
    let all = |sql: String| tx.query_all_raw(Statement::from_string(backend, sql));
    let sql = if backend == DatabaseBackend::Postgres {
        format!("select t::text as line from \"{table}\" t")
    } else {
        let columns = all(format!("select name from pragma_table_info('{table}')"))
            .await
            .unwrap();
        let columns = columns.iter().map(|row| {
            let name: String = row.try_get("", "name").unwrap();
            // bytes as they are: what is readable in them would be found
            format!("coalesce(cast(\"{name}\" as text), '')")
        });
        let line = columns.collect::<Vec<_>>().join(" || ' ' || ");
        format!("select cast({line} as blob) as line from \"{table}\"")
    };
    let found = all(sql).await.unwrap();
    let text = found.iter().map(|row| match backend {
        DatabaseBackend::Postgres => row.try_get::<String>("", "line").unwrap(),
        _ => {
            let bytes: Vec<u8> = row.try_get("", "line").unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        }
    });
    text.collect()
}

fn is_in(found: &[String], table: &str) -> bool {
    found
        .iter()
        .any(|place| place.ends_with(&format!(" in {table}")))
}

#[tokio::test]
async fn nothing_that_names_a_person_outlives_their_account() {
    let app = start().await;
    let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
    let both = [acme.local_id(), globex.local_id()];
    // one tenant they are in, and one they left before
    let there = join(&globex, &app.anybody()).await;
    act(&there, LEAVE, json!({ "tenantId": globex.id })).await;
    let person = join(&acme, &app.anybody()).await;
    live(&app, &person).await;
    let before = found(&app, &both).await;
    for table in ["user", "session", "sign_in_attempt", "event_origin"] {
        assert!(
            is_in(&before, table),
            "{table} is not looked at: {before:#?}"
        );
    }

    act(
        &person,
        DELETE,
        json!({ "email": NEXT_EMAIL, "password": PASSWORD }),
    )
    .await;
    app.run_background_work().await;
    assert_eq!(found(&app, &both).await, Vec::<String>::new());
    let handles = &app.app().handles;
    for tenant in both {
        let verified = balance::events::verify(handles, tenant).await.unwrap();
        assert!(verified.is_whole(), "the log is whole without them");
    }
    app.finish().await;
}

#[tokio::test]
async fn nothing_that_names_its_people_outlives_a_tenant() {
    let app = start().await;
    let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
    let both = [acme.local_id(), globex.local_id()];
    let there = join(&globex, &app.anybody()).await;
    act(&there, LEAVE, json!({ "tenantId": globex.id })).await;
    let person = join(&acme, &app.anybody()).await;
    live(&app, &person).await;
    let owner = acme.owner();
    let name = json!({ "input": { "tenantName": "acme" } });
    owner.run(REQUEST, name).await.ok();
    app.run_background_work().await;
    app.advance(TimeDelta::days(14));
    assert!(!found(&app, &both).await.is_empty());
    assert_eq!(tenants::erase_due(&app.app().handles).await.unwrap(), 1);
    assert_eq!(found(&app, &both).await, Vec::<String>::new());
    app.finish().await;
}
