//! One record over several categories, and records that belong together: transfers and refunds.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

-- the lines of a decision that files its record under several categories; in force while the decision is
create table {core}record_split (
  tenant_id {uuid} not null,
  decision_id {uuid} not null,
  line integer not null,
  record_id {uuid} not null,
  category_id {uuid} not null,
  amount {long} not null,
  project text,
  note text,
  primary key (tenant_id, decision_id, line),
  foreign key (tenant_id, decision_id) references {core}decision (tenant_id, id),
  foreign key (tenant_id, record_id) references {core}record (tenant_id, id),
  foreign key (tenant_id, category_id) references {core}category (tenant_id, id)
);
-- the records behind a category
create index record_split_by_category on {core}record_split (tenant_id, category_id);
-- the split records of a statement
create index record_split_by_record on {core}record_split (tenant_id, record_id);

-- out_id moved money out, in_id brought it in: the two sides of a transfer, or a purchase and its refund
create table {core}record_link (
  tenant_id {uuid} not null,
  id {uuid} not null,
  kind text not null,
  status text not null,
  out_id {uuid} not null,
  in_id {uuid} not null,
  reason text not null,
  decided_by {uuid},
  decided_at {instant},
  created_at {instant} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, out_id) references {core}record (tenant_id, id),
  foreign key (tenant_id, in_id) references {core}record (tenant_id, id)
);
-- a pair is suggested once, whatever became of it
create unique index record_link_by_pair on {core}record_link (tenant_id, out_id, in_id, kind);
-- money that came in is the other side of one thing
create unique index record_link_in on {core}record_link (tenant_id, in_id) where status = 'CONFIRMED';
-- money that went out is one side of one transfer; a purchase may be refunded several times
create unique index record_link_out on {core}record_link (tenant_id, out_id)
  where status = 'CONFIRMED' and kind = 'TRANSFER';
-- the links of records that brought money in
create index record_link_by_in on {core}record_link (tenant_id, in_id);
-- suggestions, newest last
create index record_link_by_status on {core}record_link (tenant_id, kind, status, id);

-- the other side of a transfer
create index record_by_amount on {core}record (tenant_id, amount, occurred_on);
-- the purchases of a merchant that a refund may belong to
create index record_by_merchant on {core}record (tenant_id, merchant_key, occurred_on);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        dialect::policy(manager, &["core.record_split", "core.record_link"]).await
    }
}
