//! What is set to nothing is not set: a container passes settings on that nobody gave.

use super::Config;

/// The service that is asked when no other is named.
pub(super) const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";
/// The model that is asked there.
pub(super) const LLM_MODEL: &str = "gpt-4o-mini";
/// What the names in Redis begin with.
pub(super) const REDIS_PREFIX: &str = "balance";
/// What is logged.
pub(super) const LOG: &str = "info,sqlx=warn,sea_orm_migration=warn,fred=warn,webauthn_rs_core=off";

impl Config {
    /// The settings without those that are empty. One with a default gets it back.
    pub fn without_empty(mut self) -> Self {
        let optional = [
            &mut self.public_url,
            &mut self.database_url,
            &mut self.migration_database_url,
            &mut self.redis_url,
            &mut self.jwt_secret,
            &mut self.secret_key,
            &mut self.data_key,
            &mut self.passkey_domain,
            &mut self.oidc_providers,
            &mut self.openai_api_key,
            &mut self.mail_url,
            &mut self.mail_from,
            &mut self.embedding_model,
            &mut self.embedding_base_url,
            &mut self.embedding_api_key,
        ];
        for setting in optional {
            setting.take_if(|text| text.trim().is_empty());
        }
        for list in [&mut self.data_key_previous, &mut self.frontend_url] {
            list.retain(|text| !text.trim().is_empty());
        }
        for (setting, usual) in [
            (&mut self.openai_base_url, OPENAI_BASE_URL),
            (&mut self.llm_model, LLM_MODEL),
            (&mut self.redis_prefix, REDIS_PREFIX),
            (&mut self.log, LOG),
        ] {
            if setting.trim().is_empty() {
                usual.clone_into(setting);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_absent_and_what_is_set_stays() {
        let config = Config {
            openai_api_key: Some(" ".to_owned()),
            openai_base_url: String::new(),
            mail_url: Some("smtp://mail.example".to_owned()),
            data_key_previous: vec![String::new()],
            ..Config::development()
        };
        let config = config.without_empty();
        assert_eq!(config.openai_api_key, None);
        assert_eq!(config.openai_base_url, "https://api.openai.com/v1");
        assert_eq!(config.mail_url.as_deref(), Some("smtp://mail.example"));
        assert!(config.data_key_previous.is_empty());
        assert_eq!(config.llm_model, Config::development().llm_model);
    }
}
