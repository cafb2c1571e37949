//! An app of a test's own, served on a free port.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use balance::app::App;
use balance::clock::Clock;
use balance::config::{Config, ConnectMode, Environment, Llm, Pooler, Rates, Role};
use balance::error::Result;
use balance::queue::{self, Queue};
use balance::{run, worker};
use chrono::{DateTime, TimeDelta, Utc};
use entity::{event, job, tenant};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::chat::{CHAT_KEY, CHAT_MODEL, Chat};
use super::embeddings::{self, Embeddings};
use super::leaks;
use super::pooler::through;
use super::world::Place;
use super::{Client, Services, Tenant, World};

/// The time at which every test begins.
pub const START: DateTime<Utc> =
    DateTime::from_timestamp_secs(1_772_442_000).expect("2026-03-02 09:00");

const SECRET_KEY: &str = "tests keep their secrets with this, and nobody else";

/// What a test may want otherwise than usual.
pub struct Setup<'a> {
    /// Servers of the test's own instead of the run's.
    pub services: Option<&'a Services>,
    /// The clock of the machine instead of one that stands still, for tests with several processes.
    pub real_time: bool,
    /// A mail server instead of a folder.
    pub mail_url: Option<String>,
    /// Identity providers, as their setting.
    pub providers: Option<String>,
    /// The port of a pooler through which the database is reached.
    pub pooler: Option<u16>,
    /// Settings.
    pub adjust: fn(&mut Config),
    /// A service that makes vectors.
    pub embeddings: Option<&'a Embeddings>,
    /// A language model.
    pub chat: Option<&'a Chat>,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self {
            services: None,
            real_time: false,
            mail_url: None,
            providers: None,
            pooler: None,
            adjust: |_| {},
            embeddings: None,
            chat: None,
        }
    }
}

/// A running app on stores of its own. It does background work when told to, and must be [finished](Self::finish).
pub struct TestApp {
    /// Its clock, which stands still until it is moved.
    pub clock: Clock,
    config: Config,
    place: Place,
    nodes: Mutex<Vec<Node>>,
    client: Client,
    finished: bool,
}

struct Node {
    app: Arc<App>,
    serving: JoinHandle<Result<()>>,
}

impl TestApp {
    /// Starts one.
    pub async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    /// Starts one that differs from the usual.
    pub async fn start_with(setup: Setup<'_>) -> Self {
        let world = match setup.services {
            Some(services) => services.world(),
            None => World::current(),
        };
        let place = Place::make(&world).await;
        let mut config = config(&place);
        config.mail_url = setup.mail_url;
        config.oidc_providers = setup.providers;
        if let Some(port) = setup.pooler {
            config.database_url = config.database_url.map(|url| through(&url, port));
            config.database_pooler = Pooler::Transaction;
        }
        if let Some(embeddings) = setup.embeddings {
            config.embedding_model = Some(embeddings::MODEL.to_owned());
            config.embedding_base_url = Some(embeddings.url.clone());
            config.embedding_api_key = Some("embedding secret".to_owned());
        }
        if let Some(chat) = setup.chat {
            config.llm_model = CHAT_MODEL.to_owned();
            config.openai_base_url = chat.url.clone();
            config.openai_api_key = Some(CHAT_KEY.to_owned());
            config.llm_timeout_seconds = 2;
            // a millionth a token read, two a token written
            config.llm.llm_prompt_price = "1".parse().expect("a price");
            config.llm.llm_completion_price = "2".parse().expect("a price");
        }
        (setup.adjust)(&mut config);
        let clock = if setup.real_time {
            Clock::system()
        } else {
            Clock::fixed(START)
        };
        leaks::listen();
        let (node, client) = Node::start(config.clone(), clock.clone()).await;
        client.watch.secret("SECRET_KEY", SECRET_KEY);
        if setup.chat.is_some() {
            client.watch.secret("OPENAI_API_KEY", CHAT_KEY);
        }
        Self {
            clock,
            config,
            place,
            nodes: Mutex::new(vec![node]),
            client,
            finished: false,
        }
    }

