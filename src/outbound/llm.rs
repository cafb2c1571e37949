//! Asking a language model behind an OpenAI-compatible endpoint.
//!
//! What is said both ways are the types of `openai-api-rs`. It is sent over the client of this room: that of the library is
//! made anew for each call, reads answers of any size, and loses the headers of one that failed, `Retry-After` among them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::answer::{Broken, body, patience, wait};
use super::keys::Keys;
use super::{client, traced};
use crate::config::Config;
use futures::future::BoxFuture;
use openai_api_rs::v1::chat_completion::chat_completion::{
    ChatCompletionRequest, ChatCompletionResponse,
};
use openai_api_rs::v1::chat_completion::{
    ChatCompletionChoice, ChatCompletionMessage, Content, FinishReason, MessageRole,
};

/// Tries after the first one.
const RETRIES: u32 = 2;
/// How long to wait before the first of them; it doubles.
const BACKOFF: Duration = Duration::from_millis(250);

/// Bytes an answer may have for each token of it, and for what stands around them.
const BYTES_PER_TOKEN: usize = 64;
/// Bytes an answer may have besides.
const BYTES_AROUND: usize = 65_536;

/// What a message is wrapped in takes a few tokens of its own.
const WRAPPING: i64 = 64;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What to do: ours alone.
    pub instructions: String,
    /// What to do it with: the words of others, fenced.
    pub material: String,
    /// Tokens the answer may have.
    pub max_tokens: i64,
}

impl Prompt {
    /// The most tokens it can take, read and written: no token is shorter than a byte.
    pub fn most_tokens(&self) -> i64 {
        let bytes = self.instructions.len() + self.material.len();
        i64::try_from(bytes).unwrap_or(i64::MAX / 2) + WRAPPING + self.max_tokens
    }

    /// About how many tokens it has, where nobody tells.
    fn tokens(&self) -> i64 {
        let bytes = self.instructions.len() + self.material.len();
        i64::try_from(bytes / 4).unwrap_or(i64::MAX) + WRAPPING
    }
}

/// What came back, and what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text; expected, not known, to be JSON. Or why there is none.
    pub text: Result<String, Failure>,
    /// Requests sent.
    pub calls: u32,
    /// Tokens read, as far as the service told.
    pub prompt_tokens: i64,
    /// Tokens written, as far as the service told.
    pub completion_tokens: i64,
}

impl Answer {
    /// An answer to nothing yet.
    fn none(failure: Failure) -> Self {
        Self {
            text: Err(failure),
            calls: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
        }
    }
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
    /// It answered with an HTTP error, and said how long to leave it alone.
    #[error("the model answered with status {status} and asks for a pause of {} s", .pause.as_secs())]
    Busy {
        /// The status.
        status: u16,
        /// How long.
        pause: Duration,
    },
    /// It could not be reached, or hung up.
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
            Self::Status(status) | Self::Busy { status, .. } => *status == 429 || *status >= 500,
            Self::Unreachable => true,
            Self::Timeout(_) | Self::Unusable(_) => false,
        }
    }

    /// How long the service asks to be left alone.
    pub fn asks_for(&self) -> Option<Duration> {
        match self {
            Self::Busy { pause, .. } => Some(*pause),
            _ => None,
        }
    }
}

/// A language model that completes a prompt.
pub trait ChatModel: Send + Sync {
    /// Its name, as decisions will tell.
    fn name(&self) -> &str;

    /// Answers, within its timeout whatever happens.
    fn complete<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, Answer>;
}

/// A model behind an OpenAI-compatible endpoint.
pub struct OpenAi {
    url: String,
    keys: Keys,
    model: String,
    timeout: Duration,
}

impl OpenAi {
    /// The configured model; none without a key.
    pub fn configured(config: &Config) -> Option<Self> {
        Some(Self {
            url: url(&config.openai_base_url),
            keys: Keys::read("OPENAI_API_KEY", config.openai_api_key.as_deref())?,
            model: config.llm_model.clone(),
            timeout: Duration::from_secs(config.llm_timeout_seconds.max(1)),
        })
    }

    /// Asks with retries, as long as there is time for another one; `calls` counts the requests as they are sent.
    async fn ask(&self, prompt: &Prompt, calls: &AtomicU32) -> Answer {
        let (started, mut backoff) = (Instant::now(), BACKOFF);
        for _ in 0..RETRIES {
            let answer = self.ask_once(prompt, calls).await;
            let failure = match &answer.text {
                Err(failure) if failure.may_pass() => failure,
                _ => return answer,
            };
            let jittered = backoff.mul_f64(1.0 + rand::random::<f64>() / 4.0);
            let left = self.timeout.saturating_sub(started.elapsed());
            let Some(wait) = wait(failure.asks_for(), jittered, left) else {
                return answer;
            };
            tracing::debug!(%failure, "Asking the model again");
            tokio::time::sleep(wait).await;
            backoff *= 2;
        }
        self.ask_once(prompt, calls).await
    }

