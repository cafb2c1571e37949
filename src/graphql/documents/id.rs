//! How a document is named instead of sent: `documentId` of the GraphQL over HTTP specification, and the
//! `persistedQuery` extension of automatic persisted queries.

use serde_json::{Map, Value};

use crate::graphql::cache::Hash;
use crate::graphql::refusal::{Code, Refusal};

/// How many characters an id of a manifest may have.
const LONGEST: usize = 128;

/// The id of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentId {
    /// SHA-256 of its text: `sha256:<64 hex>`, or the digits alone.
    Hash(Hash),
    /// What its manifest calls it.
    Custom(String),
}

impl DocumentId {
    /// Reads an id. One with another prefix than `sha256:` is of a method that is not known here.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        if let Some(digits) = text.strip_prefix("sha256:") {
            return digest(digits).map(Self::Hash).ok_or_else(|| {
                bad("documentId is sha256: without 64 hexadecimal digits after it.")
            });
        }
        if let Some(hash) = digest(text) {
            return Ok(Self::Hash(hash));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if (1..=LONGEST).contains(&text.len()) && text.chars().all(plain) {
            return Ok(Self::Custom(text.to_owned()));
        }
        Err(bad(
            "documentId must be sha256: with 64 hexadecimal digits, or an id of a manifest.",
        ))
    }
}

/// The public id of a hash.
pub fn document_id(hash: &[u8]) -> String {
    let digits = hash.iter().map(|byte| format!("{byte:02x}"));
    digits.fold("sha256:".to_owned(), |id, digits| id + &digits)
}

/// The hash in the `persistedQuery` extension, if a request has one.
pub fn persisted_query(extensions: &Map<String, Value>) -> Result<Option<Hash>, Refusal> {
    let Some(persisted) = extensions.get("persistedQuery").filter(|p| !p.is_null()) else {
        return Ok(None);
    };
    if persisted["version"] != 1 {
        return Err(bad("extensions.persistedQuery must have version 1."));
    }
    let hash = persisted["sha256Hash"].as_str().and_then(digest);
    hash.map(Some).ok_or_else(|| {
        bad("extensions.persistedQuery must have sha256Hash, 64 hexadecimal digits.")
    })
}

fn digest(digits: &str) -> Option<Hash> {
    let digits = digits.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut hash = Hash::default();
    for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
        let nibble = |digit: u8| char::from(digit).to_digit(16);
        let value = nibble(pair[0])? * 16 + nibble(pair[1])?;
        *byte = u8::try_from(value).ok()?;
    }
    Some(hash)
}

fn bad(message: &str) -> Refusal {
    Refusal::new(Code::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_is_a_hash_or_a_name() {
        let digits = "0aff".repeat(16);
        let hash = DocumentId::read(&digits).unwrap();
        assert_eq!(
            DocumentId::read(&format!("sha256:{digits}")),
            Ok(hash.clone())
        );
        assert_eq!(DocumentId::read(&digits.to_uppercase()), Ok(hash.clone()));
        let DocumentId::Hash(bytes) = hash else {
            panic!("it is a hash");
        };
        assert_eq!(document_id(&bytes), format!("sha256:{digits}"));
        let md5 = "0aff".repeat(8);
        assert_eq!(DocumentId::read(&md5), Ok(DocumentId::Custom(md5)));
        for bad in [
            "",
            "sha256:",
            "sha256:xyz",
            "md5:0aff",
            "a b",
            &"a".repeat(129),
        ] {
            assert_eq!(
                DocumentId::read(bad).unwrap_err().code,
                Code::BadRequest,
                "{bad}"
            );
        }
    }

    #[test]
    fn the_extension_is_read_exactly() {
        let read = |value: Value| persisted_query(value.as_object().unwrap());
        let digits = "0aff".repeat(16);
        let good =
            json!({ "persistedQuery": { "version": 1, "sha256Hash": digits, "miss": true } });
        assert!(read(good).unwrap().is_some());
        assert_eq!(read(json!({})), Ok(None));
        for bad in [
            json!({ "version": 2, "sha256Hash": digits }),
            json!({ "version": 1 }),
            json!({ "version": 1, "sha256Hash": "0aff" }),
            json!("0aff"),
        ] {
            assert!(read(json!({ "persistedQuery": bad })).is_err());
        }
    }
}
