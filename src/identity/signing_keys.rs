//! The keys that sign access tokens: Ed25519 pairs in the database, the private halves sealed.
//!
//! Keys follow each other. A new one is published a while before it signs, so that whoever keeps a copy of the published
//! set knows it in time, and the one before is believed until the last token it signed has expired. A process keeps the
//! keys for a few seconds, and looks again at once when a token names a key it does not know.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use entity::{SigningKeyId, signing_key};
use jsonwebtoken::{DecodingKey, EncodingKey};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, Insert, IntoActiveModel, QueryFilter, QueryOrder,
};
use tokio::sync::Mutex;

use crate::ctx::Handles;
use crate::error::{Error, Result};
use crate::secret::stored;

/// What the keys sign with, as a token names it.
pub(super) const ALGORITHM: &str = "EdDSA";
/// How long the keys are kept without looking again: how long a revoked key can still be believed.
const FRESH: Duration = Duration::from_secs(5);
/// How soon after a look an unknown key is worth another one.
const UNKNOWN: Duration = Duration::from_secs(1);
/// How long a new key is published before it signs: longer than the published set may be kept.
const LEAD: TimeDelta = TimeDelta::minutes(10);
/// How long after a key's last token has expired it is believed all the same: clocks differ.
const SLACK: TimeDelta = TimeDelta::minutes(1);
/// How long a key that is over is kept.
const KEEP: TimeDelta = TimeDelta::days(1);

/// A key pair, ready for use.
pub(super) struct Key {
    /// The `kid` of its tokens.
    pub id: SigningKeyId,
    /// Signs.
    pub signing: EncodingKey,
    /// Verifies.
    pub verifying: DecodingKey,
    public: Vec<u8>,
    signs_from: DateTime<Utc>,
    /// When it is no longer believed, once another one follows.
    until: Option<DateTime<Utc>>,
}

impl Key {
    fn is_believed(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// A key, without its halves.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// The `kid` of its tokens.
    pub id: SigningKeyId,
    /// When it begins to sign.
    pub signs_from: DateTime<Utc>,
    /// When it is no longer believed, once another one follows.
    pub until: Option<DateTime<Utc>>,
}

/// Keys in their order.
type Ring = Arc<Vec<Arc<Key>>>;

/// The keys as this process last saw them.
#[derive(Default)]
struct Keyring {
    seen: RwLock<Option<(Instant, Ring)>>,
    looking: Mutex<()>,
}

impl Keyring {
    fn within(&self, age: Duration) -> Option<Ring> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        let (at, keys) = seen.as_ref()?;
        (at.elapsed() < age).then(|| Arc::clone(keys))
    }

    fn keep(&self, keys: &Ring) {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        *seen = Some((Instant::now(), Arc::clone(keys)));
    }

