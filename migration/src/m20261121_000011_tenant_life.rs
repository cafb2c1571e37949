//! The life of a tenant and of its people: suspension, export, deletion with a grace period, what remains of an erased
//! tenant, and what people set for themselves.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

-- suspended_by: OWNER or OPERATOR, since an owner cannot take back what the operator decided
alter table {auth}tenant add column suspended_at {instant};
alter table {auth}tenant add column suspended_by text;
-- erase_at: after the grace period; erase_begun_at: there is no way back
alter table {auth}tenant add column deletion_requested_at {instant};
alter table {auth}tenant add column erase_at {instant};
alter table {auth}tenant add column erase_begun_at {instant};
alter table {auth}tenant add column erase_lease_until {instant};
-- the tenants whose jobs wait
create index tenant_suspended on {auth}tenant (id) where suspended_at is not null;
-- the tenants to be erased
create index tenant_to_erase on {auth}tenant (erase_at) where erase_at is not null;
-- when the link was last made; created_at where it never was again
alter table {auth}invitation add column sent_at {instant};
-- what remains of an erased tenant: where its log ended, under a seal
create table {auth}tombstone (
  id {uuid} primary key,
  sequence {long} not null,
  hash {bytes} not null,
  erased_at {instant} not null,
  seal {bytes} not null
);
create table {auth}profile (
  user_id {uuid} primary key references {auth}"user" (id),
  locale text,
  time_zone text,
  page_size integer,
  theme text,
  app text,
  updated_at {instant} not null
);
create table {core}export (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  status text not null,
  for_deletion boolean not null,
  rows_done {long} not null,
  rows_total {long} not null,
  size_bytes {long} not null,
  sha256 text,
  error text,
  created_by {uuid},
  created_at {instant} not null,
  finished_at {instant},
  expires_at {instant},
  primary key (tenant_id, id)
);
"#;

/// The role of the server may neither update nor delete what happened. Erasing a tenant goes through this one door,
/// which opens for the tenant of the transaction only, and only once its erasure has begun. FORCE binds the owner whose
/// rights it has, so the policies hold in here too.
const ERASE: &str = "
create function core.erase_rows(which text, batch integer) returns bigint
language plpgsql security definer set search_path = core, auth, analytics, pg_temp as $$
declare
  tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
  place regclass;
  gone bigint;
begin
  if not exists (select 1 from auth.tenant t where t.id = tenant and t.erase_begun_at is not null) then
    raise exception 'the tenant is not being erased';
  end if;
  select c.oid::regclass into strict place
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('auth', 'core', 'analytics') and c.relkind in ('r', 'p') and c.relname = which;
  execute format(
    'delete from %s where ctid = any (array(select ctid from %s where tenant_id = $1 limit $2))', place, place
  ) using tenant, batch;
  get diagnostics gone = row_count;
  return gone;
end $$;
revoke all on function core.erase_rows(text, integer) from public;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared(ERASE).await?;
        }
        dialect::policy(manager, &["core.export"]).await
    }
}
