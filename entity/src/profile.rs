//! What a person set for themselves, the same in every tenant.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::UserId;

/// How an app looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Theme {
    /// As the device does.
    #[sea_orm(string_value = "SYSTEM")]
    System,
    /// Dark on light.
    #[sea_orm(string_value = "LIGHT")]
    Light,
    /// Light on dark.
    #[sea_orm(string_value = "DARK")]
    Dark,
}

/// A profile.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "profile")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// BCP 47 tag of their language, such as `de-AT`.
    pub locale: Option<String>,
    /// IANA name of their time zone, such as `Europe/Vienna`.
    pub time_zone: Option<String>,
    /// Entries they like to see on a page.
    pub page_size: Option<i32>,
    /// How the app looks.
    pub theme: Option<Theme>,
    /// JSON that apps keep for them, opaque here.
    #[sea_orm(column_type = "Text")]
    pub app: Option<String>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
