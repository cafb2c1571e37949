//! A language model behind an OpenAI-compatible endpoint: it chooses what it is told to, fails as it is told to, and keeps
//! what it was asked.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

/// What its model is called.
pub const CHAT_MODEL: &str = "test-chat";
/// The key that it wants.
pub const CHAT_KEY: &str = "sk-chat-secret-of-these-tests";
/// Tokens it says that it read, of each request.
pub const READ: i64 = 1_000;
/// Tokens it says that it wrote.
pub const WRITTEN: i64 = 100;

/// What it does when it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// Answers as JSON.
    Good,
    /// Calls a function with its answer instead of saying it.
    ToolCalls,
    /// Refuses.
    Refusal,
    /// Says nothing.
    ContentNull,
    /// Runs out of room.
    Length,
    /// Chooses a category that is not in the list.
    OutsideTheList,
    /// Is sure in words.
    ConfidenceInText,
    /// Is surer than one can be.
    ConfidenceAboveOne,
    /// Does not say how sure it is.
    NoConfidence,
    /// Wraps its answer into a code fence.
    Fenced,
    /// Answers with these words.
    Words(&'static str),
    /// Answers with this status.
    Status(u16),
    /// Answers with this status, and asks to be left alone for so many seconds.
    Busy(u16, u64),
    /// Answers after the client has lost patience.
    Slow,
    /// Cuts the connection within the answer.
    Cut,
    /// Answers with something that is no JSON.
    Garbage,
    /// Streams its answer in chunks, which nobody asked for.
    Streamed,
}

/// The service, until it is dropped.
#[derive(Clone)]
pub struct Chat {
    /// Where it is.
    pub url: String,
    state: Arc<Mutex<Served>>,
}

struct Served {
    says: Says,
    chooses: String,
    calls: usize,
    asked: Vec<Value>,
}

impl Chat {
    /// Starts one that answers.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(Served {
            says: Says::Good,
            chooses: String::new(),
            calls: 0,
            asked: Vec::new(),
        }));
        let router = Router::new()
            .route("/v1/chat/completions", post(answer))
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
    pub fn say(&self, says: Says) {
        self.served().says = says;
    }

    /// Tells it which category to choose, by its name.
    pub fn choose(&self, category: &str) {
        category.clone_into(&mut self.served().chooses);
    }

    /// How often it was asked.
    pub fn calls(&self) -> usize {
        self.served().calls
    }

    /// What it was asked last: the instructions and the material.
    pub fn asked(&self) -> (String, String) {
        let served = self.served();
        let last = served.asked.last().expect("it was asked");
        let of = |at: usize| last["messages"][at]["content"].as_str().map(str::to_owned);
        (
            of(0).expect("a system message"),
            of(1).expect("a user message"),
        )
    }

    /// Everything that was ever sent to it.
    pub fn heard(&self) -> String {
        let served = self.served();
        served.asked.iter().map(Value::to_string).collect()
    }

    fn served(&self) -> MutexGuard<'_, Served> {
        self.state.lock().expect("no test panics here")
    }
}

async fn answer(
    State(state): State<Arc<Mutex<Served>>>,
    headers: HeaderMap,
    axum::Json(asked): axum::Json<Value>,
) -> Response {
    assert_eq!(headers["authorization"], format!("Bearer {CHAT_KEY}"));
    assert_eq!(asked["model"], CHAT_MODEL);
    let (says, chooses) = {
        let mut served = state.lock().expect("no test panics here");
        served.calls += 1;
        served.asked.push(asked.clone());
        (served.says.clone(), served.chooses.clone())
    };
    let good = answers(&asked, &chooses, json!(0.75)).to_string();
    match says {
        Says::Good => said(&good),
        Says::ToolCalls => completion(
            json!({ "role": "assistant", "content": null, "tool_calls": [{ "id": "1", "type": "function",
                    "function": { "name": "answer", "arguments": good } }] }),
            "tool_calls",
        ),
        Says::Refusal => completion(
            json!({ "role": "assistant", "content": null, "refusal": "I cannot help with that." }),
            "stop",
        ),
        Says::ContentNull => completion(json!({ "role": "assistant", "content": null }), "stop"),
        Says::Length => completion(
            json!({ "role": "assistant", "content": "{\"answers\": [{" }),
            "length",
        ),
        Says::OutsideTheList => {
            let mut answers = answers(&asked, &chooses, json!(0.75));
            for answer in answers["answers"].as_array_mut().expect("a list") {
                answer["category"] = json!(9_999);
            }
            said(&answers.to_string())
        }
        Says::ConfidenceInText => said(&answers(&asked, &chooses, json!("0.74")).to_string()),
        Says::ConfidenceAboveOne => said(&answers(&asked, &chooses, json!(95)).to_string()),
        Says::NoConfidence => said(&answers(&asked, &chooses, Value::Null).to_string()),
        Says::Fenced => said(&format!("```json\n{good}\n```")),
        Says::Words(words) => said(words),
        Says::Status(status) => refused(status).into_response(),
        Says::Busy(status, seconds) => {
            ([("retry-after", seconds.to_string())], refused(status)).into_response()
        }
        Says::Slow => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            said(&good)
        }
        Says::Cut => {
            let begun = Ok::<Bytes, std::io::Error>(Bytes::from("{\"id\": \"1\", \"choi"));
            let cut = Err(std::io::Error::other("cut"));
            Body::from_stream(futures::stream::iter([begun, cut])).into_response()
        }
        Says::Garbage => "<html>".into_response(),
        Says::Streamed => {
            let chunk = json!({ "id": "1", "object": "chat.completion.chunk", "created": 1, "model": CHAT_MODEL,
                                "choices": [{ "index": 0, "delta": { "content": "{" }, "finish_reason": null }] });
            let body = format!("data: {chunk}\n\ndata: [DONE]\n\n");
            ([("content-type", "text/event-stream")], body).into_response()
        }
    }
}

/// An answer to every movement it was shown: the category it is to choose, by its number in the list.
fn answers(asked: &Value, chooses: &str, confidence: Value) -> Value {
    let content = |at: usize| {
        asked["messages"][at]["content"]
            .as_str()
            .unwrap_or_default()
    };
    let line = content(0)
        .lines()
        .find(|line| line.contains(&format!("\"{chooses}\"")));
    let number = line.and_then(|line| line.split(':').next()?.parse::<usize>().ok());
    let movements = content(1).lines();
    let ids =
        movements.filter_map(|line| serde_json::from_str::<Value>(line).ok()?.get("id").cloned());
    let each = ids.map(|id| {
        let mut answer = json!({ "id": id, "category": number, "because": "it says so" });
        if !confidence.is_null() {
            answer["confidence"] = confidence.clone();
        }
        answer
    });
    // in another order than asked: they are matched by id
    let mut each: Vec<Value> = each.collect();
    each.reverse();
    json!({ "answers": each })
}

fn refused(status: u16) -> (StatusCode, String) {
    let status = StatusCode::from_u16(status).expect("it is a status");
    let body = json!({ "error": { "message": "no", "type": "t", "code": "c" } });
    (status, body.to_string())
}

fn said(text: &str) -> Response {
    completion(json!({ "role": "assistant", "content": text }), "stop")
}

fn completion(message: Value, finish: &str) -> Response {
    axum::Json(json!({
        "id": "1", "object": "chat.completion", "created": 1, "model": CHAT_MODEL,
        "choices": [{ "index": 0, "finish_reason": finish, "message": message }],
        "usage": { "prompt_tokens": READ, "completion_tokens": WRITTEN, "total_tokens": READ + WRITTEN },
    }))
    .into_response()
}
