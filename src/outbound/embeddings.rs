//! Vectors of texts from an OpenAI-compatible endpoint.
//!
//! Asked over the client of this room, once per batch.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::answer::{Broken, body, patience, wait};
use super::keys::Keys;
use super::{client, traced};
use crate::config::Config;

/// Texts in one request.
const AT_ONCE: usize = 256;
/// Tries after the first one.
const RETRIES: u32 = 2;
/// How long to wait before the first of them; it doubles.
const BACKOFF: Duration = Duration::from_millis(250);
/// Bytes an answer may have for each number asked for: a float as text, and the JSON around it.
const BYTES_PER_NUMBER: usize = 32;

/// Why there are no vectors. The text is for operators; it holds no key and no bank text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It did not answer in time.
    #[error("the embedding service did not answer within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// It answered with an HTTP error.
    #[error("the embedding service answered with status {0}")]
    Status(u16),
    /// It answered with an HTTP error, and said how long to leave it alone.
    #[error("the embedding service answered with status {status} and asks for a pause of {} s", .pause.as_secs())]
    Busy {
        /// The status.
        status: u16,
        /// How long.
        pause: Duration,
    },
    /// It could not be reached, or hung up.
    #[error("the embedding service could not be reached")]
    Unreachable,
    /// It answered, with nothing that can be used.
    #[error("the embedding service's answer was not usable: {0}")]
    Unusable(&'static str),
    /// It failed repeatedly or asked for a pause, and is not asked for now.
    #[error(
        "the embedding service failed repeatedly, or asked for a pause, and is left alone for now"
    )]
    Resting,
}

