//! Who acts.

use entity::{ConnectionId, ServiceAccountId, UserId};

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// balance itself: the pipeline, a schedule, a command.
    System,
    /// A person.
    User(UserId),
    /// A program with an API key.
    Service(ServiceAccountId),
    /// A sender of webhooks.
    Connection(ConnectionId),
}

/// As events and decisions tell it: `system`, `user:<uuid>`, `service:<uuid>`, `connection:<uuid>`.
impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::User(user) => write!(f, "user:{user}"),
            Self::Service(service) => write!(f, "service:{service}"),
            Self::Connection(connection) => write!(f, "connection:{connection}"),
        }
    }
}
