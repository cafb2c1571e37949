//! Making and changing clients.

use entity::{GraphqlClientId, ServiceAccountId, graphql_client, service_account};
use graphql_client::Mode;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QuerySelect};
use serde_json::json;

use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// How many characters a name may have.
const NAME: usize = 100;
/// For how many seconds answers may be kept at most.
const CACHE_SECONDS: i32 = 3_600;

/// A client to be made.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// How it names itself in a header.
    pub name: String,
    /// What it may send.
    pub mode: Mode,
    /// The service account whose keys are this client.
    pub service_account: Option<ServiceAccountId>,
    /// For how many seconds its caches may keep an answer.
    pub cache_seconds: i32,
}

/// What changes in a client; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ClientChange {
    /// How it names itself in a header.
    pub name: Option<String>,
    /// What it may send.
    pub mode: Option<Mode>,
    /// The service account whose keys are this client; `Some(None)` for no account.
    pub service_account: Option<Option<ServiceAccountId>>,
    /// For how many seconds its caches may keep an answer.
    pub cache_seconds: Option<i32>,
}

/// Makes a client.
#[tracing::instrument(skip_all)]
pub async fn create(ctx: &Ctx, new: NewClient) -> Result<graphql_client::Model> {
    ctx.require(Permission::ManageClients)?;
    let row = graphql_client::Model {
        tenant_id: ctx.tenant(),
        id: ctx.id(),
        name: checked_name(&new.name)?,
        mode: new.mode,
        service_account_id: new.service_account,
        cache_seconds: checked_seconds(new.cache_seconds)?,
        created_by: ctx.user(),
        archived_at: None,
        created_at: ctx.now(),
        updated_at: ctx.now(),
    };
    let mut tx = ctx.begin().await?;
    check_free(&tx, &row).await?;
    tx.insert(row.clone()).await?;
    tx.record(Event::GraphqlClientCreated {
        graphql_client: row.id,
        service_account: row.service_account_id,
        mode: told(row.mode),
    });
    tx.commit().await?;
    Ok(row)
}

/// Changes a client. What it has registered stays, and strictness counts at once. Nothing is filed when nothing changes.
#[tracing::instrument(skip_all, fields(graphql_client.id = %id))]
pub async fn update(
    ctx: &Ctx,
    id: GraphqlClientId,
    change: ClientChange,
) -> Result<graphql_client::Model> {
    ctx.require(Permission::ManageClients)?;
    let name = change.name.as_deref().map(checked_name).transpose()?;
    let cache_seconds = change.cache_seconds.map(checked_seconds).transpose()?;
    let mut tx = ctx.begin().await?;
    let before = lock(&tx, id).await?;
    let mut row = before.clone();
    row.name = name.unwrap_or(row.name);
    row.mode = change.mode.unwrap_or(row.mode);
    row.service_account_id = change.service_account.unwrap_or(row.service_account_id);
    row.cache_seconds = cache_seconds.unwrap_or(row.cache_seconds);
    if row == before {
        tx.rollback().await?;
        return Ok(before);
    }
    check_free(&tx, &row).await?;
    row.updated_at = ctx.now();
    use graphql_client::Column;
    tx.update::<graphql_client::Entity>()
        .col_expr(Column::Name, Expr::value(row.name.as_str()))
        .col_expr(Column::Mode, Expr::value(row.mode))
        .col_expr(
            Column::ServiceAccountId,
            Expr::value(row.service_account_id),
        )
        .col_expr(Column::CacheSeconds, Expr::value(row.cache_seconds))
        .col_expr(Column::UpdatedAt, Expr::value(row.updated_at))
        .filter(Column::Id.eq(id))
        .exec(tx.on())
        .await?;
    let mut diff = json!({});
    if row.mode != before.mode {
        diff["mode"] = json!({ "from": told(before.mode), "to": told(row.mode) });
    }
    if row.service_account_id != before.service_account_id {
        let (from, to) = (before.service_account_id, row.service_account_id);
        diff["serviceAccount"] = json!({ "from": from, "to": to });
    }
    if row.cache_seconds != before.cache_seconds {
        diff["cacheSeconds"] = json!({ "from": before.cache_seconds, "to": row.cache_seconds });
    }
    if row.name != before.name {
        // a name is free text: the log says that it changed, the row says to what
        diff["changed"] = json!(["name"]);
    }
    tx.record_diff(Event::GraphqlClientChanged { graphql_client: id }, diff);
    tx.commit().await?;
    Ok(row)
}

