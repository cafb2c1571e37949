//! Signatures by the rules of Standard Webhooks: HMAC-SHA256 over id, timestamp and raw body.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far the sender's clock may be from ours, either way.
pub const TOLERANCE_SECONDS: i64 = 300;

/// What a secret starts with; its key follows in base64.
const SECRET_PREFIX: &str = "whsec_";

/// The most signatures that are compared; a sender sends one for each secret it rotates.
const MAX_SIGNATURES: usize = 8;

/// Why a delivery is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The id is missing.
    #[error("webhook-id is missing: accepted is a non-empty id without blanks")]
    Id,
    /// The timestamp is no number.
    #[error("webhook-timestamp is not a time: accepted are whole seconds since 1970")]
    Timestamp,
    /// The timestamp is out of the window.
    #[error(
        "webhook-timestamp is too old: the message may be a replay, or the sender's clock is behind"
    )]
    TooOld,
    /// The timestamp is ahead of us.
    #[error("webhook-timestamp is in the future: the sender's clock is ahead")]
    TooNew,
    /// No signature of a known version.
    #[error(
        "webhook-signature holds no signature: accepted is v1, followed by base64, several apart by a blank"
    )]
    NoSignature,
    /// No signature fits any secret.
    #[error("webhook-signature does not fit: the secret or the body differs")]
    Mismatch,
    /// A secret is not of the documented form.
    #[error("a webhook secret is malformed: accepted is whsec_ followed by base64")]
    Secret,
}

/// Signs a body: the value of `webhook-signature`.
pub fn sign(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> Result<String, SignatureError> {
    let code = authenticator(secret, id, &timestamp.to_string(), body)?
        .finalize()
        .into_bytes();
    Ok(format!("v1,{}", STANDARD.encode(code)))
}

/// Believes a delivery when one of its signatures fits one of the secrets and it is recent.
///
/// `timestamp` and `signature` are the headers as they came; `now` is in seconds since 1970.
pub fn verify(
    secrets: &[&str],
    id: &str,
    timestamp: &str,
    signature: &str,
    body: &[u8],
    now: i64,
    tolerance_seconds: i64,
) -> Result<(), SignatureError> {
    if id.is_empty() || id.contains(char::is_whitespace) {
        return Err(SignatureError::Id);
    }
    let sent: i64 = timestamp.parse().map_err(|_| SignatureError::Timestamp)?;
    if sent < now.saturating_sub(tolerance_seconds) {
        return Err(SignatureError::TooOld);
    }
    if sent > now.saturating_add(tolerance_seconds) {
        return Err(SignatureError::TooNew);
    }
    let codes: Vec<Vec<u8>> = signature
        .split(' ')
        .filter_map(|part| part.strip_prefix("v1,"))
        .filter_map(|code| STANDARD.decode(code).ok())
        .take(MAX_SIGNATURES)
        .collect();
    if codes.is_empty() {
        return Err(SignatureError::NoSignature);
    }
    for secret in secrets {
        let expected = authenticator(secret, id, timestamp, body)?;
        if codes
            .iter()
            .any(|code| expected.clone().verify_slice(code).is_ok())
        {
            return Ok(());
        }
    }
    Err(SignatureError::Mismatch)
}

/// The code over what is signed. The timestamp goes in as it was written.
fn authenticator(
    secret: &str,
    id: &str,
    timestamp: &str,
    body: &[u8],
) -> Result<Hmac<Sha256>, SignatureError> {
    let key = secret
        .strip_prefix(SECRET_PREFIX)
        .ok_or(SignatureError::Secret)?;
    let key = STANDARD
        .decode(key)
        .ok()
        .filter(|key| !key.is_empty())
        .ok_or(SignatureError::Secret)?;
    let mut code = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| SignatureError::Secret)?;
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        code.update(part);
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const OTHER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SENT: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    fn check(
        secrets: &[&str],
        signature: &str,
        body: &[u8],
        now: i64,
    ) -> Result<(), SignatureError> {
        verify(
            secrets,
            ID,
            &SENT.to_string(),
            signature,
            body,
            now,
            TOLERANCE_SECONDS,
        )
    }

    #[test]
    fn the_signature_is_that_of_the_standards_own_libraries() {
        let signature = sign(SECRET, ID, SENT, BODY).unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(check(&[SECRET], &signature, BODY, SENT), Ok(()));
    }

    #[test]
    fn one_fitting_pair_is_enough_while_a_secret_is_rotated() {
        let signature = sign(SECRET, ID, SENT, BODY).unwrap();
        let several = format!(
            "v2,zzz {} {signature}",
            sign(OTHER, ID, SENT, b"else").unwrap()
        );
        assert_eq!(check(&[OTHER, SECRET], &several, BODY, SENT), Ok(()));
        assert_eq!(
            check(&[OTHER], &several, BODY, SENT),
            Err(SignatureError::Mismatch)
        );
    }

    #[test]
    fn a_changed_body_or_a_cut_code_does_not_fit() {
        let signature = sign(SECRET, ID, SENT, BODY).unwrap();
        assert_eq!(
            check(&[SECRET], &signature, b"{}", SENT),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            check(&[SECRET], "v1,g0hM9SsE", BODY, SENT),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            check(&[], &signature, BODY, SENT),
            Err(SignatureError::Mismatch)
        );
        for signature in ["", "v1,", "v1,***", "v2,abcd"] {
            assert!(
                check(&[SECRET], signature, BODY, SENT).is_err(),
                "{signature}"
            );
        }
    }

    #[test]
    fn a_delivery_must_be_recent() {
        let signature = sign(SECRET, ID, SENT, BODY).unwrap();
        assert_eq!(check(&[SECRET], &signature, BODY, SENT + 300), Ok(()));
        assert_eq!(
            check(&[SECRET], &signature, BODY, SENT + 301),
            Err(SignatureError::TooOld)
        );
        assert_eq!(
            check(&[SECRET], &signature, BODY, SENT - 301),
            Err(SignatureError::TooNew)
        );
        let unreadable = verify(
            &[SECRET],
            ID,
            "soon",
            &signature,
            BODY,
            SENT,
            TOLERANCE_SECONDS,
        );
        assert_eq!(unreadable, Err(SignatureError::Timestamp));
    }

    #[test]
    fn a_malformed_secret_is_an_error_of_ours() {
        for secret in [
            "",
            "whsec_",
            "whsec_%%%",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ] {
            assert_eq!(
                sign(secret, ID, SENT, BODY),
                Err(SignatureError::Secret),
                "{secret}"
            );
        }
    }
}
