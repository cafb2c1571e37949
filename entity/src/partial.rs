//! Reading some columns of a row only.
//!
//! A list shows a few columns of many rows; moving the others (a raw payload, a reasoning trace) costs more than showing
//! these. Columns are read by their place, since looking each up by name costs as much as reading it.

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{DbErr, EntityTrait, QueryResult};
use uuid::Uuid;

/// A table whose rows can be read in part. Implemented by `partial!` beside each such table.
pub trait Partial: EntityTrait {
    /// A row of which `columns` were read, in this order; its other fields are empty.
    fn read(columns: &[Self::Column], row: &QueryResult) -> Result<Self::Model, DbErr>;
}

/// Lists the columns of the current module with their fields.
macro_rules! partial {
    ($($column:ident $field:ident),* $(,)?) => {
        impl $crate::Partial for Entity {
            fn read(columns: &[Column], row: &sea_orm::QueryResult) -> Result<Model, sea_orm::DbErr> {
                let place = |column: fn(&Column) -> bool| columns.iter().position(column);
                Ok(Model {
                    $($field: match place(|column| matches!(column, Column::$column)) {
                        Some(at) => row.try_get_by_index(at)?,
                        None => $crate::partial::Absent::absent(),
                    },)*
                })
            }
        }
    };
}
pub(crate) use partial;

/// What stands for a value that was not read.
pub(crate) trait Absent {
    fn absent() -> Self;
}

impl<T> Absent for Option<T> {
    fn absent() -> Self {
        None
    }
}

macro_rules! absent {
    ($($type:ty),*) => {
        $(impl Absent for $type {
            fn absent() -> Self {
                Self::default()
            }
        })*
    };
}
absent!(
    Uuid,
    bool,
    i64,
    f64,
    String,
    NaiveDate,
    DateTime<Utc>,
    crate::record::Status,
    crate::decision::Source
);
