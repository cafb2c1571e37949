//! Addresses by which people are known.

use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Result};

/// The longest address a mail server takes (RFC 5321).
const MAX_BYTES: usize = 254;

/// The form under which an address is unique: trimmed, NFKC, lower case. Only the shape is checked; whether it takes
/// mail, only mail can tell.
pub fn fold(email: &str) -> Result<String> {
    // an address far too long is not worth folding
    let folded = if email.len() <= 4 * MAX_BYTES {
        let composed: String = email.trim().nfkc().collect();
        composed.to_lowercase().nfkc().collect()
    } else {
        String::new()
    };
    let shaped = matches!(
        folded.split_once('@'),
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    );
    let plain = !folded.chars().any(|c| c.is_whitespace() || c.is_control());
    if shaped && plain && folded.len() <= MAX_BYTES {
        Ok(folded)
    } else {
        Err(Error::invalid(
            "email",
            "is no address; an address such as ada@example.com of at most 254 bytes is accepted",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_one_key() {
        assert_eq!(fold("  Ada@Example.COM ").unwrap(), "ada@example.com");
        assert_eq!(
            fold("ada@example.com").unwrap(),
            fold("ＡＤＡ@ｅxample.com").unwrap()
        );
        for email in ["Ａ@b", "ÉLODIE@x.fr", "e\u{301}@x.fr"] {
            let once = fold(email).unwrap();
            assert_eq!(fold(&once).unwrap(), once);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(250));
        let longer = "a@".repeat(100_000);
        for email in [
            "",
            "ada",
            "@x",
            "ada@",
            "a@b@c",
            "a b@c",
            "a@b\u{7}c",
            "a@b\nc",
            &long,
            &longer,
        ] {
            assert!(fold(email).is_err(), "{email:.20}");
        }
    }
}
