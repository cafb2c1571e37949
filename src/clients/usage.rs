//! Counting what clients use: in memory at the request, added up in the database every few seconds. A process that is
//! killed loses what it counted since the last time; nothing but figures for people hangs on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::graphql_usage::{self, Kind};
use entity::{GraphqlClientId, GraphqlDocumentId, TenantId};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveModelTrait, Insert, IntoActiveModel};

use crate::ctx::{Ctx, Handles};
use crate::error::Result;

/// How often it is added up.
const EVERY: Duration = Duration::from_secs(5);
/// Different things counted at most between two times; more are left out.
const CAPACITY: usize = 100_000;
/// Rows one statement takes.
const AT_ONCE: usize = 500;

/// Something that is counted.
#[derive(Clone, Debug)]
pub enum Use {
    /// A registered document, at a cost.
    Document(GraphqlDocumentId, u64),
    /// A deprecated member of the schema.
    Deprecated(String),
    /// A document that is not registered, and was refused.
    Refused,
}

#[derive(Default)]
struct Meter(Mutex<HashMap<Key, Count>>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    client: GraphqlClientId,
    kind: Kind,
    subject: String,
    cost: i64,
}

struct Count {
    uses: i64,
    last: DateTime<Utc>,
}

/// Counts a use by a client, or by a caller who is none.
pub fn note(handles: &Handles, tenant: TenantId, client: Option<GraphqlClientId>, what: Use) {
    let (kind, subject, cost) = match what {
        Use::Document(id, cost) => (Kind::Document, id.to_string(), rounded(cost)),
        Use::Deprecated(member) => (Kind::Deprecated, member, 0),
        Use::Refused => (Kind::Refused, String::new(), 0),
    };
    let key = Key {
        tenant,
        client: client.unwrap_or(GraphqlClientId(uuid::Uuid::nil())),
        kind,
        subject,
        cost,
    };
    let count = Count {
        uses: 1,
        last: handles.clock.now(),
    };
    handles.kept.of::<Meter>().add(key, count);
}

/// Adds up what was counted, every few seconds, for as long as it runs.
pub async fn keep_writing(handles: Arc<Handles>) {
    let mut timer = tokio::time::interval(EVERY);
    loop {
        timer.tick().await;
        if let Err(error) = write(&handles).await {
            tracing::warn!(%error, "What GraphQL clients used could not be added up; trying again");
        }
    }
}

/// Adds up what was counted since the last time. What the database did not take is kept for the next time.
pub async fn write(handles: &Arc<Handles>) -> Result<()> {
    let meter = handles.kept.of::<Meter>();
    let counted = std::mem::take(&mut *meter.lock());
    let mut tenants: HashMap<TenantId, Vec<(Key, Count)>> = HashMap::new();
    for (key, count) in counted {
        tenants.entry(key.tenant).or_default().push((key, count));
    }
    let mut failed = None;
    for (tenant, counts) in tenants {
        match store(handles, tenant, &counts).await {
            Ok(()) => {}
            Err(error) if error.is_transient() => {
                counts
                    .into_iter()
                    .for_each(|(key, count)| meter.add(key, count));
                failed = Some(error);
            }
            // a tenant that is gone meanwhile
            Err(error) => {
                tracing::warn!(tenant.id = %tenant, %error, "What GraphQL clients used is lost");
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

async fn store(handles: &Arc<Handles>, tenant: TenantId, counts: &[(Key, Count)]) -> Result<()> {
    use graphql_usage::{Column, Entity};
    let ctx = Ctx::system(Arc::clone(handles), tenant);
    let tx = ctx.begin().await?;
    for counts in counts.chunks(AT_ONCE) {
        let rows = counts.iter().map(|(key, count)| {
            let row = graphql_usage::Model {
                tenant_id: tenant,
                client_id: key.client,
                kind: key.kind,
                subject: key.subject.clone(),
                cost: key.cost,
                uses: count.uses,
                last_used_at: count.last,
            };
            row.into_active_model().reset_all()
        });
        let key = [
            Column::TenantId,
            Column::ClientId,
            Column::Kind,
            Column::Subject,
            Column::Cost,
        ];
        let more = Expr::col((Entity, Column::Uses)).add(Expr::cust("excluded.uses"));
        let again = OnConflict::columns(key)
            .value(Column::Uses, more)
            .update_column(Column::LastUsedAt)
            .to_owned();
        Insert::<graphql_usage::ActiveModel>::many(rows)
            .on_conflict(again)
            .exec_without_returning(tx.on())
            .await?;
    }
    tx.commit().await
}

impl Meter {
    fn add(&self, key: Key, more: Count) {
        let mut counts = self.lock();
        if counts.len() >= CAPACITY && !counts.contains_key(&key) {
            return;
        }
        let count = counts.entry(key).or_insert(Count {
            uses: 0,
            last: more.last,
        });
        count.uses += more.uses;
        count.last = std::cmp::max(count.last, more.last);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cost rounded up to two digits, so that few different ones are counted.
fn rounded(cost: u64) -> i64 {
    let mut unit = 1;
    while cost / unit >= 100 {
        unit *= 10;
    }
    i64::try_from(cost.div_ceil(unit).saturating_mul(unit)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_rounded_up_to_two_digits() {
        for (cost, told) in [
            (0, 0),
            (7, 7),
            (99, 99),
            (100, 100),
            (101, 110),
            (4_999, 5_000),
        ] {
            assert_eq!(rounded(cost), told, "{cost}");
        }
        assert_eq!(rounded(u64::MAX), i64::MAX);
    }

    #[test]
    fn counts_add_up_and_memory_is_bounded() {
        let meter = Meter::default();
        let key = |number: usize| Key {
            tenant: TenantId(uuid::Uuid::nil()),
            client: GraphqlClientId(uuid::Uuid::nil()),
            kind: Kind::Refused,
            subject: number.to_string(),
            cost: 0,
        };
        for number in 0..CAPACITY + 10 {
            let last = DateTime::UNIX_EPOCH;
            meter.add(key(number), Count { uses: 1, last });
            meter.add(key(0), Count { uses: 1, last });
        }
        let counts = meter.lock();
        assert_eq!(counts.len(), CAPACITY);
        assert_eq!(counts[&key(0)].uses, 1 + (CAPACITY + 10) as i64);
    }
}
