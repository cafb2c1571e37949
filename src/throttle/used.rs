//! What a request used of the classes that count it, for whoever answers it to tell its client.

use std::cell::RefCell;

use super::{Quota, Tried};

tokio::task_local! {
    static USED: RefCell<Vec<Used>>;
}

/// An attempt of a class.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// The name of the class.
    pub class: &'static str,
    /// What may be done.
    pub quota: Quota,
    /// What was.
    pub tried: Tried,
}

/// Carries something out; its outcome, and what it used.
pub async fn collect<T>(work: impl Future<Output = T>) -> (T, Vec<Used>) {
    let work = async {
        let outcome = work.await;
        (outcome, USED.with(RefCell::take))
    };
    USED.scope(RefCell::default(), work).await
}

/// Notes what was used, where somebody collects it.
pub fn note(used: Used) {
    // nobody asks about work that answers no request
    USED.try_with(|all| all.borrow_mut().push(used)).ok();
}
