//! What people set for themselves.

use async_graphql::{Enum, Json, SimpleObject};
use entity::profile;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::graphql::identity::User;
use crate::identity;

/// How an app looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "profile::Theme")]
pub enum Theme {
    /// As the device does.
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// A person and what they set for themselves, the same in every tenant.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct Profile {
    /// Who.
    pub user: User,
    /// BCP 47 tag of their language, such as `de-AT`.
    pub locale: Option<String>,
    /// IANA name of their time zone, such as `Europe/Vienna`.
    pub time_zone: Option<String>,
    /// What they like.
    pub preferences: Preferences,
}

/// What a person likes.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct Preferences {
    /// Entries they like to see on a page.
    pub page_size: Option<i32>,
    /// How the app looks.
    pub theme: Option<Theme>,
    /// What apps keep for them: a JSON object, opaque here.
    pub app: Option<Json<Value>>,
}

impl TryFrom<identity::Profile> for Profile {
    type Error = Error;

    fn try_from(profile: identity::Profile) -> Result<Self> {
        let settings = profile.settings;
        let app = settings.app.as_deref().map(serde_json::from_str);
        Ok(Self {
            user: profile.person.into(),
            locale: settings.locale,
            time_zone: settings.time_zone,
            preferences: Preferences {
                page_size: settings.page_size,
                theme: settings.theme.map(Into::into),
                app: app.transpose()?.map(Json),
            },
        })
    }
}
