//! A subscription as its subscriber hears it.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};

use super::Socket;

/// How long nothing must come for a feed to count as quiet.
const QUIET: Duration = Duration::from_millis(500);

/// One subscription on a socket of its own.
pub struct Feed {
    socket: Socket,
    /// Events that came before the pong, as those of the past do.
    early: VecDeque<Value>,
}

impl Feed {
    /// Starts a subscription. Without `after` it begins at the present, which is settled when this returns.
    pub async fn open(mut socket: Socket, document: &str, variables: Value) -> Self {
        let payload = json!({ "query": document, "variables": variables });
        socket
            .send(&json!({ "id": "1", "type": "subscribe", "payload": payload }))
            .await;
        // the protocol does not confirm a subscription; its place in the log is read right after it is heard
        socket.send(&json!({ "type": "ping" })).await;
        let early = VecDeque::new();
        let mut feed = Self { socket, early };
        loop {
            let message = feed.socket.next().await;
            match message["type"].as_str() {
                Some("pong") => break,
                Some("next") => feed.early.push_back(message),
                _ => panic!("the subscription was refused: {message}"),
            }
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
        feed
    }

    /// The data of the next event; the test fails when none comes in time.
    pub async fn next(&mut self) -> Value {
        match self.early.pop_front() {
            Some(message) => Self::data(message),
            None => Self::data(self.socket.next().await),
        }
    }

    /// The news that is the last of what this field tells.
    pub async fn last(&mut self, field: &str) -> Value {
        loop {
            let news = self.next().await;
            if news[field]["finished"] == true {
                return news;
            }
        }
    }

    /// The data of the next event, if one comes within `time`.
    pub async fn next_within(&mut self, time: Duration) -> Option<Value> {
        let message = match self.early.pop_front() {
            Some(message) => Some(message),
            None => self.socket.next_within(time).await,
        };
        message.map(Self::data)
    }

    /// Fails when anything comes for half a second.
    pub async fn quiet(&mut self) {
        if let Some(event) = self.next_within(QUIET).await {
            panic!("nothing should have come, but {event:#} did");
        }
    }

    /// The socket, to be spoken to or cut.
    pub fn into_socket(self) -> Socket {
        self.socket
    }

    fn data(message: Value) -> Value {
        let payload = &message["payload"];
        let failed = message["type"] != "next" || payload.get("errors").is_some();
        assert!(!failed, "the subscription failed: {message:#}");
        payload["data"].clone()
    }
}
