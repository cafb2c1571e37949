//! One execution of an event for all subscriptions that ask the same about it: request coalescing.
//!
//! What is told about an event follows from the event, the question, and what the actor may do. A thousand sockets that
//! ask the same with the same permissions would read the same rows a thousand times; here the first of them reads, and
//! the others get its answer. Not one that failed, and not one that depends on who acts, which a
//! [`Witness`](crate::ctx::Witness) notices.
//!
//! Nobody depends on the first: when it stands still one of those who wait takes its place, and after three such each reads
//! alone.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_graphql::{Response, Value, Variables};
use bytes::Bytes;
use entity::TenantId;
use tokio::sync::watch;

use super::status::value_to_json;
use crate::cache::Key;
use crate::ctx::Ctx;
use crate::permission::Permissions;

/// How old an answer may be: it says what is true now.
const LIFE: Duration = Duration::from_secs(1);
/// How long to wait for whoever reads first. A stream goes on as fast as its client takes it, and may stand still.
const PATIENCE: Duration = Duration::from_millis(100);
/// How many are waited for, one after the other.
const FIRSTS: usize = 3;
/// Answers kept at a time; with [`LARGEST`] this bounds what they take.
const KEPT: usize = 256;
/// The largest answer that is kept, in bytes.
const LARGEST: usize = 64 * 1024;

/// What a subscription asks about each of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question(Key);

impl Question {
    /// The question of an operation of a document with these values; none where these cannot be written down.
    pub fn new(
        document: &[u8; 32],
        operation: Option<&str>,
        variables: &Variables,
    ) -> Option<Self> {
        let variables = serde_json::to_vec(variables).ok()?;
        let operation = operation.unwrap_or_default().as_bytes();
        Some(Self(Key::of(&[document, operation, &variables])))
    }
}

/// A question about one event, by somebody who may do so much.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct About {
    question: Question,
    tenant: TenantId,
    permissions: Permissions,
    sequence: i64,
}

/// What is told, and what it cost.
#[derive(Clone, Debug)]
pub struct Told {
    data: Bytes,
    /// What each who is told pays.
    pub cost: u64,
}

impl Told {
    /// The answer to tell.
    pub fn response(&self) -> Response {
        Response::new(Value::Binary(self.data.clone()))
    }
}

/// The answers that are being made or were made lately in this process.
#[derive(Default)]
pub struct Coalescing(Mutex<HashMap<About, Entry>>);

struct Entry {
    since: Instant,
    told: watch::Receiver<Option<Told>>,
}

/// What is left to do about a question.
pub enum Turn {
    /// Nothing.
    Told(Told),
    /// To read, and to tell the others.
    First(First),
    /// To read.
    Alone,
}

/// Whoever reads first. The others read alone when it is dropped without telling.
pub struct First(watch::Sender<Option<Told>>);

impl First {
    /// Tells the others, unless there is nothing in it for them. The answer that is left to tell.
    pub fn tell(self, response: Response, cost: u64) -> Response {
        let plain = response.errors.is_empty() && response.extensions.is_empty();
        let data = plain.then(|| value_to_json(&response.data).ok()).flatten();
        let Some(data) = data.filter(|data| data.len() <= LARGEST) else {
            return response;
        };
        let data = Bytes::from(data);
        let told = Told { data, cost };
        let response = told.response();
        self.0.send_replace(Some(told));
        response
    }
}

impl Coalescing {
    /// What is left to do about the event of this sequence for whoever acts in `ctx`.
    pub async fn join(&self, ctx: &Ctx, question: Question, sequence: i64) -> Turn {
        let about = About {
            question,
            tenant: ctx.tenant(),
            permissions: ctx.permissions().clone(),
            sequence,
        };
        for _ in 0..FIRSTS {
            let mut told = match self.look(&about) {
                Ok(first) => return Turn::First(first),
                Err(told) => told,
            };
            if let Some(told) = &*told.borrow_and_update() {
                return Turn::Told(told.clone());
            }
            match tokio::time::timeout(PATIENCE, told.wait_for(Option::is_some)).await {
                Ok(Ok(answer)) => return answer.clone().map_or(Turn::Alone, Turn::Told),
                // there is nothing in it for others
                Ok(Err(_)) => return Turn::Alone,
                // the first stands still, and one of those who wait takes its place
                Err(_) => {}
            }
        }
        Turn::Alone
    }

    /// The answer that is there or is waited for; else it is for whoever asks to read first.
    fn look(&self, about: &About) -> Result<First, watch::Receiver<Option<Told>>> {
        let now = Instant::now();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = kept.get(about).filter(|entry| entry.is_good(now)) {
            return Err(entry.told.clone());
        }
        if kept.len() >= KEPT {
            kept.retain(|_, entry| entry.is_good(now));
        }
        if kept.len() >= KEPT {
            // those who wait for it have a hold of it
            let oldest = kept.iter().min_by_key(|(_, entry)| entry.since);
            if let Some(oldest) = oldest.map(|(about, _)| about.clone()) {
                kept.remove(&oldest);
            }
        }
        let (first, told) = watch::channel(None);
        kept.insert(about.clone(), Entry { since: now, told });
        Ok(First(first))
    }
}

impl Entry {
    /// Whether it answers, or says that nobody will, or is still worth waiting for.
    fn is_good(&self, now: Instant) -> bool {
        let open = self.told.borrow().is_none() && self.told.has_changed().is_ok();
        let life = if open { PATIENCE } else { LIFE };
        now.duration_since(self.since) < life
    }
}
