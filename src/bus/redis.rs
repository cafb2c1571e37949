//! The bus through Redis or Valkey publish/subscribe.

use std::time::{Duration, Instant};

use entity::TenantId;
use fred::clients::SubscriberClient;
use fred::prelude::*;
use tokio::sync::broadcast;

use super::Wake;
use crate::error::{Error, Result};

/// A way to Redis for whoever shares something there.
pub struct Shared {
    /// Sends commands.
    pub client: Client,
    /// What every key begins with.
    pub prefix: String,
}

/// Connections to one Redis: one publishes, one listens.
pub struct RedisBus {
    shared: Shared,
    subscriber: SubscriberClient,
    channel: String,
    /// Names this bus, so that it does not hear itself twice.
    origin: String,
    local: broadcast::Sender<Wake>,
    tasks: Vec<tokio::task::AbortHandle>,
}

impl RedisBus {
    pub(super) async fn connect(
        url: &str,
        prefix: &str,
        capacity: usize,
        required: bool,
    ) -> Result<Self> {
        let config = fred::prelude::Config::from_url(url).map_err(|error| {
            Error::invalid("REDIS_URL", format!("is no Redis address: {error}"))
        })?;
        let mut builder = Builder::from_config(config);
        // fred's defaults are no reconnection, no timeout and room for 32 messages
        builder
            .set_policy(ReconnectPolicy::new_exponential(0, 100, 2_000, 2))
            .with_performance_config(|p| {
                p.default_command_timeout = Duration::from_secs(2);
                p.broadcast_channel_capacity = capacity;
            })
            .with_connection_config(|c| {
                c.connection_timeout = Duration::from_secs(2);
                c.max_command_attempts = 1;
            });
        let publisher = builder.build().map_err(broken)?;
        let subscriber = builder.build_subscriber_client().map_err(broken)?;
        let (local, _) = broadcast::channel(capacity);
        let channel = format!("{prefix}:wake");
        let origin = crate::secret::token();
        let bus = Self {
            tasks: vec![
                tokio::spawn(hear(subscriber.clone(), local.clone(), origin.clone()))
                    .abort_handle(),
                tokio::spawn(notice_reconnects(subscriber.clone(), local.clone())).abort_handle(),
                subscriber.manage_subscriptions().abort_handle(),
            ],
            shared: Shared {
                client: publisher,
                prefix: prefix.to_owned(),
            },
            subscriber,
            channel,
            origin,
            local,
        };
        bus.open(required).await?;
        Ok(bus)
    }

    async fn open(&self, required: bool) -> Result<()> {
        if required {
            self.shared.client.init().await.map_err(broken)?;
            self.subscriber.init().await.map_err(broken)?;
            return self
                .subscriber
                .subscribe(&self.channel)
                .await
                .map_err(broken);
        }
        // connecting goes on in the background; `manage_subscriptions` subscribes again after each reconnection
        self.shared.client.connect();
        self.subscriber.connect();
        let (subscriber, channel) = (self.subscriber.clone(), self.channel.clone());
        tokio::spawn(async move {
            while subscriber.wait_for_connect().await.is_err()
                || subscriber.subscribe(&channel).await.is_err()
            {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
        Ok(())
    }

    pub(super) fn publish(&self, wakes: Vec<Wake>) {
        for wake in wakes {
            let text = format!("{} {}", self.origin, write(&wake));
            drop(self.local.send(wake));
            let (publisher, channel) = (self.shared.client.clone(), self.channel.clone());
            tokio::spawn(async move {
                if let Err(error) = publisher.publish::<i64, _, _>(channel, text).await {
                    tracing::debug!(%error, "A wake-up was not sent; listeners find out by their timer");
                }
            });
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<Wake> {
        self.local.subscribe()
    }

    pub(super) async fn ping(&self) -> Result<Duration> {
        let started = Instant::now();
        self.shared
            .client
            .ping::<String>(None)
            .await
            .map_err(broken)?;
        Ok(started.elapsed())
    }

    pub(super) async fn close(&self) {
        self.tasks.iter().for_each(tokio::task::AbortHandle::abort);
        drop(self.subscriber.quit().await);
        drop(self.shared.client.quit().await);
    }
}

async fn hear(subscriber: SubscriberClient, local: broadcast::Sender<Wake>, own: String) {
    let mut messages = subscriber.message_rx();
    loop {
        let wake = match messages.recv().await {
            Ok(message) => {
                let text = message.value.as_string().unwrap_or_default();
                match text.split_once(' ') {
                    Some((origin, _)) if origin == own => continue,
                    Some((_, wake)) => read(wake),
                    None => Wake::Anything,
                }
            }
            Err(broadcast::error::RecvError::Lagged(_)) => Wake::Anything,
            Err(broadcast::error::RecvError::Closed) => return,
        };
        drop(local.send(wake));
    }
}

async fn notice_reconnects(subscriber: SubscriberClient, local: broadcast::Sender<Wake>) {
    let mut reconnects = subscriber.reconnect_rx();
    while !matches!(
        reconnects.recv().await,
        Err(broadcast::error::RecvError::Closed)
    ) {
        drop(local.send(Wake::Anything));
    }
}

fn write(wake: &Wake) -> String {
    match wake {
        Wake::Events { tenant, sequence } => format!("e {tenant} {sequence}"),
        Wake::Access { tenant } => format!("a {tenant}"),
        Wake::Jobs { queue } => format!("j {queue}"),
        Wake::Anything => "?".to_owned(),
    }
}

/// What cannot be read is taken as a reason to look at everything.
fn read(text: &str) -> Wake {
    let words: Vec<&str> = text.split(' ').collect();
    match words[..] {
        ["e", tenant, sequence] => match (tenant.parse().map(TenantId), sequence.parse()) {
            (Ok(tenant), Ok(sequence)) => Wake::Events { tenant, sequence },
            _ => Wake::Anything,
        },
        ["a", tenant] => match tenant.parse().map(TenantId) {
            Ok(tenant) => Wake::Access { tenant },
            Err(_) => Wake::Anything,
        },
        ["j", queue] => Wake::Jobs {
            queue: queue.to_owned(),
        },
        _ => Wake::Anything,
    }
}

fn broken(error: fred::error::Error) -> Error {
    Error::Upstream {
        provider: "Redis",
        source: Box::new(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_up_arrives_as_it_was_sent() {
        let tenant = TenantId(uuid::Uuid::from_u128(7));
        for wake in [
            Wake::Events {
                tenant,
                sequence: 12,
            },
            Wake::Access { tenant },
            Wake::Jobs {
                queue: "records:process".into(),
            },
            Wake::Anything,
        ] {
            assert_eq!(read(&write(&wake)), wake);
        }
        assert_eq!(read("e nonsense 1"), Wake::Anything);
    }
}