impl Failure {
    /// Whether the same question may be answered a moment later.
    fn may_pass(&self) -> bool {
        match self {
            Self::Status(status) | Self::Busy { status, .. } => *status == 429 || *status >= 500,
            Self::Unreachable => true,
            Self::Timeout(_) | Self::Unusable(_) | Self::Resting => false,
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

/// Makes vectors of texts.
pub trait Embedder: Send + Sync {
    /// The name of its model, kept with every vector.
    fn model(&self) -> &str;

    /// How many numbers its vectors have.
    fn dimension(&self) -> usize;

    /// One vector of length 1 for each text, in order, within its timeout for each few hundred texts.
    fn embed<'a>(&'a self, texts: &'a [String]) -> BoxFuture<'a, Result<Vec<Vec<f32>>, Failure>>;
}

/// A model behind an OpenAI-compatible endpoint.
pub struct OpenAi {
    url: String,
    keys: Option<Keys>,
    model: String,
    dimension: usize,
    timeout: Duration,
}

impl OpenAi {
    /// The configured model; none when no model is named.
    pub fn configured(config: &Config) -> Option<Self> {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let base = filled(&config.embedding_base_url);
        let base = base.unwrap_or_else(|| config.openai_base_url.clone());
        Some(Self {
            model: filled(&config.embedding_model)?,
            url: format!("{}/embeddings", base.trim_end_matches('/')),
            keys: Keys::read("EMBEDDING_API_KEY", config.embedding_api_key.as_deref())
                .or_else(|| Keys::read("OPENAI_API_KEY", config.openai_api_key.as_deref())),
            dimension: usize::from(config.embedding_dimensions),
            timeout: Duration::from_secs(config.embedding_timeout_seconds.max(1)),
        })
    }

    async fn ask(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Failure> {
        let (started, mut backoff) = (Instant::now(), BACKOFF);
        for _ in 0..RETRIES {
            match self.ask_once(texts).await {
                Err(failure) if failure.may_pass() => {
                    let jittered = backoff.mul_f64(1.0 + rand::random::<f64>() / 4.0);
                    let left = self.timeout.saturating_sub(started.elapsed());
                    let Some(wait) = wait(failure.asks_for(), jittered, left) else {
                        return Err(failure);
                    };
                    tracing::debug!(%failure, "Asking for vectors again");
                    tokio::time::sleep(wait).await;
                    backoff *= 2;
                }
                settled => return settled,
            }
        }
        self.ask_once(texts).await
    }

    /// One request, with the next key if the service refuses one.
    async fn ask_once(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Failure> {
        let Some(keys) = &self.keys else {
            return self.ask_with(None, texts).await;
        };
        for _ in 1..keys.count() {
            let (at, key) = keys.current();
            match self.ask_with(Some(key), texts).await {
                Err(Failure::Status(401)) => keys.refused(at),
                settled => return settled,
            }
        }
        self.ask_with(Some(keys.current().1), texts).await
    }

    async fn ask_with(
        &self,
        key: Option<&str>,
        texts: &[String],
    ) -> Result<Vec<Vec<f32>>, Failure> {
        let mut question =
            json!({ "model": self.model, "input": texts, "encoding_format": "float" });
        // only these can be shortened, and others refuse what they do not know
        if self.model.starts_with("text-embedding-3") {
            question["dimensions"] = self.dimension.into();
        }
        let mut request = traced(client().post(&self.url).json(&question));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.map_err(|_| Failure::Unreachable)?;
        let status = response.status();
        if status != StatusCode::OK {
            let failure = Failure::Status(status.as_u16());
            let pause = patience(response.headers()).filter(|_| failure.may_pass());
            return Err(pause.map_or(failure, |pause| Failure::Busy {
                status: status.as_u16(),
                pause,
            }));
        }
        let limit = texts.len() * self.dimension * BYTES_PER_NUMBER + 65_536;
        let answer = body(response, limit).await.map_err(|broken| match broken {
            Broken::TooLong => Failure::Unusable("it is too long"),
            Broken::HungUp => Failure::Unreachable,
        })?;
        vectors(&answer, texts.len(), self.dimension).map_err(Failure::Unusable)
    }
}

impl Embedder for OpenAi {
    fn model(&self) -> &str {
        &self.model
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn embed<'a>(&'a self, texts: &'a [String]) -> BoxFuture<'a, Result<Vec<Vec<f32>>, Failure>> {
        Box::pin(async move {
            let mut vectors = Vec::with_capacity(texts.len());
            for texts in texts.chunks(AT_ONCE) {
                let asked = tokio::time::timeout(self.timeout, self.ask(texts)).await;
                vectors.extend(asked.unwrap_or(Err(Failure::Timeout(self.timeout)))?);
            }
            Ok(vectors)
        })
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

/// The vectors in an answer, matched by their index and scaled to length 1. All or none: a vector that is wrong says
/// that the others may be.
fn vectors(answer: &[u8], wanted: usize, dimension: usize) -> Result<Vec<Vec<f32>>, &'static str> {
    let answer: Answer =
        serde_json::from_slice(answer).map_err(|_| "it is no list of embeddings")?;
    if answer.data.len() != wanted {
        return Err("it holds another number of vectors");
    }
    let mut vectors = vec![Vec::new(); wanted];
    for item in answer.data {
        let place = vectors.get_mut(item.index);
        let place = place.filter(|vector| vector.is_empty());
        let place = place.ok_or("its vectors are not numbered as the texts are")?;
        if item.embedding.len() != dimension {
            return Err("its vectors have another dimension; see EMBEDDING_DIMENSIONS");
        }
        let length = item
            .embedding
            .iter()
            .map(|number| f64::from(*number).powi(2))
            .sum::<f64>()
            .sqrt();
        if !length.is_finite() || length < 1e-9 {
            return Err("a vector is not finite or has no length");
        }
        *place = item
            .embedding
            .iter()
            .map(|number| (f64::from(*number) / length) as f32)
            .collect();
    }
    Ok(vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_model_there_is_no_embedder() {
        let mut config = Config::development();
        assert!(OpenAi::configured(&config).is_none());
        config.embedding_model = Some(" ".to_owned());
        assert!(OpenAi::configured(&config).is_none());
        config.embedding_model = Some("small".to_owned());
        let embedder = OpenAi::configured(&config).unwrap();
        assert_eq!(embedder.url, "https://api.openai.com/v1/embeddings");
        assert!(embedder.keys.is_none());
    }

    #[test]
    fn vectors_are_matched_by_index_and_have_length_one() {
        let answer = br#"{"object": "list", "data": [{"index": 1, "embedding": [0, 5]},
                                                     {"index": 0, "embedding": [3, 4]}]}"#;
        assert_eq!(
            vectors(answer, 2, 2).unwrap(),
            [vec![0.6, 0.8], vec![0.0, 1.0]]
        );
    }

    #[test]
    fn what_cannot_be_trusted_is_refused_as_a_whole() {
        for (answer, why) in [
            ("<html>", "it is no list"),
            (
                r#"{"data": [{"index": 0, "embedding": [1, 0]}]}"#,
                "another number",
            ),
            (
                r#"{"data": [{"index": 0, "embedding": [1, 0]}, {"index": 0, "embedding": [1, 0]}]}"#,
                "not numbered",
            ),
            (
                r#"{"data": [{"index": 0, "embedding": [1, 0]}, {"index": 2, "embedding": [1, 0]}]}"#,
                "not numbered",
            ),
            (
                r#"{"data": [{"index": 0, "embedding": [1, 0]}, {"index": 1, "embedding": [1]}]}"#,
                "another dimension",
            ),
            (
                r#"{"data": [{"index": 0, "embedding": [1, 0]}, {"index": 1, "embedding": [0, 0]}]}"#,
                "has no length",
            ),
            (
                r#"{"data": [{"index": 0, "embedding": [1, 0]}, {"index": 1, "embedding": [1e39, 0]}]}"#,
                "not finite",
            ),
            (
                r#"{"data": [{"index": 0, "embedding": [1, 0]}, {"index": 1, "embedding": [NaN, 0]}]}"#,
                "it is no list",
            ),
        ] {
            let refused = vectors(answer.as_bytes(), 2, 2).unwrap_err();
            assert!(refused.contains(why), "{answer}: {refused}");
        }
    }
}
