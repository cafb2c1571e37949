//! The keys of a service: one, or several while it is being replaced.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Keys in the order they are tried. The one that worked last is tried first.
#[derive(Debug)]
pub struct Keys {
    setting: &'static str,
    keys: Vec<Key>,
    current: AtomicUsize,
}

/// A key; it shows nothing when it is printed.
struct Key(String);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Keys {
    /// The keys of a setting, comma separated; none when there is none in it.
    pub fn read(setting: &'static str, text: Option<&str>) -> Option<Self> {
        let keys = text.unwrap_or_default().split(',').map(str::trim);
        let keys: Vec<Key> = keys
            .filter(|key| !key.is_empty())
            .map(|key| Key(key.to_owned()))
            .collect();
        (!keys.is_empty()).then(|| Self {
            setting,
            keys,
            current: AtomicUsize::new(0),
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.keys.len()
    }

    /// Which one to use, and its place among them.
    pub fn current(&self) -> (usize, &str) {
        let at = self.current.load(Ordering::Relaxed) % self.keys.len();
        (at, &self.keys[at].0)
    }

    /// The service refused the key at this place: the next one is used from now on. A warning names the place.
    pub fn refused(&self, at: usize) {
        let next = (at + 1) % self.keys.len();
        let (one, all, setting) = (at + 1, self.keys.len(), self.setting);
        let moved = self
            .current
            .compare_exchange(at, next, Ordering::Relaxed, Ordering::Relaxed);
        if moved.is_ok() {
            tracing::warn!("Key {one} of {all} in {setting} was refused; take it out");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_used_in_turn_and_never_shown() {
        let keys = Keys::read("OPENAI_API_KEY", Some(" sk-old ,, sk-new")).unwrap();
        assert_eq!((keys.count(), keys.current()), (2, (0, "sk-old")));
        keys.refused(0);
        // a second request that was under way with the old one does not skip the new one
        keys.refused(0);
        assert_eq!(keys.current(), (1, "sk-new"));
        keys.refused(1);
        assert_eq!(keys.current(), (0, "sk-old"));
        assert!(!format!("{keys:?}").contains("sk-"));
        for nothing in [None, Some(""), Some(" , ")] {
            assert!(Keys::read("OPENAI_API_KEY", nothing).is_none());
        }
    }
}
