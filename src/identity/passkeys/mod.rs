//! Passkeys: signing in with a device that checks who holds it, and nothing to type, to leak or to phish.
//!
//! Adding one and signing in take two requests each. The first makes a challenge, which is kept here and can be answered
//! once; the second brings the answer of the authenticator. The ceremonies themselves are those of `webauthn-rs`. A
//! passkey always verifies its holder, by finger, face or PIN, so that it counts as two factors. It is discoverable: the
//! answer says whose it is, and nobody types an address.

mod challenge;
mod find;
mod register;
mod relying_party;
mod remove;
mod rename;
mod sign_in;

pub use find::{Passkey, list as list_passkeys};
pub use register::{finish as finish_registration, start as start_registration};
pub use relying_party::check;
pub use remove::remove as remove_passkey;
pub use rename::rename as rename_passkey;
pub use sign_in::{Shown, finish as finish_sign_in, start as start_sign_in};

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};

/// The most bytes an answer of an authenticator may have.
const MAX_BYTES: usize = 64 * 1024;

/// The one answer to everything that is wrong with what an authenticator said: what exactly, only an attacker could use.
const REFUSED: &str =
    "is not accepted: the passkey is not known here, or it did not answer this challenge";

/// What an authenticator is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Names the challenge; its answer brings it along.
    pub token: String,
    /// What to hand to the browser.
    pub options: Value,
    /// When the challenge stops being good.
    pub expires_at: DateTime<Utc>,
}

/// What an authenticator said, as the browser wrote it down.
fn read<T: DeserializeOwned>(credential: Value) -> Result<T> {
    let unreadable = || {
        Error::invalid(
            "credential",
            "cannot be read; send what toJSON() of the browser's PublicKeyCredential answers",
        )
    };
    if credential.to_string().len() > MAX_BYTES {
        return Err(unreadable());
    }
    serde_json::from_value(credential).map_err(|_| unreadable())
}

fn refused() -> Error {
    Error::invalid("credential", REFUSED)
}
