//! A row of a statement that was refused, with the reason.

use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{ImportId, RefusedRowId, TenantId};

/// A refused row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "refused_row")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RefusedRowId,
    /// The import it was in.
    pub import_id: ImportId,
    /// Line in the file, from 1.
    pub line: i32,
    /// The field at fault.
    pub field: Option<String>,
    /// What was wrong and what is accepted.
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    /// The row as it stood.
    #[sea_orm(column_type = "Text")]
    pub raw: String,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
