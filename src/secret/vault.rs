//! The vault: XChaCha20-Poly1305, one random nonce per value, and the name of the key beside it.

use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

use super::Place;
use crate::error::{Error, Result};

/// Values before keys had names: nonce and ciphertext follow at once.
const UNNAMED: u8 = 1;
/// Values of today: the name of the key comes first.
const NAMED: u8 = 2;
const NONCE: usize = 24;

/// The name of a key: the beginning of a hash of it, which tells nothing about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

impl KeyId {
    fn of(key: &[u8; 32]) -> Self {
        let hash = Sha256::new()
            .chain_update(b"name of a data key")
            .chain_update(key)
            .finalize();
        Self([hash[0], hash[1], hash[2], hash[3]])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Keeps secrets at rest. It seals with one key and opens with that one and those before it.
#[derive(Clone)]
pub struct Vault {
    keys: Vec<(KeyId, XChaCha20Poly1305)>,
}

impl Vault {
    /// A vault under a 256-bit key.
    pub fn new(key: [u8; 32]) -> Self {
        Self::with_previous(key, [])
    }

    /// A vault under a key that also opens what was sealed under others.
    pub fn with_previous(key: [u8; 32], previous: impl IntoIterator<Item = [u8; 32]>) -> Self {
        let mut keys: Vec<(KeyId, XChaCha20Poly1305)> = Vec::new();
        for key in std::iter::once(key).chain(previous) {
            let id = KeyId::of(&key);
            if !keys.iter().any(|(known, _)| *known == id) {
                keys.push((id, XChaCha20Poly1305::new(&key.into())));
            }
        }
        Self { keys }
    }

    /// The key that seals.
    pub fn current(&self) -> KeyId {
        self.keys[0].0
    }

    /// Whether what was sealed under a key can be opened.
    pub fn knows(&self, key: KeyId) -> bool {
        self.keys.iter().any(|(id, _)| *id == key)
    }

    /// Seals a secret for one place. Shape: 2, the name of the key (4 bytes), nonce (24), ciphertext and tag.
    pub fn seal(&self, place: &Place, secret: &[u8]) -> Vec<u8> {
        let nonce = rand::random::<[u8; NONCE]>();
        let (id, cipher) = &self.keys[0];
        let payload = Payload {
            msg: secret,
            aad: place.bytes(),
        };
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a secret is far smaller than the cipher's limit");
        [&[NAMED][..], &id.0, &nonce, &sealed].concat()
    }

    /// Opens what [`seal`](Self::seal) made for that place.
    pub fn open(&self, place: &Place, sealed: &[u8]) -> Result<Vec<u8>> {
        self.unseal(place, sealed).map(|(_, secret)| secret)
    }

    /// The key a value is sealed under. One from before keys had names is opened to find out.
    pub fn key_of(&self, place: &Place, sealed: &[u8]) -> Result<KeyId> {
        match Sealed::read(sealed) {
            Some(Sealed { key: Some(key), .. }) => Ok(key),
            _ => self.unseal(place, sealed).map(|(key, _)| key),
        }
    }

    /// The value under today's key; nothing when it is already.
    pub fn reseal(&self, place: &Place, sealed: &[u8]) -> Result<Option<Vec<u8>>> {
        if Sealed::read(sealed).is_some_and(|sealed| sealed.key == Some(self.current())) {
            return Ok(None);
        }
        let secret = self.open(place, sealed)?;
        Ok(Some(self.seal(place, &secret)))
    }

    fn unseal(&self, place: &Place, sealed: &[u8]) -> Result<(KeyId, Vec<u8>)> {
        let sealed =
            Sealed::read(sealed).ok_or_else(|| Error::internal("a sealed value is damaged"))?;
        let mut fitting = self
            .keys
            .iter()
            .filter(|(id, _)| sealed.key.is_none_or(|key| key == *id))
            .peekable();
        if let (Some(key), None) = (sealed.key, fitting.peek()) {
            return Err(Error::internal(format!(
                "a value is sealed under key {key}, which is neither DATA_KEY nor in DATA_KEY_PREVIOUS"
            )));
        }
        fitting
            .find_map(|(id, cipher)| {
                let payload = Payload {
                    msg: sealed.ciphertext,
                    aad: place.bytes(),
                };
                let secret = cipher.decrypt(&XNonce::from(sealed.nonce), payload).ok()?;
                Some((*id, secret))
            })
            .ok_or_else(|| {
                Error::internal("a sealed value does not open: another key, or another place")
            })
    }
}

struct Sealed<'a> {
    key: Option<KeyId>,
    nonce: [u8; NONCE],
    ciphertext: &'a [u8],
}

impl<'a> Sealed<'a> {
    fn read(sealed: &'a [u8]) -> Option<Self> {
        let (shape, rest) = sealed.split_first()?;
        let (key, rest) = match *shape {
            UNNAMED => (None, rest),
            NAMED => {
                let (key, rest) = rest.split_first_chunk::<4>()?;
                (Some(KeyId(*key)), rest)
            }
            _ => return None,
        };
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>()?;
        Some(Self {
            key,
            nonce: *nonce,
            ciphertext,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::stored::CONNECTION;

    #[test]
    fn a_sealed_secret_opens_in_its_place_only() {
        let vault = Vault::new([7; 32]);
        let sealed = vault.seal(&CONNECTION.of(1), b"whsec_x");
        assert_eq!(vault.open(&CONNECTION.of(1), &sealed).unwrap(), b"whsec_x");
        assert!(vault.open(&CONNECTION.of(2), &sealed).is_err());
        assert!(
            Vault::new([8; 32])
                .open(&CONNECTION.of(1), &sealed)
                .is_err()
        );
        for length in 0..sealed.len() {
            assert!(vault.open(&CONNECTION.of(1), &sealed[..length]).is_err());
        }
    }

    #[test]
    fn a_key_that_was_replaced_still_opens_and_is_replaced_in_the_value() {
        let place = CONNECTION.of(1);
        let old = Vault::new([7; 32]);
        let new = Vault::with_previous([8; 32], [[7; 32]]);
        let sealed = old.seal(&place, b"secret");
        assert_eq!(new.open(&place, &sealed).unwrap(), b"secret");
        assert_eq!(new.key_of(&place, &sealed).unwrap(), old.current());

        let resealed = new.reseal(&place, &sealed).unwrap().unwrap();
        assert_eq!(
            Vault::new([8; 32]).open(&place, &resealed).unwrap(),
            b"secret"
        );
        assert!(new.reseal(&place, &resealed).unwrap().is_none());
        let unknown = old.open(&place, &resealed).unwrap_err();
        let why = std::error::Error::source(&unknown).unwrap().to_string();
        assert!(why.contains(&new.current().to_string()), "{why}");
    }

    #[test]
    fn values_from_before_keys_had_names_open() {
        let place = CONNECTION.of(1);
        let vault = Vault::new([7; 32]);
        let sealed = vault.seal(&place, b"secret");
        let unnamed = [&[UNNAMED][..], &sealed[5..]].concat();
        let later = Vault::with_previous([8; 32], [[7; 32]]);
        assert_eq!(later.open(&place, &unnamed).unwrap(), b"secret");
        assert_eq!(later.key_of(&place, &unnamed).unwrap(), vault.current());
        assert!(later.reseal(&place, &unnamed).unwrap().is_some());
        assert!(Vault::new([8; 32]).open(&place, &unnamed).is_err());
    }
}
