//! An authenticator app, as somebody has it on their phone.

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// An app with one account.
pub struct AuthenticatorApp {
    seed: Vec<u8>,
}

impl AuthenticatorApp {
    /// An app that scanned an `otpauth:` address.
    pub fn scan(uri: &str) -> Self {
        let uri: reqwest::Url = uri.parse().expect("it is an address");
        assert_eq!((uri.scheme(), uri.host_str()), ("otpauth", Some("totp")));
        let mut pairs = uri.query_pairs();
        let secret = pairs.find(|(name, _)| name == "secret");
        let (_, secret) = secret.expect("it holds a secret");
        let seed = BASE32_NOPAD.decode(secret.as_bytes());
        Self {
            seed: seed.expect("it is base32"),
        }
    }

    /// The code it shows.
    pub fn code(&self, now: DateTime<Utc>) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.seed).expect("any length");
        mac.update(&(now.timestamp() / 30).to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let at = usize::from(digest[19] & 15);
        let word = u32::from_be_bytes(digest[at..at + 4].try_into().expect("four bytes"));
        format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
    }
}
