//! A service that makes vectors, as OpenAI's does: it means what it is told to, and fails as it is told to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

/// How many numbers its vectors have.
pub const DIMENSION: usize = 8;
/// What its model is called.
pub const MODEL: &str = "test-embedding";

/// What it does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Answers.
    Good,
    /// Answers so many requests, and then with this status.
    After(usize, u16),
    /// Answers with this status.
    Status(u16),
    /// Answers after the client has lost patience.
    Slow,
    /// Answers with vectors of another dimension.
    OtherDimension,
    /// Answers with one vector too few.
    TooFew,
    /// Answers with numbers that are none.
    NotNumbers,
    /// Answers with something that is no JSON.
    Garbage,
}

/// The service, until it is dropped.
#[derive(Clone)]
pub struct Embeddings {
    /// Where it is.
    pub url: String,
    state: Arc<Mutex<Served>>,
}

#[derive(Debug)]
struct Served {
    mood: Mood,
    requests: usize,
    texts: Vec<String>,
}

impl Embeddings {
    /// Starts one that answers.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(Served {
            mood: Mood::Good,
            requests: 0,
            texts: Vec::new(),
        }));
        let router = Router::new()
            .route("/v1/embeddings", post(answer))
            .with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url: format!("http://{address}/v1"),
            state,
        }
    }

    /// Tells it what to do from now on.
    pub fn be(&self, mood: Mood) {
        let mut served = self.state.lock().expect("no test panics here");
        served.mood = mood;
        served.requests = 0;
    }

    /// How often it was asked since it was told what to do.
    pub fn requests(&self) -> usize {
        self.state.lock().expect("no test panics here").requests
    }

    /// Every text it was asked about and answered, in order.
    pub fn texts(&self) -> Vec<String> {
        self.state
            .lock()
            .expect("no test panics here")
            .texts
            .clone()
    }
}

async fn answer(
    State(state): State<Arc<Mutex<Served>>>,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> (StatusCode, String) {
    assert_eq!(headers["authorization"], "Bearer embedding secret");
    assert_eq!(asked["model"], MODEL);
    let texts: Vec<String> = serde_json::from_value(asked["input"].clone()).expect("it is texts");
    let mood = {
        let mut served = state.lock().expect("no test panics here");
        served.requests += 1;
        match served.mood {
            Mood::After(good, status) if served.requests > good => Mood::Status(status),
            Mood::After(..) => Mood::Good,
            mood => mood,
        }
    };
    let mut vectors: Vec<Vec<f64>> = texts.iter().map(|text| meaning(text)).collect();
    match mood {
        Mood::Status(status) => {
            let status = StatusCode::from_u16(status).expect("it is a status");
            return (status, "{\"error\": {\"message\": \"no\"}}".to_owned());
        }
        Mood::Garbage => return (StatusCode::OK, "<html>".to_owned()),
        Mood::NotNumbers => {
            return (
                StatusCode::OK,
                "{\"data\": [{\"index\": 0, \"embedding\": [NaN]}]}".to_owned(),
            );
        }
        Mood::Slow => tokio::time::sleep(Duration::from_secs(30)).await,
        Mood::OtherDimension => vectors.iter_mut().for_each(|vector| vector.push(1.0)),
        Mood::TooFew => drop(vectors.pop()),
        Mood::Good | Mood::After(..) => {
            let mut served = state.lock().expect("no test panics here");
            served.texts.extend(texts);
        }
    }
    // in another order than asked: they are matched by index
    let data = vectors.iter().enumerate().rev();
    let data: Vec<Value> = data
        .map(
            |(index, vector)| json!({ "object": "embedding", "index": index, "embedding": vector }),
        )
        .collect();
    let body =
        json!({ "object": "list", "data": data, "model": MODEL, "usage": { "total_tokens": 1 } });
    (StatusCode::OK, body.to_string())
}

/// What it takes a text to mean: drinks, water and travel are far apart, and no two texts are quite the same.
fn meaning(text: &str) -> Vec<f64> {
    let mut vector = vec![0.0; DIMENSION];
    let topics: [&[&str]; 3] = [
        &[
            "coffee", "espresso", "latte", "mocha", "brew", "roast", "beans", "drink", "kaffee",
        ],
        &["water", "sewage"],
        &["taxi", "train", "ferry", "metro"],
    ];
    for (at, words) in topics.iter().enumerate() {
        if words.iter().any(|word| text.contains(word)) {
            vector[at] = 10.0;
        }
    }
    let spread = text.bytes().fold(7_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    vector[3 + (spread % 5) as usize] = 1.0 + (spread % 97) as f64 / 97.0;
    vector
}
