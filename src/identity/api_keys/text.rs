//! How keys are written.

use crate::secret;

/// How every key begins, so that one that lies around is recognised by whoever scans for secrets.
const MARK: &str = "bk_";
const PREFIX: usize = 12;
const SECRET: usize = 43;

/// A key that nobody has seen yet.
pub(super) struct Fresh {
    pub text: String,
    pub prefix: String,
}

impl Fresh {
    pub fn make() -> Self {
        let prefix = u64::from_be_bytes(rand::random::<[u8; 8]>()) >> 16;
        let prefix = format!("{prefix:0PREFIX$x}");
        let text = format!("{MARK}{prefix}_{}", secret::token());
        Self { text, prefix }
    }
}

/// Whether a bearer is meant to be an API key.
pub fn is_key(bearer: &str) -> bool {
    bearer.starts_with(MARK)
}

/// The part of a key that finds it; none if it is not written like one.
pub(super) fn prefix_of(text: &str) -> Option<&str> {
    let (prefix, secret) = text.strip_prefix(MARK)?.split_once('_')?;
    (prefix.len() == PREFIX && secret.len() == SECRET).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_its_prefix() {
        let (one, other) = (Fresh::make(), Fresh::make());
        assert_ne!(one.text, other.text);
        assert!(is_key(&one.text));
        assert_eq!(prefix_of(&one.text), Some(one.prefix.as_str()));
        let longer = format!("{}x", one.text);
        for bad in [
            "",
            "bk_",
            "bk_abc_def",
            "sk_0123456789ab_x",
            &one.text[3..],
            &longer,
        ] {
            assert_eq!(prefix_of(bad), None, "{bad}");
        }
    }
}
