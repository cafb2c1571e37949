//! Accounts, the chart of accounts, connections, files, imports and the records they bring.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {core}account (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  name text not null,
  number text,
  kind text not null,
  currency text,
  csv_mapping text,
  archived_at {instant},
  created_at {instant} not null,
  updated_at {instant} not null,
  primary key (tenant_id, id)
);
-- statements name accounts by number
create unique index account_by_number on {core}account (tenant_id, number);
create table {core}category (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  parent_id {uuid},
  code text not null,
  name text not null,
  kind text not null,
  archived_at {instant},
  created_at {instant} not null,
  updated_at {instant} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, parent_id) references {core}category (tenant_id, id)
);
create unique index category_by_code on {core}category (tenant_id, code);
create table {core}connection (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  name text not null,
  account_id {uuid},
  disabled_at {instant},
  last_received_at {instant},
  created_at {instant} not null,
  updated_at {instant} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, account_id) references {core}account (tenant_id, id)
);
create table {core}connection_key (
  connection_id {uuid} primary key,
  tenant_id {uuid} not null,
  secret {bytes} not null,
  previous_secret {bytes},
  previous_until {instant},
  disabled_at {instant},
  foreign key (tenant_id, connection_id) references {core}connection (tenant_id, id)
);
create table {core}delivery (
  tenant_id {uuid} not null,
  id {uuid} not null,
  connection_id {uuid} not null,
  webhook_id text not null,
  body text not null,
  status text not null,
  error text,
  new_rows integer not null,
  duplicate_rows integer not null,
  received_at {instant} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, connection_id) references {core}connection (tenant_id, id)
);
-- a repeated message is answered, not stored again
create unique index delivery_by_webhook_id on {core}delivery (tenant_id, connection_id, webhook_id);
create table {core}file (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  name text not null,
  size_bytes {long} not null,
  sha256 text,
  created_by {uuid},
  created_at {instant} not null,
  expires_at {instant} not null,
  stored_at {instant},
  primary key (tenant_id, id)
);
create table {core}import (
  tenant_id {uuid} not null,
  id {uuid} not null,
  account_id {uuid},
  file_id {uuid} not null,
  file_name text not null,
  format text not null,
  status text not null,
  options text not null,
  skip_bad boolean not null,
  total_rows integer not null,
  new_rows integer not null,
  duplicate_rows integer not null,
  refused_rows integer not null,
  error text,
  created_by {uuid},
  created_at {instant} not null,
  finished_at {instant},
  voided_at {instant},
  primary key (tenant_id, id),
  foreign key (tenant_id, account_id) references {core}account (tenant_id, id),
  foreign key (tenant_id, file_id) references {core}file (tenant_id, id)
);
create table {core}refused_row (
  tenant_id {uuid} not null,
  id {uuid} not null,
  import_id {uuid} not null,
  line integer not null,
  field text,
  reason text not null,
  raw text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, import_id) references {core}import (tenant_id, id)
);
-- the refused rows of one import, in file order
create index refused_row_by_import on {core}refused_row (tenant_id, import_id, line);
-- decision_id has no foreign key: a decision points at its record already
create table {core}record (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  source_id {uuid} not null,
  external_id text not null,
  account_id {uuid},
  connection_id {uuid},
  import_id {uuid},
  occurred_on date not null,
  amount {long} not null,
  currency text not null,
  description text not null,
  merchant_key text not null,
  raw text not null,
  status text not null,
  category_id {uuid},
  project text,
  note text,
  decision_id {uuid},
  error text,
  metadata text,
  created_at {instant} not null,
  updated_at {instant} not null,
  deleted_at {instant},
  primary key (tenant_id, id),
  foreign key (tenant_id, account_id) references {core}account (tenant_id, id),
  foreign key (tenant_id, category_id) references {core}category (tenant_id, id),
  foreign key (tenant_id, import_id) references {core}import (tenant_id, id)
);
-- idempotency: one row per (tenant, source, external id)
create unique index record_by_external_id on {core}record (tenant_id, source_id, external_id);
-- the records list by status, and the FAILED list
create index record_by_status on {core}record (tenant_id, status, id);
-- the records list by date
create index record_by_date on {core}record (tenant_id, occurred_on, id);
-- profit and loss, and the records behind a cell
create index record_by_category on {core}record (tenant_id, category_id, occurred_on);
-- progress and voiding of an import
create index record_by_import on {core}record (tenant_id, import_id);
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        dialect::policy(
            manager,
            &[
                "core.account",
                "core.category",
                "core.connection",
                "core.delivery",
                "core.file",
                "core.import",
                "core.refused_row",
                "core.record",
            ],
        )
        .await
    }
}
