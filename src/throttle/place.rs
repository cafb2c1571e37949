//! Where somebody calls from, as far as it is counted.

use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config::{Config, Secrets};

/// Whether calls from an address are not limited: loopback in development. Nobody waits on their own machine while they
/// build something.
pub fn is_exempt(config: &Config, address: Option<&str>) -> bool {
    let loopback = |address: &str| {
        let address = address.parse::<IpAddr>();
        address.is_ok_and(|address| address.is_loopback())
    };
    !config.is_production() && address.is_none_or(loopback)
}

/// An address as a number that tells nobody where it is. Who has one address of IPv6 has as many as they like that begin
/// alike, so those are one.
pub fn place(secrets: &Secrets, address: Option<&str>) -> u128 {
    let key = secrets.derive("place");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
    match address.map(str::parse) {
        Some(Ok(IpAddr::V6(address))) => mac.update(&address.octets()[..8]),
        _ => mac.update(address.unwrap_or_default().as_bytes()),
    }
    let hash: [u8; 32] = mac.finalize().into_bytes().into();
    let first = hash.iter().take(16);
    first.fold(0, |number, byte| number << 8 | u128::from(*byte))
}
