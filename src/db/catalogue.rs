//! What tables there are, as the database itself tells: erasing goes by this, so that a table that was added since is
//! not forgotten.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseTransaction, Statement};

use crate::error::Result;

/// A table, as the catalogue knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Whether its rows belong to a tenant.
    pub tenanted: bool,
    /// Whether its rows belong to a person.
    pub personal: bool,
    /// Its columns that may be absent.
    pub nullable: Vec<String>,
    /// The tables its rows refer to.
    pub parents: Vec<String>,
    /// Its columns that refer to other rows of itself, the tenant left out.
    pub inward: Vec<String>,
}

/// Every table of ours, each after those that refer to it: rows can be removed in this order.
pub async fn tables(tx: &DatabaseTransaction) -> Result<Vec<Table>> {
    let (columns, references) = match tx.get_database_backend() {
        DatabaseBackend::Postgres => (
            "select c.relname::text as tab, a.attname::text as col, not a.attnotnull as absent \
             from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
             where n.nspname in ('auth', 'core', 'analytics') and c.relkind in ('r', 'p') and not c.relispartition \
             order by 1, a.attnum",
            "select c.relname::text as tab, p.relname::text as parent, a.attname::text as col \
             from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_class p on p.oid = f.confrelid \
             join pg_namespace n on n.oid = c.relnamespace \
             join pg_attribute a on a.attrelid = c.oid and a.attnum = any (f.conkey) \
             where f.contype = 'f' and n.nspname in ('auth', 'core', 'analytics') order by 1, 2, 3",
        ),
        _ => (
            "select m.name as tab, p.name as col, p.\"notnull\" = 0 and p.pk = 0 as absent \
             from sqlite_master m, pragma_table_info(m.name) p \
             where m.type = 'table' and m.name not like 'sqlite!_%' escape '!' order by m.name, p.cid",
            "select m.name as tab, f.\"table\" as parent, f.\"from\" as col \
             from sqlite_master m, pragma_foreign_key_list(m.name) f where m.type = 'table' order by 1, 2, 3",
        ),
    };
    let mut found: BTreeMap<String, Table> = BTreeMap::new();
    for row in rows(tx, columns).await? {
        let name: String = row.try_get("", "tab")?;
        if name == "seaql_migrations" {
            continue;
        }
        let column: String = row.try_get("", "col")?;
        let table = found.entry(name.clone()).or_default();
        table.name = name;
        table.tenanted |= column == "tenant_id";
        table.personal |= column == "user_id";
        if row.try_get("", "absent")? {
            table.nullable.push(column);
        }
    }
    for row in rows(tx, references).await? {
        let (name, parent): (String, String) =
            (row.try_get("", "tab")?, row.try_get("", "parent")?);
        let column: String = row.try_get("", "col")?;
        let Some(table) = found.get_mut(&name) else {
            continue;
        };
        if parent != name {
            table.parents.push(parent);
        } else if column != "tenant_id" {
            table.inward.push(column);
        }
    }
    Ok(children_first(found.into_values().collect()))
}

async fn rows(tx: &DatabaseTransaction, sql: &str) -> Result<Vec<sea_orm::QueryResult>> {
    let statement = Statement::from_string(tx.get_database_backend(), sql);
    Ok(tx.query_all_raw(statement).await?)
}

/// Sorts tables so that each comes after those that refer to it; a circle is left in the order of names.
fn children_first(mut left: Vec<Table>) -> Vec<Table> {
    let mut sorted = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let referred: Vec<&String> = left.iter().flat_map(|table| &table.parents).collect();
        let free = left
            .iter()
            .position(|table| !referred.contains(&&table.name));
        sorted.push(left.remove(free.unwrap_or(0)));
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, parents: &[&str]) -> Table {
        Table {
            name: name.to_owned(),
            parents: parents.iter().map(|&parent| parent.to_owned()).collect(),
            ..Table::default()
        }
    }

    #[test]
    fn a_table_comes_after_those_that_refer_to_it() {
        let tables = vec![
            table("account", &["tenant"]),
            table("decision", &["record"]),
            table("record", &["account", "tenant"]),
            table("tenant", &[]),
        ];
        let names: Vec<String> = children_first(tables).into_iter().map(|t| t.name).collect();
        assert_eq!(names, ["decision", "record", "account", "tenant"]);
        assert_eq!(
            children_first(vec![table("a", &["b"]), table("b", &["a"])]).len(),
            2
        );
    }
}
