//! What a client holds: a short access token that says who it is, and a refresh token that gets the next pair.
//!
//! The access token is a JWT (RFC 9068), signed with Ed25519, or with HS256 where `JWT_SECRET` is set: a deployment has one
//! algorithm, and a token cannot choose. It is good for minutes, and names a session that can be ended at any time. The refresh
//! token is `{session}.{nonce and seal}`: the seal proves that balance made it for that session, so that an old one
//! can be told from an invention however often it was rotated since. The next token follows from the one before it and
//! a key, so two tabs that refresh at the same time receive the same one.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use entity::{SessionId, SigningKeyId, TenantId, UserId};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use super::signing_keys;
use crate::ctx::Handles;
use crate::error::{Error, Result};

const AUDIENCE: &str = "balance";
const TYPE: &str = "at+jwt";
/// The longest bearer that is looked at.
const MAX_BYTES: usize = 4_096;
const NONCE: usize = 32;

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    tid: Uuid,
    sid: Uuid,
    iat: i64,
    exp: i64,
}

/// What an access token says, once it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who.
    pub user: UserId,
    /// In which tenant.
    pub tenant: TenantId,
    /// By which sign-in.
    pub session: SessionId,
    /// When it stops being good.
    pub expires_at: DateTime<Utc>,
}

/// Writes an access token, and tells when it stops being good.
pub async fn write(
    handles: &Handles,
    on: &impl ConnectionTrait,
    user: UserId,
    tenant: TenantId,
    session: SessionId,
) -> Result<(String, DateTime<Utc>)> {
    let now = handles.clock.now();
    let expires_at = now + TimeDelta::minutes(handles.config.access_token_minutes);
    let claims = Claims {
        iss: handles.config.issuer(),
        aud: AUDIENCE.to_owned(),
        sub: user.0,
        tid: tenant.0,
        sid: session.0,
        iat: now.timestamp(),
        exp: expires_at.timestamp(),
    };
    let header = |algorithm| Header {
        typ: Some(TYPE.to_owned()),
        ..Header::new(algorithm)
    };
    let token = match handles.secrets.jwt() {
        Some(secret) => {
            let key = EncodingKey::from_secret(secret);
            jsonwebtoken::encode(&header(Algorithm::HS256), &claims, &key)
        }
        None => {
            let key = signing_keys::signing(handles, on).await?;
            let mut header = header(Algorithm::EdDSA);
            header.kid = Some(key.id.to_string());
            jsonwebtoken::encode(&header, &claims, &key.signing)
        }
    };
    let token = token.map_err(Error::internal)?;
    Ok((token, expires_at))
}

const BROKEN: Error = Error::Unauthenticated("the access token is not valid; sign in again");

/// Refuses what is too long to be a token.
pub(super) fn check_length(bearer: &str) -> Result<()> {
    if bearer.len() > MAX_BYTES {
        return Err(BROKEN);
    }
    Ok(())
}

/// Reads an access token: made by balance, for balance, and not expired by the clock that was given.
pub async fn read(handles: &Handles, bearer: &str) -> Result<Access> {
    check_length(bearer)?;
    // the key says how it is used, not the token
    let (algorithm, key) = match handles.secrets.jwt() {
        Some(secret) => (Algorithm::HS256, DecodingKey::from_secret(secret)),
        None => {
            let header = jsonwebtoken::decode_header(bearer).map_err(|_| BROKEN)?;
            let id = header.kid.and_then(|id| Uuid::try_parse(&id).ok());
            let id = SigningKeyId(id.ok_or(BROKEN)?);
            let key = signing_keys::verifying(handles, id).await?;
            (Algorithm::EdDSA, key.ok_or(BROKEN)?.verifying.clone())
        }
    };
    let mut rules = Validation::new(algorithm);
    rules.set_issuer(&[handles.config.issuer()]);
    rules.set_audience(&[AUDIENCE]);
    rules.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    // the library would ask the machine for the time
    rules.validate_exp = false;
    let token = jsonwebtoken::decode::<Claims>(bearer, &key, &rules).map_err(|_| BROKEN)?;
    if token.header.typ.as_deref() != Some(TYPE) {
        return Err(BROKEN);
    }
    let claims = token.claims;
    let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(BROKEN)?;
    if expires_at <= handles.clock.now() {
        return Err(Error::Unauthenticated(
            "the access token has expired; refresh it",
        ));
    }
    Ok(Access {
        user: claims.sub.into(),
        tenant: claims.tid.into(),
        session: claims.sid.into(),
        expires_at,
    })
}

/// A refresh token that balance made for a session; whether it is still in force, the session tells.
#[derive(Clone)]
pub struct Refresh {
    /// Whose.
    pub session: SessionId,
    nonce: [u8; NONCE],
    seal: [u8; 32],
}

impl Refresh {
    /// The first token of a session.
    pub fn first(handles: &Handles, session: SessionId) -> Self {
        Self::sealed(handles, session, rand::random())
    }

    /// The token after this one: always the same one.
    pub fn next(&self, handles: &Handles) -> Self {
        let nonce = mac(handles, "refresh token: next", self.session, &self.nonce)
            .finalize()
            .into_bytes()
            .into();
        Self::sealed(handles, self.session, nonce)
    }

    /// Reads a token; none if balance did not make it.
    pub fn read(handles: &Handles, token: &str) -> Option<Self> {
        if token.len() > MAX_BYTES {
            return None;
        }
        let (session, secret) = token.split_once('.')?;
        let session = SessionId(Uuid::try_parse(session).ok()?);
        let secret = BASE64_URL_SAFE_NO_PAD.decode(secret).ok()?;
        let (nonce, seal) = secret.split_first_chunk::<NONCE>()?;
        mac(handles, "refresh token: seal", session, nonce)
            .verify_slice(seal)
            .ok()?;
        Some(Self {
            session,
            nonce: *nonce,
            seal: seal.try_into().ok()?,
        })
    }

    /// What the client holds.
    pub fn text(&self) -> String {
        let secret = BASE64_URL_SAFE_NO_PAD.encode([self.nonce, self.seal].concat());
        format!("{}.{secret}", self.session)
    }

    /// What the session keeps of it.
    pub fn hash(&self) -> Vec<u8> {
        crate::secret::hash(&self.text())
    }

    fn sealed(handles: &Handles, session: SessionId, nonce: [u8; NONCE]) -> Self {
        let seal = mac(handles, "refresh token: seal", session, &nonce)
            .finalize()
            .into_bytes()
            .into();
        Self {
            session,
            nonce,
            seal,
        }
    }
}

fn mac(handles: &Handles, purpose: &str, session: SessionId, nonce: &[u8]) -> Hmac<Sha256> {
    let key = handles.secrets.derive(purpose);
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
    mac.update(session.0.as_bytes());
    mac.update(nonce);
    mac
}
