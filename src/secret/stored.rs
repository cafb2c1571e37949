//! The secrets that are stored sealed: which there are, and in which rows they lie.

use std::fmt::Display;

/// A kind of secret that is stored sealed. The table must be readable without a tenant (`db::exempt`), so that keys can
/// be rotated for everybody at once.
#[derive(Debug)]
pub struct Stored {
    /// What it is; first half of the place it is bound to.
    pub kind: &'static str,
    /// The table it lies in.
    pub table: &'static str,
    /// The column that names the row; second half of the place.
    pub key: &'static str,
    /// The columns that hold it.
    pub columns: &'static [&'static str],
    /// How they hold it.
    pub form: Form,
}

/// How a column holds a sealed secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As bytes, bound to the row.
    Bytes,
    /// As base64 (standard, padded) in this member of a JSON object, or empty. Made before its row has an id, so bound
    /// to its kind only: its place is [`Stored::anywhere`].
    Member(&'static str),
}

/// Where a secret lies. It opens only there, so that a row cannot be copied over another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(String);

impl Stored {
    /// The place of it in one row.
    pub fn of(&self, id: impl Display) -> Place {
        Place(format!("{}:{id}", self.kind))
    }

    /// The place of one that is made before its row.
    pub fn anywhere(&self) -> Place {
        Place(self.kind.to_owned())
    }
}

impl Place {
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

macro_rules! stored {
    ($($(#[$doc:meta])* $name:ident = $kind:literal in $table:literal by $key:literal: [$($column:literal),+] $form:expr;)*) => {
        $($(#[$doc])*
        pub const $name: Stored =
            Stored { kind: $kind, table: $table, key: $key, columns: &[$($column),+], form: $form };)*

        /// All of them.
        pub const ALL: &[Stored] = &[$($name),*];
    };
}

stored! {
    /// The secret that a connection signs with, and the one before it.
    CONNECTION = "connection" in "connection_key" by "connection_id": ["secret", "previous_secret"] Form::Bytes;
    /// What the codes of an authenticator app are made from.
    TOTP_SEED = "totp seed" in "second_factor" by "user_id": ["seed"] Form::Bytes;
    /// The private half of a key that signs access tokens.
    SIGNING_KEY = "signing key" in "signing_key" by "id": ["private_key"] Form::Bytes;
    /// A mail that waits in the queue.
    MAIL = "mail" in "job" by "id": ["payload"] Form::Member("sealed");
    /// What the next step of signing in at a provider needs to know.
    OAUTH_STATE = "oauth_state" in "oauth_state" by "id": ["sealed"] Form::Bytes;
    /// The tokens that a provider gave for somebody.
    OAUTH_GRANT = "oauth grant" in "oauth_grant" by "id": ["sealed"] Form::Bytes;
    /// What a mutation answered, which may be a secret that is told once.
    ANSWER = "answer" in "idempotency_key" by "id": ["answer"] Form::Bytes;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        let mut kinds: Vec<_> = ALL.iter().map(|stored| stored.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), ALL.len());
        assert!(kinds.iter().all(|kind| !kind.contains(':')));
    }
}
