//! `balance operations`: the documents that apps have registered.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::TimeDelta;
use clap::{Args, Subcommand};
use entity::graphql_client::{self, Mode};
use entity::graphql_document;

use super::schema::text;
use super::tenant;
use crate::app::App;
use crate::clients::{self, NewClient, Outcome, Used};
use crate::clock::Clock;
use crate::config::Config;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::graphql::documents::against::Against;
use crate::graphql::documents::{Checker, Draft, document_id, manifest};
use crate::page::{MAX, Window};

#[derive(Subcommand)]
pub(super) enum Operations {
    /// Register the documents of a manifest that a build wrote: Apollo's (generate-persisted-query-manifest) or Relay's
    /// (relay-compiler with persistConfig.file). Nothing is registered unless every document is valid.
    Push {
        /// The manifest, JSON.
        manifest: PathBuf,
        #[command(flatten)]
        of: Of,
        /// Make the client, permissive, when there is none of this name.
        #[arg(long)]
        create: bool,
    },
    /// List the documents of an app with how each is used: id, kind, name, uses, last use, cost of 95 in 100 requests.
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Check that every registered document is valid, for the schema of this program or another one. Run it with the
    /// program of the next release before that is deployed. Exits with 1 when one is not.
    Check {
        /// The SDL of a schema; the schema of this program when absent.
        schema: Option<PathBuf>,
        /// Only those of a tenant, by its name or id; of all when absent.
        #[arg(long)]
        tenant: Option<String>,
        /// Only those of the client of this name.
        #[arg(long)]
        client: Option<String>,
    },
    /// Remove documents that nobody has asked for in a while: earlier releases of an app that nobody runs any more.
    Prune {
        #[command(flatten)]
        of: Of,
        /// For how many days.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..))]
        unused_days: u16,
        /// Only say which.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Which app.
#[derive(Args)]
pub(super) struct Of {
    /// The tenant, by its name or id.
    #[arg(long)]
    tenant: String,
    /// The name of the client, as the app sends it in GraphQL-Client-Name.
    #[arg(long)]
    client: String,
}

impl Operations {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode> {
        let app = App::connect(config, Clock::system()).await?;
        let done = self.act(&app).await;
        app.close().await;
        done
    }

    async fn act(self, app: &App) -> Result<ExitCode> {
        match self {
            Self::Push {
                manifest,
                of,
                create,
            } => push(&of.ctx(app).await?, &manifest, &of, create).await,
            Self::List { of } => list(&of.ctx(app).await?, &of).await,
            Self::Check {
                schema,
                tenant,
                client,
            } => check(app, schema, tenant, client.as_deref()).await,
            Self::Prune {
                of,
                unused_days,
                dry_run,
            } => prune(&of.ctx(app).await?, &of, unused_days, dry_run).await,
        }
    }
}

impl Of {
    async fn ctx(&self, app: &App) -> Result<Ctx> {
        let tenant = tenant::find(&app.handles, &self.tenant).await?;
        Ok(Ctx::system(Arc::clone(&app.handles), tenant))
    }

    async fn client(&self, ctx: &Ctx) -> Result<graphql_client::Model> {
        let found = clients::find_named(ctx, &self.client).await?;
        found.ok_or_else(|| {
            let message = format!("no client is called {:?}", self.client);
            Error::invalid("--client", message)
        })
    }
}

async fn push(ctx: &Ctx, path: &std::path::Path, of: &Of, create: bool) -> Result<ExitCode> {
    let drafts = manifest::read(&text(path, "MANIFEST")?)?;
    let checker = Checker::default();
    let (mut documents, mut wrong) = (Vec::new(), 0);
    for draft in drafts {
        let named = draft.id.clone().unwrap_or_default();
        match checker.check(draft).await {
            Ok(document) => documents.push(document),
            Err(refusal) => {
                wrong += 1;
                println!("{named}: {refusal}");
            }
        }
    }
    if wrong > 0 {
        println!("{wrong} documents are not valid; none was registered");
        return Ok(ExitCode::FAILURE);
    }
    let client = match clients::find_named(ctx, &of.client).await? {
        None if create => {
            let new = NewClient {
                name: of.client.clone(),
                mode: Mode::Permissive,
                service_account: None,
                cache_seconds: 0,
            };
            clients::create(ctx, new).await?
        }
        _ => of.client(ctx).await?,
    };
    match clients::register(ctx, client.id, documents.clone()).await? {
        Ok(outcomes) => {
            let new = outcomes
                .iter()
                .filter(|outcome| matches!(outcome, Outcome::New(_)));
            let (new, total) = (new.count(), outcomes.len());
            println!("{new} documents registered, {} known already", total - new);
            Ok(ExitCode::SUCCESS)
        }
        Err(clashes) => {
            for clash in &clashes {
                let document = &documents[clash.index];
                let id = document.custom_id.clone();
                let id = id.unwrap_or_else(|| document_id(&document.hash));
                println!("{id}: {}", clash.message);
            }
            println!("none was registered");
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn list(ctx: &Ctx, of: &Of) -> Result<ExitCode> {
    let client = of.client(ctx).await?;
    each(ctx, &client, async |rows| {
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let used = clients::used(ctx, &ids).await?;
        for row in rows {
            let used = used.get(&row.id).copied().unwrap_or_default();
            println!("{}", line(row, &used));
        }
        Ok(())
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

fn line(row: &graphql_document::Model, used: &Used) -> String {
    let name = row.name.as_deref().unwrap_or("-");
    let last = used.last_used_at;
    let last = last.map_or("never".to_owned(), |at| at.date_naive().to_string());
    let p95 = used
        .p95_cost
        .map_or("-".to_owned(), |cost| cost.to_string());
    format!(
        "{}  {:?}  {name}  {} uses  {last}  {p95}",
        document_id(&row.text_hash),
        row.kind,
        used.uses
    )
}

async fn check(
    app: &App,
    schema: Option<PathBuf>,
    only: Option<String>,
    client: Option<&str>,
) -> Result<ExitCode> {
    let against = match schema {
        None => None,
        Some(path) => {
            let read = Against::read(&text(&path, "SCHEMA")?);
            Some(read.map_err(|error| Error::invalid("SCHEMA", format!("is no schema: {error}")))?)
        }
    };
    let checker = Checker::default();
    let tenants = match only {
        Some(only) => vec![tenant::find(&app.handles, &only).await?],
        None => {
            let all = tenant::all(&app.handles).await?;
            all.into_iter().map(|tenant| tenant.id).collect()
        }
    };
    let (mut checked, mut wrong) = (0, 0);
    for tenant in tenants {
        let ctx = Ctx::system(Arc::clone(&app.handles), tenant);
        for known in all_clients(&ctx).await? {
            if client.is_some_and(|client| client != known.name) {
                continue;
            }
            each(&ctx, &known, async |rows| {
                for row in rows {
                    checked += 1;
                    if let Some(reason) = reason(&checker, against.as_ref(), row).await {
                        wrong += 1;
                        let name = row.name.as_deref().unwrap_or("-");
                        let id = document_id(&row.text_hash);
                        println!(
                            "tenant {tenant}, client {}, {name} {id}: {reason}",
                            known.name
                        );
                    }
                }
                Ok(())
            })
            .await?;
        }
    }
    println!("{checked} documents checked, {wrong} not valid");
    Ok(match wrong {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// Why a document is not valid, if it is not.
async fn reason(
    checker: &Checker,
    against: Option<&Against>,
    row: &graphql_document::Model,
) -> Option<String> {
    match against {
        Some(against) => {
            let found = against.check(&row.text);
            (!found.is_empty()).then(|| found.join("; "))
        }
        None => {
            let draft = Draft {
                id: None,
                text: row.text.clone(),
            };
            let refused = checker.check(draft).await.err();
            refused.map(|refusal| refusal.to_string())
        }
    }
}

async fn prune(ctx: &Ctx, of: &Of, days: u16, dry_run: bool) -> Result<ExitCode> {
    let client = of.client(ctx).await?;
    let since = ctx.now() - TimeDelta::days(days.into());
    let mut gone = 0;
    loop {
        ctx.refresh().await;
        let idle = clients::unused(ctx, client.id, since).await?;
        for row in &idle {
            println!(
                "{}  {}",
                document_id(&row.text_hash),
                row.name.as_deref().unwrap_or("-")
            );
        }
        gone += idle.len();
        if idle.is_empty() || dry_run {
            break;
        }
        let ids: Vec<_> = idle.iter().map(|row| row.id).collect();
        clients::remove(ctx, client.id, &ids).await?;
    }
    let done = if dry_run {
        "would be removed"
    } else {
        "removed"
    };
    println!("{gone} documents {done}");
    Ok(ExitCode::SUCCESS)
}

async fn all_clients(ctx: &Ctx) -> Result<Vec<graphql_client::Model>> {
    let mut found = Vec::new();
    let mut window = Window {
        size: MAX,
        ..Window::default()
    };
    loop {
        let page = clients::list(ctx, false, &window).await?;
        window.from = page.rows.last().map(|(cursor, _)| cursor.clone());
        found.extend(page.rows.into_iter().map(|(_, row)| row));
        if !page.has_next {
            return Ok(found);
        }
    }
}

/// Goes through the documents of a client, page by page.
async fn each(
    ctx: &Ctx,
    client: &graphql_client::Model,
    mut look: impl AsyncFnMut(&[graphql_document::Model]) -> Result<()>,
) -> Result<()> {
    let mut window = Window {
        size: MAX,
        ..Window::default()
    };
    loop {
        let page = clients::documents(ctx, Some(client.id), &window).await?;
        window.from = page.rows.last().map(|(cursor, _)| cursor.clone());
        let rows: Vec<_> = page.rows.into_iter().map(|(_, row)| row).collect();
        look(&rows).await?;
        if !page.has_next {
            return Ok(());
        }
    }
}
