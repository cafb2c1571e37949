//! The least a server can do for the list of [`crate::reads`]: two statements, rows read by position, serde. It has no
//! sign-in, no GraphQL, no transaction and no tenant policies beyond the one setting PostgreSQL needs.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::NaiveDate;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseBackend, DatabaseConnection, QueryResult,
    Statement, Value,
};
use serde::Serialize;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::child;
use crate::place::variable;

/// Serves it, says where, and ends with whoever started it.
pub async fn serve(tenant: &str) {
    let url = variable("DATABASE_URL").expect("its parent names the database");
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(8)
        .sqlx_logging(false)
        .test_before_acquire(false);
    // the tenant is settled once for the connection, so that a request is its two statements and nothing else
    let tenant = tenant.to_owned();
    options.map_sqlx_postgres_opts(move |o| {
        o.options([
            ("search_path", "core,auth,public"),
            ("app.tenant_id", &tenant),
        ])
    });
    let database = Database::connect(options)
        .await
        .expect("the database is there");
    let router = Router::new()
        .route("/records/{tenant}", get(records))
        .with_state(Arc::new(database));
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    println!("{}", listener.local_addr().expect("it is bound"));
    child::end_with_parent();
    axum::serve(listener, router).await.expect("it serves");
}

#[derive(Serialize)]
struct Answer {
    data: Data,
}

#[derive(Serialize)]
struct Data {
    records: Records,
}

#[derive(Serialize)]
struct Records {
    edges: Vec<Edge>,
}

#[derive(Serialize)]
struct Edge {
    node: Node,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    id: Uuid,
    status: String,
    occurred_on: NaiveDate,
    amount: Amount,
    description: String,
    merchant: String,
    account: Named,
    category: Category,
    decision: Option<Decision>,
}

#[derive(Serialize)]
struct Amount {
    amount: String,
    currency: String,
}

#[derive(Serialize)]
struct Named {
    id: Option<Uuid>,
    name: Option<String>,
}

#[derive(Serialize)]
struct Category {
    id: Option<Uuid>,
    code: Option<String>,
    name: Option<String>,
}

#[derive(Serialize)]
struct Decision {
    id: Uuid,
    source: String,
    confidence: f64,
    rationale: String,
}

async fn records(
    State(database): State<Arc<DatabaseConnection>>,
    Path(tenant): Path<Uuid>,
) -> Response {
    match answer(&database, tenant).await {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => (
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            error.to_string(),
        )
            .into_response(),
    }
}

async fn answer(database: &DatabaseConnection, tenant: Uuid) -> Result<Answer, sea_orm::DbErr> {
    let (postgres, backend) = match database.get_database_backend() {
        DatabaseBackend::Postgres => (true, DatabaseBackend::Postgres),
        other => (false, other),
    };
    let place = |n: usize| {
        if postgres {
            format!("${n}")
        } else {
            "?".to_owned()
        }
    };
    let page = format!(
        "select r.id, r.status, r.occurred_on, r.amount, r.currency, r.description, r.merchant_key, \
         a.id, a.name, c.id, c.code, c.name, r.decision_id \
         from record r left join account a on a.tenant_id = r.tenant_id and a.id = r.account_id \
         left join category c on c.tenant_id = r.tenant_id and c.id = r.category_id \
         where r.tenant_id = {} and r.status <> 'VOIDED' order by r.occurred_on desc, r.id desc limit 50",
        place(1)
    );
    let rows = all(database, backend, page, vec![tenant.into()]).await?;
    let ids: Vec<Uuid> = rows
        .iter()
        .map(|row| row.try_get_by_index(12))
        .collect::<Result<_, _>>()?;
    let list: Vec<String> = (2..ids.len() + 2).map(place).collect();
    let decided = format!(
        "select id, source, confidence, rationale from decision where tenant_id = {} and id in ({})",
        place(1),
        list.join(", ")
    );
    let values = std::iter::once(tenant)
        .chain(ids.iter().copied())
        .map(Value::from);
    let mut decisions = HashMap::with_capacity(ids.len());
    for row in all(database, backend, decided, values.collect()).await? {
        let id: Uuid = row.try_get_by_index(0)?;
        let decision = Decision {
            id,
            source: row.try_get_by_index(1)?,
            confidence: row.try_get_by_index(2)?,
            rationale: row.try_get_by_index(3)?,
        };
        decisions.insert(id, decision);
    }
    let edges = rows
        .iter()
        .zip(ids)
        .map(|(row, decision)| node(row, decisions.remove(&decision)));
    Ok(Answer {
        data: Data {
            records: Records {
                edges: edges.collect::<Result<_, _>>()?,
            },
        },
    })
}

async fn all(
    database: &DatabaseConnection,
    backend: DatabaseBackend,
    sql: String,
    values: Vec<Value>,
) -> Result<Vec<QueryResult>, sea_orm::DbErr> {
    database
        .query_all_raw(Statement::from_sql_and_values(backend, sql, values))
        .await
}

fn node(row: &QueryResult, decision: Option<Decision>) -> Result<Edge, sea_orm::DbErr> {
    let units: i64 = row.try_get_by_index(3)?;
    let node = Node {
        id: row.try_get_by_index(0)?,
        status: row.try_get_by_index(1)?,
        occurred_on: row.try_get_by_index(2)?,
        amount: Amount {
            amount: format!("{}.{:05}", units / 100_000, (units % 100_000).abs()),
            currency: row.try_get_by_index(4)?,
        },
        description: row.try_get_by_index(5)?,
        merchant: row.try_get_by_index(6)?,
        account: Named {
            id: row.try_get_by_index(7)?,
            name: row.try_get_by_index(8)?,
        },
        category: Category {
            id: row.try_get_by_index(9)?,
            code: row.try_get_by_index(10)?,
            name: row.try_get_by_index(11)?,
        },
        decision,
    };
    Ok(Edge { node })
}
