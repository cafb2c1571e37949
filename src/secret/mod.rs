//! Random tokens, their hashes, and encryption at rest.
//!
//! What must be read again, such as the secret a webhook is signed with, is sealed by the [`Vault`]. The kinds of such
//! secrets are listed in [`stored`]; nothing else can be sealed, so a rotation of the keys finds all of them.

pub mod stored;
mod vault;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

pub use stored::{Form, Place, Stored};
pub use vault::{KeyId, Vault};

/// A random token of 256 bits, fit for a URL.
pub fn token() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// SHA-256: enough for tokens that are random themselves.
pub fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// Whether two secrets are the same, in a time that tells nothing about where they differ.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    let different = a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b));
    a.len() == b.len() && std::hint::black_box(different) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_the_same_only_when_every_byte_is() {
        assert!(same(b"abc", b"abc"));
        for other in [&b"abd"[..], b"ab", b"abcd", b""] {
            assert!(!same(b"abc", other));
        }
    }
}
