//! When an operation has nothing left to do but wait: the moment to load what it has asked for.
//!
//! A loader that waits for some fixed time instead is late when there is little to collect, and early under load: while
//! the operation is still asking, its timer goes off in another thread, and one level costs two statements. Here the
//! operation says itself when it is at rest: nobody polls it, and nobody has woken it.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::task::{Context, Wake, Waker};

use futures::task::AtomicWaker;
use tokio::sync::Notify;

/// Somebody polls it.
const POLLED: u8 = 1;
/// Somebody has woken it since it was last polled.
const WOKEN: u8 = 2;

/// Whether an operation is at rest. One that is not watched always is.
#[derive(Debug, Default)]
pub struct Quiet {
    /// In one place, or a poll that begins between two looks would seem to be neither.
    state: AtomicU8,
    resting: Notify,
}

impl Quiet {
    /// Carries out an operation, keeping track of when it rests.
    pub async fn watch<F: Future>(self: &Arc<Self>, work: F) -> F::Output {
        let mut work = pin!(work);
        let bell = Arc::new(Bell {
            quiet: Arc::clone(self),
            task: AtomicWaker::new(),
        });
        let waker = Waker::from(Arc::clone(&bell));
        // done or dropped, it asks for nothing any more
        let _end = End(self);
        poll_fn(|cx| {
            bell.task.register(cx.waker());
            self.state.store(POLLED, SeqCst);
            let poll = work.as_mut().poll(&mut Context::from_waker(&waker));
            if self.state.fetch_and(!POLLED, SeqCst) == POLLED {
                self.resting.notify_waiters();
            }
            poll
        })
        .await
    }

    /// Returns once the operation is at rest.
    pub async fn rest(&self) {
        loop {
            let mut resting = pin!(self.resting.notified());
            // heard of from here on, so that no moment is missed
            resting.as_mut().enable();
            if self.is_resting() {
                return;
            }
            resting.await;
        }
    }

    fn is_resting(&self) -> bool {
        self.state.load(SeqCst) == 0
    }
}

/// Wakes the task of an operation, and notes it.
struct Bell {
    quiet: Arc<Quiet>,
    task: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.quiet.state.fetch_or(WOKEN, SeqCst);
        self.task.wake();
    }
}

struct End<'a>(&'a Quiet);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.state.store(0, SeqCst);
        self.0.resting.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;

    /// Returns at the next poll, for which it asks by itself.
    async fn again() {
        let mut polled = false;
        poll_fn(|cx| match std::mem::replace(&mut polled, true) {
            true => Poll::Ready(()),
            false => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn what_waits_for_rest_comes_after_everything_that_was_asked_for() {
        for _ in 0..200 {
            let quiet = Arc::new(Quiet::default());
            let asked = Arc::new(std::sync::Mutex::new(0));
            let (answer, answered) = tokio::sync::oneshot::channel();
            let (loader, seen) = (Arc::clone(&quiet), Arc::clone(&asked));
            let work = quiet.watch(async move {
                *asked.lock().unwrap() += 1;
                tokio::spawn(async move {
                    loader.rest().await;
                    let seen = *seen.lock().unwrap();
                    answer.send(seen).unwrap();
                });
                // woken at once, it has not come to rest
                for _ in 0..50 {
                    again().await;
                    *asked.lock().unwrap() += 1;
                }
                answered.await.unwrap()
            });
            assert_eq!(work.await, 51);
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_an_operation_that_is_gone() {
        let quiet = Arc::new(Quiet::default());
        quiet.rest().await;
        let mut work = Box::pin(quiet.watch(std::future::pending::<()>()));
        assert!(futures::poll!(&mut work).is_pending());
        quiet.state.fetch_or(WOKEN, SeqCst);
        drop(work);
        quiet.rest().await;
    }
}
