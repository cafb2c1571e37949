//! No N+1: every list of the schema, and every way from it to what is beside its entries, a few levels deep.
//!
//! A document is made for each way. It is sent for a short page and for a long one, then 32 times at once, and the
//! statements are counted: one more for each level, however many entries there are and whoever else asks.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};

use async_graphql::parser::types::BaseType;
use futures::future::join_all;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::stranger::fill;
use crate::support::{Client, Ids, Operation, PASSWORD, Path, Schema, Tenant, TestApp, nowhere};

/// Levels below the entries of a list.
const DEPTH: usize = 3;
/// Entries of a long page.
const LONG: u64 = 20;
/// Requests at once.
const AT_ONCE: usize = 32;
/// Levels of the ways that so many go.
const TOGETHER: usize = 2;

/// Fields that may cost more than one statement, and why. None of them may grow with the list.
const MORE: &[(&str, u64, &str)] = &[
    (
        "Team.members",
        2,
        "who belongs to the teams, then who those are",
    ),
    (
        "Team.projects",
        2,
        "what belongs to the teams, then what that is",
    ),
    (
        "Record.similarRecords",
        6,
        "the records, their vectors, the nearest ones (on PostgreSQL with its settings), how those were filed, and those",
    ),
    (
        "RuleSuggestion.selfApproval",
        2,
        "what the tenant lets pass, then how well classes of rules hold",
    ),
    (
        "Rule.selfApproval",
        3,
        "the suggestions in the rules, then what the tenant lets pass, and how well classes hold",
    ),
    (
        "Import.progress",
        2,
        "on PostgreSQL a transaction begins with a statement, and this one is of its own",
    ),
    (
        "ProfitAndLossCell.records",
        2,
        "on PostgreSQL a transaction begins with a statement; the report was read in a snapshot before",
    ),
];

/// Lists with fewer than two entries here, and why.
const SHORT: &[(&str, &str)] = &[
    (
        "signInProviders",
        "of the configuration, not of the database",
    ),
    (
        "myIdentities",
        "need a provider: `oauth.rs`; a list without anything beside its entries",
    ),
    (
        "myPasskeys",
        "need an authenticator: `passkeys.rs`; a list without anything beside its entries",
    ),
    (
        "deprecatedUsage",
        "hardly anything is deprecated: `documents.rs`; a list without anything beside its entries",
    ),
    (
        "tenantExports",
        "one at a time is made; a list without anything beside its entries",
    ),
];

const INVITE: &str =
    "mutation($input: AddMemberInput!) { addMember(input: $input) { link errors { message } } }";
const ACCEPT: &str = "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { errors { message } } }";

/// A field to go through, and the type it is of.
#[derive(Clone)]
struct Step {
    name: String,
    /// `Type.field`.
    of: String,
    pages: bool,
    returns: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_level_costs_one_statement_however_long_the_list_and_however_many_ask() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let owner = seed(&app, &tenant).await;
    let schema = Schema::read();
    let mut wrong = Vec::new();
    let mut ways = 0;
    for operation in lists(&schema) {
        let mut known: BTreeMap<String, u64> = BTreeMap::new();
        for way in ways_from(&schema, operation) {
            ways += 1;
            let select = select(&schema, operation, &way);
            let name = way
                .iter()
                .fold(operation.name.clone(), |name, step| name + "." + &step.name);
            let (_, short) = count(&app, &owner, &schema, operation, &select, 2).await;
            let (data, long) = count(&app, &owner, &schema, operation, &select, LONG).await;
            // less is well: a statement of accounts is kept while the books do not move
            if levels(&way) == 0 && long > short {
                wrong.push(format!(
                    "{name}: {short} statements for 2 entries, {long} for more"
                ));
            }
            match name.rsplit_once('.') {
                Some((above, _)) => {
                    let step = way.last().unwrap();
                    let more = MORE
                        .iter()
                        .find(|(of, ..)| *of == step.of)
                        .map_or(1, |more| more.1);
                    let before = known.get(above).copied().unwrap_or(long);
                    if long > before + more {
                        let cost = long - before;
                        wrong.push(format!("{name}: {cost} statements for one level"));
                    }
                }
                None => {
                    let entries = entries(&data[&operation.name]);
                    let listed = SHORT.iter().any(|(name, _)| *name == operation.name);
                    if entries.is_some_and(|entries| entries < 2) != listed {
                        wrong.push(format!("{name} has {entries:?} entries"));
                    }
                }
            }
            if levels(&way) <= TOGETHER {
                let at_once = (0..AT_ONCE).map(|_| ask(&owner, &schema, operation, &select, LONG));
                let before = app.app().handles.db.statements();
                join_all(at_once).await;
                let together = app.app().handles.db.statements() - before;
                if together > long * AT_ONCE as u64 {
                    wrong.push(format!(
                        "{name}: {together} statements for {AT_ONCE} that cost {long} alone"
                    ));
                }
            }
            known.insert(name, long);
        }
    }
    assert!(ways > 100, "the lists were not found: {ways}");
    assert!(wrong.is_empty(), "of {ways} ways:\n{}", wrong.join("\n"));
    app.finish().await;
}

