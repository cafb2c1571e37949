//! PostgreSQL and Redis of one test's own, to be stopped and started without harm to the others.

use std::collections::HashMap;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::world::{Stores, World};

/// A pair of servers, held until this is dropped.
pub struct Services {
    holder: Child,
    environment: HashMap<String, String>,
}

impl Services {
    /// Starts a pair.
    pub async fn start() -> Self {
        let mut holder = Command::new(tool("with-services.sh"))
            .arg("--hold")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("tools/with-services.sh starts");
        let output = holder.stdout.take().expect("its output is piped");
        let mut lines = BufReader::new(output).lines();
        let mut environment = HashMap::new();
        // an empty line ends the list; an end of the output before it means that the services did not start
        loop {
            let line = lines.next_line().await.expect("its output is text");
            let line = line.expect("the services start; what they said is above");
            let Some((name, value)) = line.split_once('=') else {
                break;
            };
            environment.insert(name.to_owned(), value.to_owned());
        }
        Self {
            holder,
            environment,
        }
    }

    /// The world they make.
    pub fn world(&self) -> World {
        World::Production(Stores::read(|name| self.environment[name].clone()))
    }

    /// Stops Redis, and returns when it is gone.
    pub async fn stop_redis(&self) {
        self.service("stop-redis").await;
    }

    /// Starts Redis, and returns when it answers.
    pub async fn start_redis(&self) {
        self.service("start-redis").await;
    }

    /// Stops PostgreSQL, and returns when it is gone.
    pub async fn stop_postgres(&self) {
        self.service("stop-postgres").await;
    }

    /// Starts PostgreSQL, and returns when it answers.
    pub async fn start_postgres(&self) {
        self.service("start-postgres").await;
    }

    /// Ends the pair, and returns when they are gone.
    pub async fn stop(mut self) {
        // they are held until the holder's input closes
        drop(self.holder.stdin.take());
        let ended = self.holder.wait().await;
        ended.expect("tools/with-services.sh ends");
    }

    async fn service(&self, action: &str) {
        let status = Command::new(tool("service.sh"))
            .arg(action)
            .envs(&self.environment)
            .status()
            .await;
        let status = status.expect("tools/service.sh starts");
        assert!(status.success(), "tools/service.sh {action} failed");
    }
}

fn tool(name: &str) -> String {
    format!("{}/tools/{name}", env!("CARGO_MANIFEST_DIR"))
}
