//! Signing in at an identity provider that the configuration names, by OpenID Connect.
//!
//! The browser leaves for the provider with a state, a nonce and a PKCE challenge, comes back with the state and a code,
//! and is sent on to the app with a code of ours. The app exchanges that for a session, or for the link to an account: no
//! token is ever part of an address. Each of these steps is good once, for minutes, and known here by a hash only.
//!
//! Where the configuration says that tokens are kept, a linked account holds a grant ([`crate::grants`]), and its provider
//! can be asked about it while nobody is there ([`check`]).
//!
//! A linked account is known by issuer and subject. An address opens nothing, unless the provider says that it verified
//! it and the configuration trusts that provider to.

mod arrive;
mod check;
mod find;
mod leave;
mod link;
mod provider;
mod return_to;
mod sign_in;
mod step;

pub use arrive::{Arrival, Arriving, arrive};
pub use check::{Account, Checked, check, client};
pub use find::{LinkedIdentity, Status, list as list_linked};
pub use leave::{Leaving, Left, leave};
pub(super) use link::revoke;
pub use link::{link, start as start_link, unlink};
pub use sign_in::{Exchange, exchange};

use crate::error::{Error, Result};

/// Refuses what cannot be the challenge of a PKCE verifier under S256.
fn check_challenge(challenge: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if challenge.len() == 43 && challenge.chars().all(plain) {
        Ok(())
    } else {
        Err(Error::invalid(
            "codeChallenge",
            "is no S256 challenge; send base64url(SHA-256(codeVerifier)), 43 characters",
        ))
    }
}

/// Whether whoever brings a code made the challenge that it was asked for under.
fn proves(verifier: Option<&str>, challenge: Option<&str>) -> bool {
    match (verifier, challenge) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(verifier), Some(challenge)) => {
            use base64::Engine;
            let hash = crate::secret::hash(verifier);
            base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(hash) == challenge
        }
    }
}

fn used_up() -> Error {
    Error::invalid(
        "code",
        "is not waiting to be exchanged; sign in at the provider again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_proves_its_challenge() {
        // RFC 7636, appendix B
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(check_challenge(challenge).is_ok());
        assert!(check_challenge(&challenge[1..]).is_err());
        assert!(proves(Some(verifier), Some(challenge)));
        assert!(!proves(Some(challenge), Some(challenge)));
        assert!(!proves(None, Some(challenge)));
        assert!(proves(None, None));
    }
}
