//! Documents that clients register by sending them once, with their hash: automatic persisted queries.
//!
//! A store is a convenience, not a fence: what it holds anybody in its scope may have sent. So scopes are kept apart: a
//! client of a tenant, a tenant's other callers, and a neighbourhood of addresses of callers who are not signed in. A
//! scope that fills up, or one scope too many, forgets the oldest; whoever asks for it sends the text again, which is
//! what the protocol has instead of a store that is shared between nodes (see docs/decisions/0016).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use entity::{GraphqlClientId, TenantId};

use crate::graphql::cache::Hash;

/// Bytes of text one scope may hold.
const SCOPE_BYTES: usize = 256 * 1024;
/// Scopes of tenants.
const TENANT_SCOPES: usize = 256;
/// Scopes of addresses.
const ADDRESS_SCOPES: usize = 64;

/// Whose documents.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A client of a tenant's, or its callers who are none.
    Tenant(TenantId, Option<GraphqlClientId>),
    /// Callers who are not signed in, by the neighbourhood they call from.
    Address(Option<IpAddr>),
}

impl Scope {
    /// The scope of an address: 256 neighbours share one, and in IPv6 those whom one provider gave one prefix.
    pub fn of_address(address: Option<&str>) -> Self {
        let address = address.and_then(|text| text.parse().ok());
        Self::Address(address.map(|address| match address {
            IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) & !0xff).into()),
            IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 80 << 80).into()),
        }))
    }
}

/// The texts that were sent with their hash.
#[derive(Default)]
pub struct Automatic(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    tenants: Aged<Scope, Aged<Hash, Arc<str>>>,
    addresses: Aged<Scope, Aged<Hash, Arc<str>>>,
}

/// Two generations: what is asked for moves to the young one, and when that is full the old one goes.
struct Aged<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    weight: usize,
}

impl<K, V> Default for Aged<K, V> {
    fn default() -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            weight: 0,
        }
    }
}

impl<K: std::hash::Hash + Eq + Clone, V> Aged<K, V> {
    fn find(&mut self, key: &K, weight: impl Fn(&V) -> usize, room: usize) -> Option<&mut V> {
        if !self.young.contains_key(key) {
            let found = self.old.remove(key)?;
            let weight = weight(&found);
            self.keep(key.clone(), found, weight, room);
        }
        self.young.get_mut(key)
    }

    fn keep(&mut self, key: K, value: V, weight: usize, room: usize) {
        if self.weight + weight > room / 2 {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        if self.young.insert(key, value).is_none() {
            self.weight += weight;
        }
    }
}

impl Automatic {
    /// The text of a hash that was sent in this scope, if it is still kept.
    pub fn find(&self, scope: &Scope, hash: &Hash) -> Option<Arc<str>> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (scopes, room) = inner.scopes(scope);
        let texts = scopes.find(scope, |_| 1, room)?;
        let text = texts.find(hash, |text| text.len(), SCOPE_BYTES)?;
        Some(Arc::clone(text))
    }

    /// Keeps a text for this scope.
    pub fn keep(&self, scope: &Scope, hash: Hash, text: &str) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (scopes, room) = inner.scopes(scope);
        if scopes.find(scope, |_| 1, room).is_none() {
            scopes.keep(scope.clone(), Aged::default(), 1, room);
        }
        if let Some(texts) = scopes.find(scope, |_| 1, room) {
            texts.keep(hash, text.into(), text.len(), SCOPE_BYTES);
        }
    }
}

impl Inner {
    fn scopes(&mut self, scope: &Scope) -> (&mut Aged<Scope, Aged<Hash, Arc<str>>>, usize) {
        match scope {
            Scope::Tenant(..) => (&mut self.tenants, TENANT_SCOPES),
            Scope::Address(_) => (&mut self.addresses, ADDRESS_SCOPES),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn tenant(number: u128) -> Scope {
        Scope::Tenant(TenantId(Uuid::from_u128(number)), None)
    }

    fn hash(number: u32) -> Hash {
        let mut hash = Hash::default();
        hash[..4].copy_from_slice(&number.to_be_bytes());
        hash
    }

    #[test]
    fn a_scope_sees_its_own() {
        let store = Automatic::default();
        store.keep(&tenant(1), hash(1), "{ a }");
        assert_eq!(store.find(&tenant(1), &hash(1)).as_deref(), Some("{ a }"));
        assert_eq!(store.find(&tenant(2), &hash(1)), None);
        let address = |text| Scope::of_address(Some(text));
        assert_eq!(address("192.0.2.1"), address("192.0.2.200"));
        assert_ne!(address("192.0.2.1"), address("192.0.3.1"));
        assert_eq!(address("2001:db8:1::1"), address("2001:db8:1:ffff::2"));
        assert_ne!(address("2001:db8:1::1"), address("2001:db8:2::1"));
    }

    #[test]
    fn what_is_used_stays_and_memory_is_bounded() {
        let store = Automatic::default();
        let text = "x".repeat(10_000);
        for number in 0..200 {
            store.keep(&tenant(1), hash(number), &text);
            assert!(store.find(&tenant(1), &hash(0)).is_some(), "{number}");
        }
        let kept = (0..200).filter(|number| store.find(&tenant(1), &hash(*number)).is_some());
        assert!(kept.count() * text.len() <= SCOPE_BYTES + text.len());
        for number in 0..10_000_u32 {
            store.keep(&tenant(1_000 + u128::from(number)), hash(1), "{ a }");
            store.keep(
                &Scope::Address(Some(IpAddr::from(number.to_be_bytes()))),
                hash(1),
                "{ a }",
            );
        }
        let inner = store.0.lock().unwrap();
        assert!(inner.tenants.young.len() + inner.tenants.old.len() <= TENANT_SCOPES);
        assert!(inner.addresses.young.len() + inner.addresses.old.len() <= ADDRESS_SCOPES);
    }
}
