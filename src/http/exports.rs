//! Exports as they leave: CSV, streamed.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use tokio_util::io::ReaderStream;
use utoipa::IntoParams;

use super::Edge;
use super::caller::Caller;
use super::envelope;
use crate::audit;
use crate::error::{Error, Result};
use crate::graphql::audit::AuditFilter;
use crate::graphql::node::local;
use crate::records::{self, RecordFilter};
use crate::{reports, simulations, tenants};

/// Which records to export.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Occurred on this day or later.
    #[param(example = "2026-01-01")]
    from: Option<NaiveDate>,
    /// Occurred on this day or before.
    #[param(example = "2026-03-31")]
    to: Option<NaiveDate>,
    /// Of this account.
    account_id: Option<String>,
    /// Of this category.
    category_id: Option<String>,
}

/// `GET /api/v1/exports/records.csv?from=&to=&accountId=&categoryId=`: records, oldest first.
#[utoipa::path(
    get, path = "/api/v1/exports/records.csv", operation_id = "exportRecords", tag = "exports",
    security(("bearer" = []), ("cookie" = [])),
    params(Asked),
    responses((status = 200, description = "The records, streamed as they are read", body = String, content_type = "text/csv")),
)]
pub async fn records(
    State(_): State<Edge>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Response {
    let exported = async {
        let ctx = caller.signed_in().await?;
        let filter = RecordFilter {
            occurred_from: asked.from,
            occurred_to: asked.to,
            account: asked
                .account_id
                .map(|id| local("Account", "accountId", &id.into()))
                .transpose()?,
            category: asked
                .category_id
                .map(|id| local("Category", "categoryId", &id.into()))
                .transpose()?,
            ..RecordFilter::default()
        };
        records::export(ctx, filter).await
    };
    match exported.await {
        Ok(chunks) => file("records.csv", Body::from_stream(chunks)),
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}

/// `GET /api/v1/exports/reports/{id}.csv`: a report of the history.
#[utoipa::path(
    get, path = "/api/v1/exports/reports/{report}", operation_id = "exportReport", tag = "exports",
    security(("bearer" = []), ("cookie" = [])),
    params(("report" = String, Path, description = "The id of the report, and `.csv`", example = "UmVwb3J0OjAxOWFhNWMw.csv")),
    responses(
        (status = 200, description = "The report", body = String, content_type = "text/csv"),
        (status = 409, description = "The report is not ready yet", body = super::shapes::Failure),
    ),
)]
pub async fn report(State(_): State<Edge>, caller: Caller, Path(name): Path<String>) -> Response {
    let exported: Result<String> = async {
        let ctx = caller.signed_in().await?;
        let id = name.strip_suffix(".csv").ok_or(Error::NotFound("report"))?;
        let id = local("Report", "id", &id.into()).map_err(|_| Error::NotFound("report"))?;
        reports::export(&ctx, id).await
    }
    .await;
    match exported {
        Ok(csv) => file("report.csv", Body::from(csv)),
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}

/// `GET /api/v1/exports/simulations/{id}.csv`: the decisions that a simulation changed.
#[utoipa::path(
    get, path = "/api/v1/exports/simulations/{simulation}", operation_id = "exportSimulation", tag = "exports",
    security(("bearer" = []), ("cookie" = [])),
    params(("simulation" = String, Path, description = "The id of the simulation, and `.csv`", example = "U2ltdWxhdGlvbjowMTlhYTVj.csv")),
    responses((status = 200, description = "The changed decisions that are kept, streamed as they are read", body = String, content_type = "text/csv")),
)]
pub async fn simulation(
    State(_): State<Edge>,
    caller: Caller,
    Path(name): Path<String>,
) -> Response {
    let exported = async {
        let ctx = caller.signed_in().await?;
        let missing = || Error::NotFound("simulation");
        let id = name.strip_suffix(".csv").ok_or_else(missing)?;
        let id = local("Simulation", "id", &id.into()).map_err(|_| missing())?;
        simulations::export(ctx, id).await
    };
    match exported.await {
        Ok(chunks) => file("simulation.csv", Body::from_stream(chunks)),
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}

/// `GET /api/v1/exports/tenants/{token}`: everything of a tenant, as a ZIP. The token names the export and proves the
/// right.
#[utoipa::path(
    get, path = "/api/v1/exports/tenants/{token}", operation_id = "exportTenant", tag = "exports", security(()),
    params(("token" = String, Path, description = "What `downloadUrl` of an export ends with", example = "AZqlwG9Oc")),
    responses(
        (status = 200, description = "Everything of the tenant", body = Vec<u8>, content_type = "application/zip"),
        (status = 401, description = "The link is not good any more", body = super::shapes::Failure),
    ),
)]
pub async fn tenant(
    State(edge): State<Edge>,
    caller: Caller,
    Path(token): Path<String>,
) -> Response {
    match tenants::open_download(&edge.handles, &token).await {
        Ok(found) => {
            let headers = [
                (header::CONTENT_TYPE, "application/zip".to_owned()),
                (header::CONTENT_LENGTH, found.size_bytes.to_string()),
                (
                    header::CONTENT_DISPOSITION,
                    format!("attachment; filename=\"{}\"", found.name),
                ),
                (header::CACHE_CONTROL, "no-store".to_owned()),
            ];
            (headers, Body::from_stream(ReaderStream::new(found.file))).into_response()
        }
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}

/// Which entries of the audit log to export.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct AuditAsked {
    /// From this instant, included.
    #[param(example = "2026-11-01T00:00:00Z")]
    from: Option<DateTime<Utc>>,
    /// To this instant, excluded.
    #[param(example = "2026-12-01T00:00:00Z")]
    to: Option<DateTime<Utc>>,
    /// Of this person.
    actor_id: Option<String>,
    /// About this thing.
    resource_id: Option<String>,
    /// About things of this kind.
    #[param(example = "record")]
    resource_kind: Option<String>,
    /// Public names of actions, comma separated.
    #[param(example = "MEMBER_ADDED,MEMBER_REMOVED")]
    actions: Option<String>,
}

/// `GET /api/v1/exports/audit.csv?from=&to=&actorId=&resourceId=&resourceKind=&actions=A,B`: the audit log, newest first.
#[utoipa::path(
    get, path = "/api/v1/exports/audit.csv", operation_id = "exportAudit", tag = "exports",
    security(("bearer" = []), ("cookie" = [])),
    params(AuditAsked),
    responses((status = 200, description = "The entries, streamed as they are read", body = String, content_type = "text/csv")),
)]
pub async fn audit(
    State(_): State<Edge>,
    caller: Caller,
    Query(asked): Query<AuditAsked>,
) -> Response {
    let exported = async {
        let ctx = caller.signed_in().await?;
        let actions = asked.actions.map(|actions| {
            let actions = actions.split(',').map(str::trim);
            actions
                .filter(|action| !action.is_empty())
                .map(str::to_owned)
                .collect()
        });
        let filter = AuditFilter {
            actor_id: asked.actor_id.map(Into::into),
            actions,
            resource_kind: asked.resource_kind,
            resource_id: asked.resource_id.map(Into::into),
            from: asked.from,
            to: asked.to,
            ..AuditFilter::default()
        };
        audit::export(ctx, filter.read()?).await
    };
    match exported.await {
        Ok(chunks) => file("audit.csv", Body::from_stream(chunks)),
        Err(error) => envelope::failure(&caller.request_id, &error),
    }
}

fn file(name: &str, body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, body).into_response()
}
