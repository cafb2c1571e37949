//! Random tokens, their hashes, and encryption at rest.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// A random token of 256 bits, fit for a URL.
pub fn token() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// SHA-256: enough for tokens that are random themselves.
pub fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// A key that keeps secrets at rest: XChaCha20-Poly1305, one random nonce per value.
#[derive(Clone)]
pub struct Vault {
    cipher: XChaCha20Poly1305,
}

/// Names the key a value was sealed with, so that keys can be rotated later.
const KEY_ID: u8 = 1;

impl Vault {
    /// A vault under a 256-bit key.
    pub fn new(key: [u8; 32]) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(&key.into()),
        }
    }

    /// Seals a secret for one place: it opens only with the same `place`, so a row cannot be moved to another.
    /// Shape: key id (1 byte), nonce (24), ciphertext and tag.
    pub fn seal(&self, place: &str, secret: &[u8]) -> Vec<u8> {
        let nonce = rand::random::<[u8; 24]>();
        let payload = Payload {
            msg: secret,
            aad: place.as_bytes(),
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a secret is far smaller than the cipher's limit");
        [&[KEY_ID][..], &nonce, &sealed].concat()
    }

    /// Opens what [`seal`](Self::seal) made.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let broken = || Error::internal("a sealed value does not open with SECRET_KEY");
        let (&[KEY_ID], rest) = sealed.split_first_chunk::<1>().ok_or_else(broken)? else {
            return Err(broken());
        };
        let (nonce, ciphertext) = rest.split_first_chunk::<24>().ok_or_else(broken)?;
        let payload = Payload {
            msg: ciphertext,
            aad: place.as_bytes(),
        };
        self.cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| broken())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_in_its_place_only() {
        let vault = Vault::new([7; 32]);
        let sealed = vault.seal("connection:1", b"whsec_x");
        assert_eq!(vault.open("connection:1", &sealed).unwrap(), b"whsec_x");
        assert!(vault.open("connection:2", &sealed).is_err());
        assert!(Vault::new([8; 32]).open("connection:1", &sealed).is_err());
    }
}
