//! From a bearer token to an operation.

use std::sync::Arc;

use super::standing::standing;
use crate::ctx::{Ctx, Handles};
use crate::error::Result;

/// The operation of whoever holds a bearer token. What they may do is what they may do now, not when the token was
/// made.
pub async fn authenticate(handles: &Arc<Handles>, bearer: &str) -> Result<Ctx> {
    let standing = standing(handles, bearer).await?;
    Ok(Ctx::of(Arc::clone(handles), &standing))
}
