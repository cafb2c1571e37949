//! What people set for themselves, the same in every tenant.

use entity::profile::{self, Theme};
use entity::{UserId, user};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::Value;

use super::names;
use super::viewer::Person;
use crate::ctx::Ctx;
use crate::error::{Error, Result};

/// The most an app may keep for a person.
const MAX_APP_BYTES: usize = 4_096;
/// The longest tag or zone that is looked at.
const MAX_TAG: usize = 64;

/// A person and what they set for themselves.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Who.
    pub person: Person,
    /// What they set.
    pub settings: profile::Model,
}

/// A change of who somebody is here; what is absent stays, an inner `None` takes it away.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// What to call them.
    pub name: Option<String>,
    /// BCP 47 tag of their language.
    pub locale: Option<Option<String>>,
    /// IANA name of their time zone.
    pub time_zone: Option<Option<String>>,
}

/// A change of what somebody likes; what is absent stays, an inner `None` takes it away.
#[derive(Clone, Debug, Default)]
pub struct PreferenceChange {
    /// Entries on a page, 1 to 100.
    pub page_size: Option<Option<i32>>,
    /// How the app looks.
    pub theme: Option<Option<Theme>>,
    /// JSON that apps keep for them.
    pub app: Option<Option<Value>>,
}

/// The person who asks, with what they set.
pub async fn my_profile(ctx: &Ctx) -> Result<Profile> {
    let user = ctx.person()?;
    let read = ctx.read().await?;
    Ok(Profile {
        person: find(read.on(), user).await?,
        settings: settings(ctx, read.on(), user).await?,
    })
}

/// Changes what the person who asks is called, their language and their time zone.
#[tracing::instrument(skip_all)]
pub async fn update_profile(ctx: &Ctx, change: ProfileChange) -> Result<Profile> {
    let name = match &change.name {
        Some(name) => Some(names::check("name", name)?),
        None => None,
    };
    if let Some(Some(locale)) = &change.locale {
        check_locale(locale)?;
    }
    if let Some(Some(zone)) = &change.time_zone {
        check_zone(zone)?;
    }
    keep(ctx, name, |settings| {
        take(&mut settings.locale, change.locale);
        take(&mut settings.time_zone, change.time_zone);
    })
    .await
}

/// Changes what the person who asks likes.
#[tracing::instrument(skip_all)]
pub async fn update_preferences(ctx: &Ctx, change: PreferenceChange) -> Result<Profile> {
    if let Some(Some(size)) = change.page_size
        && !(1..=100).contains(&size)
    {
        return Err(Error::invalid(
            "pageSize",
            format!("is {size}; 1 to 100 are accepted"),
        ));
    }
    let app = match change.app {
        Some(Some(app)) => Some(Some(check_app(&app)?)),
        Some(None) => Some(None),
        None => None,
    };
    keep(ctx, None, |settings| {
        take(&mut settings.page_size, change.page_size);
        take(&mut settings.theme, change.theme);
        take(&mut settings.app, app);
    })
    .await
}

/// Stores a change. It is about the person and not about a tenant, so no log tells it.
async fn keep(
    ctx: &Ctx,
    name: Option<String>,
    change: impl FnOnce(&mut profile::Model),
) -> Result<Profile> {
    let user = ctx.person()?;
    let tx = ctx.begin().await?;
    if let Some(name) = name {
        user::Entity::update_many()
            .col_expr(user::Column::Name, Expr::value(name))
            .col_expr(user::Column::UpdatedAt, Expr::value(ctx.now()))
            .filter(user::Column::Id.eq(user))
            .exec(tx.on())
            .await?;
    }
    let mut settings = settings(ctx, tx.on(), user).await?;
    change(&mut settings);
    settings.updated_at = ctx.now();
    let replace = OnConflict::column(profile::Column::UserId)
        .update_columns([
            profile::Column::Locale,
            profile::Column::TimeZone,
            profile::Column::PageSize,
            profile::Column::Theme,
            profile::Column::App,
            profile::Column::UpdatedAt,
        ])
        .to_owned();
    profile::Entity::insert(settings.clone().into_active_model())
        .on_conflict(replace)
        .exec_without_returning(tx.on())
        .await?;
    let person = find(tx.on(), user).await?;
    tx.commit().await?;
    Ok(Profile { person, settings })
}

