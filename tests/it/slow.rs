//! Clients that keep the server waiting: each is waited for, and none for ever.

use std::time::{Duration, Instant};

use balance::http::open_streams::OpenStreams;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Client, PATIENCE, Path, Setup, TestApp};

/// An app that waits for a second where others wait for half a minute.
async fn impatient() -> TestApp {
    let setup = Setup {
        adjust: |config| config.slow_client_seconds = 1,
        ..Setup::default()
    };
    TestApp::start_with(setup).await
}

async fn connect(client: &Client) -> TcpStream {
    let address = client.url("");
    let address = address.trim_start_matches("http://");
    TcpStream::connect(address).await.unwrap()
}

/// What the server says until it closes the connection.
async fn last_words(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    let reading = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await;
    // a connection may end with a reset
    drop(reading.expect("the server closes the connection"));
    String::from_utf8_lossy(&said).into_owned()
}

fn head(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn who_begins_no_request_is_cut() {
    let app = impatient().await;
    for begun in [
        "",
        // as much as HTTP/2 begins with, but for its end
        "PRI * HTTP/2.0\r\n\r\nSM",
        "POST /graphql HTTP/1.1\r\nhost: test\r\nx-slow: ",
    ] {
        let mut stream = connect(&app.anybody()).await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        assert_eq!(last_words(stream).await, "", "{begun}");
    }
    // a connection that is kept is let go too
    let mut stream = connect(&app.anybody()).await;
    let request = "GET /health/live HTTP/1.1\r\nhost: test\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let answered = last_words(stream).await;
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_refused() {
    let app = impatient().await;
    for (path, at) in [
        ("/graphql", "errors[0].extensions.code"),
        ("/api/v1/auth/sign-in", "error.code"),
        ("/api/v1/webhooks/somewhere", "error.code"),
    ] {
        let mut stream = connect(&app.anybody()).await;
        let begun = head(path, 1_000) + "{\"query\"";
        stream.write_all(begun.as_bytes()).await.unwrap();
        let answer = last_words(stream).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{path}: {answer}");
        assert!(answer.contains("connection: close"), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body.text(at), "BAD_REQUEST", "{path}: {body}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_byte_now_and_then_is_no_body() {
    let app = impatient().await;
    let (mut reader, mut writer) = connect(&app.anybody()).await.into_split();
    writer
        .write_all(head("/graphql", 1_000).as_bytes())
        .await
        .unwrap();
    let trickle = tokio::spawn(async move {
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut said = [0; 12];
    let answered = tokio::time::timeout(PATIENCE, reader.read_exact(&mut said)).await;
    answered.expect("it is refused").unwrap();
    assert_eq!(&said, b"HTTP/1.1 408");
    drop(reader);
    trickle.abort();
    app.finish().await;
}

#[tokio::test]
async fn who_keeps_sending_takes_the_time_it_needs() {
    let app = impatient().await;
    let query = json!({ "query": "{ __typename }" }).to_string();
    let body = query + &" ".repeat(12_000);
    let mut stream = connect(&app.anybody()).await;
    stream
        .write_all(head("/graphql", body.len()).as_bytes())
        .await
        .unwrap();
    // longer in all than a client may be silent
    for part in body.as_bytes().chunks(3_000) {
        tokio::time::sleep(Duration::from_millis(400)).await;
        stream.write_all(part).await.unwrap();
    }
    let answered = last_words(stream).await;
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_whose_client_is_gone_without_a_word_is_cut() {
    let app = impatient().await;
    let owner = app.tenant("acme").await.owner();
    let mut socket = owner.socket().await;
    let follow = |id: &str| json!({ "id": id, "type": "subscribe", "payload": { "query": "subscription { eventFeed { cursor } }" } });
    socket.send(&follow("gone")).await;
    // nothing is read and so nothing is answered, while the connection stays open
    let open = || app.app().handles.kept.of::<OpenStreams>().count();
    let started = Instant::now();
    while open() < 2 {
        assert!(started.elapsed() < PATIENCE, "it never began");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while open() > 0 {
        assert!(started.elapsed() < 2 * PATIENCE, "it is never cut");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(socket);
    app.finish().await;
}

#[tokio::test]
async fn a_client_that_knows_nothing_of_ping_messages_stays() {
    let app = impatient().await;
    let owner = app.tenant("acme").await.owner();
    let mut socket = owner.socket().await;
    let ask = |id: &str, document: &str| json!({ "id": id, "type": "subscribe", "payload": { "query": document } });
    socket
        .send(&ask("kept", "subscription { eventFeed { cursor } }"))
        .await;
    // it reads, and answers no message; what WebSocket asks, its library answers
    let asked = socket.only_read(Duration::from_millis(2_500)).await;
    assert!(asked > 0, "it was never asked");
    socket.send(&ask("after", "{ __typename }")).await;
    let answer = socket.next().await;
    assert_eq!(answer.text("payload.data.__typename"), "Query");
    app.finish().await;
}