#[tokio::test]
async fn columns_and_tables_that_nobody_asked_for_are_not_read() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await.owner();
    let account = owner.make_account("Main").await;
    owner.import_rows(&account, 0..5).await;
    app.run_background_work().await;
    for (document, read, unread) in [
        (
            "{ records(first: 5) { edges { node { id } } } }",
            vec!["record"],
            vec![
                "raw",
                "metadata",
                "description",
                "decision",
                "account",
                "category",
            ],
        ),
        (
            "{ records(first: 5) { edges { node { description account { name } } } } }",
            vec!["record", "account", "description"],
            vec!["raw", "metadata", "decision", "category"],
        ),
        (
            "{ approvals(first: 5) { edges { node { record { occurredOn } decision { source } } } } }",
            vec!["approval", "record", "decision", "occurred_on", "source"],
            vec![
                "raw",
                "metadata",
                "description",
                "considered",
                "rationale",
                "category",
            ],
        ),
        (
            "{ approvals(first: 5) { edges { node { id status } } } }",
            vec!["approval"],
            vec!["record", "decision", "category"],
        ),
    ] {
        let heard = Heard::default();
        let listening = tracing_subscriber::fmt()
            .with_env_filter("sql=trace")
            .with_ansi(false)
            .with_writer(heard.clone())
            .finish();
        let listening = tracing::subscriber::set_default(listening);
        let answer = owner.run(document, json!({})).await.ok();
        drop(listening);
        let words = heard.words();
        assert!(entries(answer.as_object().unwrap().values().next().unwrap()) == Some(5));
        let missing: Vec<_> = read.iter().filter(|word| !words.contains(**word)).collect();
        assert!(
            missing.is_empty(),
            "{document}: {missing:?} are not in {words:?}"
        );
        let needless: Vec<_> = unread
            .iter()
            .filter(|word| words.contains(**word))
            .collect();
        assert!(needless.is_empty(), "{document} reads {needless:?}");
    }
    app.finish().await;
}

