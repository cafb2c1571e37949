//! Where the browser goes in the end: to this server or to an app that the configuration names, and nowhere else.

use url::{Origin, Url};

use crate::config::Config;
use crate::error::{Error, Result};

const MAX_BYTES: usize = 2_000;

/// The address to return to, when it is one of ours; a path is one on this server.
pub(super) fn check(config: &Config, wanted: Option<&str>) -> Result<Url> {
    let refused = || {
        Error::invalid(
            "returnTo",
            "leads elsewhere; a path on this server or a page of an app in FRONTEND_URL is accepted",
        )
    };
    let here: Url = config.public_url().parse().map_err(Error::internal)?;
    let wanted = wanted.unwrap_or("/");
    if wanted.len() > MAX_BYTES || wanted.chars().any(char::is_control) {
        return Err(refused());
    }
    // a scheme without its slashes means one thing to some readers and another to others
    let names_scheme = wanted
        .split(['/', '?', '#'])
        .next()
        .is_some_and(|head| head.contains(':'));
    if names_scheme && !wanted.contains("://") {
        return Err(refused());
    }
    let url = here.join(wanted).map_err(|_| refused())?;
    let apps = config
        .frontend_url
        .iter()
        .filter_map(|app| app.parse::<Url>().ok());
    let mut ours = std::iter::once(here.origin()).chain(apps.map(|app| app.origin()));
    let known = matches!(url.origin(), Origin::Tuple(..)) && ours.any(|ours| ours == url.origin());
    let anonymous = url.username().is_empty() && url.password().is_none();
    if known && anonymous {
        Ok(url)
    } else {
        Err(refused())
    }
}

/// The address with something to tell the app.
pub(super) fn with(mut url: Url, name: &str, value: &str) -> Url {
    url.query_pairs_mut().append_pair(name, value);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config {
            public_url: Some("https://books.example.com".to_owned()),
            frontend_url: vec!["https://app.example.com".to_owned()],
            ..Config::development()
        }
    }

    #[test]
    fn pages_of_ours_are_returned_to() {
        for (wanted, url) in [
            (None, "https://books.example.com/"),
            (
                Some("/inbox?tab=2"),
                "https://books.example.com/inbox?tab=2",
            ),
            (
                Some("https://app.example.com/in#top"),
                "https://app.example.com/in#top",
            ),
            (
                Some("https://books.example.com/x"),
                "https://books.example.com/x",
            ),
        ] {
            assert_eq!(check(&config(), wanted).unwrap().as_str(), url);
        }
        let told = with(check(&config(), Some("/in?a=1#b")).unwrap(), "code", "x y");
        assert_eq!(told.as_str(), "https://books.example.com/in?a=1&code=x+y#b");
    }

    #[test]
    fn other_pages_are_not() {
        for wanted in [
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https:evil.example",
            "https://evil.example/https://app.example.com",
            "https://app.example.com.evil.example",
            "https://app.example.com@evil.example",
            "https://me@app.example.com/",
            "http://app.example.com/",
            "https://app.example.com:444/",
            "javascript:alert(1)",
            "data:text/html,x",
            "/\u{0}",
            "\t//evil.example",
            "https://evil。example",
        ] {
            assert!(check(&config(), Some(wanted)).is_err(), "{wanted}");
        }
    }
}
