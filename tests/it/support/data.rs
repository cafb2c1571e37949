//! The real statement files some tests read: the folder in `BALANCE_DATA`.

use std::path::PathBuf;

use super::env;

/// A file or folder of the real data. Without it the test says that it was skipped and passes, unless
/// `BALANCE_DATA_REQUIRED=1` makes that a failure.
pub fn data(name: &str) -> Option<PathBuf> {
    let Some(folder) = env::var("BALANCE_DATA") else {
        let required = env::var("BALANCE_DATA_REQUIRED").as_deref() == Some("1");
        assert!(!required, "BALANCE_DATA is not set, and it is required");
        println!("skipped: BALANCE_DATA is not set");
        return None;
    };
    let path = PathBuf::from(folder).join(name);
    assert!(
        path.exists(),
        "there is no {} in BALANCE_DATA",
        path.display()
    );
    Some(path)
}
