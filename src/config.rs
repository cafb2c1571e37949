//! Every setting, typed, with its default and its meaning: the one place that reads the environment.
//!
//! A setting is an environment variable and a command-line option at once. A value that cannot be read stops the start
//! and names the key. Secrets are required outside development; development invents its own into a file of mode 0600.

mod absent;
mod choice;
mod llm;
mod providers;
mod rates;
mod secrets;

use std::net::IpAddr;
use std::path::PathBuf;

pub use choice::{ConnectMode, Environment, Graphiql, Pooler, Role};
use clap::Args;
pub use llm::{Llm, Price};
pub use providers::Provider;
pub use rates::{Allowance, Quota, Rates};
pub use secrets::Secrets;

/// The settings of a process.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Where balance runs.
    #[arg(
        long = "env",
        env = "BALANCE_ENV",
        value_name = "BALANCE_ENV",
        global = true,
        default_value = "development"
    )]
    pub environment: Environment,

    /// The address to listen on.
    #[arg(
        long,
        env = "HOST",
        value_name = "HOST",
        global = true,
        default_value = "127.0.0.1"
    )]
    pub host: IpAddr,

    /// The port to listen on; 0 takes a free one.
    #[arg(
        long,
        env = "PORT",
        value_name = "PORT",
        global = true,
        default_value_t = 4000
    )]
    pub port: u16,

    /// How clients reach this server, for links; made from HOST and PORT when absent.
    #[arg(long, env = "PUBLIC_URL", value_name = "PUBLIC_URL", global = true)]
    pub public_url: Option<String>,

    /// The database: `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/NAME` (as the application role).
    #[arg(
        long,
        env = "DATABASE_URL",
        value_name = "DATABASE_URL",
        global = true,
        hide_env_values = true
    )]
    pub database_url: Option<String>,

    /// The database as the role that owns the schema, for `balance migrate` on PostgreSQL.
    #[arg(
        long,
        env = "MIGRATION_DATABASE_URL",
        value_name = "MIGRATION_DATABASE_URL",
        global = true,
        hide_env_values = true
    )]
    pub migration_database_url: Option<String>,

    /// Whether the database must be there at the start.
    #[arg(
        long,
        env = "DATABASE_CONNECT_MODE",
        value_name = "DATABASE_CONNECT_MODE",
        global = true,
        default_value = "always"
    )]
    pub database_connect_mode: ConnectMode,

    /// Connections to PostgreSQL held at most by this process.
    #[arg(
        long,
        env = "DATABASE_CONNECTIONS",
        value_name = "DATABASE_CONNECTIONS",
        global = true,
        default_value_t = 16
    )]
    pub database_connections: u32,

    /// Whether a pooler in transaction mode stands before PostgreSQL; no prepared statement is kept then.
    #[arg(
        long,
        env = "DATABASE_POOLER",
        value_name = "DATABASE_POOLER",
        global = true,
        default_value = "none"
    )]
    pub database_pooler: Pooler,

    /// Redis or Valkey for wake-ups between processes; in process when absent.
    #[arg(
        long,
        env = "REDIS_URL",
        value_name = "REDIS_URL",
        global = true,
        hide_env_values = true
    )]
    pub redis_url: Option<String>,

    /// Whether Redis, when configured, must be there at the start.
    #[arg(
        long,
        env = "REDIS_CONNECT_MODE",
        value_name = "REDIS_CONNECT_MODE",
        global = true,
        default_value = "optional"
    )]
    pub redis_connect_mode: ConnectMode,

    /// Prefix of every Redis channel, when several deployments share one Redis.
    #[arg(
        long,
        env = "REDIS_PREFIX",
        value_name = "REDIS_PREFIX",
        global = true,
        default_value = absent::REDIS_PREFIX
    )]
    pub redis_prefix: String,

    /// Proxies in front of this server, each of which adds the address of its client to X-Forwarded-For; 0 believes no
    /// such header.
    #[arg(
        long,
        env = "TRUST_PROXY",
        value_name = "TRUST_PROXY",
        global = true,
        default_value_t = 0
    )]
    pub trust_proxy: u8,

    /// Folder for what has no other home: the SQLite file, uploads, development secrets.
    #[arg(
        long,
        env = "DATA_DIR",
        value_name = "DATA_DIR",
        global = true,
        default_value = "data"
    )]
    pub data_dir: PathBuf,

    /// Shared key for access tokens (HS256), at least 32 characters, for deployments where something else checks them with
    /// it. Without it they are signed with key pairs that balance makes, publishes and rotates.
    #[arg(
        long,
        env = "JWT_SECRET",
        value_name = "JWT_SECRET",
        global = true,
        hide = true,
        hide_env_values = true
    )]
    pub jwt_secret: Option<String>,

    /// Key for secrets at rest, at least 32 characters; required outside development.
    #[arg(
        long,
        env = "SECRET_KEY",
        value_name = "SECRET_KEY",
        global = true,
        hide = true,
        hide_env_values = true
    )]
    pub secret_key: Option<String>,

    /// Key that secrets are sealed with at rest, at least 32 characters; SECRET_KEY when absent.
    #[arg(
        long,
        env = "DATA_KEY",
        value_name = "DATA_KEY",
        global = true,
        hide = true,
        hide_env_values = true
    )]
    pub data_key: Option<String>,

    /// Keys that DATA_KEY was before, comma separated: what is sealed under them still opens.
    #[arg(
        long,
        env = "DATA_KEY_PREVIOUS",
        value_name = "DATA_KEY_PREVIOUS",
        global = true,
        value_delimiter = ',',
        hide = true,
        hide_env_values = true
    )]
    pub data_key_previous: Vec<String>,

    /// Age in days at which the key pair that signs access tokens is followed by a new one.
    #[arg(
        long,
        env = "TOKEN_KEY_DAYS",
        value_name = "TOKEN_KEY_DAYS",
        global = true,
        default_value_t = 30,
        value_parser = clap::value_parser!(i64).range(1..=3_650)
    )]
    pub token_key_days: i64,

    /// Life of an access token, in minutes.
    #[arg(
        long,
        env = "ACCESS_TOKEN_MINUTES",
        value_name = "ACCESS_TOKEN_MINUTES",
        global = true,
        default_value_t = 15
    )]
    pub access_token_minutes: i64,

    /// Life of a refresh token, in days.
    #[arg(
        long,
        env = "REFRESH_TOKEN_DAYS",
        value_name = "REFRESH_TOKEN_DAYS",
        global = true,
        default_value_t = 30
    )]
    pub refresh_token_days: i64,

    /// Origins of single-page apps that may call the API from a browser, comma separated.
    #[arg(
        long,
        env = "FRONTEND_URL",
        value_name = "FRONTEND_URL",
        global = true,
        value_delimiter = ','
    )]
    pub frontend_url: Vec<String>,

    /// The domain that passkeys are for: the host of PUBLIC_URL when absent, or a domain above it.
    #[arg(
        long,
        env = "PASSKEY_DOMAIN",
        value_name = "PASSKEY_DOMAIN",
        global = true
    )]
    pub passkey_domain: Option<String>,

    /// OpenID Connect providers that people may sign in at, as a JSON list; see docs/operations.md.
    #[arg(
        long,
        env = "OIDC_PROVIDERS",
        value_name = "OIDC_PROVIDERS",
        global = true,
        hide = true,
        hide_env_values = true
    )]
    pub oidc_providers: Option<String>,

    /// Whether GraphiQL is served; `demo` in development and `off` elsewhere when absent.
    #[arg(long, env = "GRAPHIQL", value_name = "GRAPHIQL", global = true)]
    pub graphiql: Option<Graphiql>,

    /// Whether a first start in development makes a demo tenant.
    #[arg(long, env = "SEED_DEMO", value_name = "SEED_DEMO", global = true, default_value_t = true, action = clap::ArgAction::Set)]
    pub seed_demo: bool,

    /// How many days a tenant can be had back after its deletion was asked for.
    #[arg(
        long,
        env = "TENANT_DELETION_DAYS",
        value_name = "TENANT_DELETION_DAYS",
        global = true,
        default_value_t = 14
    )]
    pub tenant_deletion_days: u32,

    /// How many days the addresses and user agents beside the event log are kept; the events themselves stay.
    #[arg(
        long,
        env = "AUDIT_ORIGIN_DAYS",
        value_name = "AUDIT_ORIGIN_DAYS",
        global = true,
        default_value_t = 365,
        value_parser = clap::value_parser!(i64).range(1..=3_650)
    )]
    pub audit_origin_days: i64,

    /// Largest upload, in bytes.
    #[arg(long, env = "UPLOAD_MAX_BYTES", value_name = "UPLOAD_MAX_BYTES", global = true, default_value_t = 100 * 1024 * 1024)]
    pub upload_max_bytes: u64,

    /// Key of an OpenAI-compatible service; without it the language-model tier is off. While it is being replaced, both,
    /// comma separated: the next one is used when the service refuses the one before.
    #[arg(
        long,
        env = "OPENAI_API_KEY",
        value_name = "OPENAI_API_KEY",
        global = true,
        hide_env_values = true
    )]
    pub openai_api_key: Option<String>,

    /// Address of that service.
    #[arg(
        long,
        env = "OPENAI_BASE_URL",
        value_name = "OPENAI_BASE_URL",
        global = true,
        default_value = absent::OPENAI_BASE_URL
    )]
    pub openai_base_url: String,

    /// Model to ask there.
    #[arg(
        long,
        env = "LLM_MODEL",
        value_name = "LLM_MODEL",
        global = true,
        default_value = absent::LLM_MODEL
    )]
    pub llm_model: String,

    /// How long one answer may take, in seconds.
    #[arg(
        long,
        env = "LLM_TIMEOUT_SECONDS",
        value_name = "LLM_TIMEOUT_SECONDS",
        global = true,
        default_value_t = 30
    )]
    pub llm_timeout_seconds: u64,

    /// The server that mail is handed to: `smtps://USER:PASSWORD@HOST` or `smtp://…` with `?tls=required`,
    /// `opportunistic` or `none`. Without it, development writes mail to DATA_DIR/mails and any other place sends none.
    #[arg(
        long,
        env = "MAIL_URL",
        value_name = "MAIL_URL",
        global = true,
        hide_env_values = true
    )]
    pub mail_url: Option<String>,

    /// Whom mail comes from, such as `balance <books@example.com>`; no-reply at the public address when absent.
    #[arg(long, env = "MAIL_FROM", value_name = "MAIL_FROM", global = true)]
    pub mail_from: Option<String>,
    /// Embedding model of an OpenAI-compatible service; without it texts are compared by hashed n-grams alone.
    #[arg(
        long,
        env = "EMBEDDING_MODEL",
        value_name = "EMBEDDING_MODEL",
        global = true
    )]
    pub embedding_model: Option<String>,

    /// Address of that service; OPENAI_BASE_URL when absent.
    #[arg(
        long,
        env = "EMBEDDING_BASE_URL",
        value_name = "EMBEDDING_BASE_URL",
        global = true
    )]
    pub embedding_base_url: Option<String>,

    /// Its key, or several like OPENAI_API_KEY; that when absent, and none when that is absent too.
    #[arg(
        long,
        env = "EMBEDDING_API_KEY",
        value_name = "EMBEDDING_API_KEY",
        global = true,
        hide_env_values = true
    )]
    pub embedding_api_key: Option<String>,

    /// How many numbers its vectors have, 1 to 4,000.
    #[arg(
        long,
        env = "EMBEDDING_DIMENSIONS",
        value_name = "EMBEDDING_DIMENSIONS",
        global = true,
        default_value_t = 1_536,
        value_parser = clap::value_parser!(u16).range(1..=4_000)
    )]
    pub embedding_dimensions: u16,

    /// How long one request for vectors may take with its retries, in seconds.
    #[arg(
        long,
        env = "EMBEDDING_TIMEOUT_SECONDS",
        value_name = "EMBEDDING_TIMEOUT_SECONDS",
        global = true,
        default_value_t = 5
    )]
    pub embedding_timeout_seconds: u64,

    /// Operations that one person or API key may have open on this process, over sockets and streams; 0 for any number.
    #[arg(
        long,
        env = "STREAMS_PER_CLIENT",
        value_name = "STREAMS_PER_CLIENT",
        global = true,
        default_value_t = 500
    )]
    pub streams_per_client: u32,

    /// Sockets and streams that one address may have open on this process; 0 for any number.
    #[arg(
        long,
        env = "STREAMS_PER_ADDRESS",
        value_name = "STREAMS_PER_ADDRESS",
        global = true,
        default_value_t = 5_000
    )]
    pub streams_per_address: u32,

    /// How long a client is waited for before its connection is cut, in seconds: to send its request, to take its answer.
    #[arg(
        long,
        env = "SLOW_CLIENT_SECONDS",
        value_name = "SLOW_CLIENT_SECONDS",
        global = true,
        default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub slow_client_seconds: u64,

    /// How long running requests and jobs may take to finish at shutdown, in seconds.
    #[arg(
        long,
        env = "SHUTDOWN_SECONDS",
        value_name = "SHUTDOWN_SECONDS",
        global = true,
        default_value_t = 20
    )]
    pub shutdown_seconds: u64,

    /// What to log, as `tracing` directives.
    #[arg(
        long,
        env = "LOG",
        value_name = "LOG",
        global = true,
        default_value = absent::LOG
    )]
    pub log: String,

    /// How much and how often.
    #[command(flatten)]
    pub rates: Rates,

    /// What a language model may use, and what that costs.
    #[command(flatten)]
    pub llm: Llm,
}

