//! Counts in Redis, each step one script: processes count together. Instants are the callers', whose clocks agree to
//! within what matters here; Redis forgets by its own.

use chrono::{DateTime, TimeDelta, Utc};
use fred::prelude::*;

use super::{Patience, Quota};
use crate::bus::Shared;

const WAIT: &str = "
local wait = 0
for _, key in ipairs(KEYS) do
  wait = math.max(wait, tonumber(redis.call('HGET', key, 'until') or '0') - tonumber(ARGV[1]))
end
return string.format('%.0f', wait)";

const FAILED: &str = "
local count = redis.call('HINCRBY', KEYS[1], 'count', 1)
local over = count - tonumber(ARGV[2]) - 1
if over >= 0 then
  local wait = math.min(tonumber(ARGV[4]), tonumber(ARGV[3]) * 2 ^ math.min(over, 20))
  redis.call('HSET', KEYS[1], 'until', string.format('%.0f', tonumber(ARGV[1]) + wait))
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return tostring(count)";

const ATTEMPT: &str = "
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return tostring(count)";

pub(super) async fn wait(shared: &Shared, now: DateTime<Utc>, keys: &[&str]) -> Option<TimeDelta> {
    let keys = keys.iter().map(|key| failures(shared, key)).collect();
    let wait = run(shared, WAIT, keys, vec![now.timestamp_millis()]).await?;
    Some(TimeDelta::milliseconds(wait))
}

pub(super) async fn failed(
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
    run(shared, FAILED, vec![failures(shared, key)], arguments).await?;
    Some(())
}

pub(super) async fn clear(shared: &Shared, key: &str) {
    if let Err(error) = shared.client.del::<i64, _>(failures(shared, key)).await {
        tracing::debug!(%error, "A count was not cleared; it lapses by itself");
    }
}

pub(super) async fn attempt(shared: &Shared, window: i64, key: &str, quota: &Quota) -> Option<u64> {
    let key = format!("{}:attempts:{key}:{window}", shared.prefix);
    let kept = quota.within.num_milliseconds();
    let count = run(shared, ATTEMPT, vec![key], vec![kept]).await?;
    u64::try_from(count).ok()
}

fn failures(shared: &Shared, key: &str) -> String {
    format!("{}:failures:{key}", shared.prefix)
}

async fn run(
    shared: &Shared,
    script: &'static str,
    keys: Vec<String>,
    arguments: Vec<i64>,
) -> Option<i64> {
    match shared
        .client
        .eval::<String, _, _, _>(script, keys, arguments)
        .await
    {
        Ok(number) => number.parse().ok(),
        Err(error) => {
            tracing::debug!(%error, "Redis did not count; this process does meanwhile");
            None
        }
    }
}