    /// Another process's worth of app on the same stores; who calls it, signed in as nobody.
    pub async fn another_node(&self) -> Client {
        self.another_node_with(|_| {}).await
    }

    /// Another one, with settings of its own.
    pub async fn another_node_with(&self, adjust: fn(&mut Config)) -> Client {
        let mut config = self.config.clone();
        adjust(&mut config);
        let (node, mut client) = Node::start(config, self.clock.clone()).await;
        client.watch = self.client.watch.clone();
        self.nodes.lock().expect("no test panics here").push(node);
        client
    }

    /// Somebody who is not signed in.
    pub fn anybody(&self) -> Client {
        self.client.clone()
    }

    /// Registers a tenant; its name makes the addresses of its people.
    pub async fn tenant(&self, name: &str) -> Tenant {
        Tenant::register(&self.client, name).await
    }

    /// The first node, for what cannot be seen from outside.
    pub fn app(&self) -> Arc<App> {
        let nodes = self.nodes.lock().expect("no test panics here");
        Arc::clone(&nodes[0].app)
    }

    /// The node that was started last.
    pub fn last_app(&self) -> Arc<App> {
        let nodes = self.nodes.lock().expect("no test panics here");
        let last = nodes.last().expect("there is one at least");
        Arc::clone(&last.app)
    }

    /// Works until nothing is due; how many jobs that were.
    pub async fn run_background_work(&self) -> usize {
        let worked = worker::drain(&self.app()).await;
        worked.expect("background work is done")
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// The settings of this app as variables, for a process that shares its stores.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let config = &self.config;
        let mut environment = vec![
            ("BALANCE_ENV", "development".to_owned()),
            ("HOST", config.host.to_string()),
            ("PORT", "0".to_owned()),
            ("DATABASE_URL", config.database_url()),
            (
                "DATABASE_CONNECTIONS",
                config.database_connections.to_string(),
            ),
            ("REDIS_PREFIX", config.redis_prefix.clone()),
            ("DATA_DIR", config.data_dir.display().to_string()),
            ("PUBLIC_URL", config.public_url()),
            ("SECRET_KEY", SECRET_KEY.to_owned()),
            ("SEED_DEMO", "false".to_owned()),
            ("LOG", config.log.clone()),
        ];
        if let Some(model) = &config.embedding_model {
            environment.push(("EMBEDDING_MODEL", model.clone()));
            let dimensions = config.embedding_dimensions.to_string();
            environment.push(("EMBEDDING_DIMENSIONS", dimensions));
            let base = config.embedding_base_url.clone();
            environment.extend(base.map(|url| ("EMBEDDING_BASE_URL", url)));
            let key = config.embedding_api_key.clone();
            environment.extend(key.map(|key| ("EMBEDDING_API_KEY", key)));
        }
        environment.extend(config.redis_url.clone().map(|url| ("REDIS_URL", url)));
        environment
    }

    /// The database as the role that owns the schema; as the server's own on SQLite.
    pub fn owner_database_url(&self) -> String {
        let owner = self.place.migration_database_url();
        owner.unwrap_or_else(|| self.place.database_url())
    }

    /// Stops the app. No job may be left over: work is done on purpose, and a test knows what it causes.
    pub async fn finish(mut self) {
        self.finished = true;
        // a test about stopping has closed the stores itself
        let left = match self.app().stopping.is_cancelled() {
            true => Ok(0),
            false if self.follow_approvals().await.is_err() => Ok(0),
            false => queue::depth(&self.app().handles.db, None).await,
        };
        if !self.app().stopping.is_cancelled() {
            self.overhear().await;
        }
        let nodes = std::mem::take(&mut *self.nodes.lock().expect("no test panics here"));
        for node in nodes {
            node.stop().await;
        }
        self.place.clear().await;
        let left = left.expect("the queue can be counted");
        assert_eq!(left, 0, "background work is left over");
        let leaks = self.client.watch.leaks();
        assert!(leaks.is_empty(), "secrets were told:\n{}", leaks.join("\n"));
    }
}

impl TestApp {
    /// Does what every approval leaves behind, whatever a test is about.
    async fn follow_approvals(&self) -> balance::error::Result<()> {
        for queue in [Queue::Vectors, Queue::Suggestions, Queue::Reconsideration] {
            worker::drain_queue(&self.app(), queue).await?;
        }
        Ok(())
    }

