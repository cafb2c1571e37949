//! The signed token of a link: which thing, of which tenant, until when.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use entity::TenantId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// What a link lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The thing it is about; the key tells what kind of thing.
    pub thing: Uuid,
    /// Whose it is.
    pub tenant: TenantId,
    /// Until when it can be used.
    pub expires_at: DateTime<Utc>,
}

/// Bytes of an id, a tenant id and an instant in seconds.
const BODY: usize = 16 + 16 + 8;

impl Link {
    /// The token: base64url of the three and their HMAC-SHA256.
    pub fn sign(&self, key: &[u8; 32]) -> String {
        let mut token = Vec::with_capacity(BODY + 32);
        token.extend(self.thing.as_bytes());
        token.extend(self.tenant.0.as_bytes());
        token.extend(self.expires_at.timestamp().to_be_bytes());
        let signature = mac(key, &token).finalize().into_bytes();
        token.extend(signature.as_slice());
        BASE64_URL_SAFE_NO_PAD.encode(token)
    }

    /// Reads a token that was signed with this key, whether or not its time is over.
    pub fn read(token: &str, key: &[u8; 32]) -> Option<Self> {
        let token = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (body, signature) = token.split_at_checked(BODY)?;
        mac(key, body).verify_slice(signature).ok()?;
        let seconds = i64::from_be_bytes(body[32..].try_into().ok()?);
        Some(Self {
            thing: Uuid::from_slice(&body[..16]).ok()?,
            tenant: TenantId(Uuid::from_slice(&body[16..32]).ok()?),
            expires_at: DateTime::from_timestamp(seconds, 0)?,
        })
    }
}

fn mac(key: &[u8; 32], body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_reads_back_and_a_changed_one_does_not() {
        let link = Link {
            thing: Uuid::from_u128(1),
            tenant: TenantId(Uuid::from_u128(2)),
            expires_at: DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
        };
        let token = link.sign(&[7; 32]);
        assert_eq!(Link::read(&token, &[7; 32]), Some(link));
        assert_eq!(Link::read(&token, &[8; 32]), None);
        let other = Link {
            tenant: TenantId(Uuid::from_u128(3)),
            ..link
        };
        let forged = format!("{}{}", &other.sign(&[8; 32])[..53], &token[53..]);
        assert_eq!(Link::read(&forged, &[7; 32]), None);
        assert_eq!(Link::read("", &[7; 32]), None);
        assert_eq!(Link::read(&token[..60], &[7; 32]), None);
    }
}
