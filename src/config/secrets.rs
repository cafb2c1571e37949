//! The two keys everything secret hangs on.

use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Config;

/// Keys, derived per purpose so that one leaked key opens one door.
#[derive(Clone)]
pub struct Secrets {
    jwt: String,
    master: String,
}

impl Secrets {
    /// Reads the keys. Outside development both are required; in development missing ones are made once and kept in
    /// `DATA_DIR/secrets.json`, readable by its owner only.
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
        let jwt = check("JWT_SECRET", &config.jwt_secret)?;
        let master = check("SECRET_KEY", &config.secret_key)?;
        if let (Some(jwt), Some(master)) = (&jwt, &master) {
            return Ok(Self {
                jwt: jwt.clone(),
                master: master.clone(),
            });
        }
        let made = make_once(&config.data_dir.join("secrets.json")).map_err(|error| {
            format!("DATA_DIR: development secrets cannot be kept there: {error}")
        })?;
        Ok(Self {
            jwt: jwt.unwrap_or(made.jwt),
            master: master.unwrap_or(made.master),
        })
    }

    /// The key that signs access tokens.
    pub fn jwt(&self) -> &[u8] {
        self.jwt.as_bytes()
    }

    /// A 256-bit key for one purpose: HMAC-SHA256 of the purpose under the master key.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.master.as_bytes())
            .expect("HMAC takes a key of any length");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

fn make_once(path: &Path) -> std::io::Result<Secrets> {
    match std::fs::read_to_string(path) {
        Ok(text) => return parse(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let text = serde_json::json!({ "JWT_SECRET": random(), "SECRET_KEY": random() }).to_string();
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

fn parse(text: &str) -> std::io::Result<Secrets> {
    let value: serde_json::Value = serde_json::from_str(text)?;
    let read = |key: &str| {
        value[key]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| std::io::Error::other(format!("secrets.json holds no {key}")))
    };
    Ok(Secrets {
        jwt: read("JWT_SECRET")?,
        master: read("SECRET_KEY")?,
    })
}

fn random() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 36]>())
}