/// Puts a client away: its name is free again, and nobody is held to its documents any more.
#[tracing::instrument(skip_all, fields(graphql_client.id = %id))]
pub async fn archive(ctx: &Ctx, id: GraphqlClientId) -> Result<graphql_client::Model> {
    ctx.require(Permission::ManageClients)?;
    let mut tx = ctx.begin().await?;
    let mut row = lock(&tx, id).await?;
    row.archived_at = Some(ctx.now());
    row.updated_at = ctx.now();
    tx.update::<graphql_client::Entity>()
        .col_expr(
            graphql_client::Column::ArchivedAt,
            Expr::value(row.archived_at),
        )
        .col_expr(
            graphql_client::Column::UpdatedAt,
            Expr::value(row.updated_at),
        )
        .filter(graphql_client::Column::Id.eq(id))
        .exec(tx.on())
        .await?;
    tx.record(Event::GraphqlClientArchived { graphql_client: id });
    tx.commit().await?;
    Ok(row)
}

/// A client that was not put away, locked until the unit of work ends.
pub(super) async fn lock(tx: &Tx<'_>, id: GraphqlClientId) -> Result<graphql_client::Model> {
    let row = tx
        .select::<graphql_client::Entity>()
        .filter(graphql_client::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("client"))?;
    match row.archived_at {
        None => Ok(row),
        Some(_) => Err(Error::conflict("the client is archived")),
    }
}

/// Refuses a name that another client has, and a service account that is none or is bound to another client.
async fn check_free(tx: &Tx<'_>, row: &graphql_client::Model) -> Result<()> {
    use graphql_client::Column;
    let others = || {
        tx.select::<graphql_client::Entity>()
            .filter(Column::Id.ne(row.id))
            .filter(Column::ArchivedAt.is_null())
    };
    let named = others().filter(Column::Name.eq(row.name.as_str()));
    if named.count(tx.on()).await? > 0 {
        return Err(Error::invalid("name", "another client has this name"));
    }
    let Some(account) = row.service_account_id else {
        return Ok(());
    };
    let there = tx
        .select::<service_account::Entity>()
        .filter(service_account::Column::Id.eq(account))
        .filter(service_account::Column::ArchivedAt.is_null());
    if there.count(tx.on()).await? == 0 {
        return Err(Error::NotFound("service account"));
    }
    let bound = others().filter(Column::ServiceAccountId.eq(account));
    if bound.count(tx.on()).await? > 0 {
        return Err(Error::invalid(
            "serviceAccountId",
            "is bound to another client already",
        ));
    }
    Ok(())
}

/// A mode as events tell it.
fn told(mode: Mode) -> &'static str {
    match mode {
        Mode::Permissive => "PERMISSIVE",
        Mode::Strict => "STRICT",
    }
}

/// A name that fits into a header.
fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    let plain = name.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if (1..=NAME).contains(&name.len()) && plain {
        return Ok(name.to_owned());
    }
    let message =
        format!("stands in a header; 1 to {NAME} letters, digits and signs of ASCII are accepted");
    Err(Error::invalid("name", message))
}

fn checked_seconds(seconds: i32) -> Result<i32> {
    if (0..=CACHE_SECONDS).contains(&seconds) {
        return Ok(seconds);
    }
    let message = format!("is {seconds}; 0 to {CACHE_SECONDS} are accepted");
    Err(Error::invalid("cacheSeconds", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_into_a_header() {
        assert_eq!(checked_name(" shop-web 2 ").unwrap(), "shop-web 2");
        for name in ["", " ", "a\nb", "größer", &"a".repeat(101)] {
            assert!(checked_name(name).is_err(), "{name}");
        }
        assert!(checked_seconds(0).is_ok() && checked_seconds(-1).is_err());
    }
}
