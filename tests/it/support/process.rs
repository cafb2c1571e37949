//! The real program, for what only another process can show.

use std::process::{ExitStatus, Stdio};

use tokio::process::{Child, Command};

use super::TestApp;

/// A `balance` that runs on the stores of a test.
pub struct Process(Child);

impl Process {
    /// Starts it with these arguments and the settings of an app.
    pub fn start(app: &TestApp, arguments: &[&str]) -> Self {
        Self::start_with(app, arguments, &[])
    }

    /// Starts it with some settings besides.
    pub fn start_with(app: &TestApp, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_balance"))
            .args(arguments)
            .env_clear()
            .envs(app.environment())
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // a test that fails leaves nothing running
            .kill_on_drop(true)
            .spawn();
        Self(child.expect("the program starts"))
    }

    /// Ends it as `kill -9` does: it finishes nothing and tells nobody.
    pub async fn kill(mut self) {
        self.0.kill().await.expect("it can be killed");
    }

    /// Waits for its end.
    pub async fn end(mut self) -> ExitStatus {
        self.0.wait().await.expect("it ends")
    }

    /// What it complains of when nobody reads what it prints.
    pub async fn unread(app: &TestApp, arguments: &[&str]) -> String {
        let child = Command::new(env!("CARGO_BIN_EXE_balance"))
            .args(arguments)
            .env_clear()
            .envs(app.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.expect("the program starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().await.expect("it ends");
        String::from_utf8(output.stderr).expect("it complains in text")
    }

    /// What it prints until its end, which must be a good one.
    pub async fn output(app: &TestApp, arguments: &[&str]) -> String {
        let command = Command::new(env!("CARGO_BIN_EXE_balance"))
            .args(arguments)
            .env_clear()
            .envs(app.environment())
            .stdin(Stdio::null())
            .output();
        let output = command.await.expect("the program runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).expect("it prints text")
    }
}
