//! A subscription as a client holds it.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// A socket with one subscription on it.
pub struct Stream(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Stream {
    /// Opens one; what is committed after this returns is delivered.
    pub async fn open(address: &str, token: &str, document: &str) -> Self {
        let request = format!("ws://{address}/graphql").into_client_request();
        let mut request = request.expect("it is an address");
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let (socket, _) = connect_async(request).await.expect("the server upgrades");
        let mut stream = Self(socket);
        let payload = json!({ "Authorization": format!("Bearer {token}") });
        stream
            .send(json!({ "type": "connection_init", "payload": payload }))
            .await;
        assert_eq!(stream.hear().await["type"], "connection_ack");
        let payload = json!({ "query": document });
        stream
            .send(json!({ "id": "1", "type": "subscribe", "payload": payload }))
            .await;
        // the server says where the stream begins once it does
        loop {
            let message = stream.hear().await;
            match message["type"].as_str() {
                Some("ping") if message["payload"]["cursors"]["1"].is_string() => break,
                Some("ping") => {}
                _ => panic!("the subscription was refused: {message}"),
            }
        }
        stream
    }

    /// The data of the next event.
    pub async fn next(&mut self) -> Value {
        loop {
            let message = self.hear().await;
            match message["type"].as_str() {
                Some("next") => return message["payload"]["data"].clone(),
                Some("ping") => {}
                _ => panic!("the subscription ended: {message}"),
            }
        }
    }

    async fn hear(&mut self) -> Value {
        loop {
            let message = self.0.next().await.expect("the socket is open");
            if let Message::Text(text) = message.expect("the socket is open") {
                let message: Value = serde_json::from_str(&text).expect("messages are JSON");
                if message["type"] == "ping" {
                    self.send(json!({ "type": "pong" })).await;
                }
                return message;
            }
        }
    }

    async fn send(&mut self, message: Value) {
        let sent = self.0.send(Message::text(message.to_string())).await;
        sent.expect("the socket is open");
    }
}
