//! Who acts.

use entity::{ConnectionId, ServiceAccountId, UserId};
use uuid::Uuid;

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

impl Actor {
    /// The actor that a stored text names; none when it names nobody.
    pub fn named(text: &str) -> Option<Self> {
        if text == "system" {
            return Some(Self::System);
        }
        let (kind, id) = text.split_once(':')?;
        let id = Uuid::parse_str(id).ok()?;
        match kind {
            "user" => Some(Self::User(id.into())),
            "service" => Some(Self::Service(id.into())),
            "connection" => Some(Self::Connection(id.into())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_reads_back_as_it_was_written() {
        let id = Uuid::from_u128(7);
        for actor in [
            Actor::System,
            Actor::User(id.into()),
            Actor::Service(id.into()),
            Actor::Connection(id.into()),
        ] {
            assert_eq!(Actor::named(&actor.to_string()), Some(actor));
        }
        assert_eq!(Actor::named("user:nobody"), None);
    }
}
