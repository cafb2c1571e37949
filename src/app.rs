//! The parts of a process, connected.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::bus::{Bus, Wake};
use crate::clients;
use crate::clock::Clock;
use crate::config::{Config, ConnectMode, Environment, Secrets};
use crate::ctx::{Handles, Kept, Standings};
use crate::db::{self, Db};
use crate::error::{Error, Result};
use crate::events::Tails;
use crate::graphql::schema;
use crate::http::{Edge, Reached};
use crate::identity;
use crate::mail;
use crate::processing::Engine;
use crate::vectors::Vectors;

/// A process of balance: what its roles share.
pub struct App {
    /// What every operation shares.
    pub handles: Arc<Handles>,
    /// The tails of the event logs.
    pub tails: Tails,
    /// What decides about records.
    pub engine: Arc<Engine>,
    /// When it started.
    pub started: Instant,
    /// Whether migrations are applied.
    pub ready: Arc<AtomicBool>,
    /// Cancelled when it is asked to stop.
    pub stopping: CancellationToken,
}

impl App {
    /// Connects the stores. SQLite is migrated here, PostgreSQL by `balance migrate` (or here, in development).
    pub async fn connect(config: Config, clock: Clock) -> Result<Arc<Self>> {
        let secrets = Secrets::load(&config).map_err(|message| {
            let (key, message) = message.split_once(": ").unwrap_or(("config", &message));
            Error::invalid(key.to_owned(), message)
        })?;
        mail::check(&config)?;
        identity::passkeys::check(&config)?;
        config.providers()?;
        let lazily = config.database_connect_mode == ConnectMode::Optional;
        let db = Db::connect_through(
            &config.database_url(),
            config.database_connections,
            lazily,
            config.database_pooler,
        )
        .await?;
        let bus = Bus::connect(&config).await?;
        let vault = secrets.vault();
        let handles = Arc::new(Handles {
            vectors: Vectors::new(&config),
            config,
            secrets,
            vault,
            db,
            bus,
            standings: Standings::default(),
            kept: Kept::default(),
            clock,
        });
        let stopping = CancellationToken::new();
        let app = Arc::new(Self {
            tails: Tails::new(Arc::clone(&handles)),
            engine: Engine::new(Arc::clone(&handles)),
            handles,
            started: Instant::now(),
            ready: Arc::new(AtomicBool::new(false)),
            stopping,
        });
        match app.prepare().await {
            Ok(()) => {}
            Err(error) if lazily && error.is_transient() => {
                tracing::warn!(%error, "The database is not there yet; waiting for it");
                tokio::spawn(Arc::clone(&app).prepare_later());
            }
            Err(error) => return Err(error),
        }
        app.watch_file();
        app.watch_access();
        app.count_usage();
        Ok(app)
    }

    /// Applies or checks migrations, and refuses a role that row policies do not bind.
    async fn prepare(&self) -> Result<()> {
        let handles = &self.handles;
        let development = handles.config.environment == Environment::Development;
        if !handles.db.is_postgres() {
            db::migrate(&handles.db).await?;
        } else if !db::is_current(&handles.db).await? {
            if !development {
                return Err(Error::invalid(
                    "DATABASE_URL",
                    "its schema is not up to date; run `balance migrate`",
                ));
            }
            self.migrate_for_development().await?;
        }
        match db::check_app_role(&handles.db).await {
            Err(error) if development => tracing::warn!(%error, "Tolerated in development only"),
            checked => checked?,
        }
        db::check_rights(&handles.db).await?;
        handles.db.look_for_pgvector().await?;
        self.ready.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn migrate_for_development(&self) -> Result<()> {
        let config = &self.handles.config;
        let Some(url) = &config.migration_database_url else {
            return db::migrate(&self.handles.db).await;
        };
        let owner = Db::connect(url, 2, false).await?;
        let migrated = async {
            db::migrate(&owner).await?;
            for space in self.handles.vectors.spaces() {
                db::prepare_pgvector(&owner, &[space.dimension]).await?;
            }
            Ok(())
        };
        let migrated = migrated.await;
        owner.close().await;
        migrated
    }

    async fn prepare_later(self: Arc<Self>) {
        while let Err(error) = self.prepare().await {
            tracing::warn!(%error, "The database is not ready");
            tokio::select! {
                () = tokio::time::sleep(std::time::Duration::from_secs(2)) => {}
                () = self.stopping.cancelled() => return,
            }
        }
        tracing::info!("The database is ready");
    }

    /// On SQLite, hears of commits of other processes by watching the file.
    fn watch_file(&self) {
        let (handles, stopping) = (Arc::clone(&self.handles), self.stopping.clone());
        tokio::spawn(async move {
            let changed = || handles.bus.publish(vec![Wake::Anything]);
            tokio::select! {
                () = handles.db.watch(changed) => {}
                () = stopping.cancelled() => {}
            }
        });
    }

    /// Hears of changes to who may do what, here and in other processes.
    fn watch_access(&self) {
        let (handles, stopping) = (Arc::clone(&self.handles), self.stopping.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = identity::follow_changes(handles) => {}
                () = stopping.cancelled() => {}
            }
        });
    }

    /// Adds up now and then what GraphQL clients used.
    fn count_usage(&self) {
        let (handles, stopping) = (Arc::clone(&self.handles), self.stopping.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = clients::keep_writing(handles) => {}
                () = stopping.cancelled() => {}
            }
        });
    }

    /// What the HTTP edge reaches.
    pub fn edge(&self) -> Edge {
        Edge::from(Reached {
            handles: Arc::clone(&self.handles),
            pipeline: Arc::new(schema::pipeline(&self.handles, &self.tails, &self.engine)),
            started: self.started,
            ready: Arc::clone(&self.ready),
            stopping: self.stopping.clone(),
        })
    }

    /// Closes the stores, once nothing uses them any more.
    pub async fn close(&self) {
        self.stopping.cancel();
        if let Err(error) = clients::write(&self.handles).await {
            tracing::warn!(%error, "What GraphQL clients used last is lost");
        }
        self.handles.bus.close().await;
        self.handles.db.close().await;
    }
}
