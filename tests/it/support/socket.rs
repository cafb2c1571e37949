//! A WebSocket as a client holds it, message by message.

use std::net::SocketAddr;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What the system holds of what a client has not read. Left to itself it would take some thirty megabytes, which a test of
/// slow clients waits for.
const UNREAD_BYTES: u32 = 64 * 1024;

/// An open socket that speaks `graphql-transport-ws`.
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens one.
    pub async fn open(address: SocketAddr) -> Self {
        let opened = Self::open_with(address, &[]).await;
        opened.unwrap_or_else(|status| panic!("the server does not upgrade: {status}"))
    }

    /// Opens one with further headers; the status of a refusal.
    pub async fn open_with(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let url = format!("ws://{address}/graphql");
        let mut request = url.into_client_request().expect("it is an address");
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("it is plain text");
            request.headers_mut().insert(*name, value);
        }
        let socket = TcpSocket::new_v4().expect("there are sockets");
        let narrow = socket.set_recv_buffer_size(UNREAD_BYTES);
        narrow.expect("its buffer can be set");
        let stream = socket.connect(address).await;
        let stream = stream.expect("the server listens");
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(refusal)) => Err(refusal.status().as_u16()),
            Err(error) => panic!("the server does not answer: {error}"),
        }
    }

    /// Sends a message of the protocol.
    pub async fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    /// Sends any text.
    pub async fn send_text(&mut self, text: &str) {
        let sent = self.0.send(Message::text(text)).await;
        sent.expect("the socket is open");
    }

    /// Sends a message of text whose bytes are no text.
    pub async fn send_broken_text(&mut self) {
        let frame = Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true);
        let sent = self.0.send(Message::Frame(frame)).await;
        sent.expect("the socket is open");
    }

    /// Sends bytes that are no text.
    pub async fn send_bytes(&mut self, bytes: Vec<u8>) {
        // a server that has had enough may be gone before they are
        drop(self.0.send(Message::binary(bytes)).await);
    }

    /// Whether the server ends it, one way or the other.
    pub async fn ends(&mut self) -> bool {
        let ended = tokio::time::timeout(PATIENCE, async { while self.hear().await.is_ok() {} });
        ended.await.is_ok()
    }

    /// The next message of the protocol. Pings of the server are answered and passed over.
    pub async fn next(&mut self) -> Value {
        let next = tokio::time::timeout(PATIENCE, self.hear()).await;
        match next.expect("a message comes in time") {
            Ok(message) => message,
            Err((code, reason)) => panic!("the socket was closed: {code} {reason}"),
        }
    }

    /// The next message, if one comes within `time`.
    pub async fn next_within(&mut self, time: Duration) -> Option<Value> {
        let next = tokio::time::timeout(time, self.hear()).await.ok()?;
        match next {
            Ok(message) => Some(message),
            Err((code, reason)) => panic!("the socket was closed: {code} {reason}"),
        }
    }

    /// The next message of the protocol as it was written.
    pub async fn next_text(&mut self) -> String {
        let next = tokio::time::timeout(PATIENCE, self.0.next()).await;
        match next.expect("a message comes in time") {
            Some(Ok(Message::Text(text))) => text.to_string(),
            other => panic!("no message came, but {other:?}"),
        }
    }

    /// Reads for a while and answers no message itself; how many of them asked whether it is there.
    pub async fn only_read(&mut self, time: Duration) -> usize {
        let mut asked = 0;
        let reading = async {
            while let Some(Ok(message)) = self.0.next().await {
                let text = message.to_text().unwrap_or_default();
                asked += usize::from(text.contains(r#""type":"ping""#));
            }
        };
        let ended = tokio::time::timeout(time, reading).await;
        assert!(ended.is_err(), "the server ended the socket");
        asked
    }

    /// Where a stream stands, as the next ping that knows it tells; messages before it are passed over.
    pub async fn standing(&mut self, id: &str) -> String {
        loop {
            let message: Value =
                serde_json::from_str(&self.next_text().await).expect("messages are JSON");
            if let Some(cursor) = message["payload"]["cursors"][id].as_str() {
                return cursor.to_owned();
            }
        }
    }

    /// The code and reason the server closes the socket with; messages before it are passed over.
    pub async fn closed(&mut self) -> (u16, String) {
        let closing = async {
            loop {
                if let Err(closed) = self.hear().await {
                    return closed;
                }
            }
        };
        let closed = tokio::time::timeout(PATIENCE, closing).await;
        closed.expect("the server closes the socket in time")
    }

    /// Cuts the connection, as a lost network does: no closing message.
    pub fn cut(self) {
        drop(self);
    }

    async fn hear(&mut self) -> Result<Value, (u16, String)> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).expect("messages are JSON");
                    if message["type"] != "ping" {
                        return Ok(message);
                    }
                    self.send_text(r#"{"type":"pong"}"#).await;
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Err((frame.code.into(), frame.reason.to_string()));
                }
                Some(Ok(Message::Close(None))) | None => return Err((1005, String::new())),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err((1006, error.to_string())),
            }
        }
    }
}
