//! Addresses by which people are known.

use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Result};

/// The longest address a mail server takes (RFC 5321).
const MAX_BYTES: usize = 254;

/// The form under which an address is unique: trimmed, NFKC and without case, the domain in its Unicode form. So `ADA@`,
/// `ａｄａ@`, `straße@` and `STRASSE@`, or an internationalised domain and its `xn--` form, are one person. Only the shape
/// is checked; whether it takes mail, only mail can tell.
pub fn fold(email: &str) -> Result<String> {
    // an address far too long is not worth folding
    let folded = if email.len() <= 4 * MAX_BYTES {
        caseless(email.trim())
    } else {
        String::new()
    };
    let Some((local, domain)) = folded.split_once('@') else {
        return Err(shape());
    };
    let (domain, known) = idna::domain_to_unicode(domain);
    let folded = format!("{local}@{domain}");
    let shaped = !local.is_empty() && !domain.is_empty() && !domain.contains('@') && known.is_ok();
    let plain = !folded
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || is_invisible(c));
    if shaped && plain && folded.len() <= MAX_BYTES {
        Ok(folded)
    } else {
        Err(shape())
    }
}

/// Folds an address that nobody has yet. One whose letters come from scripts that look alike (`аdа@` with Cyrillic а
/// among Latin letters) is refused: people would take it for another.
pub fn check_new(email: &str) -> Result<String> {
    let folded = fold(email)?;
    let mixed = folded.split(['@', '.', '-', '_', '+']).any(|part| {
        let scripts = part.chars().filter_map(Script::of);
        let mut scripts = scripts.collect::<Vec<_>>();
        scripts.dedup();
        scripts.len() > 1
    });
    if mixed {
        Err(Error::invalid(
            "email",
            "mixes alphabets whose letters look alike; one alphabet is accepted",
        ))
    } else {
        Ok(folded)
    }
}

fn caseless(text: &str) -> String {
    let composed: String = text.nfkc().collect();
    let folded = UniCase::unicode(composed).to_folded_case();
    folded.nfkc().collect()
}

/// Letters of these three are drawn alike; those of others are not mistaken for them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
}

impl Script {
    fn of(c: char) -> Option<Self> {
        match c {
            'a'..='z' | '\u{df}'..='\u{24f}' | '\u{250}'..='\u{2af}' | '\u{1e00}'..='\u{1eff}' => {
                Some(Self::Latin)
            }
            '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Some(Self::Greek),
            '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{a640}'..='\u{a69f}' => {
                Some(Self::Cyrillic)
            }
            _ => None,
        }
    }
}

/// Characters that are drawn as nothing, or turn the text around them.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    )
}

fn shape() -> Error {
    Error::invalid(
        "email",
        "is no address; an address such as ada@example.com of at most 254 bytes is accepted",
    )
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

    #[test]
    fn a_variant_of_an_address_is_that_address() {
        for (one, other) in [
            ("strasse@example.com", "STRAßE@example.com"),
            ("οδος@example.com", "ΟΔΟΣ@EXAMPLE.COM"),
            ("kelvin@example.com", "\u{212a}ELVIN@example.com"),
            ("file@example.com", "\u{fb01}le@example.com"),
            ("ada@b\u{fc}cher.example", "ada@xn--bcher-kva.example"),
            ("ada@b\u{fc}cher.example", "ada@BU\u{308}CHER.example"),
        ] {
            assert_eq!(fold(one).unwrap(), fold(other).unwrap(), "{one} {other}");
            assert_eq!(fold(&fold(other).unwrap()).unwrap(), fold(other).unwrap());
        }
    }

    #[test]
    fn what_nobody_can_see_is_in_no_address() {
        for hidden in [
            "\u{200b}", "\u{ad}", "\u{202e}", "\u{feff}", "\u{3164}", "\u{fe0f}",
        ] {
            assert!(fold(&format!("ad{hidden}a@example.com")).is_err());
        }
    }

    #[test]
    fn a_new_address_is_written_in_one_alphabet() {
        for email in [
            "ада@example.com",
            "ada@example.com",
            "山田taro@example.com",
            "élodie@пример.example",
        ] {
            assert!(check_new(email).is_ok(), "{email}");
        }
        // the second letter is Cyrillic, Cyrillic, Greek
        for email in [
            "p\u{430}ypal@example.com",
            "ada@ex\u{430}mple.com",
            "ad\u{3b1}@example.com",
        ] {
            assert!(check_new(email).is_err(), "{email}");
            assert!(fold(email).is_ok(), "{email}");
        }
    }
}
