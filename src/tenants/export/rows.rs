//! Rows as lines of JSON: every column, named as the API names things, money as exact decimals.

use entity::Tenanted;
use sea_orm::sea_query::{Expr, ExprTrait, SimpleExpr};
use sea_orm::{
    EntityTrait, IdenStatic, Iterable, ModelTrait, PaginatorTrait, PrimaryKeyToColumn, QueryFilter,
    QueryOrder, QuerySelect, Value,
};
use serde_json::{Map, Value as Json};

use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::money::{Currency, Money};

/// Rows of one portion.
pub(super) const PORTION: u64 = 1_000;

/// How many rows the tenant has in a table.
pub(super) async fn count<E: Tenanted>(ctx: &Ctx) -> Result<u64>
where
    E::Model: Send + Sync + 'static,
{
    let read = ctx.read().await?;
    Ok(read.select::<E>().count(read.on()).await?)
}

/// Some rows of a table, and where the next ones begin.
pub(super) struct Portion {
    /// The lines.
    pub text: Vec<u8>,
    /// How many they are.
    pub rows: i64,
    /// The key of the last row, unless it was the last of all.
    pub after: Option<Vec<Value>>,
}

/// The rows of a table after a key, in the order of their keys.
pub(super) async fn portion<E: Tenanted>(
    ctx: &Ctx,
    after: Option<Vec<Value>>,
    without: &[&str],
) -> Result<Portion> {
    let key: Vec<E::Column> = E::PrimaryKey::iter()
        .map(PrimaryKeyToColumn::into_column)
        .filter(|column| column.as_str() != E::TENANT.as_str())
        .collect();
    ctx.refresh().await;
    let read = ctx.read().await?;
    let mut select = read.select::<E>();
    if let Some(after) = after {
        let columns = key.iter().map(|c| Expr::col((E::default(), *c))).collect();
        let last = after.into_iter().map(Expr::value).collect();
        select = select.filter(SimpleExpr::Tuple(columns).gt(SimpleExpr::Tuple(last)));
    }
    for column in &key {
        select = select.order_by_asc(*column);
    }
    let rows = select.limit(PORTION).all(read.on()).await?;
    drop(read);
    ctx.refresh().await;

    let mut text = Vec::with_capacity(rows.len() * 256);
    for row in &rows {
        serde_json::to_writer(&mut text, &object::<E>(row, without)).map_err(Error::internal)?;
        text.push(b'\n');
    }
    let after = match rows.last() {
        Some(last) if rows.len() as u64 == PORTION => {
            Some(key.iter().map(|column| last.get(*column)).collect())
        }
        _ => None,
    };
    Ok(Portion {
        text,
        rows: rows.len() as i64,
        after,
    })
}

/// A row as an object.
fn object<E: EntityTrait>(row: &E::Model, without: &[&str]) -> Map<String, Json> {
    let currency = E::Column::iter()
        .find(|column| column.as_str() == "currency")
        .and_then(|column| match row.get(column) {
            Value::String(Some(code)) => code.parse::<Currency>().ok(),
            _ => None,
        });
    let columns = E::Column::iter()
        .filter(|column| column.as_str() != "tenant_id" && !without.contains(&column.as_str()));
    columns
        .map(|column| {
            let value = match (column.as_str(), row.get(column), currency) {
                ("amount", Value::BigInt(Some(units)), Some(currency)) => {
                    Money::new(units, currency).decimal().into()
                }
                (_, value, _) => json(value),
            };
            (camel(column.as_str()), value)
        })
        .collect()
}

fn json(value: Value) -> Json {
    match value {
        Value::Bool(Some(value)) => value.into(),
        Value::Int(Some(value)) => value.into(),
        Value::SmallInt(Some(value)) => value.into(),
        Value::BigInt(Some(value)) => value.into(),
        Value::Double(Some(value)) => value.into(),
        Value::Float(Some(value)) => value.into(),
        Value::String(Some(value)) => value.into(),
        Value::Bytes(Some(bytes)) => hex(&bytes).into(),
        Value::Json(Some(value)) => *value,
        Value::ChronoDate(Some(day)) => day.to_string().into(),
        Value::ChronoDateTimeUtc(Some(at)) => at
            .to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
            .into(),
        Value::Uuid(Some(id)) => id.to_string().into(),
        _ => Json::Null,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use entity::{AccountId, TenantId, account};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_row_is_told_as_the_api_tells_things() {
        let row = account::Model {
            tenant_id: TenantId(Uuid::from_u128(1)),
            id: AccountId(Uuid::from_u128(2)),
            name: "Main".to_owned(),
            number: None,
            kind: account::Kind::Bank,
            currency: Some("EUR".to_owned()),
            csv_mapping: None,
            archived_at: None,
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
        };
        let told = Json::Object(object::<account::Entity>(&row, &["csv_mapping"]));
        assert_eq!(
            told,
            serde_json::json!({
                "id": "00000000-0000-0000-0000-000000000002", "name": "Main", "number": null, "kind": "BANK",
                "currency": "EUR", "archivedAt": null,
                "createdAt": "1970-01-01T00:00:00.000000Z", "updatedAt": "1970-01-01T00:00:00.000000Z",
            })
        );
    }
}
