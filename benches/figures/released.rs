//! The released program in a process of its own.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::place::Place;

/// `balance serve` as it is shipped, with every role; it ends with this value.
pub struct Released {
    child: Child,
    /// Where it listens.
    pub address: String,
    /// Its process id.
    pub pid: u32,
}

impl Released {
    /// Starts it. One client may open as much as it likes.
    pub async fn start(place: &Place) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_balance"))
            .env_clear()
            .envs(place.environment())
            .env("STREAMS_PER_CLIENT", "0")
            .env("STREAMS_PER_ADDRESS", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let pid = child.id().expect("it runs");
        let mut log = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let address = loop {
            let line = log.next_line().await.expect("its log is text");
            let line = line.expect("it runs");
            if let Some((_, address)) = line.split_once("listens on http://") {
                let end = |c: char| !(c.is_ascii_digit() || c == '.' || c == ':');
                break address.split(end).next().unwrap_or_default().to_owned();
            }
        };
        // a full pipe would stop it
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Self {
            child,
            address,
            pid,
        }
    }

    /// Ends it.
    pub async fn stop(mut self) {
        drop(self.child.kill().await);
    }
}
