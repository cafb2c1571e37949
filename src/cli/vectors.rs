//! `balance vectors`.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::tenant;
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::processing::neighbours;

#[derive(Subcommand)]
pub(super) enum Vectors {
    /// Make every vector that is missing: after EMBEDDING_MODEL changed, or pgvector came. It can be interrupted.
    Rebuild(Which),
    /// Tell how far they are.
    Status(Which),
}

#[derive(Args)]
pub(super) struct Which {
    /// One tenant, by id or name; all of them without this.
    #[arg(long)]
    tenant: Option<String>,
}

impl Vectors {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode> {
        let app = App::connect(config, Clock::system()).await?;
        let (Self::Rebuild(which) | Self::Status(which)) = &self;
        let tenants = match &which.tenant {
            Some(text) => vec![tenant::find(&app.handles, text).await?],
            None => crate::identity::tenants(&app.handles).await?,
        };
        println!("searched by {}", app.handles.db.vector_mode());
        for tenant in tenants {
            let ctx = Ctx::system(Arc::clone(&app.handles), tenant);
            if matches!(self, Self::Rebuild(_)) {
                rebuild(&ctx).await?;
            }
            for progress in neighbours::progress(&ctx).await? {
                let state = match progress.finished_at {
                    Some(_) => "complete  ",
                    None => "incomplete",
                };
                println!(
                    "{state}  {tenant}  {}, {} numbers: {} of {} texts",
                    progress.space.model, progress.space.dimension, progress.done, progress.total
                );
            }
            ctx.refresh().await;
        }
        app.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

async fn rebuild(ctx: &Ctx) -> Result<()> {
    for space in neighbours::spaces(ctx).await? {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {per_sec} {eta}")
            .expect("the template is well formed");
        bar.set_style(style);
        bar.set_message(space.model.clone());
        neighbours::rebuild(ctx, &space, |progress| {
            bar.set_length(progress.total.unsigned_abs());
            bar.set_position(progress.done.unsigned_abs());
        })
        .await?;
        bar.finish_and_clear();
    }
    Ok(())
}