impl Config {
    /// The settings of an empty environment: what tests start from.
    pub fn development() -> Self {
        #[derive(clap::Parser)]
        struct Defaults {
            #[command(flatten)]
            config: Config,
        }
        let mut config = <Defaults as clap::Parser>::parse_from(["balance"]).config;
        config.environment = Environment::Development;
        config
    }

    /// Whether nothing may be invented.
    pub fn is_production(&self) -> bool {
        self.environment != Environment::Development
    }

    /// The database to use: the configured one, or a SQLite file in the data folder.
    pub fn database_url(&self) -> String {
        self.database_url
            .clone()
            .unwrap_or_else(|| format!("sqlite://{}", self.data_dir.join("balance.db").display()))
    }

    /// How clients reach this server, without a slash at the end.
    pub fn public_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", std::net::SocketAddr::new(self.host, self.port)),
        }
    }

    /// How long a client is waited for: to send the next part of something, or to take one.
    pub fn slow_client(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.slow_client_seconds)
    }

    /// Who issues access tokens: the public address when it is set, else `balance`.
    pub fn issuer(&self) -> String {
        let public = self.public_url.as_ref();
        public.map_or_else(|| "balance".to_owned(), |_| self.public_url())
    }

    /// Whether GraphiQL is served, and to whom.
    pub fn graphiql(&self) -> Graphiql {
        match (self.graphiql, self.environment) {
            (None | Some(Graphiql::Demo), Environment::Development) => Graphiql::Demo,
            // a page that signs anybody in is for development only
            (Some(Graphiql::Demo), _) => Graphiql::SignIn,
            (Some(choice), _) => choice,
            (None, _) => Graphiql::Off,
        }
    }
}
