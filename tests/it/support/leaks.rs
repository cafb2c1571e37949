//! Secrets must not be told. Every secret that passes through a test is remembered; logs, errors, events and jobs are
//! searched for all of them when the test ends.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use serde_json::Value;

use super::Reply;
use super::answer::user_errors;

/// Texts shorter than this are not searched for: they turn up by chance.
const SHORTEST: usize = 12;

/// What the server of a test was told or told in confidence, and what it said to anybody.
#[derive(Clone, Default)]
pub struct Watch(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    /// Secrets, each with what it is.
    secrets: BTreeMap<String, String>,
    /// What was said, each with where.
    said: Vec<(String, String)>,
}

impl Watch {
    /// Remembers a secret.
    pub fn secret(&self, what: &str, text: &str) {
        if text.len() >= SHORTEST {
            self.lock().secrets.insert(text.to_owned(), what.to_owned());
        }
    }

    /// Remembers the secrets in a body, which are known by the names of their members.
    pub fn confide(&self, body: &Value) {
        match body {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) => self.member(name, text),
                        Value::Array(items) if is_secret(name) => {
                            let texts = items.iter().filter_map(Value::as_str);
                            texts.for_each(|text| self.secret(name, text));
                        }
                        other => self.confide(other),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.confide(item)),
            _ => {}
        }
    }

    fn member(&self, name: &str, text: &str) {
        if is_secret(name) || (name == "key" && text.starts_with("bk_")) {
            self.secret(name, text);
        }
        // links that open a door
        for mark in ["token=", "/uploads/"] {
            if let Some((_, token)) = text.split_once(mark) {
                self.secret(name, token);
            }
        }
    }

    /// Whether a text is searched for.
    pub fn knows(&self, secret: &str) -> bool {
        self.lock().secrets.contains_key(secret)
    }

    /// Keeps what was said somewhere.
    pub fn said(&self, where_: &str, text: &str) {
        self.lock().said.push((where_.to_owned(), text.to_owned()));
    }

    /// Takes note of an answer: its data may be in confidence, its errors are for anybody.
    pub fn heard(&self, reply: &Reply) {
        let Ok(body) = serde_json::from_slice::<Value>(&reply.body) else {
            if reply.status >= 400 {
                self.said("an answer", &reply.text());
            }
            return;
        };
        self.confide(&body["data"]);
        if reply.status >= 400 || body.get("errors").is_some() {
            let mut errors = body.clone();
            if let Some(members) = errors.as_object_mut() {
                members.remove("data");
            }
            self.said("an answer with errors", &errors.to_string());
        }
        for error in user_errors(&body) {
            self.said("an error for the user", &error.to_string());
        }
    }

    /// Where secrets were told, if any were.
    pub fn leaks(&self) -> Vec<String> {
        let heard = self.lock();
        let logs = logs();
        let said = heard
            .said
            .iter()
            .map(|(place, text)| (place.as_str(), text.as_str()));
        let said: Vec<_> = said.chain([("the logs", logs.as_str())]).collect();
        let mut leaks = Vec::new();
        for (secret, what) in &heard.secrets {
            // as it is, and as JSON would write it
            let written = Value::from(secret.as_str()).to_string();
            let written = written.trim_matches('"');
            for (place, text) in &said {
                if let Some(at) = text.find(secret.as_str()).or_else(|| text.find(written)) {
                    let before: String = text[..at].chars().rev().take(80).collect();
                    let before: String = before.chars().rev().collect();
                    leaks.push(format!("the {what} was told in {place}, after: {before}"));
                }
            }
        }
        leaks
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    [
        "password",
        "token",
        "secret",
        "recoverycode",
        "otpauth",
        "challenge",
    ]
    .iter()
    .any(|word| name.contains(word))
}

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Keeps every log line of the process, in detail, instead of printing it.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let started = tracing_subscriber::fmt()
            .with_env_filter("info,balance=trace")
            .with_ansi(false)
            .with_writer(|| Keep)
            .try_init();
        started.expect("nothing else listens to the logs");
    });
}

/// Every log line of the process so far.
pub fn logs() -> String {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&log).into_owned()
}

struct Keep;

impl io::Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(status: u16, body: &Value) -> Reply {
        Reply {
            status,
            headers: reqwest::header::HeaderMap::new(),
            body: body.to_string().into_bytes(),
        }
    }

    #[test]
    fn secrets_are_known_by_their_names_wherever_they_are() {
        let watch = Watch::default();
        watch.confide(&json!({ "variables": { "input": { "password": "a \"quoted\" password", "name": "nobody's secret" } } }));
        watch.heard(&reply(200, &json!({ "data": {
            "signIn": { "session": { "accessToken": "access-token-1" } },
            "createApiKey": { "key": "bk_0123456789ab_x", "apiKey": { "prefix": "bk_0123456789ab" } },
            "enrol": { "recoveryCodes": ["recovery-code-1", "recovery-code-2"] },
            "addMember": { "link": "http://x/join?token=token-in-a-link" },
        } })));
        let secrets: Vec<_> = watch.lock().secrets.keys().cloned().collect();
        let expected = [
            "a \"quoted\" password",
            "access-token-1",
            "bk_0123456789ab_x",
            "recovery-code-1",
            "recovery-code-2",
            "token-in-a-link",
        ];
        assert_eq!(secrets, expected);
        assert_eq!(watch.leaks(), [""; 0]);
    }

    #[test]
    fn a_secret_in_an_error_or_an_event_is_found() {
        let watch = Watch::default();
        watch.secret("password", "a \"quoted\" password");
        let told = json!({ "errors": [{ "message": "'a \"quoted\" password' is too weak" }] });
        watch.heard(&reply(200, &told));
        assert_eq!(watch.leaks().len(), 1);
        let as_data = json!({ "data": { "signIn": { "errors": [{ "message": "not a \"quoted\" password" }] } } });
        watch.heard(&reply(200, &as_data));
        watch.said("an event", r#"{"note":"a \"quoted\" password"}"#);
        assert_eq!(watch.leaks().len(), 3);
        watch.heard(&reply(
            200,
            &json!({ "data": { "me": "a \"quoted\" password" } }),
        ));
        assert_eq!(watch.leaks().len(), 3, "data is for whoever asked");
    }

    #[test]
    fn a_secret_in_the_logs_is_found() {
        listen();
        let watch = Watch::default();
        watch.secret("token", "a-token-that-is-logged");
        assert_eq!(watch.leaks().len(), 0);
        tracing::info!(token = "a-token-that-is-logged", "Somebody came in");
        assert_eq!(watch.leaks().len(), 1);
    }
}
