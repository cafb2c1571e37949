//! What comes back.

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::Path;

/// An answer over HTTP.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as it came.
    pub body: Vec<u8>,
}

impl Reply {
    /// Reads an answer to its end.
    pub async fn read(response: reqwest::Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.expect("the body arrives").into(),
        }
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        let read = serde_json::from_slice(&self.body);
        read.unwrap_or_else(|_| panic!("{} answers no JSON: {:?}", self.status, self.text()))
    }
}

/// An answer to a GraphQL operation.
#[derive(Debug)]
pub struct Answer {
    /// The status it came with.
    pub status: u16,
    /// The answer as a whole: `data`, `errors`, `extensions`.
    pub body: Value,
}

impl Answer {
    /// The answer in a reply.
    pub fn of(reply: &Reply) -> Self {
        Self {
            status: reply.status,
            body: reply.json(),
        }
    }

    /// The data, of an operation in which nothing went wrong: neither errors of the request nor errors for the user.
    #[track_caller]
    pub fn ok(self) -> Value {
        let refused = self.user_errors();
        assert!(
            self.body.get("errors").is_none() && refused.is_empty(),
            "the operation failed: {:#}",
            self.body
        );
        self.body["data"].clone()
    }

    /// The code of the first error of the request.
    #[track_caller]
    pub fn error_code(&self) -> String {
        self.body.text("errors[0].extensions.code")
    }

    /// What the user is asked to put right, of all payloads of the answer.
    pub fn user_errors(&self) -> Vec<Value> {
        user_errors(&self.body)
    }
}

/// What the payloads of an answer ask the user to put right.
pub fn user_errors(body: &Value) -> Vec<Value> {
    let payloads = body["data"].as_object().into_iter().flatten();
    payloads
        .filter_map(|(_, payload)| payload.get("errors")?.as_array())
        .flatten()
        .cloned()
        .collect()
}
