//! Roles of a tenant's own, projects, teams, the settings of a tenant, and who brought a record.
//!
//! Projects were free text before. Each text that is in use becomes the key of a project, so that every record, decision
//! and rule stays as it is and names a project that exists.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

const DDL: &str = r#"

create table {auth}role (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  name text not null,
  grants text not null,
  archived_at {instant},
  created_at {instant} not null,
  updated_at {instant} not null,
  primary key (tenant_id, id)
);
-- no two roles in use share a name
create unique index role_by_name on {auth}role (tenant_id, name) where archived_at is null;
create table {auth}tenant_setting (
  tenant_id {uuid} primary key references {auth}tenant (id),
  two_person_ceilings text not null,
  updated_at {instant} not null
);
create table {core}project (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  key text not null,
  name text not null,
  archived_at {instant},
  created_at {instant} not null,
  updated_at {instant} not null,
  primary key (tenant_id, id)
);
-- records, rules and grants name a project by its key
create unique index project_by_key on {core}project (tenant_id, key);
create table {auth}team (
  tenant_id {uuid} not null references {auth}tenant (id),
  id {uuid} not null,
  name text not null,
  archived_at {instant},
  created_at {instant} not null,
  updated_at {instant} not null,
  primary key (tenant_id, id)
);
create table {auth}team_member (
  tenant_id {uuid} not null,
  team_id {uuid} not null,
  user_id {uuid} not null references {auth}"user" (id),
  primary key (tenant_id, team_id, user_id),
  foreign key (tenant_id, team_id) references {auth}team (tenant_id, id)
);
-- the teams of a person, when their permissions are looked up
create index team_member_by_user on {auth}team_member (tenant_id, user_id);
create table {auth}team_project (
  tenant_id {uuid} not null,
  team_id {uuid} not null,
  project_id {uuid} not null,
  primary key (tenant_id, team_id, project_id),
  foreign key (tenant_id, team_id) references {auth}team (tenant_id, id),
  foreign key (tenant_id, project_id) references {core}project (tenant_id, id)
);
alter table {auth}membership add column role_id {uuid};
alter table {auth}invitation add column role_id {uuid};
alter table {core}record add column created_by {uuid};
alter table {core}approval add column proposed_by text;
alter table {analytics}report add column reach text;
-- the records of a project, by date
create index record_by_project on {core}record (tenant_id, project, occurred_on);
"#;

/// Who started an import brought its records.
const OWNERS: &str = r#"
update {core}record
set created_by = (select i.created_by from {core}import i
                  where i.tenant_id = record.tenant_id and i.id = record.import_id)
where import_id is not null;
"#;

/// Tables that are read or written here across tenants. The owner of the schema is bound by FORCE like everybody; it is
/// lifted within the transaction of the migration and put back before it ends.
const FORCED: [&str; 5] = [
    "core.record",
    "core.decision",
    "core.rule",
    "core.import",
    "core.project",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DDL).await?;
        dialect::policy(
            manager,
            &[
                "auth.role",
                "auth.tenant_setting",
                "core.project",
                "auth.team",
                "auth.team_member",
                "auth.team_project",
            ],
        )
        .await?;
        force(manager, "no force").await?;
        dialect::run(manager, OWNERS).await?;
        projects(manager).await?;
        force(manager, "force").await
    }
}

async fn force(manager: &SchemaManager<'_>, word: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    for table in FORCED {
        let ddl = format!("alter table {table} {word} row level security;");
        manager.get_connection().execute_unprepared(&ddl).await?;
    }
    Ok(())
}

/// Makes a project of each text that is in use, and asserts that none is left without one.
async fn projects(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let (named, id, now) = match manager.get_database_backend() {
        DbBackend::Postgres => ("actions::jsonb ->> 'project'", "gen_random_uuid()", "now()"),
        _ => (
            "json_extract(actions, '$.project')",
            "randomblob(16)",
            "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')",
        ),
    };
    let used = format!(
        "select tenant_id, project as key from {{core}}record where project is not null
         union select tenant_id, project from {{core}}decision where project is not null
         union select tenant_id, {named} from {{core}}rule where {named} is not null"
    );
    dialect::run(
        manager,
        &format!(
            "insert into {{core}}project (tenant_id, id, key, name, created_at, updated_at)
             select tenant_id, {id}, key, key, {now}, {now} from ({used}) used;"
        ),
    )
    .await?;
    let backend = manager.get_database_backend();
    let left = dialect::write(
        backend,
        &format!(
            "select count(*) as n from ({used}) used where not exists
             (select 1 from {{core}}project p where p.tenant_id = used.tenant_id and p.key = used.key)"
        ),
    );
    let row = manager
        .get_connection()
        .query_one_raw(Statement::from_string(backend, left))
        .await?;
    match row.map(|row| row.try_get::<i64>("", "n")).transpose()? {
        Some(0) => Ok(()),
        left => Err(DbErr::Custom(format!(
            "{left:?} projects in use were not made; row-level security may have hidden them"
        ))),
    }
}
