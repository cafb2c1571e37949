//! Handing a mail over: to a mail server, or to a folder where there is none.

use std::time::Duration;

use entity::JobId;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Category, Severity};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};
use reqwest::Url;
use tokio::io::AsyncWriteExt;

use super::settings;
use crate::config::Config;
use crate::error::{Error, Result, Source};

/// How long the server may take for each answer, and for all of them.
const PATIENCE: Duration = Duration::from_secs(10);
const PATIENCE_IN_ALL: Duration = Duration::from_secs(30);

/// What came of handing a mail over.
pub(super) enum Delivered {
    /// It is on its way.
    Sent,
    /// The server will never take it; its code.
    Refused(String),
}

/// Hands a mail over. An error is worth another attempt.
pub(super) async fn deliver(config: &Config, job: JobId, mail: Mail) -> Result<Delivered> {
    match settings::server(config)? {
        Some(server) => match over_smtp(config, &server, mail).await {
            Ok(()) => Ok(Delivered::Sent),
            Err(error) => judge(&error),
        },
        None => {
            settings::require(config)?;
            into_folder(config, job, &mail).await?;
            Ok(Delivered::Sent)
        }
    }
}

async fn over_smtp(config: &Config, server: &Url, mail: Mail) -> Result<(), Failure> {
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(server.as_str())?
        .hello_name(ClientId::Domain(settings::host(config)))
        .timeout(Some(PATIENCE))
        .build();
    match tokio::time::timeout(PATIENCE_IN_ALL, transport.send(mail)).await {
        Ok(sent) => Ok(sent.map(drop)?),
        Err(_) => Err(Failure::Slow),
    }
}

enum Failure {
    Smtp(SmtpError),
    Slow,
}

impl From<SmtpError> for Failure {
    fn from(error: SmtpError) -> Self {
        Self::Smtp(error)
    }
}

/// Whether another attempt can help. The server's own words are left out: they repeat the address.
fn judge(failure: &Failure) -> Result<Delivered> {
    let error = match failure {
        Failure::Slow => return Err(upstream("it took too long")),
        Failure::Smtp(error) => error,
    };
    let Some(code) = error.status() else {
        let reason = match std::error::Error::source(error) {
            Some(source) if !error.is_response() => source.to_string(),
            _ => "it answered nonsense".to_owned(),
        };
        return Err(upstream(reason));
    };
    let said = format!("it answered {code}");
    // 55x is about this mail; 53x is about us, and somebody may put that right
    match (code.severity, code.category) {
        (Severity::PermanentNegativeCompletion, Category::MailSystem) => {
            Ok(Delivered::Refused(said))
        }
        _ => Err(upstream(said)),
    }
}

fn upstream(reason: impl Into<Source>) -> Error {
    Error::Upstream {
        provider: "the mail server",
        source: reason.into(),
    }
}

/// Keeps a mail as a file that its owner can open with a mail program.
async fn into_folder(config: &Config, job: JobId, mail: &Mail) -> Result<()> {
    let folder = config.data_dir.join("mails");
    tokio::fs::create_dir_all(&folder)
        .await
        .map_err(Error::internal)?;
    let path = folder.join(format!("{job}.eml"));
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    // it holds links that let people in
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(&path).await.map_err(Error::internal)?;
    file.write_all(&mail.formatted())
        .await
        .map_err(Error::internal)?;
    file.flush().await.map_err(Error::internal)?;
    tracing::info!(path = %path.display(), "A mail was written to {}", path.display());
    Ok(())
}