async fn find(on: &DatabaseTransaction, user: UserId) -> Result<Person> {
    let found = user::Entity::find()
        .filter(user::Column::Id.eq(user))
        .one(on)
        .await?;
    Ok(found.ok_or(Error::NotFound("user"))?.into())
}

async fn settings(ctx: &Ctx, on: &DatabaseTransaction, user: UserId) -> Result<profile::Model> {
    let found = profile::Entity::find()
        .filter(profile::Column::UserId.eq(user))
        .one(on)
        .await?;
    Ok(found.unwrap_or(profile::Model {
        user_id: user,
        locale: None,
        time_zone: None,
        page_size: None,
        theme: None,
        app: None,
        updated_at: ctx.now(),
    }))
}

fn take<T>(field: &mut Option<T>, change: Option<Option<T>>) {
    if let Some(value) = change {
        *field = value;
    }
}

/// Whether it has the shape of a BCP 47 tag; what a tag means is the app's to know.
fn check_locale(locale: &str) -> Result<()> {
    let parts: Vec<&str> = locale.split('-').collect();
    let plain = |part: &&str| {
        (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let language =
        |part: &str| (2..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphabetic());
    if locale.len() <= MAX_TAG && parts.iter().all(plain) && language(parts[0]) {
        return Ok(());
    }
    Err(Error::invalid(
        "locale",
        "is no language tag; one such as en or de-AT is accepted",
    ))
}

/// Whether it has the shape of a name in the time zone database, which changes too often to be kept here.
fn check_zone(zone: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-');
    let mut parts = zone.split('/');
    let shaped = parts
        .clone()
        .all(|part| !part.is_empty() && part.chars().all(plain));
    let begins = parts
        .next()
        .is_some_and(|part| part.starts_with(|c: char| c.is_ascii_alphabetic()));
    if zone.len() <= MAX_TAG && shaped && begins && (zone == "UTC" || zone.contains('/')) {
        return Ok(());
    }
    Err(Error::invalid(
        "timeZone",
        "is no time zone; an IANA name such as Europe/Vienna, or UTC, is accepted",
    ))
}

fn check_app(app: &Value) -> Result<String> {
    let text = app.to_string();
    if app.is_object() && text.len() <= MAX_APP_BYTES && !text.contains("\\u0000") {
        return Ok(text);
    }
    Err(Error::invalid(
        "app",
        format!("must be a JSON object of at most {MAX_APP_BYTES} bytes"),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tags_and_zones_are_known_by_their_shape() {
        for locale in ["en", "de-AT", "zh-Hant-TW", "sr-Latn"] {
            assert!(check_locale(locale).is_ok(), "{locale}");
        }
        for locale in ["", "e", "de_AT", "de-", "1a", "en-<b>", &"en-".repeat(40)] {
            assert!(check_locale(locale).is_err(), "{locale}");
        }
        for zone in [
            "UTC",
            "Europe/Vienna",
            "America/Argentina/Ushuaia",
            "Etc/GMT+5",
        ] {
            assert!(check_zone(zone).is_ok(), "{zone}");
        }
        for zone in [
            "",
            "Vienna",
            "/Europe",
            "Europe/",
            "../etc",
            "Europe/Wien a",
        ] {
            assert!(check_zone(zone).is_err(), "{zone}");
        }
    }

    #[test]
    fn an_app_keeps_a_small_object() {
        assert!(check_app(&json!({ "columns": ["date"] })).is_ok());
        assert!(check_app(&json!("text")).is_err());
        assert!(check_app(&json!({ "a": "x".repeat(4_096) })).is_err());
    }
}
