//! Servers in processes of their own, so that what they cost is not mixed with what asking them costs.

use std::process::Stdio;
use std::sync::Arc;

use balance::app::App;
use balance::clock::Clock;
use balance::config::{Config, Role};
use balance::{run, telemetry};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::place::Place;

/// A server that ends with this value.
pub struct Server {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    /// Where it listens.
    pub address: String,
}

impl Server {
    /// The product, in these roles (`api`, or `api,worker`).
    pub async fn product(place: &Place, roles: &str) -> Self {
        Self::start(place, &["serve-product", roles]).await
    }

    /// The floor of [`crate::trivial`].
    pub async fn plain(place: &Place) -> Self {
        Self::start(place, &["serve-plain"]).await
    }

    /// The floor of [`crate::reads`].
    pub async fn floor(place: &Place, tenant: &str) -> Self {
        Self::start(place, &["serve-floor", tenant]).await
    }

    async fn start(place: &Place, arguments: &[&str]) -> Self {
        let own = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(own)
            .args(arguments)
            .env_clear()
            .envs(place.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // it logs as it does by default; nobody reads it
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the server starts");
        let input = child.stdin.take().expect("its input is piped");
        let output = child.stdout.take().expect("its output is piped");
        let mut output = BufReader::new(output).lines();
        let address = line(&mut output).await;
        Self {
            child,
            input,
            output,
            address,
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// How many statements it has sent to its database.
    pub async fn statements(&mut self) -> u64 {
        self.input
            .write_all(b"statements\n")
            .await
            .expect("it listens");
        let said = line(&mut self.output).await;
        said.parse().expect("it answers with a number")
    }

    /// Ends it.
    pub async fn stop(mut self) {
        drop(self.child.kill().await);
    }
}

async fn line(output: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = output.next_line().await.expect("its output is text");
    line.expect("it runs")
}

/// Serves as `balance serve` does, says where, and tells the number of its statements when asked.
pub async fn serve_product(arguments: &[String]) {
    let roles: &[Role] = match arguments.first().map(String::as_str) {
        Some("api,worker") => &[Role::Api, Role::Worker],
        _ => &[Role::Api],
    };
    let config = Config::development();
    drop(telemetry::start(&config));
    let app = App::connect(config, Clock::system()).await;
    let app = app.expect("the stores are there");
    let listener = run::listen(&app.handles.config)
        .await
        .expect("a port is free");
    println!("{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(answer(Arc::clone(&app)));
    let served = run::serve(app, roles, Some(listener)).await;
    served.expect("it serves");
}

async fn answer(app: Arc<App>) {
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(_)) = input.next_line().await {
        println!("{}", app.handles.db.statements());
    }
    // whoever started it is gone
    std::process::exit(0);
}

/// Ends this process once whoever started it is gone.
pub fn end_with_parent() {
    tokio::spawn(async {
        let mut line = String::new();
        drop(tokio::task::spawn_blocking(move || std::io::stdin().read_line(&mut line)).await);
        std::process::exit(0);
    });
}
