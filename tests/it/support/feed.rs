//! A subscription as its subscriber hears it.

use std::time::Duration;

use serde_json::{Value, json};

use super::Socket;

/// How long nothing must come for a feed to count as quiet.
const QUIET: Duration = Duration::from_millis(500);

/// One subscription on a socket of its own.
pub struct Feed {
    socket: Socket,
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
        let mut feed = Self { socket };
        let pong = feed.socket.next().await;
        assert_eq!(pong["type"], "pong", "the subscription was refused: {pong}");
        tokio::time::sleep(Duration::from_millis(150)).await;
        feed
    }

    /// The data of the next event; the test fails when none comes in time.
    pub async fn next(&mut self) -> Value {
        Self::data(self.socket.next().await)
    }

    /// The data of the next event, if one comes within `time`.
    pub async fn next_within(&mut self, time: Duration) -> Option<Value> {
        self.socket.next_within(time).await.map(Self::data)
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
