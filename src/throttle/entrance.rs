//! How many operations run at once, and how many may wait for that.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Rates;

/// The way in of a process.
#[derive(Default)]
pub struct Entrance {
    places: OnceLock<Arc<Semaphore>>,
    waiting: AtomicU32,
}

/// So many wait already that another would wait in vain.
#[derive(Debug)]
pub struct Full;

impl Entrance {
    /// Waits for a place, which is free again when what is returned is dropped; refuses at once when too many wait.
    pub async fn enter(&self, rates: &Rates) -> Result<OwnedSemaphorePermit, Full> {
        let places = self
            .places
            .get_or_init(|| Arc::new(Semaphore::new(rates.operations_running as usize)));
        if let Ok(place) = Arc::clone(places).try_acquire_owned() {
            return Ok(place);
        }
        let _waiting = Waiting::join(&self.waiting, rates.operations_waiting).ok_or(Full)?;
        let place = Arc::clone(places).acquire_owned().await;
        place.map_err(|_| Full)
    }
}

/// One who waits, until dropped.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn join(count: &'a AtomicU32, most: u32) -> Option<Self> {
        let more = |waiting| (waiting < most).then_some(waiting + 1);
        let joined = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        // only who joined leaves again
        joined.is_ok().then(|| Self(count))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn who_finds_no_place_waits_and_who_finds_no_room_to_wait_is_told() {
        let (entrance, rates) = (
            Entrance::default(),
            Rates {
                operations_running: 1,
                operations_waiting: 1,
                ..Rates::default()
            },
        );
        let first = entrance.enter(&rates).await.unwrap();
        let mut second = Box::pin(entrance.enter(&rates));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(entrance.enter(&rates).await.is_err());
        drop(first);
        let second = second.await.unwrap();
        // one who gives up leaves room to wait
        let mut third = Box::pin(entrance.enter(&rates));
        assert!(third.as_mut().now_or_never().is_none());
        drop(third);
        let mut fourth = Box::pin(entrance.enter(&rates));
        assert!(fourth.as_mut().now_or_never().is_none());
        drop(second);
        assert!(fourth.await.is_ok());
    }
}
