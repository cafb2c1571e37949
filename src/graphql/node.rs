//! Opaque global ids, and `node(id)`.

use async_graphql::ID;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::error::{Error, Result};

/// The global id of a thing: opaque, and it carries the type.
pub fn global(kind: &str, id: impl Into<Uuid>) -> ID {
    ID(BASE64_URL_SAFE_NO_PAD.encode(format!("{kind}:{}", id.into().simple())))
}

/// Reads a global id of one type given as input `field`. One that is malformed or of another type is an input error
/// that says what is expected.
pub fn local<T: From<Uuid>>(kind: &'static str, field: &'static str, id: &ID) -> Result<T> {
    match split(id) {
        Some((found, uuid)) if found == kind => Ok(uuid.into()),
        Some((found, _)) => Err(Error::invalid(
            field,
            format!("is the id of a {found}; the id of a {kind} is needed"),
        )),
        None => Err(Error::invalid(
            field,
            format!("is no id; use the `id` of a {kind}"),
        )),
    }
}

/// Like [`local`], for an optional id.
pub fn local_opt<T: From<Uuid>>(
    kind: &'static str,
    field: &'static str,
    id: Option<&ID>,
) -> Result<Option<T>> {
    id.map(|id| local(kind, field, id)).transpose()
}

/// Like [`local`], for a list.
pub fn local_all<T: From<Uuid>>(
    kind: &'static str,
    field: &'static str,
    ids: &[ID],
) -> Result<Vec<T>> {
    ids.iter().map(|id| local(kind, field, id)).collect()
}

/// The type and the local id in a global id.
pub fn split(id: &ID) -> Option<(String, Uuid)> {
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(id.as_str()).ok()?).ok()?;
    let (kind, uuid) = text.split_once(':')?;
    Some((kind.to_owned(), Uuid::parse_str(uuid).ok()?))
}

#[cfg(test)]
mod tests {
    use entity::RecordId;

    use super::*;

    #[test]
    fn an_id_of_another_type_is_told_apart_from_nonsense() {
        let id = global("Record", RecordId(Uuid::from_u128(9)));
        assert_eq!(
            local::<RecordId>("Record", "id", &id).unwrap(),
            RecordId(Uuid::from_u128(9))
        );
        let wrong = local::<RecordId>("Account", "accountId", &id)
            .unwrap_err()
            .to_string();
        assert_eq!(
            wrong,
            "accountId: is the id of a Record; the id of a Account is needed"
        );
        assert!(local::<RecordId>("Record", "id", &ID("x".into())).is_err());
    }
}
