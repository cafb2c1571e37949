//! From a key to who shows it.

use std::sync::Arc;

use chrono::TimeDelta;
use entity::{ApiKeyId, api_key, service_account};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::super::hold::held;
use super::super::service_accounts::stored;
use super::issue::effective;
use super::text::prefix_of;
use crate::ctx::{Actor, Handles, Standing};
use crate::error::{Error, Result};
use crate::secret;

/// How often the use of a key is noted.
const NOTED: TimeDelta = TimeDelta::minutes(1);

/// What a key is worth right now. One that does not exist, one that ended and one that is wrong are one answer.
pub async fn standing(handles: &Arc<Handles>, text: &str) -> Result<Standing> {
    const BROKEN: Error = Error::Unauthenticated("the API key is not valid");
    let prefix = prefix_of(text).ok_or(BROKEN)?;
    let now = handles.clock.now();
    let read = handles.db.read_across_tenants("reading an API key").await?;
    let key = api_key::Entity::find()
        .filter(api_key::Column::Prefix.eq(prefix))
        .one(&read)
        .await?;
    read.rollback().await?;
    let key = key
        .filter(|key| secret::same(&key.key_hash, &secret::hash(text)))
        .filter(|key| key.revoked_at.is_none() && key.expires_at.is_none_or(|end| now < end))
        .ok_or(BROKEN)?;

    let read = handles.db.begin_read(Some(key.tenant_id)).await?;
    let account = service_account::Entity::find()
        .filter(service_account::Column::TenantId.eq(key.tenant_id))
        .filter(service_account::Column::Id.eq(key.service_account_id))
        .filter(service_account::Column::ArchivedAt.is_null())
        .one(&read)
        .await?
        .ok_or(BROKEN)?;
    let scopes = key.scopes.as_deref().map(stored).transpose()?;
    let permissions = effective(&stored(&account.permissions)?, scopes.as_ref());
    if key.last_used_at.is_none_or(|last| now - last >= NOTED) {
        // beside the request, which does not wait for it
        tokio::spawn(note(Arc::clone(handles), key.id));
    }
    let standing = Standing {
        tenant: key.tenant_id,
        actor: Actor::Service(account.id),
        permissions,
        expires_at: key.expires_at,
        session: None,
        suspended: false,
    };
    let standing = held(&read, standing).await?;
    read.rollback().await?;
    Ok(standing)
}

/// Notes that a key was used, unless that was noted within the minute.
async fn note(handles: Arc<Handles>, key: ApiKeyId) {
    let now = handles.clock.now();
    let noted = async {
        let tx = handles.db.across_tenants("noting the use of a key").await?;
        let last = api_key::Column::LastUsedAt;
        api_key::Entity::update_many()
            .col_expr(last, Expr::value(Some(now)))
            .filter(api_key::Column::Id.eq(key))
            .filter(last.is_null().or(Expr::col(last).lte(now - NOTED)))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    };
    if let Err(error) = noted.await {
        tracing::warn!(api_key.id = %key, %error, "The use of an API key could not be noted");
    }
}
