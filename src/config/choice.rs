//! Settings that are one of a few words.

use clap::ValueEnum;

/// Where balance runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Environment {
    /// On a laptop: secrets and a demo tenant are made up, logs are for people.
    Development,
    /// Like production, but not for real.
    Staging,
    /// For real.
    Production,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Answers clients.
    Api,
    /// Works on jobs.
    Worker,
}

/// Whether a store must be there at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConnectMode {
    /// The process stops if it cannot be reached.
    Always,
    /// The process starts without it, says so in `/health/ready`, and uses it when it comes.
    Optional,
}

/// Whether GraphiQL is served, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Graphiql {
    /// Not at all.
    Off,
    /// The page asks for a sign-in.
    SignIn,
    /// The page is signed in as the demo owner; development only.
    Demo,
}

/// What stands between balance and PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Pooler {
    /// Nothing, or a pooler in session mode: a connection stays one.
    None,
    /// A pooler in transaction mode, such as pgbouncer: each transaction may be on another connection.
    Transaction,
}
