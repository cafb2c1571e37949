//! The keys everything secret hangs on.

use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Config;
use crate::secret::Vault;

/// Keys, derived per purpose so that one leaked key opens one door.
#[derive(Clone)]
pub struct Secrets {
    jwt: Option<String>,
    master: String,
    /// What secrets at rest are sealed with, today's first.
    data: Vec<String>,
}

impl Secrets {
    /// Reads the keys. Outside development SECRET_KEY is required; in development a missing one is made once and kept in
    /// `DATA_DIR/secrets.json`, readable by its owner only. JWT_SECRET is never made up.
    pub fn load(config: &Config) -> Result<Self, String> {
        let check = |key: &str, value: &Option<String>| match value {
            Some(value) if value.chars().count() >= 32 => Ok(Some(value.clone())),
            Some(_) => Err(format!(
                "{key}: too short; at least 32 characters are needed"
            )),
            None if config.is_production() => Err(format!(
                "{key}: missing; outside development it must be set to at least 32 random characters, \
                 for example from `openssl rand -base64 48`"
            )),
            None => Ok(None),
        };
        // an empty variable counts as absent
        let jwt = config.jwt_secret.clone().filter(|key| !key.is_empty());
        let jwt = match jwt {
            Some(_) => check("JWT_SECRET", &jwt)?,
            None => None,
        };
        let master = check("SECRET_KEY", &config.secret_key)?;
        let mut data = Vec::new();
        // an empty variable counts as absent
        let given = config.data_key.clone().filter(|key| !key.is_empty());
        if given.is_some() {
            data.extend(check("DATA_KEY", &given)?);
        }
        for previous in config
            .data_key_previous
            .iter()
            .filter(|key| !key.is_empty())
        {
            data.extend(check("DATA_KEY_PREVIOUS", &Some(previous.clone()))?);
        }
        let with = |master: String| {
            // sealed under SECRET_KEY is what was sealed before there was a DATA_KEY
            let at = if given.is_some() { data.len() } else { 0 };
            let mut data = data.clone();
            data.insert(at, master.clone());
            Self {
                jwt: jwt.clone(),
                master,
                data,
            }
        };
        if let Some(master) = master {
            return Ok(with(master));
        }
        let made = make_once(&config.data_dir.join("secrets.json")).map_err(|error| {
            format!("DATA_DIR: development secrets cannot be kept there: {error}")
        })?;
        Ok(with(made))
    }

    /// The vault of secrets at rest. It seals with DATA_KEY, and opens what any of the keys sealed.
    pub fn vault(&self) -> Vault {
        let mut keys = self.data.iter().map(|key| derive(key, "secrets at rest"));
        let current = keys.next().expect("SECRET_KEY is one of them at least");
        Vault::with_previous(current, keys)
    }

    /// The shared key that signs access tokens, where the deployment has one instead of key pairs.
    pub fn jwt(&self) -> Option<&[u8]> {
        self.jwt.as_deref().map(str::as_bytes)
    }

    /// A 256-bit key for one purpose: HMAC-SHA256 of the purpose under the master key.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        derive(&self.master, purpose)
    }
}

fn derive(key: &str, purpose: &str) -> [u8; 32] {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(purpose.as_bytes());
    mac.finalize().into_bytes().into()
}

/// The master key that development makes up.
fn make_once(path: &Path) -> std::io::Result<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => return parse(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let text = serde_json::json!({ "SECRET_KEY": random() }).to_string();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            parse(&text)
        }
        // another process was first: its keys are the keys
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            std::thread::sleep(std::time::Duration::from_millis(100));
            parse(&std::fs::read_to_string(path)?)
        }
        Err(error) => Err(error),
    }
}

fn parse(text: &str) -> std::io::Result<String> {
    let value: serde_json::Value = serde_json::from_str(text)?;
    let master = value["SECRET_KEY"].as_str().map(str::to_owned);
    master.ok_or_else(|| std::io::Error::other("secrets.json holds no SECRET_KEY"))
}

fn random() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 36]>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::stored::CONNECTION;

    const MASTER: &str = "the master key of this test, long enough";
    const FIRST: &str = "the first data key of this test, long enough";
    const SECOND: &str = "the second data key of this test, long enough";

    fn vault(data_key: Option<&str>, previous: &[&str]) -> Result<Vault, String> {
        let config = Config {
            secret_key: Some(MASTER.to_owned()),
            data_key: data_key.map(str::to_owned),
            data_key_previous: previous.iter().map(|key| (*key).to_owned()).collect(),
            ..Config::development()
        };
        Secrets::load(&config).map(|secrets| secrets.vault())
    }

    #[test]
    fn a_data_key_can_be_introduced_and_replaced() {
        let place = CONNECTION.of(1);
        let before = vault(None, &[]).unwrap().seal(&place, b"secret");
        let first = vault(Some(FIRST), &[]).unwrap();
        assert_eq!(first.open(&place, &before).unwrap(), b"secret");
        let sealed = first.seal(&place, b"secret");
        let second = vault(Some(SECOND), &[FIRST]).unwrap();
        assert_eq!(second.open(&place, &sealed).unwrap(), b"secret");
        assert_ne!(second.current(), first.current());
        assert!(
            vault(Some(SECOND), &[])
                .unwrap()
                .open(&place, &sealed)
                .is_err()
        );
        // and given up again
        let without = vault(None, &[FIRST]).unwrap();
        assert_eq!(without.open(&place, &sealed).unwrap(), b"secret");
        assert_eq!(without.current(), vault(None, &[]).unwrap().current());
    }

    #[test]
    fn a_shared_signing_key_is_long_or_absent() {
        let load = |jwt: Option<&str>| {
            Secrets::load(&Config {
                jwt_secret: jwt.map(str::to_owned),
                secret_key: Some(MASTER.to_owned()),
                ..Config::development()
            })
        };
        let short = load(Some("31 characters are one too few..")).err().unwrap();
        assert!(short.starts_with("JWT_SECRET: too short"));
        assert_eq!(load(Some(FIRST)).unwrap().jwt(), Some(FIRST.as_bytes()));
        for absent in [None, Some("")] {
            assert_eq!(load(absent).unwrap().jwt(), None);
        }
    }

    #[test]
    fn a_short_data_key_is_refused_by_name() {
        assert!(
            vault(Some("short"), &[])
                .err()
                .unwrap()
                .starts_with("DATA_KEY:")
        );
        let previous = vault(Some(SECOND), &["short"]).err().unwrap();
        assert!(previous.starts_with("DATA_KEY_PREVIOUS:"));
    }
}