    fn forget(&self) {
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The key that signs now. When there is none yet, it is made and stored with the unit of work that needs it.
pub(super) async fn signing(handles: &Handles, on: &impl ConnectionTrait) -> Result<Arc<Key>> {
    let now = handles.clock.now();
    let keyring = handles.kept.of::<Keyring>();
    let keys = match keyring.within(FRESH) {
        Some(keys) => keys,
        None => {
            let keys = Arc::new(load(handles, on).await?);
            if !keys.is_empty() {
                keyring.keep(&keys);
            }
            keys
        }
    };
    if let Some(key) = current(&keys, now) {
        return Ok(key);
    }
    // another process may be faster, and seal its key with one that this process does not have
    for _ in 0..5 {
        let generation = newest(on).await?.map_or(0, |key| key.generation) + 1;
        make(handles, generation, now, on).await?;
        // not kept: it is gone if the unit of work is
        if let Some(key) = current(&load(handles, on).await?, now) {
            return Ok(key);
        }
    }
    Err(Error::internal("no key signs access tokens"))
}

fn current(keys: &[Arc<Key>], now: DateTime<Utc>) -> Option<Arc<Key>> {
    let begun = |key: &&Arc<Key>| key.signs_from <= now && key.is_believed(now);
    keys.iter().rev().find(begun).cloned()
}

/// The key of an id, if what it signed is believed.
pub(super) async fn verifying(handles: &Handles, id: SigningKeyId) -> Result<Option<Arc<Key>>> {
    let now = handles.clock.now();
    let keyring = handles.kept.of::<Keyring>();
    let find = |keys: &[Arc<Key>]| {
        let it = keys.iter().find(|key| key.id == id && key.is_believed(now));
        it.cloned()
    };
    if let Some(keys) = keyring.within(FRESH)
        && let Some(key) = find(&keys)
    {
        return Ok(Some(key));
    }
    Ok(find(&look(handles, &keyring, UNKNOWN).await?))
}

/// The keys, looked up unless somebody did within `age`; one look at a time.
async fn look(handles: &Handles, keyring: &Keyring, age: Duration) -> Result<Ring> {
    let _turn = keyring.looking.lock().await;
    if let Some(keys) = keyring.within(age) {
        return Ok(keys);
    }
    let read = handles.db.read_across_tenants("signing keys").await?;
    let keys = Arc::new(load(handles, &read).await?);
    read.rollback().await?;
    keyring.keep(&keys);
    Ok(keys)
}

/// The keys whose tokens can be believed now or later, in their order.
async fn load(handles: &Handles, on: &impl ConnectionTrait) -> Result<Vec<Arc<Key>>> {
    let rows = signing_key::Entity::find()
        .filter(signing_key::Column::RevokedAt.is_null())
        .order_by_asc(signing_key::Column::Generation)
        .all(on)
        .await?;
    let after = TimeDelta::minutes(handles.config.access_token_minutes) + SLACK;
    let follows: Vec<_> = rows
        .iter()
        .skip(1)
        .map(|next| next.signs_from + after)
        .collect();
    let keys = rows.into_iter().enumerate().filter_map(|(at, row)| {
        let place = stored::SIGNING_KEY.of(row.id);
        let Ok(private) = handles.vault.open(&place, &row.private_key) else {
            tracing::warn!(key.id = %row.id, "A signing key was sealed with a key this process does not have");
            return None;
        };
        Some(Arc::new(Key {
            id: row.id,
            signing: EncodingKey::from_ed_der(&private),
            verifying: DecodingKey::from_ed_der(&row.public_key),
            public: row.public_key,
            signs_from: row.signs_from,
            until: follows.get(at).copied(),
        }))
    });
    Ok(keys.collect())
}

/// Stores a new pair, unless another process has stored one of this generation.
async fn make(
    handles: &Handles,
    generation: i64,
    signs_from: DateTime<Utc>,
    on: &impl ConnectionTrait,
) -> Result<()> {
    let pair = Ed25519KeyPair::generate().map_err(|_| Error::internal("no key was generated"))?;
    let private = pair
        .to_pkcs8()
        .map_err(|_| Error::internal("a new key cannot be written"))?;
    let id: SigningKeyId = handles.clock.id();
    let row = signing_key::Model {
        id,
        generation,
        algorithm: ALGORITHM.to_owned(),
        public_key: pair.public_key().as_ref().to_vec(),
        private_key: handles
            .vault
            .seal(&stored::SIGNING_KEY.of(id), private.as_ref()),
        created_at: handles.clock.now(),
        signs_from,
        revoked_at: None,
    };
    let raced = OnConflict::column(signing_key::Column::Generation)
        .do_nothing()
        .to_owned();
    Insert::<signing_key::ActiveModel>::one(row.into_active_model())
        .on_conflict(raced)
        .exec_without_returning(on)
        .await?;
    Ok(())
}

/// Adds a key that takes over soon; the one before is believed until its last token has expired. With `revoke` it takes
/// over at once and no earlier key is believed any more: every access token stops working, and clients refresh.
pub async fn rotate_signing_key(handles: &Handles, revoke: bool) -> Result<()> {
    let read = handles.db.read_across_tenants("signing keys").await?;
    let newest = newest(&read).await?;
    read.rollback().await?;
    follow(handles, newest.map_or(0, |key| key.generation), revoke).await
}

/// Adds the key after a generation, unless another process has done so.
#[tracing::instrument(skip(handles))]
async fn follow(handles: &Handles, generation: i64, revoke: bool) -> Result<()> {
    let now = handles.clock.now();
    let tx = handles
        .db
        .across_tenants("rotating the signing key")
        .await?;
    if revoke {
        signing_key::Entity::update_many()
            .col_expr(signing_key::Column::RevokedAt, Expr::value(now))
            .filter(signing_key::Column::RevokedAt.is_null())
            .exec(&tx)
            .await?;
    }
    let at_once = current(&load(handles, &tx).await?, now).is_none();
    let signs_from = if at_once { now } else { now + LEAD };
    make(handles, generation + 1, signs_from, &tx).await?;
    tx.commit().await?;
    handles.kept.of::<Keyring>().forget();
    if revoke {
        handles.standings.forget_all();
    }
    tracing::info!("A new key follows to sign access tokens");
    Ok(())
}

/// Adds a key when there is none, or when the newest is older than keys may be, and forgets keys that are long over.
/// Nothing to do in a deployment that signs with `JWT_SECRET`.
pub async fn keep_signing_keys(handles: &Handles) -> Result<()> {
    if handles.secrets.jwt().is_some() {
        return Ok(());
    }
    let now = handles.clock.now();
    let read = handles.db.read_across_tenants("signing keys").await?;
    let newest = newest(&read).await?;
    let keys = load(handles, &read).await?;
    read.rollback().await?;
    let oldest = now - TimeDelta::days(handles.config.token_key_days);
    let generation = newest.as_ref().map_or(0, |key| key.generation);
    let due = newest.is_none_or(|key| key.revoked_at.is_some() || key.signs_from < oldest);
    if due || keys.is_empty() {
        follow(handles, generation, false).await?;
    }
    let over = |key: &&Arc<Key>| key.until.is_some_and(|until| until + KEEP < now);
    let over: Vec<_> = keys.iter().filter(over).map(|key| key.id).collect();
    let revoked = signing_key::Column::RevokedAt.lt(now - KEEP);
    let tx = handles.db.across_tenants("forgetting signing keys").await?;
    let long_over = sea_orm::Condition::any()
        .add(signing_key::Column::Id.is_in(over))
        .add(revoked);
    signing_key::Entity::delete_many()
        .filter(long_over)
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// The keys whose tokens are believed now, or will be.
pub async fn signing_keys(handles: &Handles) -> Result<Vec<SigningKey>> {
    let now = handles.clock.now();
    let keys = look(handles, &handles.kept.of::<Keyring>(), FRESH).await?;
    let believed = keys.iter().filter(|key| key.is_believed(now));
    let seen = believed.map(|key| SigningKey {
        id: key.id,
        signs_from: key.signs_from,
        until: key.until,
    });
    Ok(seen.collect())
}

/// The public halves of these keys as a JSON Web Key Set (RFC 7517, RFC 8037). Empty in a deployment that signs with
/// `JWT_SECRET`, which nobody else may know.
pub async fn published_keys(handles: &Handles) -> Result<serde_json::Value> {
    if handles.secrets.jwt().is_some() {
        return Ok(serde_json::json!({ "keys": [] }));
    }
    let now = handles.clock.now();
    let keys = look(handles, &handles.kept.of::<Keyring>(), FRESH).await?;
    let believed = keys.iter().filter(|key| key.is_believed(now));
    let keys: Vec<_> = believed
        .map(|key| {
            serde_json::json!({
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": ALGORITHM, "kid": key.id,
                "x": BASE64_URL_SAFE_NO_PAD.encode(&key.public),
            })
        })
        .collect();
    Ok(serde_json::json!({ "keys": keys }))
}

async fn newest(on: &impl ConnectionTrait) -> Result<Option<signing_key::Model>> {
    Ok(signing_key::Entity::find()
        .order_by_desc(signing_key::Column::Generation)
        .one(on)
        .await?)
}
