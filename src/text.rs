//! Folding of text for comparison: what two people would call the same string is the same string.
//!
//! Rules, merchant keys and similarity all compare bank text, and bank text differs in case, in padding and in how
//! an accent is encoded. One fold serves them all, so that what one of them sees as equal the others do too.

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

/// The text in lower case and in Unicode's composed form, with every run of white space as one space and none at the ends.
/// Borrows when the text is folded already.
pub fn fold(text: &str) -> Cow<'_, str> {
    if is_folded(text) {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        if word.is_ascii() {
            folded.extend(word.bytes().map(|byte| byte.to_ascii_lowercase() as char));
        } else {
            folded.extend(word.nfc().flat_map(char::to_lowercase));
        }
    }
    Cow::Owned(folded)
}

/// Stands for the folded text: the first half of its SHA-256. Equal for texts that fold alike, on every machine.
pub fn key(text: &str) -> Uuid {
    let digest = Sha256::digest(fold(text).as_bytes());
    let half: [u8; 16] = digest[..16].try_into().expect("SHA-256 has 32 bytes");
    Uuid::from_bytes(half)
}

/// Whether folding would change nothing; false for any text that is not plain ASCII, which is simply folded again.
fn is_folded(text: &str) -> bool {
    let mut after_space = true;
    for byte in text.bytes() {
        let space = byte == b' ';
        if !byte.is_ascii()
            || byte.is_ascii_uppercase()
            || byte.is_ascii_control()
            || (space && after_space)
        {
            return false;
        }
        after_space = space;
    }
    !after_space || text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_padding_and_the_encoding_of_accents_do_not_matter() {
        assert_eq!(fold("  Coffee\t CORNER  "), "coffee corner");
        assert_eq!(fold("CAFE\u{301} Nero"), "caf\u{e9} nero");
        assert_eq!(fold("Żabka ŁÓDŹ"), "żabka łódź");
        assert_eq!(fold(" \n "), "");
        assert_eq!(fold(""), "");
    }

    #[test]
    fn texts_that_fold_alike_have_one_key_and_it_never_changes() {
        assert_eq!(key(" Coffee CORNER"), key("coffee corner"));
        assert_ne!(key("coffee corner"), key("coffee corner 2"));
        // the start of SHA-256("abc"), as published
        assert_eq!(
            key("ABC").to_string(),
            "ba7816bf-8f01-cfea-4141-40de5dae2223"
        );
    }

    #[test]
    fn folded_text_is_borrowed_and_folding_twice_changes_nothing() {
        assert!(matches!(fold("coffee corner 42"), Cow::Borrowed(_)));
        for text in ["a ", " a", "a  b", "A b", "İstanbul", "straße"] {
            let once = fold(text).into_owned();
            assert_eq!(fold(&once), once);
        }
    }
}
