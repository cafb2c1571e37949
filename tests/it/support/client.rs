//! Somebody who calls.

use std::net::SocketAddr;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Answer, Feed, Reply, Socket, Watch, contract};

/// Calls the app as one person, or as nobody.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    address: SocketAddr,
    /// The access token, of somebody who is signed in.
    pub token: Option<String>,
    /// Remembers what is told in confidence, and what is said to anybody.
    pub watch: Watch,
}

impl Client {
    /// Somebody who is not signed in.
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are the outside: they call the server, not the world"
    )]
    pub fn new(address: SocketAddr) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build();
        Self {
            http: http.expect("a client without TLS can be made"),
            address,
            token: None,
            watch: Watch::default(),
        }
    }

    /// The same with the access token of a session.
    pub fn with_token(&self, token: &str) -> Self {
        self.watch.secret("bearer", token);
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// A request to be completed and sent with [`Client::send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.url(path));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and reads the answer.
    pub async fn send(&self, request: RequestBuilder) -> Reply {
        let (http, request) = request.build_split();
        let request = request.expect("the request can be sent");
        let (method, path) = (
            request.method().to_string(),
            request.url().path().to_owned(),
        );
        let reply = Reply::read(http.execute(request).await.expect("the server answers")).await;
        self.watch.heard(&reply);
        contract::check(&method, &path, &reply);
        reply
    }

    /// `GET` of a path.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    /// `POST` of JSON to a path.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.watch.confide(body);
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// `PUT` of bytes to a path.
    pub async fn put(&self, path: &str, body: impl Into<reqwest::Body>) -> Reply {
        self.send(self.request(Method::PUT, path).body(body)).await
    }

    /// Carries out a query or a mutation.
    pub async fn run(&self, document: &str, variables: Value) -> Answer {
        Answer::of(&self.graphql(document, variables).await)
    }

    /// The same, for tests of the transport.
    pub async fn graphql(&self, document: &str, variables: Value) -> Reply {
        let body = json!({ "query": document, "variables": variables });
        self.post("/graphql", &body).await
    }

    /// Follows a subscription over a socket of its own.
    pub async fn subscribe(&self, document: &str, variables: Value) -> Feed {
        Feed::open(self.socket().await, document, variables).await
    }

    /// A socket on which this person has introduced themselves.
    pub async fn socket(&self) -> Socket {
        let mut socket = self.bare_socket().await;
        let token = self.token.as_deref().unwrap_or_default();
        let payload = json!({ "Authorization": format!("Bearer {token}") });
        socket
            .send(&json!({ "type": "connection_init", "payload": payload }))
            .await;
        assert_eq!(socket.next().await["type"], "connection_ack");
        socket
    }

    /// A socket on which nobody has said anything yet.
    pub async fn bare_socket(&self) -> Socket {
        Socket::open(self.address).await
    }

    /// A socket that is opened with these headers; the status of a refusal.
    pub async fn socket_with(&self, headers: &[(&'static str, &str)]) -> Result<Socket, u16> {
        Socket::open_with(self.address, headers).await
    }

    /// The address of a path, for programs that are told where to go.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}
