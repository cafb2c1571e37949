//! Whether a type may stand where another one stood.

use async_graphql::parser::types::{BaseType, Type};

/// Whether answers of the type `new` are what was expected of `old`: the same, or with fewer nulls.
pub(super) fn narrows(old: &Type, new: &Type) -> bool {
    let base = match (&old.base, &new.base) {
        (BaseType::Named(old), BaseType::Named(new)) => old == new,
        (BaseType::List(old), BaseType::List(new)) => narrows(old, new),
        _ => false,
    };
    base && (old.nullable || !new.nullable)
}

/// Whether values sent as `old` are accepted as `new`: the same, or with more nulls.
pub(super) fn widens(old: &Type, new: &Type) -> bool {
    narrows(new, old)
}
