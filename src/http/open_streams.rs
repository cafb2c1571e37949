//! How much one client keeps open in this process: operations by who acts, connections by where they come from. What
//! stays open costs memory for as long as it does, which no limit on requests bounds.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ctx::{Actor, Handles};
use crate::graphql::refusal::{Code, Exceeded, Refusal};

/// Who has something open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Holder {
    /// A person or a key, on every connection of theirs.
    Actor(Actor),
    /// An address; a network of 2^64 of them where one client usually has that many.
    Address(IpAddr),
}

/// What is open in this process.
#[derive(Default)]
pub struct OpenStreams(Mutex<HashMap<Holder, u32>>);

/// Something open, for as long as this is kept.
#[derive(Debug)]
pub struct Lease {
    open: Arc<OpenStreams>,
    holder: Holder,
}

impl std::fmt::Debug for OpenStreams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OpenStreams").field(&self.count()).finish()
    }
}

impl OpenStreams {
    /// One more operation of somebody; refused when they have `STREAMS_PER_CLIENT` open.
    pub fn operation(handles: &Handles, actor: Actor) -> Result<Lease, Refusal> {
        let maximum = handles.config.streams_per_client;
        Self::take(handles, Holder::Actor(actor), maximum, |maximum| {
            format!(
                "At most {maximum} operations of one person or key may be open; end some first."
            )
        })
    }

    /// One more connection that stays open; refused when its address has `STREAMS_PER_ADDRESS`. What comes from nowhere
    /// is not counted.
    pub fn connection(handles: &Handles, address: Option<&str>) -> Result<Option<Lease>, Refusal> {
        let Some(address) = address.and_then(|address| address.parse().ok()) else {
            return Ok(None);
        };
        let holder = Holder::Address(network(address));
        let maximum = handles.config.streams_per_address;
        let lease = Self::take(handles, holder, maximum, |maximum| {
            format!("At most {maximum} streams from one address may be open; close some first.")
        });
        lease.map(Some)
    }

    /// How much is open: operations and connections.
    pub fn count(&self) -> usize {
        self.lock().values().map(|count| *count as usize).sum()
    }

    fn take(
        handles: &Handles,
        holder: Holder,
        maximum: u32,
        say: impl FnOnce(u32) -> String,
    ) -> Result<Lease, Refusal> {
        let open = handles.kept.of::<Self>();
        {
            let mut held = open.lock();
            let count = held.entry(holder).or_default();
            if maximum > 0 && *count >= maximum {
                let exceeded = Exceeded {
                    limit: "openStreams",
                    maximum: maximum.into(),
                    actual: u64::from(*count) + 1,
                };
                let refusal = Refusal::exceeded(Code::RateLimited, exceeded, say(maximum));
                return Err(refusal.again_in(5));
            }
            *count += 1;
        }
        Ok(Lease { open, holder })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Holder, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut held = self.open.lock();
        if let Some(count) = held.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.holder);
            }
        }
    }
}

/// The client behind an address: a household or a server has a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_change_its_address_within_its_network() {
        let seen = |address: &str| network(address.parse().unwrap()).to_string();
        assert_eq!(seen("2001:db8::1"), seen("2001:db8::ffff:1"));
        assert_ne!(seen("2001:db8::1"), seen("2001:db8:0:1::1"));
        assert_eq!(seen("::ffff:192.0.2.1"), "192.0.2.1");
        assert_ne!(seen("192.0.2.1"), seen("192.0.2.2"));
    }
}
