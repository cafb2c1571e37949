//! Wake-ups between the parts of balance: "tenant T is at sequence N", "queue Q has work". Never the truth: whoever is
//! woken reads the database, and a slow timer behind every listener makes a lost wake-up a delay, not a loss.

mod redis;

use std::time::Duration;

use entity::TenantId;
pub use redis::{RedisBus, Shared};
use tokio::sync::broadcast;

use crate::config::{Config, ConnectMode};
use crate::error::Result;

/// Wake-ups a slow listener may be behind before it is told to look at everything.
const CAPACITY: usize = 4_096;

/// One wake-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The log of a tenant has reached a sequence.
    Events {
        /// Whose log.
        tenant: TenantId,
        /// Its head when the wake-up was sent.
        sequence: i64,
    },
    /// Who may do what has changed in a tenant.
    Access {
        /// Where.
        tenant: TenantId,
    },
    /// A queue has new work.
    Jobs {
        /// Which queue.
        queue: String,
    },
    /// Something may have been missed: look at everything.
    Anything,
}

/// Carries wake-ups inside the process, or between processes through Redis.
pub enum Bus {
    /// Inside this process.
    Local(broadcast::Sender<Wake>),
    /// Between processes.
    Redis(RedisBus),
}

impl Bus {
    /// The bus the settings ask for.
    pub async fn connect(config: &Config) -> Result<Self> {
        match &config.redis_url {
            None => Ok(Self::local()),
            Some(url) => {
                let required = config.redis_connect_mode == ConnectMode::Always;
                Ok(Self::Redis(
                    RedisBus::connect(url, &config.redis_prefix, CAPACITY, required).await?,
                ))
            }
        }
    }

    /// A bus inside this process.
    pub fn local() -> Self {
        Self::Local(broadcast::channel(CAPACITY).0)
    }

    /// `memory` or `redis`.
    pub fn mode(&self) -> &'static str {
        match self {
            Self::Local(_) => "memory",
            Self::Redis(_) => "redis",
        }
    }

    /// Redis itself, where there is one, for what processes count together.
    pub fn redis(&self) -> Option<&Shared> {
        match self {
            Self::Local(_) => None,
            Self::Redis(redis) => Some(redis.shared()),
        }
    }

    /// Sends wake-ups. Never waits and never fails: a lost one costs a timer's tick. Listeners of this process hear
    /// at once, even while Redis is away.
    pub fn publish(&self, wakes: Vec<Wake>) {
        match self {
            Self::Local(sender) => wakes.into_iter().for_each(|wake| drop(sender.send(wake))),
            Self::Redis(redis) => redis.publish(wakes),
        }
    }

    /// Hears wake-ups from now on. A receiver that lags should take it as [`Wake::Anything`].
    pub fn listen(&self) -> broadcast::Receiver<Wake> {
        match self {
            Self::Local(sender) => sender.subscribe(),
            Self::Redis(redis) => redis.listen(),
        }
    }

    /// Asks for an answer, and says how long it took. In process there is nobody to ask.
    pub async fn ping(&self) -> Result<Duration> {
        match self {
            Self::Local(_) => Ok(Duration::ZERO),
            Self::Redis(redis) => redis.ping().await,
        }
    }

    /// Closes the connections.
    pub async fn close(&self) {
        if let Self::Redis(redis) = self {
            redis.close().await;
        }
    }
}

/// The next wake-up; a listener that lagged, or outlived the bus, is told to look at everything.
pub async fn next(listener: &mut broadcast::Receiver<Wake>) -> Wake {
    match listener.recv().await {
        Ok(wake) => wake,
        Err(broadcast::error::RecvError::Lagged(_)) => Wake::Anything,
        Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
    }
}
