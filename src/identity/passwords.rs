//! Passwords: argon2id, off the async threads, two at once.
//!
//! The parameters are kept with each hash (a PHC string), so they can be raised: a hash made with older ones still
//! verifies, and is replaced at the next sign-in.

use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Result};

/// Memory in KiB, passes and lanes, as OWASP recommends them.
const COST: (u32, u32, u32) = (19_456, 2, 1);
/// The fewest characters a new password may have.
const MIN_CHARS: usize = 10;
/// The most bytes that are ever hashed: beyond this, hashing is a way to keep the server busy.
const MAX_BYTES: usize = 1_024;

/// A hash of nobody's password with today's parameters: verifying against it makes an unknown email cost what a known
/// one does.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Each turn takes 19 MiB and a core for a while.
static TURNS: Semaphore = Semaphore::const_new(2);

static HASHED: AtomicU64 = AtomicU64::new(0);

/// What came of comparing a password with a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is another password, or there is none.
    Wrong,
    /// It is the password.
    Right,
    /// It is the password, and its hash is weaker than today's: this is the one to keep.
    Outdated(String),
}

impl Verdict {
    /// Whether it is the password.
    pub fn is_right(&self) -> bool {
        *self != Self::Wrong
    }
}

/// Refuses a new password that is too short to be safe or too long to be one.
pub fn check(field: &'static str, password: &str) -> Result<()> {
    if password.len() > MAX_BYTES {
        Err(Error::invalid(
            field,
            "is too long; at most 1,024 bytes are accepted",
        ))
    } else if password.chars().count() < MIN_CHARS {
        Err(Error::invalid(
            field,
            "is too short; at least 10 characters are needed",
        ))
    } else {
        Ok(())
    }
}

/// Like [`check`], for the person with an address: it is the first thing that is guessed.
pub fn check_for(field: &'static str, password: &str, email_key: &str) -> Result<()> {
    check(field, password)?;
    if super::emails::fold(password).is_ok_and(|folded| folded == email_key) {
        return Err(Error::invalid(
            field,
            "is the address itself; choose something that others do not know",
        ));
    }
    Ok(())
}

/// How many passwords this process has hashed so far.
pub fn hashed() -> u64 {
    HASHED.load(Ordering::Relaxed)
}

/// The hash to keep for a password that passed [`check`].
pub async fn hash(password: &str) -> Result<String> {
    if password.len() > MAX_BYTES {
        return Err(Error::internal(
            "a password was hashed before it was checked",
        ));
    }
    let password = normal(password);
    off_the_async_threads(move || make(&password)).await
}

/// Compares a password with a hash; without one the work is the same and the answer is no.
pub async fn verify(password: &str, hash: Option<&str>) -> Result<Verdict> {
    if password.len() > MAX_BYTES {
        return Ok(Verdict::Wrong);
    }
    let password = normal(password);
    let hash = hash.map(str::to_owned);
    off_the_async_threads(move || {
        let kept = hash.as_deref().unwrap_or(NOBODY);
        let kept = PasswordHash::new(kept).map_err(unreadable)?;
        let same = match argon2().verify_password(password.as_bytes(), &kept) {
            Ok(()) => true,
            Err(argon2::password_hash::Error::PasswordInvalid) => false,
            Err(error) => return Err(Error::internal(error.to_string())),
        };
        match (same && hash.is_some(), is_current(&kept)) {
            (false, _) => Ok(Verdict::Wrong),
            (true, true) => Ok(Verdict::Right),
            (true, false) => Ok(Verdict::Outdated(make(&password)?)),
        }
    })
    .await
}

/// The same password typed on two keyboards is the same bytes.
fn normal(password: &str) -> String {
    password.nfkc().collect()
}

async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let turn = TURNS.acquire().await.map_err(Error::internal)?;
    // the turn goes along: a request that is given up does not make room while its hash is still being made
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        HASHED.fetch_add(1, Ordering::Relaxed);
        work()
    })
    .await
    .map_err(Error::internal)?
}

