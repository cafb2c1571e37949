//! The operations of a socket, by the ids its client gave them.
//!
//! What an operation has begun holds things that others wait for: a connection of the database, a turn. So it must never
//! be left lying half done while its socket is busy with something else. [`Operations::meanwhile`] is how a socket waits
//! for anything: each operation goes on until it has an answer, which is kept until the socket has time for it.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures::Stream;
use tokio_stream::StreamMap;

use crate::events::Cursor;
use crate::http::streaming::{Answer, Running};

/// What is under way on a socket. As a stream: their answers, each with the id of its operation.
#[derive(Default)]
pub struct Operations(StreamMap<String, Operation>);

struct Operation {
    running: Running,
    /// An answer the socket had no time for yet. Nothing is asked of the operation before it is taken.
    answer: Option<Answer>,
}

impl Operations {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether one of this id is under way.
    pub fn contains(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// Adds one.
    pub fn insert(&mut self, id: String, running: Running) {
        let answer = None;
        self.0.insert(id, Operation { running, answer });
    }

    /// Ends one.
    pub fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// Ends all of them.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Where each stream stands that knows it: after what has left.
    pub fn cursors(&self) -> impl Iterator<Item = (&str, Cursor)> {
        let all = self.0.iter();
        all.filter_map(|(id, operation)| Some((id.as_str(), operation.running.cursor()?)))
    }

    /// Waits for something else while the operations go on to their next answers.
    pub async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|cx| {
            let done = work.as_mut().poll(cx);
            if done.is_pending() {
                for operation in self.0.values_mut() {
                    operation.go_on(cx);
                }
            }
            done
        })
        .await
    }
}

impl Stream for Operations {
    type Item = (String, Answer);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}

impl Operation {
    fn go_on(&mut self, cx: &mut Context<'_>) {
        if self.answer.is_none()
            && let Poll::Ready(answer) = Pin::new(&mut self.running).poll_next(cx)
        {
            self.answer = answer;
        }
    }
}

impl Stream for Operation {
    type Item = Answer;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Answer>> {
        match self.answer.take() {
            Some(answer) => Poll::Ready(Some(answer)),
            None => Pin::new(&mut self.running).poll_next(cx),
        }
    }
}