/// What is selected and from where, as statements were heard.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    /// The names in them, without what only a condition or an order names.
    fn words(&self) -> BTreeSet<String> {
        let heard = String::from_utf8_lossy(&self.0.lock().unwrap()).to_lowercase();
        let mut words = BTreeSet::new();
        for line in heard.lines() {
            let told = line.split(" where ").next().unwrap_or_default();
            // a column is `"table"."column"`: its table counts where it is read from
            let (columns, tables) = told.split_once(" from ").unwrap_or((told, ""));
            let names = columns
                .split(',')
                .filter_map(|column| column.rsplit('.').next());
            let names = names.chain(tables.split_whitespace());
            words.extend(names.map(|name| {
                name.trim_matches(|c: char| !c.is_alphanumeric() && c != '_')
                    .to_owned()
            }));
        }
        words
    }
}

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Heard {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Two of everything at least, each beside something else.
async fn seed(app: &TestApp, tenant: &Tenant) -> Client {
    fill(app, tenant, "Zanzibar").await;
    fill(app, tenant, "Globular").await;
    let owner = tenant.owner();
    let role = owner
        .run("{ roles { custom { id } } }", json!({}))
        .await
        .ok();
    for (at, role) in role.list("roles.custom").iter().enumerate() {
        for (joins, email) in [
            (true, format!("{at}@custom.example")),
            (false, format!("{at}@open.example")),
        ] {
            let input = json!({ "email": email, "role": "CUSTOM", "customRoleId": role["id"] });
            let invited = owner.run(INVITE, json!({ "input": input })).await.ok();
            if joins {
                let link = invited.text("addMember.link");
                let (_, token) = link.split_once("token=").unwrap();
                let input = json!({ "token": token, "name": "Somebody", "password": PASSWORD });
                owner.run(ACCEPT, json!({ "input": input })).await.ok();
            }
        }
    }
    for name in ["Second", "Third"] {
        let document = format!(
            "mutation {{ createTenant(input: {{ tenantName: \"{name}\" }}) {{ errors {{ message }} }} }}"
        );
        owner.run(&document, json!({})).await.ok();
    }
    let sign_in = "mutation($input: SignInInput!) { signIn(input: $input) { errors { message } } }";
    for _ in 0..2 {
        let input = json!({ "email": "owner@acme.example", "password": PASSWORD });
        owner.run(sign_in, json!({ "input": input })).await.ok();
    }
    app.run_background_work().await;
    owner
}

/// The queries that can be asked without knowing an id and answer with objects.
fn lists(schema: &Schema) -> Vec<&Operation> {
    let all = schema.operations().iter();
    all.filter(|operation| {
        let free = operation
            .id_paths(schema)
            .iter()
            .all(|path| !operation.needs(path));
        operation.kind == "query" && free && !schema.fields(&operation.returns).is_empty()
    })
    .collect()
}

/// Every way from an operation through objects, the shorter ones first.
fn ways_from(schema: &Schema, operation: &Operation) -> Vec<Vec<Step>> {
    let mut ways = vec![Vec::new()];
    let mut at = 0;
    while at < ways.len() {
        let way = ways[at].clone();
        at += 1;
        let under = way
            .last()
            .map_or(&operation.returns, |step: &Step| &step.returns);
        for step in steps(schema, under) {
            let mut longer = way.clone();
            longer.push(step);
            if levels(&longer) <= DEPTH {
                ways.push(longer);
            }
        }
    }
    ways
}

/// What of a way is not the list itself: its edges and their nodes.
fn levels(way: &[Step]) -> usize {
    let of_list = |step: &&Step| ["edges", "node", "pageInfo"].contains(&step.name.as_str());
    way.len() - way.iter().filter(of_list).count()
}

/// The objects that can be reached from a type without further arguments.
fn steps(schema: &Schema, under: &str) -> Vec<Step> {
    let fields = schema.fields(under).into_iter();
    let steps = fields.filter_map(|field| {
        let needed = field.arguments.iter().any(|argument| {
            !argument.node.ty.node.nullable && argument.node.default_value.is_none()
        });
        let returns = base(&field.ty.node.base);
        let pages = field
            .arguments
            .iter()
            .any(|argument| argument.node.name.node == "first");
        (!needed && !schema.fields(&returns).is_empty()).then(|| Step {
            name: field.name.node.to_string(),
            of: format!("{under}.{}", field.name.node),
            pages,
            returns,
        })
    });
    steps.collect()
}

fn base(ty: &BaseType) -> String {
    match ty {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(item) => base(&item.base),
    }
}

/// The selection that goes a way and asks at its end who that is.
fn select(schema: &Schema, operation: &Operation, way: &[Step]) -> String {
    let last = way
        .last()
        .map_or(&operation.returns, |step: &Step| &step.returns);
    let mut text = match schema.has(last, "id") {
        true => "id".to_owned(),
        // so that the entries of a list without a way are read, too
        false if way.is_empty() && schema.has(last, "edges") => "edges { cursor }".to_owned(),
        false => "__typename".to_owned(),
    };
    for step in way.iter().rev() {
        let page = if step.pages { "(first: 3)" } else { "" };
        text = format!("{}{page} {{ {text} }}", step.name);
    }
    text
}

async fn ask(
    client: &Client,
    schema: &Schema,
    operation: &Operation,
    select: &str,
    first: u64,
) -> Value {
    let (document, mut variables) = operation.document(schema, &Ids::new(), &nowhere, select);
    if variables.get("first").is_some() {
        variables["first"] = json!(first);
    }
    client.run(&document, variables).await.ok()
}

/// The answer, and how many statements it cost.
async fn count(
    app: &TestApp,
    client: &Client,
    schema: &Schema,
    operation: &Operation,
    select: &str,
    first: u64,
) -> (Value, u64) {
    let before = app.app().handles.db.statements();
    let data = ask(client, schema, operation, select, first).await;
    (data, app.app().handles.db.statements() - before)
}

/// How many entries a list has, if it is one.
fn entries(answer: &Value) -> Option<usize> {
    match answer {
        Value::Array(entries) => Some(entries.len()),
        answer => Some(answer.get("edges")?.as_array()?.len()),
    }
}