fn argon2() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).expect("these parameters are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn make(password: &str) -> Result<String> {
    let hash: PasswordHash = argon2()
        .hash_password(password.as_bytes())
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok(hash.to_string())
}

fn is_current(hash: &PasswordHash) -> bool {
    let Ok(params) = Params::try_from(hash) else {
        return false;
    };
    hash.algorithm.as_str() == "argon2id"
        && hash.version == Some(Version::V0x13.into())
        && (params.m_cost(), params.t_cost(), params.p_cost()) == COST
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("a stored password hash cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_hash_only() {
        let kept = hash("correct horse").await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(
            verify("correct horse", Some(&kept)).await.unwrap(),
            Verdict::Right
        );
        assert_eq!(
            verify("correct house", Some(&kept)).await.unwrap(),
            Verdict::Wrong
        );
        assert_ne!(hash("correct horse").await.unwrap(), kept);
    }

    #[tokio::test]
    async fn nobody_has_a_password() {
        for password in ["", "correct horse", &"x".repeat(2_000)] {
            assert_eq!(verify(password, None).await.unwrap(), Verdict::Wrong);
        }
    }

    #[tokio::test]
    async fn a_hash_of_older_parameters_verifies_and_is_replaced() {
        let older = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(8_192, 1, 1, None).unwrap(),
        );
        let kept: PasswordHash = older.hash_password(b"correct horse").unwrap();
        let kept = kept.to_string();
        let Verdict::Outdated(new) = verify("correct horse", Some(&kept)).await.unwrap() else {
            panic!("the hash counts as current");
        };
        assert_eq!(
            verify("correct horse", Some(&new)).await.unwrap(),
            Verdict::Right
        );
        assert_eq!(
            verify("correct house", Some(&kept)).await.unwrap(),
            Verdict::Wrong
        );
    }

    #[tokio::test]
    async fn how_an_accent_was_typed_does_not_matter() {
        let kept = hash("caf\u{e9} au lait").await.unwrap();
        assert!(
            verify("cafe\u{301} au lait", Some(&kept))
                .await
                .unwrap()
                .is_right()
        );
    }

    #[test]
    fn a_new_password_has_ten_characters_and_at_most_a_kibibyte() {
        assert!(check("password", "nine char").is_err());
        assert!(check("password", "ten chars!").is_ok());
        assert!(check("password", &"x".repeat(1_024)).is_ok());
        assert!(check("password", &"x".repeat(1_025)).is_err());
    }

    #[test]
    fn a_password_is_not_the_address() {
        let check = |password| check_for("password", password, "ada@example.com");
        assert!(check(" ADA@example.com").is_err());
        assert!(check("ada@example.com!").is_ok());
    }

    #[tokio::test]
    async fn hashing_leaves_the_async_threads_alone() {
        let hashing = tokio::spawn(hash("correct horse"));
        let mut turns = 0_u64;
        // one thread runs both: had it hashed itself, it would have come here at the end only
        while !hashing.is_finished() {
            turns += 1;
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        assert!(turns > 1, "{turns}");
        hashing.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn two_are_hashed_at_a_time_and_the_others_wait() {
        let taken = TURNS.acquire_many(2).await.unwrap();
        let waiting = tokio::spawn(verify("correct horse", None));
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert!(!waiting.is_finished());
        drop(taken);
        assert_eq!(waiting.await.unwrap().unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_password_of_ten_megabytes_is_not_hashed() {
        let (long, before) = ("x".repeat(10 << 20), std::time::Instant::now());
        assert_eq!(verify(&long, None).await.unwrap(), Verdict::Wrong);
        assert!(check("password", &long).is_err() && hash(&long).await.is_err());
        assert!(before.elapsed() < std::time::Duration::from_millis(100));
    }
}
