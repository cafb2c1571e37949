//! For which site passkeys are: they work on its pages and nowhere else.

use url::{Host, Url};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use crate::config::Config;
use crate::error::{Error, Result};

/// What authenticators call this site.
const NAME: &str = "balance";

/// Refuses settings under which no passkey could ever work, before anybody tries.
pub fn check(config: &Config) -> Result<()> {
    if domain(config).is_none() {
        // a site without a host name has no passkeys, and says so to whoever asks
        return Ok(());
    }
    ceremonies(config).map(|_| ()).map_err(|_| {
        Error::invalid(
            "PASSKEY_DOMAIN",
            "must be the host of PUBLIC_URL, or a domain above it",
        )
    })
}

/// The ceremonies of this site: its domain, and the pages that may ask for its passkeys.
pub(super) fn ceremonies(config: &Config) -> Result<Webauthn> {
    let site = site(config).ok_or(Error::Conflict(
        "passkeys need a host name in PUBLIC_URL, such as https://books.example.com".into(),
    ))?;
    let host = site.domain().unwrap_or_default();
    let domain = domain(config).unwrap_or(host);
    let mut builder = WebauthnBuilder::new(domain, &site)
        .map_err(Error::internal)?
        .rp_name(NAME)
        // in development the port is whatever was free
        .allow_any_port(!config.is_production());
    for page in &config.frontend_url {
        if let Ok(page) = page.parse::<Url>() {
            builder = builder.append_allowed_origin(&page);
        }
    }
    builder.build().map_err(Error::internal)
}

/// The domain that was set; a container passes what is not set on as nothing.
fn domain(config: &Config) -> Option<&str> {
    config
        .passkey_domain
        .as_deref()
        .filter(|domain| !domain.is_empty())
}

/// The public address. Browsers know no passkeys of an IP address; on a laptop there is another name for it.
fn site(config: &Config) -> Option<Url> {
    let mut site: Url = config.public_url().parse().ok()?;
    let on_this_machine = match site.host()? {
        Host::Domain(_) => return Some(site),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    if on_this_machine && !config.is_production() {
        site.set_host(Some("localhost")).ok()?;
        Some(site)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;

    fn config(public_url: &str, domain: Option<&str>) -> Config {
        Config {
            environment: Environment::Production,
            public_url: Some(public_url.to_owned()),
            passkey_domain: domain.map(str::to_owned),
            ..Config::development()
        }
    }

    #[test]
    fn a_domain_is_the_host_of_the_public_address_or_above_it() {
        let public = "https://books.example.com";
        for domain in [
            None,
            Some(""),
            Some("books.example.com"),
            Some("example.com"),
        ] {
            assert!(check(&config(public, domain)).is_ok(), "{domain:?}");
            assert!(ceremonies(&config(public, domain)).is_ok(), "{domain:?}");
        }
        for domain in ["example.org", "ample.com", "app.books.example.com"] {
            let refused = check(&config(public, Some(domain))).unwrap_err();
            assert!(
                refused.to_string().starts_with("PASSKEY_DOMAIN: "),
                "{refused}"
            );
        }
    }

    #[test]
    fn an_address_without_a_name_has_no_passkeys_but_on_a_laptop() {
        let numbers = config("http://127.0.0.1:4000", None);
        assert!(ceremonies(&numbers).is_err());
        let laptop = Config {
            environment: Environment::Development,
            ..numbers
        };
        let ceremonies = ceremonies(&laptop).unwrap();
        let origins: Vec<&str> = ceremonies
            .get_allowed_origins()
            .iter()
            .map(Url::as_str)
            .collect();
        assert_eq!(origins, ["http://localhost:4000/"]);
    }
}
