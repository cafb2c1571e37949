//! A subscription over an HTTP answer that stays open, as its client hears it.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use super::socket::PATIENCE;
use super::{Client, Reply};

/// The form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Server-Sent Events.
    Sse,
    /// Apollo's multipart protocol.
    Multipart,
}

impl Form {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sse, Self::Multipart];

    /// What the official client of the form sends as `Accept`.
    pub const fn accept(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream",
            Self::Multipart => {
                "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9"
            }
        }
    }

    const fn delimiter(self) -> &'static str {
        match self {
            Self::Sse => "\n\n",
            Self::Multipart => "\r\n--graphql",
        }
    }
}

/// What is heard next.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// An answer, or errors that the stream ends with.
    Next(Value),
    /// Where the stream stands, if it stands somewhere.
    Beat(Option<String>),
    /// The end, as the protocol has it.
    Complete,
    /// The end of the connection without one.
    Closed,
}

/// An open stream.
pub struct Streamed {
    form: Form,
    response: Response,
    heard: String,
    /// The id of the last event, as an `EventSource` keeps it.
    pub last_id: Option<String>,
}

impl Client {
    /// Follows a subscription over HTTP.
    pub async fn stream(&self, form: Form, document: &str, variables: Value) -> Streamed {
        let body = json!({ "query": document, "variables": variables });
        let request = self.request(Method::POST, "/graphql").json(&body);
        let opened = Streamed::open(form, request).await;
        opened.unwrap_or_else(|reply| panic!("{} {}", reply.status, reply.text()))
    }
}

impl Streamed {
    /// Sends a request for a stream; the refusal, when there is none.
    pub async fn open(form: Form, request: RequestBuilder) -> Result<Self, Reply> {
        let request = request.header("accept", form.accept());
        let response = request.send().await.expect("the server answers");
        let media = response.headers().get("content-type");
        let media = media.and_then(|media| media.to_str().ok()).unwrap_or("");
        if !media.starts_with("text/event-stream") && !media.starts_with("multipart/mixed") {
            return Err(Reply::read(response).await);
        }
        Ok(Self {
            form,
            response,
            heard: String::new(),
            last_id: None,
        })
    }

    /// A header of the answer, or nothing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.response.headers().get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Whatever comes next; the test fails when nothing does in time.
    pub async fn hear(&mut self) -> Heard {
        let heard = tokio::time::timeout(PATIENCE, self.read()).await;
        heard.expect("something comes in time")
    }

    /// The data of the next event; the test fails when it is another answer.
    pub async fn next(&mut self) -> Value {
        match self.answer().await {
            Heard::Next(answer) if answer.get("errors").is_none() => answer["data"].clone(),
            other => panic!("no event came, but {other:?}"),
        }
    }

    /// The next that is no heartbeat.
    pub async fn answer(&mut self) -> Heard {
        loop {
            match self.hear().await {
                Heard::Beat(_) => {}
                other => return other,
            }
        }
    }

    /// Waits until the server has said where the stream stands: what happens from here on is told.
    pub async fn settled(mut self) -> Self {
        loop {
            match self.hear().await {
                Heard::Beat(Some(_)) => return self,
                Heard::Beat(None) => {}
                other => panic!("the stream did not begin: {other:?}"),
            }
        }
    }

    /// Where the stream stands, as its next heartbeat tells.
    pub async fn beat(&mut self) -> String {
        let beat = async {
            loop {
                match self.read().await {
                    Heard::Beat(Some(cursor)) => return cursor,
                    Heard::Beat(None) => {}
                    other => panic!("no heartbeat came, but {other:?}"),
                }
            }
        };
        let beat = tokio::time::timeout(PATIENCE * 3, beat).await;
        beat.expect("a heartbeat comes in time")
    }

    /// The code of the error that the stream ends with, within `time`; what comes before is passed over.
    pub async fn ended(&mut self, time: Duration) -> String {
        let ending = async {
            loop {
                match self.answer().await {
                    Heard::Next(answer) if answer.get("errors").is_some() => break answer,
                    Heard::Next(_) => {}
                    other => panic!("it ended without an error: {other:?}"),
                }
            }
        };
        let error = tokio::time::timeout(time, ending).await;
        let error = error.expect("the stream ends in time");
        assert_eq!(self.answer().await, Heard::Complete);
        assert_eq!(self.answer().await, Heard::Closed);
        let code = &error["errors"][0]["extensions"]["code"];
        code.as_str().unwrap_or_default().to_owned()
    }

    async fn read(&mut self) -> Heard {
        loop {
            if let Some(at) = self.heard.find(self.form.delimiter()) {
                let piece = self.heard[..at].to_owned();
                self.heard.drain(..at + self.form.delimiter().len());
                return self.understand(&piece);
            }
            if self.form == Form::Multipart && self.heard == "--\r\n" {
                self.heard.clear();
                return Heard::Complete;
            }
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.heard += &String::from_utf8_lossy(&bytes),
                Ok(None) | Err(_) => return Heard::Closed,
            }
        }
    }

    fn understand(&mut self, piece: &str) -> Heard {
        match self.form {
            Form::Sse => self.event(piece),
            Form::Multipart => part(piece),
        }
    }

    fn event(&mut self, block: &str) -> Heard {
        let (mut event, mut data, mut cursor) = ("", "", None);
        for line in block.lines() {
            match line.split_once(':').unwrap_or((line, "")) {
                ("", comment) => cursor = comment.strip_prefix(" cursor "),
                ("event", name) => event = name.trim_start(),
                ("data", text) => data = text.trim_start(),
                ("id", id) => self.last_id = Some(id.trim_start().to_owned()),
                other => panic!("no field of an event stream: {other:?}"),
            }
        }
        match event {
            "" => Heard::Beat(cursor.map(str::to_owned)),
            "next" => Heard::Next(serde_json::from_str(data).expect("an answer is JSON")),
            "complete" => Heard::Complete,
            other => panic!("no event of the protocol: {other}"),
        }
    }
}

fn part(part: &str) -> Heard {
    let (head, body) = part.split_once("\r\n\r\n").expect("a part has a head");
    assert!(head.contains("Content-Type: application/json"), "{head}");
    let mut body: Value = serde_json::from_str(body).expect("a part is JSON");
    if body == json!({}) {
        let cursor = head.lines().find_map(|line| line.strip_prefix("Cursor: "));
        return Heard::Beat(cursor.map(str::to_owned));
    }
    match body["payload"].take() {
        Value::Null => Heard::Next(body),
        payload => Heard::Next(payload),
    }
}
