//! Codes of an authenticator app: RFC 6238 with SHA-1, six digits and steps of 30 seconds, which every app can do.

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use sha1::Sha1;

use crate::error::{Error, Result};

const STEP_SECONDS: i64 = 30;
const DIGITS: usize = 6;
/// Clocks go wrong, and people type slowly: the code before and the one after count as well.
const SKEW: i64 = 1;

/// What codes are made from: 160 bits, as RFC 4226 recommends.
pub(super) type Seed = [u8; 20];

/// The seed as a person types it into an app.
pub(super) fn text(seed: &Seed) -> String {
    BASE32_NOPAD.encode(seed)
}

/// The seed as an app scans it.
pub(super) fn uri(seed: &Seed, email: &str) -> Result<String> {
    let mut uri: Url = "otpauth://totp".parse().map_err(Error::internal)?;
    uri.set_path(&format!("balance:{email}"));
    uri.query_pairs_mut()
        .append_pair("secret", &text(seed))
        .append_pair("issuer", "balance")
        .append_pair("algorithm", "SHA1")
        .append_pair("digits", &DIGITS.to_string())
        .append_pair("period", &STEP_SECONDS.to_string());
    Ok(uri.into())
}

/// The time step whose code this is, if it is one of now and comes after `last`.
pub(super) fn step_of(seed: &Seed, code: &str, last: i64, now: DateTime<Utc>) -> Option<i64> {
    let typed: String = code
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(DIGITS + 1)
        .collect();
    let today = now.timestamp() / STEP_SECONDS;
    // every candidate is computed, whichever fits
    let mut found = None;
    for step in today - SKEW..=today + SKEW {
        if same(&code_at(seed, step), &typed) && step > last {
            found = found.or(Some(step));
        }
    }
    found
}

/// The code of a time step (RFC 4226, 5.3).
fn code_at(seed: &Seed, step: i64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(seed).expect("HMAC takes a key of any length");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0xf);
    let word = digest[offset..offset + 4]
        .iter()
        .fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    let number = (word & 0x7fff_ffff) % 10_u32.pow(DIGITS as u32);
    format!("{number:0DIGITS$}")
}

/// Compares without telling by time how much is right.
fn same(a: &str, b: &str) -> bool {
    let differing = a
        .bytes()
        .zip(b.bytes())
        .fold(0, |all, (a, b)| all | (a ^ b));
    a.len() == b.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &Seed = b"12345678901234567890";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// The last six of the eight digits of RFC 6238, appendix B.
    #[test]
    fn the_codes_are_those_of_the_standard() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_at(SEED, seconds / 30), code);
            assert_eq!(step_of(SEED, code, 0, at(seconds)), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_holds_for_its_step_and_one_either_side() {
        let code = code_at(SEED, 100);
        for (seconds, fits) in [
            (2_969, false),
            (2_970, true),
            (3_000, true),
            (3_059, true),
            (3_060, false),
        ] {
            assert_eq!(
                step_of(SEED, &code, 0, at(seconds)).is_some(),
                fits,
                "{seconds}"
            );
        }
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        assert_eq!(step_of(SEED, &spaced, 0, at(3_000)), Some(100));
    }

    #[test]
    fn a_code_is_taken_once() {
        let code = code_at(SEED, 100);
        assert_eq!(step_of(SEED, &code, 99, at(3_000)), Some(100));
        assert_eq!(step_of(SEED, &code, 100, at(3_000)), None);
        assert_eq!(step_of(SEED, &code, 101, at(3_000)), None);
    }

    #[test]
    fn nonsense_is_no_code() {
        for code in ["", "0", "00000", "abcdef", "٠٨١٨٠٤", &"0".repeat(100_000)] {
            assert_eq!(step_of(SEED, code, 0, at(59)), None);
        }
    }

    #[test]
    fn an_app_can_scan_it() {
        assert_eq!(text(SEED), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            uri(SEED, "ada l@example.com").unwrap(),
            "otpauth://totp/balance:ada%20l@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=balance\
             &algorithm=SHA1&digits=6&period=30"
        );
    }
}
