//! What no verb does, and what a test needs done.

use balance::ctx::{Ctx, Job};
use balance::graphql::node::local;
use entity::{RecordId, approval, decision, record};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};

use super::{Tenant, TestApp};

/// Puts something in the way of one record: it waits for a decision before it was processed.
pub async fn poison(app: &TestApp, tenant: &Tenant, record: &str) {
    let ctx = Ctx::system(app.app().handles.clone(), tenant.local_id());
    let tx = ctx.begin().await.unwrap();
    let row = approval::Model {
        tenant_id: tenant.local_id(),
        id: ctx.id(),
        record_id: local("Record", "id", &record.into()).unwrap(),
        decision_id: ctx.id(),
        status: approval::Status::Pending,
        proposed_category_id: None,
        category_id: None,
        source: decision::Source::None,
        confidence: 0.0,
        comment: Some("poison".to_owned()),
        flag: None,
        decided_by: None,
        decided_at: None,
        proposed_by: None,
        passes: false,
        automatic: false,
        audit: false,
        reopened_from: None,
        first_look: None,
        created_at: ctx.now(),
    };
    tx.insert(row).await.unwrap();
    tx.commit().await.unwrap();
}

/// Takes it away again.
pub async fn cure(app: &TestApp, tenant: &Tenant) {
    let ctx = Ctx::system(app.app().handles.clone(), tenant.local_id());
    let tx = ctx.begin().await.unwrap();
    let gone = tx
        .delete::<approval::Entity>()
        .filter(approval::Column::Comment.eq("poison"))
        .exec(tx.on())
        .await
        .unwrap();
    assert_eq!(gone.rows_affected, 1);
    tx.commit().await.unwrap();
}

/// Has a record decided anew.
pub async fn decide_again(app: &TestApp, tenant: &Tenant, record: &str) {
    let id: RecordId = local("Record", "id", &record.into()).unwrap();
    let ctx = Ctx::system(app.app().handles.clone(), tenant.local_id());
    let mut tx = ctx.begin().await.unwrap();
    let cancelled = Expr::value(approval::Status::Cancelled);
    tx.update::<approval::Entity>()
        .col_expr(approval::Column::Status, cancelled)
        .filter(approval::Column::RecordId.eq(id))
        .exec(tx.on())
        .await
        .unwrap();
    let received = Expr::value(record::Status::Received);
    tx.update::<record::Entity>()
        .col_expr(record::Column::Status, received)
        .filter(record::Column::Id.eq(id))
        .exec(tx.on())
        .await
        .unwrap();
    tx.enqueue(Job::ProcessRecord { record: id });
    tx.commit().await.unwrap();
    app.run_background_work().await;
}
