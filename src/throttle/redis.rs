//! Counts in Redis, each step one script: processes count together. Instants of counts are the callers', whose clocks
//! agree to within what matters here; Redis forgets by its own.

use chrono::{DateTime, TimeDelta, Utc};
use fred::prelude::*;

use super::link::{Link, Script};
use super::{Patience, Quota};
use crate::bus::Shared;

static WAIT: Script = Script::new(
    "
local wait = 0
for _, key in ipairs(KEYS) do
  wait = math.max(wait, tonumber(redis.call('HGET', key, 'until') or '0') - tonumber(ARGV[1]))
end
return {wait}",
);

static FAILED: Script = Script::new(
    "
local count = redis.call('HINCRBY', KEYS[1], 'count', 1)
local over = count - tonumber(ARGV[2]) - 1
if over >= 0 then
  local wait = math.min(tonumber(ARGV[4]), tonumber(ARGV[3]) * 2 ^ math.min(over, 20))
  redis.call('HSET', KEYS[1], 'until', string.format('%.0f', tonumber(ARGV[1]) + wait))
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {count}",
);

static ATTEMPT: Script = Script::new(
    "
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {count}",
);

pub(super) async fn wait(
    link: &Link,
    shared: &Shared,
    now: DateTime<Utc>,
    keys: &[&str],
) -> Option<TimeDelta> {
    let keys = keys.iter().map(|key| failures(shared, key)).collect();
    let told = link.run(shared, &WAIT, keys, vec![now.timestamp_millis()]);
    Some(TimeDelta::milliseconds(*told.await?.first()?))
}

pub(super) async fn failed(
    link: &Link,
    shared: &Shared,
    now: DateTime<Utc>,
    key: &str,
    patience: &Patience,
) -> Option<()> {
    let arguments = vec![
        now.timestamp_millis(),
        patience.free.into(),
        patience.first.num_milliseconds(),
        patience.longest.num_milliseconds(),
        patience.forget.num_milliseconds(),
    ];
    let keys = vec![failures(shared, key)];
    link.run(shared, &FAILED, keys, arguments).await.map(drop)
}

pub(super) async fn clear(shared: &Shared, key: &str) {
    if let Err(error) = shared.client.del::<i64, _>(failures(shared, key)).await {
        tracing::debug!(%error, "A count was not cleared; it lapses by itself");
    }
}

pub(super) async fn attempt(
    link: &Link,
    shared: &Shared,
    window: i64,
    key: &str,
    quota: &Quota,
) -> Option<u64> {
    let keys = vec![format!("{}:attempts:{key}:{window}", shared.prefix)];
    let kept = vec![quota.within.num_milliseconds()];
    let told = link.run(shared, &ATTEMPT, keys, kept).await?;
    u64::try_from(*told.first()?).ok()
}

fn failures(shared: &Shared, key: &str) -> String {
    format!("{}:failures:{key}", shared.prefix)
}
