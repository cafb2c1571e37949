//! Guessing is slow: attempts per account and address are limited, and failures make the next attempt wait, ever longer,
//! for the account from wherever and for the address at whatever account.
//!
//! Whether there is such an account makes no difference: what is counted is a keyed hash of what was typed. Loopback in
//! development is not limited.

use chrono::TimeDelta;
use entity::SessionId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::ctx::Handles;
use crate::error::{Error, Result};
use crate::throttle::{self, Patience, Quota, Throttle, Used};

/// Refreshes of one session: a client needs one in the life of an access token, and tabs may come together.
const REFRESHES: Quota = Quota {
    attempts: 100,
    within: TimeDelta::minutes(15),
};
/// Failures at one account, from wherever. The wait stays short enough that nobody can shut somebody else out for long.
const ACCOUNT: Patience = Patience {
    free: 5,
    first: TimeDelta::seconds(5),
    longest: TimeDelta::minutes(5),
    forget: TimeDelta::hours(1),
};
/// Failures from one address, at whatever account. Offices share an address, so more of them are free.
const ADDRESS: Patience = Patience {
    free: 20,
    first: TimeDelta::seconds(5),
    longest: TimeDelta::minutes(15),
    forget: TimeDelta::hours(1),
};

/// Refuses an attempt at an account that comes too soon; else counts it. `account` is the folded address, or another name
/// of what is guessed at.
pub async fn check(handles: &Handles, account: &str, address: Option<&str>) -> Result<()> {
    if is_exempt(handles, address) {
        return Ok(());
    }
    let (throttle, now) = (handles.kept.of::<Throttle>(), handles.clock.now());
    let account = name(handles, "account", account);
    let address = name(handles, "address", address.unwrap_or_default());
    let keys = [account.as_str(), &address];
    if let Some(wait) = throttle.wait(&handles.bus, now, &keys).await {
        return Err(Error::rate_limited(wait));
    }
    let both = format!("sign-in:{account}:{address}");
    let quota = handles.config.rates.rate_sign_in;
    let tried = throttle.count(&handles.bus, now, &both, &quota).await;
    let class = "sign-in";
    throttle::note(Used {
        class,
        quota,
        tried,
    });
    if tried.attempts > u64::from(quota.attempts) {
        return Err(Error::rate_limited(tried.rest));
    }
    Ok(())
}

/// Refuses an attempt from an address that comes too soon, before it is known whose account it is about.
pub async fn check_address(handles: &Handles, address: Option<&str>) -> Result<()> {
    if is_exempt(handles, address) {
        return Ok(());
    }
    let (throttle, now) = (handles.kept.of::<Throttle>(), handles.clock.now());
    let address = name(handles, "address", address.unwrap_or_default());
    match throttle.wait(&handles.bus, now, &[&address]).await {
        Some(wait) => Err(Error::rate_limited(wait)),
        None => Ok(()),
    }
}

/// Counts a failure at an account.
pub async fn failed(handles: &Handles, account: &str, address: Option<&str>) {
    if is_exempt(handles, address) {
        return;
    }
    let (throttle, now) = (handles.kept.of::<Throttle>(), handles.clock.now());
    let account = name(handles, "account", account);
    throttle.failed(&handles.bus, now, &account, &ACCOUNT).await;
    failed_address(handles, address).await;
}

/// Counts a failure that is about no account: what was shown never existed, or no longer does.
pub async fn failed_address(handles: &Handles, address: Option<&str>) {
    let Some(address) = address.filter(|_| !is_exempt(handles, address)) else {
        return;
    };
    let (throttle, now) = (handles.kept.of::<Throttle>(), handles.clock.now());
    let address = name(handles, "address", address);
    throttle.failed(&handles.bus, now, &address, &ADDRESS).await;
}

/// Forgets the failures at an account: whoever it belongs to has come in. Those of the address stay.
pub async fn cleared(handles: &Handles, account: &str, address: Option<&str>) {
    if is_exempt(handles, address) {
        return;
    }
    let throttle = handles.kept.of::<Throttle>();
    let account = name(handles, "account", account);
    throttle.clear(&handles.bus, &account).await;
}

/// Refuses a refresh of a session that refreshes too often; else counts it.
pub(super) async fn check_refresh(handles: &Handles, session: SessionId) -> Result<()> {
    let (throttle, now) = (handles.kept.of::<Throttle>(), handles.clock.now());
    let key = format!("refresh:{session}");
    match throttle.attempt(&handles.bus, now, &key, &REFRESHES).await {
        Some(wait) => Err(Error::rate_limited(wait)),
        None => Ok(()),
    }
}

/// Nobody waits on their own machine while they build something.
fn is_exempt(handles: &Handles, address: Option<&str>) -> bool {
    let loopback = |address: &str| {
        let address = address.parse::<std::net::IpAddr>();
        address.is_ok_and(|address| address.is_loopback())
    };
    !handles.config.is_production() && address.is_none_or(loopback)
}

/// The name under which something is counted: an address of a person does not lie in Redis.
fn name(handles: &Handles, kind: &str, what: &str) -> String {
    let key = handles.secrets.derive("lockout");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
    mac.update(kind.as_bytes());
    mac.update(&[0]);
    mac.update(what.as_bytes());
    let hash = mac.finalize().into_bytes();
    let short = hash.iter().take(16).map(|byte| format!("{byte:02x}"));
    format!("{kind}:{}", short.collect::<String>())
}
