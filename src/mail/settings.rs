//! Where mail goes, and from whom it comes.

use lettre::message::Mailbox;
use reqwest::Url;

use crate::config::Config;
use crate::error::{Error, Result};

/// Refuses settings that no mail could be sent with; for the start of a process.
pub fn check(config: &Config) -> Result<()> {
    from(config)?;
    server(config).map(drop)
}

/// Whether there is a mail server; a container passes what is not set on as nothing.
pub fn has_server(config: &Config) -> bool {
    set(&config.mail_url).is_some()
}

/// Refuses what needs mail where none is sent.
pub fn require(config: &Config) -> Result<()> {
    if has_server(config) || !config.is_production() {
        Ok(())
    } else {
        Err(Error::conflict(
            "this server sends no mail; whoever runs it can set MAIL_URL",
        ))
    }
}

/// The mail server, if there is one. `smtp` to another machine speaks TLS unless the address says `tls=none`: passwords
/// and links are not for the wire.
pub(super) fn server(config: &Config) -> Result<Option<Url>> {
    let Some(text) = set(&config.mail_url) else {
        return Ok(None);
    };
    // what is wrong with it is not told: it may hold a password
    let wrong = || {
        Error::invalid(
            "MAIL_URL",
            "cannot be read; smtps://USER:PASSWORD@HOST, or smtp://… with ?tls=required, opportunistic or none, is accepted",
        )
    };
    let mut url: Url = text.parse().map_err(|_| wrong())?;
    let tls = match url.query() {
        None => None,
        Some(query) => Some(query.strip_prefix("tls=").ok_or_else(wrong)?.to_owned()),
    };
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let query = match (url.scheme(), tls.as_deref()) {
        ("smtps", None) | ("smtp", Some("none")) => None,
        ("smtp", None) if local => None,
        ("smtp", None) => Some("tls=required"),
        ("smtp", Some("required")) => Some("tls=required"),
        ("smtp", Some("opportunistic")) => Some("tls=opportunistic"),
        _ => return Err(wrong()),
    };
    url.set_query(query);
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong());
    }
    Ok(Some(url))
}

/// Whom mail comes from: `MAIL_FROM`, or nobody at the public address.
pub(super) fn from(config: &Config) -> Result<Mailbox> {
    let text = match set(&config.mail_from) {
        Some(from) => from.to_owned(),
        None => format!("balance <no-reply@{}>", host(config)),
    };
    text.parse().map_err(|_| {
        Error::invalid(
            "MAIL_FROM",
            "is no address; `balance <books@example.com>` is accepted",
        )
    })
}

/// A setting that is there; `docker compose` passes those that are not as nothing.
fn set(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// The name of this server, as mail servers want it.
pub(super) fn host(config: &Config) -> String {
    let url = config.public_url().parse::<Url>().ok();
    url.as_ref()
        .and_then(Url::domain)
        .unwrap_or("localhost")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_url(url: &str) -> Result<Option<Url>> {
        let mut config = Config::development();
        config.mail_url = Some(url.to_owned());
        server(&config)
    }

    #[test]
    fn a_mail_server_elsewhere_is_spoken_to_in_private() {
        for (given, used) in [
            (
                "smtp://mail.example:587",
                "smtp://mail.example:587?tls=required",
            ),
            ("smtp://127.0.0.1:25", "smtp://127.0.0.1:25"),
            ("smtp://mailpit:1025?tls=none", "smtp://mailpit:1025"),
            ("smtps://u:p@mail.example", "smtps://u:p@mail.example"),
        ] {
            assert_eq!(with_url(given).unwrap().unwrap().as_str(), used);
        }
    }

    #[test]
    fn a_setting_that_is_wrong_is_named_and_not_shown() {
        for url in [
            "mail.example",
            "http://u:hush@mail.example",
            "smtp://u:hush@mail.example?tls=maybe",
            "smtps://u:hush@mail.example?tls=none",
            "smtp://u:hush@",
        ] {
            let refused = with_url(url).unwrap_err().to_string();
            assert!(refused.starts_with("MAIL_URL: "), "{refused}");
            assert!(!refused.contains("hush"), "{refused}");
        }
        let mut config = Config::development();
        config.mail_from = Some("balance <books@example.com>\r\nBcc: eve@example.com".to_owned());
        assert!(
            check(&config)
                .unwrap_err()
                .to_string()
                .contains("MAIL_FROM")
        );
    }

    #[test]
    fn where_none_is_sent_it_is_said() {
        let mut config = Config::development();
        assert!(require(&config).is_ok());
        config.environment = crate::config::Environment::Production;
        assert_eq!(require(&config).unwrap_err().code(), "CONFLICT");
        config.mail_url = Some(String::new());
        assert!(check(&config).is_ok() && require(&config).is_err());
        assert!(!has_server(&config), "invitations go without a mail");
        config.mail_url = Some("smtps://mail.example".to_owned());
        assert!(require(&config).is_ok() && has_server(&config));
    }
}
