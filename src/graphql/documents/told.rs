//! What an answer tells besides: for how long it may be kept, and which deprecated members were asked for.

use async_graphql::Response;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use chrono::{NaiveDate, NaiveTime};

use crate::graphql::measure::Measured;

/// For how many seconds an answer may be kept that needs no sign-in.
const OPEN_SECONDS: i32 = 10;
/// How many bytes of names of deprecated members are told.
const NAMES: usize = 1_024;

/// [RFC 9745](https://www.rfc-editor.org/rfc/rfc9745): something that was used is deprecated, and since when.
pub const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// [RFC 8594](https://www.rfc-editor.org/rfc/rfc8594): when it goes.
pub const SUNSET: HeaderName = HeaderName::from_static("sunset");
/// The deprecated members that were used.
pub const DEPRECATED_MEMBERS: HeaderName = HeaderName::from_static("x-deprecated-members");

/// What is known of the end of a member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deprecation {
    /// Since when it is deprecated.
    pub since: Option<NaiveDate>,
    /// The last day on which it is there.
    pub until: Option<NaiveDate>,
}

impl Deprecation {
    /// Reads the reason of a `@deprecated`: `use X; since DATE; removed after DATE`.
    pub fn of(reason: &str) -> Self {
        let date = |word: &str| {
            let (_, rest) = reason.split_once(word)?;
            rest.trim_start().get(..10)?.parse().ok()
        };
        Self {
            since: date("since "),
            until: date("removed after "),
        }
    }
}

/// What to tell besides an answer.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// `Cache-Control` of an answer that may be kept.
    cache: Option<String>,
    /// Whether it may be kept for others than whoever asked.
    shared: bool,
    deprecated: Vec<String>,
    end: Deprecation,
}

impl Told {
    /// What to tell about an operation. Only what was asked for by its name, by GET, may be `kept`, for as long as the
    /// field allows that allows least: what belongs to a tenant for as long as its client says, and by nobody else.
    pub fn of(measured: &Measured, kept: bool, cache_seconds: Option<i32>) -> Self {
        let cache = kept.then(
            || match (measured.open, cache_seconds.unwrap_or_default()) {
                (true, _) => format!("public, max-age={OPEN_SECONDS}"),
                (false, 0) => "private, no-cache".to_owned(),
                (false, seconds) => format!("private, max-age={seconds}"),
            },
        );
        Self {
            cache,
            shared: kept && measured.open,
            deprecated: measured.deprecated.clone(),
            end: measured.end,
        }
    }

    /// Takes out of an answer what is about whoever asked, where others may be given it.
    pub fn share(&self, response: &mut Response) {
        if self.shared {
            response.extensions.remove("cost");
        }
    }

    /// Writes it into the headers of an answer. An answer with errors is not kept.
    pub fn write(&self, response: &Response, headers: &mut HeaderMap) {
        if let Some(cache) = &self.cache
            && response.is_ok()
        {
            put(headers, header::CACHE_CONTROL, cache);
            let vary =
                "accept, authorization, cookie, graphql-client-name, apollographql-client-name";
            headers.append(header::VARY, HeaderValue::from_static(vary));
        }
        self.warn(headers);
    }

    /// Names the deprecated members that were asked for, whatever becomes of the answer.
    pub fn warn(&self, headers: &mut HeaderMap) {
        let Some(first) = self.deprecated.first() else {
            return;
        };
        let names = self.deprecated[1..]
            .iter()
            .fold(first.clone(), |names, name| {
                if names.len() + name.len() > NAMES {
                    return names;
                }
                names + ", " + name
            });
        put(headers, DEPRECATED_MEMBERS, &names);
        let since = self
            .end
            .since
            .map(|day| day.and_time(NaiveTime::MIN).and_utc());
        let since = since.map_or("true".to_owned(), |at| format!("@{}", at.timestamp()));
        put(headers, DEPRECATION, &since);
        if let Some(day) = self.end.until {
            put(
                headers,
                SUNSET,
                &day.format("%a, %d %b %Y 23:59:59 GMT").to_string(),
            );
        }
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{ServerError, parser::types::OperationType};

    use super::*;

    fn measured(open: bool, deprecated: &[&str], reason: &str) -> Measured {
        Measured {
            operation_type: OperationType::Query,
            cost: 1,
            depth: 1,
            aliases: 0,
            directives: 0,
            root_fields: 1,
            expanded_fields: 1,
            deprecated: deprecated.iter().map(ToString::to_string).collect(),
            end: Deprecation::of(reason),
            open,
            fixed: true,
        }
    }

    fn headers(told: &Told, response: &Response) -> HeaderMap {
        let mut headers = HeaderMap::new();
        told.write(response, &mut headers);
        headers
    }

    #[test]
    fn an_answer_is_kept_no_longer_than_its_strictest_field_allows() {
        let good = Response::new(async_graphql::Value::Null);
        let cache = |open, kept, seconds| {
            let told = Told::of(&measured(open, &[], ""), kept, seconds);
            let headers = headers(&told, &good);
            let value = headers.get(header::CACHE_CONTROL);
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(
            cache(true, true, None).as_deref(),
            Some("public, max-age=10")
        );
        assert_eq!(
            cache(false, true, Some(60)).as_deref(),
            Some("private, max-age=60")
        );
        assert_eq!(
            cache(false, true, None).as_deref(),
            Some("private, no-cache")
        );
        assert_eq!(cache(true, false, Some(60)), None);
        let told = Told::of(&measured(true, &[], ""), true, None);
        let failed = Response::from_errors(vec![ServerError::new("no", None)]);
        assert!(headers(&told, &failed).is_empty());
    }

    #[test]
    fn deprecated_members_are_named_with_their_end() {
        let reason = "use label; since 2026-11-21; removed after 2027-06-30";
        let told = Told::of(&measured(false, &["A.b", "A.c(d:)"], reason), false, None);
        let found = headers(&told, &Response::new(async_graphql::Value::Null));
        assert_eq!(found[DEPRECATED_MEMBERS], "A.b, A.c(d:)");
        assert_eq!(found[DEPRECATION], "@1795219200");
        assert_eq!(found[SUNSET], "Wed, 30 Jun 2027 23:59:59 GMT");

        let told = Told::of(&measured(false, &["A.b"], "use label"), false, None);
        let found = headers(&told, &Response::new(async_graphql::Value::Null));
        assert_eq!(found[DEPRECATION], "true");
        assert!(!found.contains_key(SUNSET));
    }
}
