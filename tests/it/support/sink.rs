//! A real mail server that keeps what it is handed.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::{Client, env};

/// A mail server, until this is dropped.
pub struct Sink {
    program: Child,
    /// Where it takes mail.
    pub smtp: u16,
    http: Client,
}

impl Sink {
    /// Starts one; none where Python or its module is missing, which the run says.
    pub async fn start() -> Option<Self> {
        if env::var("SMTP_SINK").is_none() {
            println!("skipped: tools/test.sh finds a mail server");
            return None;
        }
        Some(Self::start_at(free_port().await).await)
    }

    /// Starts one where another one was.
    pub async fn start_at(smtp: u16) -> Self {
        let http = free_port().await;
        let mut program = Command::new("python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tools/smtp_sink.py"))
            .args([smtp.to_string(), http.to_string()])
            .env("PYTHONPATH", env::var("SMTP_SINK").unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("python3 starts");
        let output = program.stdout.take().expect("its output is piped");
        let line = BufReader::new(output).lines().next_line().await;
        let line = line.expect("its output is text");
        assert!(line.is_some_and(|line| line.starts_with("ready")));
        Self {
            program,
            smtp,
            http: Client::new(([127, 0, 0, 1], http).into()),
        }
    }

    /// Ends it, and returns when it is gone; where it was.
    pub async fn stop(mut self) -> u16 {
        self.program.kill().await.expect("it can be killed");
        self.smtp
    }

    /// The mails it was handed, in order.
    pub async fn mails(&self) -> Vec<Value> {
        let mails = self.http.get("/mails").await.json();
        mails.as_array().expect("a list").clone()
    }
}

async fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    let address = listener.and_then(|listener| listener.local_addr());
    address.expect("a port is free").port()
}
