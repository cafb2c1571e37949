//! The buckets in Redis, for all processes at once: one script looks at the client's and the tenant's and takes from
//! both or neither. The time is Redis' own, so clocks that differ give nobody more.

use super::link::{Link, Script};
use super::points::{Balance, Payer, Terms};
use crate::bus::Shared;
use crate::config::Allowance;

/// KEYS: the buckets, the client's first. ARGV: the cost, then what each may hold and what comes back to it in a second.
/// A bucket that is not there is full. Levels are in millionths, as in the process.
static TAKE: Script = Script::new(
    "
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local cost = tonumber(ARGV[1]) * 1000000
local levels, least, wait = {}, nil, 0
for i, key in ipairs(KEYS) do
  local size, back = tonumber(ARGV[2 * i]) * 1000000, tonumber(ARGV[2 * i + 1])
  local level = size
  local micro, at = string.match(redis.call('GET', key) or '', '(%d+) (%d+)')
  if micro then
    level = math.min(size, tonumber(micro) + math.max(0, now - tonumber(at)) * back)
  end
  levels[i] = level
  wait = math.max(wait, math.ceil(math.max(0, cost - level) / back))
end
for i, key in ipairs(KEYS) do
  local level = levels[i]
  if wait == 0 then
    level = level - cost
    local size, back = tonumber(ARGV[2 * i]) * 1000000, tonumber(ARGV[2 * i + 1])
    local kept = math.ceil((size - level) / back / 1000) + 1
    redis.call('SET', key, string.format('%.0f %.0f', level, now), 'PX', string.format('%.0f', kept))
  end
  least = math.min(least or level, level)
end
return {math.floor(least / 1000000), wait}",
);

/// KEYS and ARGV as above, with the points that are given back in place of the cost.
static GIVE: Script = Script::new(
    "
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
for i, key in ipairs(KEYS) do
  local micro, at = string.match(redis.call('GET', key) or '', '(%d+) (%d+)')
  if micro then
    local size, back = tonumber(ARGV[2 * i]) * 1000000, tonumber(ARGV[2 * i + 1])
    local level = tonumber(micro) + math.max(0, now - tonumber(at)) * back
    level = math.min(size, level + tonumber(ARGV[1]) * 1000000)
    local kept = math.ceil((size - level) / back / 1000) + 1
    redis.call('SET', key, string.format('%.0f %.0f', level, now), 'PX', string.format('%.0f', kept))
  end
end
return {0}",
);

pub(super) async fn take(
    link: &Link,
    shared: &Shared,
    payer: Payer,
    terms: &Terms,
    cost: u64,
) -> Option<Balance> {
    let (keys, arguments) = asked(shared, payer, terms, cost);
    let told = link.run(shared, &TAKE, keys, arguments).await?;
    let [available, wait_us] = told[..] else {
        return None;
    };
    Some(Balance {
        available: available.try_into().unwrap_or_default(),
        wait_us: wait_us.try_into().unwrap_or_default(),
    })
}

pub(super) async fn give(
    link: &Link,
    shared: &Shared,
    payer: Payer,
    terms: &Terms,
    points: u64,
) -> Option<()> {
    let (keys, arguments) = asked(shared, payer, terms, points);
    link.run(shared, &GIVE, keys, arguments).await.map(drop)
}

/// The keys of a tenant lie in one slot of a cluster, so that one script reaches them.
fn asked(shared: &Shared, payer: Payer, terms: &Terms, points: u64) -> (Vec<String>, Vec<i64>) {
    let (prefix, client) = (&shared.prefix, payer.client);
    let pair = |of: Allowance| [i64::from(of.points), i64::from(of.per_second)];
    let mut arguments = vec![i64::try_from(points).unwrap_or(i64::MAX)];
    arguments.extend(pair(terms.client));
    let keys = match payer.tenant {
        None => vec![format!("{prefix}:points:{client:032x}")],
        Some(tenant) => {
            arguments.extend(pair(terms.tenant));
            let tenant = tenant.0.simple();
            vec![
                format!("{prefix}:points:{{{tenant}}}:{client:032x}"),
                format!("{prefix}:points:{{{tenant}}}"),
            ]
        }
    };
    (keys, arguments)
}