    /// One question, with the next key if the service refuses one: a key can be replaced without an answer lost.
    async fn ask_once(&self, prompt: &Prompt, calls: &AtomicU32) -> Answer {
        for _ in 1..self.keys.count() {
            let (at, key) = self.keys.current();
            let answer = self.ask_with(key, prompt, calls).await;
            if answer.text != Err(Failure::Status(401)) {
                return answer;
            }
            self.keys.refused(at);
        }
        self.ask_with(self.keys.current().1, prompt, calls).await
    }

    async fn ask_with(&self, key: &str, prompt: &Prompt, calls: &AtomicU32) -> Answer {
        let mut request = ChatCompletionRequest::new(
            self.model.clone(),
            vec![
                message(MessageRole::system, &prompt.instructions),
                message(MessageRole::user, &prompt.material),
            ],
        )
        .max_tokens(prompt.max_tokens)
        .response_format(serde_json::json!({ "type": "json_object" }));
        request.temperature = Some(0.0);
        calls.fetch_add(1, Ordering::Relaxed);
        let response = match self.send(key, &request, prompt.max_tokens).await {
            Ok(response) => response,
            Err(failure) => return Answer::none(failure),
        };
        let (read, written) = (
            response.usage.prompt_tokens,
            response.usage.completion_tokens,
        );
        let text = text(response.choices);
        // a service that tells nothing must not look as if it cost nothing
        let guess = |told: i32, about: i64| if told > 0 { i64::from(told) } else { about };
        let about = text.as_ref().map_or(0, |text| text.len() / 4 + 1);
        Answer {
            prompt_tokens: guess(read, prompt.tokens()),
            completion_tokens: guess(written, i64::try_from(about).unwrap_or(i64::MAX)),
            text,
            calls: 0,
        }
    }
}

impl OpenAi {
    /// Sends one request and reads the answer.
    async fn send(
        &self,
        key: &str,
        request: &ChatCompletionRequest,
        max_tokens: i64,
    ) -> Result<ChatCompletionResponse, Failure> {
        let sent = traced(client().post(&self.url).json(request))
            .timeout(self.timeout)
            .bearer_auth(key)
            .send()
            .await;
        let response = sent.map_err(|error| match error.is_timeout() {
            true => Failure::Timeout(self.timeout),
            false => Failure::Unreachable,
        })?;
        if !response.status().is_success() {
            let status = response.status().as_u16();
            let failure = Failure::Status(status);
            return Err(match patience(response.headers()) {
                Some(pause) if failure.may_pass() => Failure::Busy { status, pause },
                _ => failure,
            });
        }
        let tokens = usize::try_from(max_tokens).unwrap_or_default();
        let limit = tokens.saturating_mul(BYTES_PER_TOKEN) + BYTES_AROUND;
        let answer = body(response, limit).await.map_err(|broken| match broken {
            Broken::TooLong => Failure::Unusable("it is too long"),
            Broken::HungUp => Failure::Unreachable,
        })?;
        serde_json::from_slice(&answer).map_err(|_| Failure::Unusable("it is no chat completion"))
    }
}

/// Where chat completions are asked for.
fn url(base: &str) -> String {
    format!("{}/chat/completions", base.trim_end_matches('/'))
}

/// The text of the first choice: what it says, or what it would call a function with.
fn text(choices: Vec<ChatCompletionChoice>) -> Result<String, Failure> {
    let choice = choices.into_iter().next();
    let choice = choice.ok_or(Failure::Unusable("it holds no choice"))?;
    match choice.finish_reason {
        Some(FinishReason::length) => return Err(Failure::Unusable("it was cut off")),
        Some(FinishReason::content_filter) => return Err(Failure::Unusable("it was filtered")),
        _ => {}
    }
    let said = |text: &String| !text.trim().is_empty();
    let called = || {
        let calls = choice.message.tool_calls.unwrap_or_default();
        calls.into_iter().find_map(|call| call.function.arguments)
    };
    let content = choice.message.content.filter(said);
    content
        .or_else(|| called().filter(said))
        .ok_or(Failure::Unusable("it holds no text"))
}

impl ChatModel for OpenAi {
    fn name(&self) -> &str {
        &self.model
    }

    fn complete<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            let calls = AtomicU32::new(0);
            let answer = tokio::time::timeout(self.timeout, self.ask(prompt, &calls)).await;
            let mut answer =
                answer.unwrap_or_else(|_| Answer::none(Failure::Timeout(self.timeout)));
            answer.calls = calls.into_inner();
            answer
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

#[cfg(test)]
mod tests;
