//! The job that makes records of a delivery.

use entity::account::Kind;
use entity::{DeliveryId, connection, delivery, job};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};

use super::find::{load, load_delivery};
use crate::accounts::{self, NamedAccount};
use crate::ctx::{Ctx, Tx};
use crate::error::Result;
use crate::integrations::StatementRow;
use crate::integrations::content_key::content_keys;
use crate::integrations::webhook::{self, Webhook};
use crate::queue::Claim;
use crate::records::{NewRecord, receive};

/// Makes records of a delivery. One that cannot be read is refused whole, with what is wrong in it.
pub async fn ingest(
    ctx: &Ctx,
    claim: &Claim,
    job: &job::Model,
    delivery: DeliveryId,
) -> Result<()> {
    let delivery = load_delivery(ctx, delivery).await?;
    let connection = load(ctx, delivery.connection_id).await?;
    let read = match delivery.status {
        delivery::Status::Ingested => None,
        // a refused one is read again when its job is driven again
        _ => Some(rows(delivery.body.as_bytes())),
    };
    let mut tx = ctx.begin().await?;
    tx.complete(claim, &[job.id]).await?;
    match read {
        None => {}
        Some(Ok(rows)) => store(&mut tx, &connection, &delivery, rows).await?,
        Some(Err(reason)) => mark_refused(&tx, delivery.id, &reason).await?,
    }
    tx.commit().await
}

/// Marks a delivery refused with the job that could not be done.
pub async fn give_up(
    ctx: &Ctx,
    claim: &Claim,
    job: &job::Model,
    delivery: DeliveryId,
    error: &str,
) -> Result<()> {
    let tx = ctx.begin().await?;
    tx.bury(claim, &[job.id], error).await?;
    mark_refused(&tx, delivery, error).await?;
    tx.commit().await
}

/// The rows of a body, or everything that is wrong with it.
fn rows(body: &[u8]) -> Result<Vec<StatementRow>, String> {
    let Webhook { rows, refused, .. } = webhook::parse(body).map_err(|error| error.to_string())?;
    if refused.is_empty() {
        return Ok(rows);
    }
    let mut reasons: Vec<String> = refused
        .iter()
        .take(10)
        .map(|item| format!("{}: {}", item.path, item.message))
        .collect();
    if refused.len() > reasons.len() {
        reasons.push(format!("and {} more", refused.len() - reasons.len()));
    }
    Err(reasons.join("; "))
}

async fn store(
    tx: &mut Tx<'_>,
    connection: &connection::Model,
    delivery: &delivery::Model,
    rows: Vec<StatementRow>,
) -> Result<()> {
    let named: Vec<NamedAccount> = rows
        .iter()
        .filter_map(|row| row.account.clone())
        .map(|number| NamedAccount {
            number,
            kind: Kind::Bank,
            currency: None,
        })
        .collect();
    let accounts = accounts::find_or_create_by_number(tx, &named).await?;
    let keys = content_keys(&rows);
    let records = rows.into_iter().zip(keys).map(|(row, key)| {
        let account = match &row.account {
            Some(number) => accounts.get(&accounts::normal(number)).copied(),
            None => connection.account_id,
        };
        NewRecord {
            source_id: connection.id.0,
            external_id: row.external_id.unwrap_or(key),
            account_id: account,
            connection_id: Some(connection.id),
            import_id: None,
            occurred_on: row.occurred_on,
            amount: row.amount,
            description: row.description,
            raw: row.raw,
            tags: row.tags,
            metadata: None,
            created_by: None,
        }
    });
    let receipts = receive(tx, records.collect()).await?;
    let new = receipts.iter().filter(|receipt| receipt.new).count();
    tx.update::<delivery::Entity>()
        .col_expr(
            delivery::Column::Status,
            Expr::value(delivery::Status::Ingested),
        )
        .col_expr(delivery::Column::Error, Expr::value(Option::<String>::None))
        .col_expr(delivery::Column::NewRows, Expr::value(number(new)))
        .col_expr(
            delivery::Column::DuplicateRows,
            Expr::value(number(receipts.len() - new)),
        )
        .filter(delivery::Column::Id.eq(delivery.id))
        .filter(delivery::Column::Status.ne(delivery::Status::Ingested))
        .exec(tx.on())
        .await?;
    Ok(())
}

async fn mark_refused(tx: &Tx<'_>, delivery: DeliveryId, reason: &str) -> Result<()> {
    tx.update::<delivery::Entity>()
        .col_expr(
            delivery::Column::Status,
            Expr::value(delivery::Status::Refused),
        )
        .col_expr(delivery::Column::Error, Expr::value(reason))
        .filter(delivery::Column::Id.eq(delivery))
        .filter(delivery::Column::Status.ne(delivery::Status::Ingested))
        .exec(tx.on())
        .await?;
    Ok(())
}

/// A number of items; a body holds a thousand at most.
fn number(rows: usize) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_with_a_bad_item_is_refused_whole_and_the_item_is_named() {
        let body = serde_json::json!({"type": "t", "data": [
            {"occurredOn": "2026-03-31", "amount": "1", "currency": "EUR", "description": "x"},
            {"occurredOn": "2026-03-31", "amount": 1, "currency": "EUR", "description": "x"},
        ]});
        let reason = rows(body.to_string().as_bytes()).unwrap_err();
        assert!(reason.starts_with("data[1].amount: "), "{reason}");
    }
}
