use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use axum::http::{HeaderMap, StatusCode};
use serde_json::json;

use super::*;

#[test]
fn what_may_pass_is_told_by_the_status() {
    let busy = |status| Failure::Busy {
        status,
        pause: Duration::from_secs(30),
    };
    assert!(busy(429).may_pass() && busy(503).may_pass() && Failure::Status(500).may_pass());
    assert!(!busy(401).may_pass() && !Failure::Status(400).may_pass());
    assert_eq!(busy(503).asks_for(), Some(Duration::from_secs(30)));
    assert_eq!(Failure::Status(503).asks_for(), None);
}

#[test]
fn without_a_key_there_is_no_model() {
    let mut config = Config::development();
    config.openai_api_key = Some("  ".to_owned());
    assert!(OpenAi::configured(&config).is_none());
}

/// An OpenAI-compatible server that gives the scripted answers in order, the last one for ever, and counts calls.
async fn scripted(script: Vec<(u16, String, Duration)>) -> (OpenAi, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let handler = move |headers: HeaderMap, body: String| {
        let call = counted.fetch_add(1, Ordering::SeqCst);
        let (status, text, delay) = script[call.min(script.len() - 1)].clone();
        async move {
            assert_eq!(headers["authorization"], "Bearer secret");
            let asked: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(
                (&asked["temperature"], &asked["model"]),
                (&json!(0.0), &json!("small"))
            );
            tokio::time::sleep(delay).await;
            (StatusCode::from_u16(status).unwrap(), text)
        }
    };
    let router = axum::Router::new().route("/v1/chat/completions", axum::routing::post(handler));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let model = OpenAi {
        url: url(&base),
        keys: Keys::read("OPENAI_API_KEY", Some("secret")).unwrap(),
        model: "small".to_owned(),
        timeout: Duration::from_secs(2),
    };
    (model, calls)
}

fn completion(content: serde_json::Value, finish: &str) -> String {
    json!({
        "id": "1", "object": "chat.completion", "created": 1, "model": "small",
        "choices": [{ "index": 0, "finish_reason": finish, "message": { "role": "assistant", "content": content } }],
        "usage": { "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18 },
    })
    .to_string()
}

fn ask() -> Prompt {
    Prompt {
        instructions: "Choose.".to_owned(),
        material: "[]".to_owned(),
        max_tokens: 100,
    }
}

const NOW: Duration = Duration::ZERO;

#[tokio::test]
async fn a_good_answer_comes_with_what_it_cost() {
    let (model, calls) = scripted(vec![(200, completion(json!("{}"), "stop"), NOW)]).await;
    let answer = model.complete(&ask()).await;
    assert_eq!(answer.text, Ok("{}".to_owned()));
    assert_eq!(
        (answer.prompt_tokens, answer.completion_tokens, answer.calls),
        (11, 7, 1)
    );
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_busy_server_is_asked_again_twice_and_a_refusal_is_not() {
    let good = completion(json!("{}"), "stop");
    let busy = vec![
        (429, String::new(), NOW),
        (503, String::new(), NOW),
        (200, good, NOW),
    ];
    let (model, calls) = scripted(busy).await;
    assert!(model.complete(&ask()).await.text.is_ok());
    assert_eq!(calls.load(Ordering::SeqCst), 3);

    let (model, calls) = scripted(vec![(500, "{}".to_owned(), NOW)]).await;
    assert_eq!(model.complete(&ask()).await.text, Err(Failure::Status(500)));
    assert_eq!(calls.load(Ordering::SeqCst), 3);

    let (model, calls) = scripted(vec![(401, "{}".to_owned(), NOW)]).await;
    assert_eq!(model.complete(&ask()).await.text, Err(Failure::Status(401)));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_key_that_is_refused_is_followed_by_the_next_one_without_an_answer_lost() {
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    let handler = move |headers: HeaderMap| {
        let key = headers["authorization"].to_str().unwrap().to_owned();
        heard.lock().unwrap().push(key.clone());
        async move {
            match key.as_str() {
                "Bearer new" => (StatusCode::OK, completion(json!("{}"), "stop")),
                _ => (StatusCode::UNAUTHORIZED, "{}".to_owned()),
            }
        }
    };
    let router = axum::Router::new().route("/v1/chat/completions", axum::routing::post(handler));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = Config {
        openai_api_key: Some("old,new".to_owned()),
        openai_base_url: format!("http://{}/v1", listener.local_addr().unwrap()),
        ..Config::development()
    };
    tokio::spawn(async move { axum::serve(listener, router).await });
    let model = OpenAi::configured(&config).unwrap();
    for _ in 0..2 {
        assert!(model.complete(&ask()).await.text.is_ok());
    }
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked, ["Bearer old", "Bearer new", "Bearer new"]);
}

#[tokio::test]
async fn a_pause_that_takes_too_long_is_told_and_not_waited_for() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let handler = move || {
        let call = counted.fetch_add(1, Ordering::SeqCst);
        // first one that can be waited for
        let pause = if call == 0 { "0" } else { "3600" };
        async move {
            (
                StatusCode::SERVICE_UNAVAILABLE,
                [("retry-after", pause)],
                "{}",
            )
        }
    };
    let router = axum::Router::new().route("/v1/chat/completions", axum::routing::post(handler));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = Config {
        openai_api_key: Some("secret".to_owned()),
        openai_base_url: format!("http://{}/v1", listener.local_addr().unwrap()),
        ..Config::development()
    };
    tokio::spawn(async move { axum::serve(listener, router).await });
    let answer = OpenAi::configured(&config).unwrap().complete(&ask()).await;
    let pause = Duration::from_secs(3_600);
    assert_eq!(answer.text, Err(Failure::Busy { status: 503, pause }));
    assert_eq!((answer.calls, calls.load(Ordering::SeqCst)), (2, 2));
}

#[tokio::test]
async fn what_is_no_answer_is_told_apart() {
    for (text, why) in [
        ("<html>".to_owned(), "it is no chat completion"),
        (completion(json!(null), "stop"), "it holds no text"),
        (completion(json!("{"), "length"), "it was cut off"),
        (completion(json!("x"), "content_filter"), "it was filtered"),
        (" ".repeat(100_000), "it is too long"),
    ] {
        let (model, _) = scripted(vec![(200, text, NOW)]).await;
        assert_eq!(
            model.complete(&ask()).await.text,
            Err(Failure::Unusable(why))
        );
    }
}

#[tokio::test]
async fn a_slow_server_costs_its_timeout_and_no_more() {
    let slow = completion(json!("{}"), "stop");
    let (mut model, calls) = scripted(vec![(200, slow, Duration::from_secs(60))]).await;
    model.timeout = Duration::from_millis(200);
    let started = std::time::Instant::now();
    let answer = model.complete(&ask()).await;
    assert_eq!(answer.text, Err(Failure::Timeout(model.timeout)));
    assert_eq!((answer.calls, answer.prompt_tokens), (1, 0));
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}
