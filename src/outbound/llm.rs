//! Asking a language model behind an OpenAI-compatible endpoint.

use std::time::Duration;

use futures::future::BoxFuture;
use openai_api_rs::v1::api::OpenAIClient;
use openai_api_rs::v1::chat_completion::chat_completion::ChatCompletionRequest;
use openai_api_rs::v1::chat_completion::{
    ChatCompletionMessage, Content, FinishReason, MessageRole,
};
use openai_api_rs::v1::error::APIError;

use crate::config::Config;

/// Tries after the first one.
const RETRIES: u32 = 2;
/// How long to wait before the first of them; it doubles.
const BACKOFF: Duration = Duration::from_millis(250);

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What to do: ours alone.
    pub instructions: String,
    /// What to do it with: the words of others, fenced.
    pub material: String,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text; expected, not known, to be JSON.
    pub text: String,
    /// Tokens read.
    pub prompt_tokens: i32,
    /// Tokens written.
    pub completion_tokens: i32,
}

/// Why there is no answer. The text is for operators and traces; it holds no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It did not answer in time.
    #[error("the model did not answer within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// It answered with an HTTP error.
    #[error("the model answered with status {0}")]
    Status(u16),
    /// It could not be reached.
    #[error("the model could not be reached")]
    Unreachable,
    /// It answered, with nothing that can be used.
    #[error("the model's answer was not usable: {0}")]
    Unusable(&'static str),
}

impl Failure {
    /// Whether the same question may be answered a moment later.
    fn may_pass(&self) -> bool {
        match self {
            Self::Status(status) => *status == 429 || *status >= 500,
            Self::Unreachable => true,
            Self::Timeout(_) | Self::Unusable(_) => false,
        }
    }
}

/// A language model that completes a prompt.
pub trait ChatModel: Send + Sync {
    /// Its name, as decisions will tell.
    fn name(&self) -> &str;

    /// Answers, within its timeout whatever happens.
    fn complete<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, Result<Answer, Failure>>;
}

/// A model behind an OpenAI-compatible endpoint.
pub struct OpenAi {
    endpoint: String,
    key: String,
    model: String,
    timeout: Duration,
}

impl OpenAi {
    /// The configured model; none without a key.
    pub fn configured(config: &Config) -> Option<Self> {
        Some(Self {
            endpoint: config.openai_base_url.trim_end_matches('/').to_owned(),
            key: config
                .openai_api_key
                .clone()
                .filter(|key| !key.trim().is_empty())?,
            model: config.llm_model.clone(),
            timeout: Duration::from_secs(config.llm_timeout_seconds.max(1)),
        })
    }

    /// Asks with retries, however long that takes.
    async fn ask(&self, prompt: &Prompt) -> Result<Answer, Failure> {
        let mut wait = BACKOFF;
        for _ in 0..RETRIES {
            match self.ask_once(prompt).await {
                Err(failure) if failure.may_pass() => {
                    tracing::debug!(%failure, "Asking the model again");
                    tokio::time::sleep(wait.mul_f64(1.0 + rand::random::<f64>() / 4.0)).await;
                    wait *= 2;
                }
                settled => return settled,
            }
        }
        self.ask_once(prompt).await
    }

    async fn ask_once(&self, prompt: &Prompt) -> Result<Answer, Failure> {
        // the library makes an HTTP client per call: seldom enough here, see the callers
        let client = OpenAIClient::builder()
            .with_endpoint(&self.endpoint)
            .with_api_key(&self.key)
            .with_timeout(self.timeout.as_secs())
            .build()
            .map_err(|_| Failure::Unreachable)?;
        let request = ChatCompletionRequest::new(
            self.model.clone(),
            vec![
                message(MessageRole::system, &prompt.instructions),
                message(MessageRole::user, &prompt.material),
            ],
        )
        .temperature(0.0)
        .response_format(serde_json::json!({ "type": "json_object" }));
        let response = client
            .chat_completion(request)
            .await
            .map_err(failure)?
            .inner;
        let (prompt_tokens, completion_tokens) = (
            response.usage.prompt_tokens,
            response.usage.completion_tokens,
        );
        let choice = response
            .choices
            .into_iter()
            .next()
            .ok_or(Failure::Unusable("it holds no choice"))?;
        match choice.finish_reason {
            Some(FinishReason::length) => return Err(Failure::Unusable("it was cut off")),
            Some(FinishReason::content_filter) => return Err(Failure::Unusable("it was filtered")),
            _ => {}
        }
        let text = choice
            .message
            .content
            .filter(|text| !text.trim().is_empty())
            .ok_or(Failure::Unusable("it holds no text"))?;
        Ok(Answer {
            text,
            prompt_tokens,
            completion_tokens,
        })
    }
}

impl ChatModel for OpenAi {
    fn name(&self) -> &str {
        &self.model
    }

    fn complete<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            tokio::time::timeout(self.timeout, self.ask(prompt))
                .await
                .unwrap_or(Err(Failure::Timeout(self.timeout)))
        })
    }
}

fn message(role: MessageRole, text: &str) -> ChatCompletionMessage {
    ChatCompletionMessage {
        role,
        content: Content::Text(text.to_owned()),
        name: None,
        tool_calls: None,
        tool_call_id: None,
    }
}

/// Reads what the library flattened to text: `"<status> <reason>: <body>"` or a failure to parse.
fn failure(error: APIError) -> Failure {
    match error {
        APIError::ReqwestError(error) if error.is_timeout() => {
            Failure::Unusable("it did not come in time")
        }
        APIError::ReqwestError(_) => Failure::Unreachable,
        APIError::CustomError { message } => message
            .get(..3)
            .and_then(|status| status.parse().ok())
            .map_or(
                Failure::Unusable("it is no chat completion"),
                Failure::Status,
            ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flattened_error_gives_its_status_back() {
        let read = |message: &str| {
            failure(APIError::CustomError {
                message: message.to_owned(),
            })
        };
        let busy = read("429 Too Many Requests: {\"error\":{}}");
        assert!(busy == Failure::Status(429) && busy.may_pass());
        assert!(read("503 Service Unavailable: ").may_pass());
        assert!(!read("401 Unauthorized: no").may_pass());
        let garbage = read("Failed to parse JSON: expected value / response <html>");
        assert_eq!(garbage, Failure::Unusable("it is no chat completion"));
        assert!(!garbage.may_pass());
    }

    #[test]
    fn without_a_key_there_is_no_model() {
        let mut config = Config::development();
        config.openai_api_key = Some("  ".to_owned());
        assert!(OpenAi::configured(&config).is_none());
    }
}
