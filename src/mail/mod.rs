//! Mail that balance sends: plain text to one address, by a job, so that no request waits for a mail server.
//!
//! A mail is asked for in the transaction of what it tells about ([`enqueue`]) and leaves after it. Its text holds
//! links that open doors and the address of a person, so it waits sealed in the queue, and is wiped there once it left.
//! `MAIL_URL` says where it goes. Without it, development writes it to `DATA_DIR/mails`, and any other place sends
//! none and says so ([`require`]).

mod compose;
mod deliver;
mod send;
mod settings;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
pub use send::{give_up, send, wipe};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
pub use settings::{check, has_server, require};

use crate::ctx::{Job, Tx};
use crate::error::{Error, Result};
use crate::secret::{Vault, stored};

/// A mail to one person.
#[derive(Clone, Serialize, Deserialize)]
pub struct Message {
    /// The address it goes to.
    pub to: String,
    /// What it is about, on one line.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// Wants a mail sent once the unit of work has committed. An address or a subject that could be read as more than one
/// line is refused here, where the caller can still say so.
pub fn enqueue(tx: &mut Tx<'_>, message: Message) -> Result<()> {
    require(tx.ctx().config())?;
    compose::check(&message)?;
    let sealed = seal(&tx.ctx().handles().vault, &message)?;
    tx.enqueue(Job::SendMail { sealed });
    Ok(())
}

/// Seals what waits in the queue: a mail, or whom one is to be written to.
pub fn seal(vault: &Vault, what: &impl Serialize) -> Result<String> {
    let plain = serde_json::to_vec(what)?;
    Ok(BASE64_STANDARD.encode(vault.seal(&stored::MAIL.anywhere(), &plain)))
}

/// Opens what [`seal`] made.
pub fn open<T: DeserializeOwned>(vault: &Vault, sealed: &str) -> Result<T> {
    let sealed = BASE64_STANDARD.decode(sealed).map_err(Error::internal)?;
    let plain = vault.open(&stored::MAIL.anywhere(), &sealed)?;
    Ok(serde_json::from_slice(&plain)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_waits_sealed() {
        let vault = Vault::new([7; 32]);
        let message = Message {
            to: "ada@example.com".to_owned(),
            subject: "Hello".to_owned(),
            text: "https://example.com/?token=secret".to_owned(),
        };
        let sealed = seal(&vault, &message).unwrap();
        assert!(!sealed.contains("ada") && !sealed.contains("secret"));
        let opened: Message = open(&vault, &sealed).unwrap();
        assert_eq!(opened.text, message.text);
        assert!(open::<Message>(&Vault::new([8; 32]), &sealed).is_err());
    }
}
