//! What members may do.

use entity::membership;
use sea_orm::ConnectionTrait;

use crate::error::Result;
use crate::permission::Permissions;

/// What a member may do now.
pub async fn permissions_of(
    _on: &impl ConnectionTrait,
    member: &membership::Model,
) -> Result<Permissions> {
    Ok(Permissions::of(member.role))
}
