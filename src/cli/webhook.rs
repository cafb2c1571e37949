//! `balance webhook`.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::integrations::webhook::sign;
use crate::outbound;

#[derive(Subcommand)]
pub(super) enum Webhook {
    /// Sign a sample and post it to a connection, as a sender would.
    Send {
        /// The connection's id, as `createConnection` answered it.
        #[arg(long)]
        connection: String,
        /// Its secret, as it was shown once (`whsec_…`).
        #[arg(long)]
        secret: String,
        /// The server; this configuration's when absent.
        #[arg(long)]
        url: Option<String>,
        /// A file with the JSON body to send; a sample of one payment when absent.
        #[arg(long)]
        body: Option<std::path::PathBuf>,
    },
}

impl Webhook {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode> {
        let Self::Send {
            connection,
            secret,
            url,
            body,
        } = self;
        let clock = Clock::system();
        let id = format!("msg_{}", clock.id::<uuid::Uuid>().simple());
        let body = match body {
            Some(path) => std::fs::read_to_string(&path).map_err(|error| {
                Error::invalid(
                    "--body",
                    format!("{} cannot be read: {error}", path.display()),
                )
            })?,
            None => sample(&id, &clock),
        };
        let timestamp = clock.now().timestamp();
        let signature = sign(&secret, &id, timestamp, body.as_bytes())
            .map_err(|error| Error::invalid("--secret", error.to_string()))?;
        let base = url.unwrap_or_else(|| config.public_url());
        let url = format!(
            "{}/api/v1/webhooks/{connection}",
            base.trim_end_matches('/')
        );
        let sent = outbound::client()
            .post(&url)
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body.clone())
            .send()
            .await;
        let answer = sent
            .map_err(|error| Error::invalid("--url", format!("{url} did not answer: {error}")))?;
        let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
        println!("POST {url}\n{body}\n\n{status}\n{text}");
        Ok(if status.is_success() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

fn sample(id: &str, clock: &Clock) -> String {
    json!({
        "type": "transactions.created",
        "data": [{
            "externalId": id,
            "occurredOn": clock.today(),
            "amount": "-12.50",
            "currency": "EUR",
            "description": "POS 4411 BLUE BOTTLE COFFEE",
            "account": "webhook-demo",
        }],
    })
    .to_string()
}
