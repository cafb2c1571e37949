//! What the person who starts the suite decides.

/// A variable of the environment; an empty one counts as absent.
#[expect(
    clippy::disallowed_methods,
    reason = "how the suite is started is no setting of the server"
)]
pub fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
