//! The identity providers that people may sign in at, as `OIDC_PROVIDERS` names them.

use std::collections::BTreeMap;

use serde::Deserialize;
use url::Url;

use super::Config;
use crate::error::{Error, Result};

const KEY: &str = "OIDC_PROVIDERS";

/// An OpenID Connect provider that people may sign in at.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provider {
    /// What addresses call it: small letters, digits and hyphens.
    pub name: String,
    /// What people call it; its name when absent.
    #[serde(default)]
    pub label: String,
    /// Where it is, exactly as its tokens say.
    pub issuer: String,
    /// What it calls this server.
    pub client_id: String,
    /// What proves to it that this is that server.
    pub client_secret: String,
    /// What it is asked for besides `openid`.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// Whether an address that it says is verified may sign into the account here that has this address.
    #[serde(default)]
    pub trust_email: bool,
    /// Whether its tokens are kept, to ask it again later; so it is when `scopes` name `offline_access`.
    #[serde(default)]
    keep_tokens: Option<bool>,
    /// What else a browser is sent to it with, such as Google's `access_type`.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

/// Parameters of an authorization request that are balance's to set.
const OWN: [&str; 9] = [
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

impl Provider {
    /// Whether its tokens are kept.
    pub fn keeps_tokens(&self) -> bool {
        self.keep_tokens.unwrap_or_else(|| self.asks_offline())
    }

    /// Whether it is asked for a token that works while nobody is there.
    pub fn asks_offline(&self) -> bool {
        self.scopes.iter().any(|scope| scope == "offline_access")
    }
}

fn scopes() -> Vec<String> {
    vec!["email".to_owned(), "profile".to_owned()]
}

impl Config {
    /// The identity providers; an error names the key and what is wrong, and shows no value.
    pub fn providers(&self) -> Result<Vec<Provider>> {
        let Some(text) = self
            .oidc_providers
            .as_deref()
            .filter(|text| !text.trim().is_empty())
        else {
            return Ok(Vec::new());
        };
        let mut providers: Vec<Provider> = serde_json::from_str(text).map_err(unreadable)?;
        for (index, provider) in providers.iter_mut().enumerate() {
            if provider.label.is_empty() {
                provider.label.clone_from(&provider.name);
            }
            if let Some(problem) = problem(provider, self.is_production()) {
                return Err(Error::invalid(
                    KEY,
                    format!("provider {}: {problem}", index + 1),
                ));
            }
        }
        let mut names: Vec<&str> = providers.iter().map(|p| p.name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Error::invalid(KEY, "two providers have the same name"));
        }
        Ok(providers)
    }

    /// The identity provider that tokens of this issuer came from: where two are configured, the one that keeps them.
    pub fn keeper(&self, issuer: &str) -> Result<Option<Provider>> {
        let mut providers = self.providers()?;
        providers.retain(|provider| provider.issuer == issuer);
        providers.sort_by_key(|provider| !provider.keeps_tokens());
        Ok(providers.into_iter().next())
    }

    /// The identity provider of this name.
    pub fn provider(&self, name: &str) -> Result<Provider> {
        let found = self.providers()?.into_iter().find(|p| p.name == name);
        found.ok_or(Error::NotFound("provider"))
    }
}

fn problem(provider: &Provider, production: bool) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !(1..=32).contains(&provider.name.len()) || !provider.name.chars().all(plain) {
        return Some("`name` must be 1 to 32 small letters, digits and hyphens");
    }
    let secure = match provider
        .issuer
        .parse::<Url>()
        .map(|url| url.scheme().to_owned())
    {
        Ok(scheme) => scheme == "https" || (scheme == "http" && !production),
        Err(_) => false,
    };
    if !secure {
        return Some("`issuer` must be an https address");
    }
    if provider.client_id.is_empty() || provider.client_secret.is_empty() {
        return Some("`clientId` and `clientSecret` must not be empty");
    }
    if provider
        .parameters
        .keys()
        .any(|name| OWN.contains(&name.as_str()))
    {
        return Some("`parameters` must not name what balance sets itself");
    }
    None
}

/// A complaint about the shape says which field; about a value it says only where, since the value may be a secret.
fn unreadable(error: serde_json::Error) -> Error {
    let text = error.to_string();
    let safe = ["missing field", "unknown field", "duplicate field"];
    let what = if safe.iter().any(|start| text.starts_with(start)) {
        text
    } else {
        format!(
            "unexpected at line {} column {}",
            error.line(),
            error.column()
        )
    };
    Error::invalid(KEY, format!("is no JSON list of providers: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;

    fn read(text: &str) -> Result<Vec<Provider>> {
        let config = Config {
            environment: Environment::Production,
            oidc_providers: Some(text.to_owned()),
            ..Config::development()
        };
        config.providers()
    }

    #[test]
    fn a_provider_needs_four_things() {
        let text = r#"[{"name":"google","issuer":"https://accounts.google.com","clientId":"us","clientSecret":"s3cret"}]"#;
        let read = read(text).unwrap();
        assert_eq!(
            (read[0].label.as_str(), read[0].trust_email),
            ("google", false)
        );
        assert_eq!(read[0].scopes, ["email", "profile"]);
        assert!(!read[0].keeps_tokens());
    }

    #[test]
    fn tokens_are_kept_when_it_says_so_or_asks_for_one_that_lasts() {
        let keeps = |rest: &str| {
            let text = format!(
                r#"[{{"name":"a","issuer":"https://a.example","clientId":"us","clientSecret":"s3cret",{rest}}}]"#
            );
            read(&text).unwrap()[0].keeps_tokens()
        };
        assert!(keeps(r#""keepTokens":true"#));
        assert!(keeps(r#""scopes":["email","offline_access"]"#));
        assert!(!keeps(r#""scopes":["offline_access"],"keepTokens":false"#));
        assert!(!keeps(r#""parameters":{"access_type":"offline"}"#));
    }

    #[test]
    fn a_mistake_names_the_key_and_shows_no_value() {
        let provider = |name: &str, issuer: &str| {
            format!(
                r#"{{"name":"{name}","issuer":"{issuer}","clientId":"us","clientSecret":"s3cret"}}"#
            )
        };
        let twice = provider("a", "https://a.example");
        for text in [
            "s3cret".to_owned(),
            r#"[{"name":"a","clientSecret":["s3cret"]}]"#.to_owned(),
            r#"[{"name":"a","issuer":"https://a.example","clientId":"us"}]"#.to_owned(),
            format!("[{}]", provider("A B", "https://a.example")),
            format!("[{}]", provider("a", "http://a.example")),
            format!("[{}]", provider("a", "a.example")),
            format!("[{twice},{twice}]"),
            format!(
                "[{}]",
                twice.replace('}', r#","parameters":{"state":"x"}}"#)
            ),
        ] {
            let message = read(&text).err().unwrap().to_string();
            assert!(message.starts_with("OIDC_PROVIDERS: "), "{message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }
}
