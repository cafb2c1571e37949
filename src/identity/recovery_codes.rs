//! Codes for a person whose authenticator app is gone: ten, told once, each good once.

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use entity::{UserId, recovery_code};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
};

use crate::error::Result;
use crate::secret;

const CODES: usize = 10;

/// Replaces the codes of a person by new ones, which are told here and nowhere else.
pub(super) async fn renew(on: &impl ConnectionTrait, user: UserId) -> Result<Vec<String>> {
    forget(on, user).await?;
    let codes: Vec<String> = (0..CODES).map(|_| make()).collect();
    let rows = codes.iter().map(|code| {
        recovery_code::Model {
            user_id: user,
            code_hash: hash(user, code),
            used_at: None,
        }
        .into_active_model()
    });
    recovery_code::Entity::insert_many(rows)
        .exec_without_returning(on)
        .await?;
    Ok(codes)
}

/// Uses a code up; false if it is none of theirs, or was used before.
pub(super) async fn take(
    on: &impl ConnectionTrait,
    user: UserId,
    code: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    let used = recovery_code::Entity::update_many()
        .col_expr(recovery_code::Column::UsedAt, Expr::value(now))
        .filter(recovery_code::Column::UserId.eq(user))
        .filter(recovery_code::Column::CodeHash.eq(hash(user, code)))
        .filter(recovery_code::Column::UsedAt.is_null())
        .exec(on)
        .await?;
    Ok(used.rows_affected == 1)
}

/// How many are left.
pub(super) async fn left(on: &impl ConnectionTrait, user: UserId) -> Result<u64> {
    Ok(recovery_code::Entity::find()
        .filter(recovery_code::Column::UserId.eq(user))
        .filter(recovery_code::Column::UsedAt.is_null())
        .count(on)
        .await?)
}

/// Removes all of them.
pub(super) async fn forget(on: &impl ConnectionTrait, user: UserId) -> Result<()> {
    recovery_code::Entity::delete_many()
        .filter(recovery_code::Column::UserId.eq(user))
        .exec(on)
        .await?;
    Ok(())
}

/// 80 random bits in four groups, which can be copied by hand.
fn make() -> String {
    let text = BASE32_NOPAD.encode(&rand::random::<[u8; 10]>());
    let groups: Vec<&str> = (0..4).map(|at| &text[4 * at..4 * at + 4]).collect();
    groups.join("-")
}

/// However it was typed, and whose it is: two people never share a hash.
fn hash(user: UserId, code: &str) -> Vec<u8> {
    let typed = code.chars().filter(char::is_ascii_alphanumeric).take(100);
    let typed: String = typed.map(|c| c.to_ascii_uppercase()).collect();
    secret::hash(&format!("{user}:{typed}"))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_code_is_the_same_however_it_is_typed() {
        let code = make();
        assert_eq!(code.len(), 19);
        assert_ne!(code, make());
        let ada = UserId(Uuid::from_u128(1));
        let typed = format!(" {} ", code.to_lowercase().replace('-', " "));
        assert_eq!(hash(ada, &typed), hash(ada, &code));
        assert_ne!(hash(UserId(Uuid::from_u128(2)), &code), hash(ada, &code));
    }
}