    /// Listens to what the stores say to whoever may read them: events and jobs.
    #[expect(
        clippy::disallowed_methods,
        reason = "the test asks for rows as they are, past every verb"
    )]
    async fn overhear(&self) {
        let app = self.app();
        let (db, watch) = (&app.handles.db, &self.client.watch);
        let tx = db
            .begin_snapshot(None)
            .await
            .expect("the database is there");
        let jobs = job::Entity::find().all(&tx).await.expect("jobs are read");
        for job in jobs {
            watch.said("a job", &job.payload);
            watch.said(
                "the error of a job",
                job.last_error.as_deref().unwrap_or_default(),
            );
        }
        let tenants = tenant::Entity::find()
            .all(&tx)
            .await
            .expect("tenants are read");
        drop(tx);
        for tenant in tenants {
            let tx = db.begin_snapshot(Some(tenant.id)).await;
            let tx = tx.expect("the database is there");
            let own = event::Column::TenantId.eq(tenant.id);
            let events = event::Entity::find().filter(own).all(&tx).await;
            for event in events.expect("events are read") {
                let diff = event.diff.unwrap_or_default();
                let said = [event.payload, diff, event.actor, event.source_agent];
                watch.said(&format!("the event {}", event.kind), &said.join(" "));
            }
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if !self.finished && !std::thread::panicking() {
            panic!("end the test with app.finish().await");
        }
    }
}

impl Node {
    async fn start(config: Config, clock: Clock) -> (Self, Client) {
        let app = App::connect(config, clock).await;
        let app = app.expect("the stores are there");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let serving = tokio::spawn(run::serve(Arc::clone(&app), &[Role::Api], Some(listener)));
        (Self { app, serving }, Client::new(address))
    }

    async fn stop(self) {
        self.app.stopping.cancel();
        let stopped = tokio::time::timeout(Duration::from_secs(20), self.serving).await;
        let served = stopped.expect("the server stops in time");
        let served = served.expect("the server does not panic");
        served.expect("the server stops cleanly");
    }
}

/// Every setting, so that none comes from the environment of whoever runs the tests.
fn config(place: &Place) -> Config {
    let host = Ipv4Addr::LOCALHOST;
    Config {
        environment: Environment::Development,
        host: host.into(),
        port: 0,
        public_url: Some(format!("http://{}", SocketAddr::from((host, 4000)))),
        database_url: Some(place.database_url()),
        migration_database_url: place.migration_database_url(),
        database_connect_mode: ConnectMode::Always,
        database_connections: 8,
        database_pooler: Pooler::None,
        redis_url: place.redis.clone(),
        redis_connect_mode: ConnectMode::Always,
        redis_prefix: place.redis_prefix.clone(),
        data_dir: place.folder().to_owned(),
        trust_proxy: 0,
        jwt_secret: None,
        token_key_days: 30,
        secret_key: Some(SECRET_KEY.to_owned()),
        data_key: None,
        data_key_previous: Vec::new(),
        access_token_minutes: 15,
        refresh_token_days: 30,
        frontend_url: vec!["http://app.example".to_owned()],
        passkey_domain: None,
        oidc_providers: None,
        graphiql: None,
        seed_demo: false,
        tenant_deletion_days: 14,
        audit_origin_days: 365,
        upload_max_bytes: 10 * 1024 * 1024,
        openai_api_key: None,
        openai_base_url: "http://127.0.0.1:9".to_owned(),
        llm_model: "none".to_owned(),
        llm_timeout_seconds: 1,
        mail_url: None,
        mail_from: None,
        embedding_model: None,
        embedding_base_url: None,
        embedding_api_key: None,
        embedding_dimensions: embeddings::DIMENSION as u16,
        embedding_timeout_seconds: 2,
        streams_per_client: 500,
        streams_per_address: 5_000,
        slow_client_seconds: 30,
        shutdown_seconds: 5,
        log: "warn".to_owned(),
        rates: Rates::default(),
        llm: Llm::default(),
    }
}
