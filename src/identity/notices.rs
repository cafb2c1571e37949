//! What is mailed to a person about their account. Nothing that anybody wrote stands in it but the address it goes to.

use crate::config::Config;
use crate::ctx::Tx;
use crate::error::{Error, Result};
use crate::mail::{self, Message};

const UNASKED: &str = "If you did not ask for this, do nothing: it changes nothing.";
const NOT_YOU: &str =
    "If this was not you, ask for a new password at once, and tell whoever runs your books.";

/// The link to a new password.
pub(super) fn reset_link(config: &Config, to: &str, token: &str) -> Message {
    message(
        to,
        "Your new password",
        &[
            "Somebody asked for a new password for this address. Set it here, within an hour:",
            &link(config, "reset-password", token),
            UNASKED,
        ],
    )
}

/// The link that proves an address.
pub(super) fn verification_link(config: &Config, to: &str, token: &str) -> Message {
    message(
        to,
        "Is this your address?",
        &[
            "Please confirm that this is your address, within a day:",
            &link(config, "verify-email", token),
            UNASKED,
        ],
    )
}

/// The password was changed, or set anew.
pub(super) fn password_changed(to: &str) -> Message {
    message(
        to,
        "Your password was changed",
        &["The password of your account was changed.", NOT_YOU],
    )
}

/// The address was changed; to the one before.
pub(super) fn email_changed(to: &str) -> Message {
    message(
        to,
        "Your address was changed",
        &[
            "Your account has another address now. This one is no longer used.",
            NOT_YOU,
        ],
    )
}

/// The authenticator app was put on.
pub(super) fn second_factor_on(to: &str) -> Message {
    message(
        to,
        "Your authenticator app is in use",
        &[
            "From now on a code of your authenticator app is asked for when you sign in.",
            NOT_YOU,
        ],
    )
}

/// The authenticator app was taken off.
pub(super) fn second_factor_off(to: &str) -> Message {
    message(
        to,
        "Your authenticator app is out of use",
        &["No code is asked for any more when you sign in.", NOT_YOU],
    )
}

/// A recovery code let somebody in.
pub(super) fn recovery_code_used(to: &str, left: u64) -> Message {
    message(
        to,
        "A recovery code was used",
        &[
            "Somebody signed in with one of your recovery codes.",
            &format!("Codes that are left: {left}."),
            NOT_YOU,
        ],
    )
}

/// Tells a person what happened, where mail is sent and their address takes any. What happened, happened without it.
pub(super) fn tell(tx: &mut Tx<'_>, notice: Message) -> Result<()> {
    match mail::enqueue(tx, notice) {
        Err(Error::Invalid { .. } | Error::Conflict(_)) => Ok(()),
        told => told,
    }
}

fn link(config: &Config, page: &str, token: &str) -> String {
    format!("{}/{page}?token={token}", config.public_url())
}

fn message(to: &str, subject: &str, paragraphs: &[&str]) -> Message {
    Message {
        to: to.to_owned(),
        subject: subject.to_owned(),
        text: format!("{}\n", paragraphs.join("\n\n")),
    }
}
