//! Whether what an operation finds depends on who acts, or only on what they may do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Notices when an operation asks who acts. What it found without asking holds for everybody in the tenant with the same
/// permissions.
#[derive(Clone, Debug, Default)]
pub struct Witness(Arc<AtomicBool>);

impl Witness {
    /// Whether it was asked who acts.
    pub fn is_personal(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
