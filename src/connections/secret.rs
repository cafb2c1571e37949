//! The signing secret of a connection: made here, shown once, kept sealed.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use entity::{ConnectionId, connection_key};

use crate::error::{Error, Result};
use crate::secret::Vault;
use crate::secret::stored::CONNECTION;

/// How long the secret before a rotation is accepted.
pub const ROTATION_HOURS: i64 = 24;

/// A new secret in the form senders know: `whsec_` and base64 of 256 random bits.
pub(super) fn generate() -> String {
    format!(
        "whsec_{}",
        BASE64_STANDARD.encode(rand::random::<[u8; 32]>())
    )
}

/// The secret as it is stored: it opens for its own connection only.
pub(super) fn seal(vault: &Vault, connection: ConnectionId, secret: &str) -> Vec<u8> {
    vault.seal(&CONNECTION.of(connection), secret.as_bytes())
}

/// The secrets that are accepted at an instant.
pub(super) fn accepted(
    vault: &Vault,
    key: &connection_key::Model,
    now: DateTime<Utc>,
) -> Result<Vec<String>> {
    let previous = key.previous_secret.as_ref();
    let previous = previous.filter(|_| key.previous_until.is_some_and(|until| now < until));
    [Some(&key.secret), previous]
        .into_iter()
        .flatten()
        .map(|sealed| {
            let secret = vault.open(&CONNECTION.of(key.connection_id), sealed)?;
            String::from_utf8(secret).map_err(Error::internal)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use entity::TenantId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_secret_before_a_rotation_is_accepted_for_a_while() {
        let vault = Vault::new([7; 32]);
        let connection_id = ConnectionId(Uuid::from_u128(1));
        let until = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let key = connection_key::Model {
            connection_id,
            tenant_id: TenantId(Uuid::from_u128(2)),
            secret: seal(&vault, connection_id, "new"),
            previous_secret: Some(seal(&vault, connection_id, "old")),
            previous_until: Some(until),
            disabled_at: None,
        };
        let before = accepted(&vault, &key, until - TimeDelta::seconds(1)).unwrap();
        assert_eq!(before, ["new", "old"]);
        assert_eq!(accepted(&vault, &key, until).unwrap(), ["new"]);
    }

    #[test]
    fn a_secret_signs() {
        let secret = generate();
        assert!(crate::integrations::webhook::sign(&secret, "id", 0, b"").is_ok());
        assert_ne!(secret, generate());
    }
}
