//! What remains of an erased tenant: where its log ended, under a seal that only this deployment can make.

use chrono::{DateTime, SecondsFormat, Utc};
use entity::{TenantId, tombstone};
use hmac::{Hmac, KeyInit, Mac};
use sea_orm::{EntityTrait, QueryOrder};
use sha2::Sha256;

use crate::config::Secrets;
use crate::ctx::Handles;
use crate::error::Result;

/// An erased tenant, and whether its tombstone is as it was put.
#[derive(Clone, Debug, PartialEq)]
pub struct Erased {
    /// What remains.
    pub tombstone: tombstone::Model,
    /// Whether nobody changed it.
    pub is_whole: bool,
}

/// The tenants that were erased, in that order.
pub async fn erased(handles: &Handles) -> Result<Vec<Erased>> {
    let read = handles.db.read_across_tenants("reading tombstones").await?;
    let stones = tombstone::Entity::find()
        .order_by_asc(tombstone::Column::ErasedAt)
        .order_by_asc(tombstone::Column::Id)
        .all(&read)
        .await?;
    read.rollback().await?;
    let told = stones.into_iter().map(|stone| {
        let made = mac(
            &handles.secrets,
            stone.id,
            stone.sequence,
            &stone.hash,
            stone.erased_at,
        );
        Erased {
            is_whole: made.verify_slice(&stone.seal).is_ok(),
            tombstone: stone,
        }
    });
    Ok(told.collect())
}

/// The seal of a tombstone.
pub(super) fn seal(
    secrets: &Secrets,
    id: TenantId,
    sequence: i64,
    hash: &[u8],
    erased_at: DateTime<Utc>,
) -> Vec<u8> {
    let mac = mac(secrets, id, sequence, hash, erased_at);
    mac.finalize().into_bytes().to_vec()
}

fn mac(
    secrets: &Secrets,
    id: TenantId,
    sequence: i64,
    hash: &[u8],
    erased_at: DateTime<Utc>,
) -> Hmac<Sha256> {
    let key = secrets.derive("tombstones");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
    mac.update(id.0.as_bytes());
    mac.update(&sequence.to_be_bytes());
    mac.update(hash);
    mac.update(
        erased_at
            .to_rfc3339_opts(SecondsFormat::Micros, true)
            .as_bytes(),
    );
    mac
}
