//! What the rooms above keep for as long as a process runs: one value of a type.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Values by their type, each made when it is first asked for.
#[derive(Default)]
pub struct Kept(RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Kept {
    /// The value of a type: the same one for everybody who shares these handles.
    pub fn of<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let kind = TypeId::of::<T>();
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = kept.get(&kind).cloned();
        drop(kept);
        let value = known.unwrap_or_else(|| {
            let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(kept.entry(kind).or_insert_with(|| Arc::new(T::default())))
        });
        value.downcast().expect("it is kept under its own type")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    #[test]
    fn a_type_has_one_value() {
        let kept = Kept::default();
        kept.of::<AtomicU8>().store(7, Ordering::Relaxed);
        assert_eq!(kept.of::<AtomicU8>().load(Ordering::Relaxed), 7);
        assert_eq!(*kept.of::<String>(), "");
    }
}
