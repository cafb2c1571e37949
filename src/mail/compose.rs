//! From what is to be said to the lines that a mail server takes.

use chrono::{DateTime, Utc};
use entity::JobId;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::{Address, Message as Mail};

use super::{Message, settings};
use crate::config::Config;
use crate::error::{Error, Result};

const MAX_SUBJECT: usize = 200;

/// Refuses what is no mail to one person: the address is parsed, never pasted, and nothing in a header breaks a line.
pub(super) fn check(message: &Message) -> Result<Address> {
    let to = message.to.parse::<Address>().map_err(|_| {
        Error::invalid(
            "email",
            "takes no mail; an address such as ada@example.com is accepted",
        )
    })?;
    let subject = &message.subject;
    if subject.is_empty()
        || subject.chars().count() > MAX_SUBJECT
        || subject.chars().any(char::is_control)
    {
        return Err(Error::internal("the subject of a mail is not one line"));
    }
    Ok(to)
}

/// The mail as it travels. Its id is that of the job, so that one that was sent twice is shown once.
pub(super) fn compose(
    config: &Config,
    message: &Message,
    job: JobId,
    now: DateTime<Utc>,
) -> Result<Mail> {
    let to = check(message)?;
    // no answer is expected, and no holiday note either (RFC 3834)
    let automatic = HeaderValue::new(
        HeaderName::new_from_ascii_str("Auto-Submitted"),
        "auto-generated".to_owned(),
    );
    Mail::builder()
        .from(settings::from(config)?)
        .to(Mailbox::new(None, to))
        .subject(&message.subject)
        .date(now.into())
        .message_id(Some(format!("<{job}@{}>", settings::host(config))))
        .raw_header(automatic)
        .header(ContentType::TEXT_PLAIN)
        .body(message.text.clone())
        .map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn message(to: &str, subject: &str) -> Message {
        Message {
            to: to.to_owned(),
            subject: subject.to_owned(),
            text: "Grüße\r\n.\r\nBcc: eve@example.com\n".to_owned(),
        }
    }

    #[test]
    fn nothing_that_somebody_wrote_becomes_a_header() {
        for to in [
            "ada@example.com\r\nBcc: eve@example.com",
            "ada@example.com\nBcc: eve@example.com",
            "ada@example.com, eve@example.com",
            "ada@example.com>\r\nRCPT TO:<eve@example.com",
            "Ada <ada@example.com>",
            "ada",
            "",
        ] {
            assert_eq!(
                check(&message(to, "Hello")).unwrap_err().code(),
                "BAD_USER_INPUT",
                "{to:?}"
            );
        }
        for subject in [
            "Hello\r\nBcc: eve@example.com",
            "Hello\u{b}",
            "",
            &"x".repeat(201),
        ] {
            assert!(
                check(&message("ada@example.com", subject)).is_err(),
                "{subject:?}"
            );
        }
    }

    #[test]
    fn a_mail_says_who_wrote_it_and_to_whom() {
        let mut config = Config::development();
        config.public_url = Some("https://books.example.com/".to_owned());
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let job = JobId(Uuid::from_u128(7));
        let mail = compose(
            &config,
            &message("ada@example.com", "Zürich\u{a0}=?x"),
            job,
            now,
        );
        let lines = String::from_utf8(mail.unwrap().formatted()).unwrap();
        let (head, body) = lines.split_once("\r\n\r\n").unwrap();
        for line in [
            "From: balance <no-reply@books.example.com>",
            "To: ada@example.com",
            "Auto-Submitted: auto-generated",
            "Message-ID: <00000000-0000-0000-0000-000000000007@books.example.com>",
        ] {
            assert!(head.lines().any(|found| found == line), "{line}: {head}");
        }
        assert!(head.contains("Subject: =?utf-8?b?"), "{head}");
        assert!(!head.contains("Bcc"), "{head}");
        assert!(!body.contains("\n.\r\n") || body.contains("Bcc"), "{body}");
    }
}
