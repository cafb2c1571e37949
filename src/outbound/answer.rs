//! Reading what a service answers: a body of bounded size, and how long it asks to be left alone.

use std::time::Duration;

use chrono::DateTime;
use reqwest::Response;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It is longer than an answer can be.
    TooLong,
    /// The service hung up.
    HungUp,
}

/// Reads a body of at most so many bytes.
pub(super) async fn body(mut response: Response, limit: usize) -> Result<Vec<u8>, Broken> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => return Err(Broken::TooLong),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(_) => return Err(Broken::HungUp),
        }
    }
}

/// What `Retry-After` asks for: seconds, or a date, which is taken by the clock of the service itself.
pub(super) fn patience(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text| DateTime::parse_from_rfc2822(text).ok();
    let wait = date(asked)? - date(text(DATE)?)?;
    Some(wait.to_std().unwrap_or_default())
}

/// How long to wait before asking again: as long as was asked for, at least the time that grows with each try. None
/// where nothing is left of the time for the whole by then.
pub(super) fn wait(asked: Option<Duration>, backoff: Duration, left: Duration) -> Option<Duration> {
    let wait = asked.map_or(backoff, |asked| asked.max(backoff));
    (wait < left).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        patience(&map)
    }

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(asked(&[("retry-after", " 120 ")]), seconds(120));
        let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
        let later = ("retry-after", "Wed, 21 Oct 2026 07:29:30 GMT");
        assert_eq!(asked(&[later, date]), seconds(90));
        let passed = ("retry-after", "Wed, 21 Oct 2026 07:00:00 GMT");
        assert_eq!(asked(&[passed, date]), seconds(0));
        // whose clock says so is not known
        assert_eq!(asked(&[later]), None);
        assert_eq!(asked(&[("retry-after", "soon"), date]), None);
        assert_eq!(asked(&[("retry-after", "-1")]), None);
        assert_eq!(asked(&[]), None);
    }

    #[test]
    fn nobody_waits_for_what_comes_too_late() {
        let of = |seconds| Duration::from_secs(seconds);
        assert_eq!(wait(None, of(1), of(10)), Some(of(1)));
        assert_eq!(wait(Some(of(3)), of(1), of(10)), Some(of(3)));
        assert_eq!(wait(Some(of(0)), of(1), of(10)), Some(of(1)));
        assert_eq!(wait(Some(of(10)), of(1), of(10)), None);
        assert_eq!(wait(None, of(4), of(0)), None);
    }
}
