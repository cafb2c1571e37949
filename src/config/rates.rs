//! How much and how often: what a client may spend, how often a route may be tried, how long an operation may take.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use clap::Args;

/// How many attempts fit into a window of time; written as attempts and seconds, such as `100/900`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many.
    pub attempts: u32,
    /// In how long.
    pub within: TimeDelta,
}

/// What may be spent at once and how fast it comes back; written as points and points a second, such as `20000/1000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The most that can be spent at once.
    pub points: u32,
    /// What comes back in each second.
    pub per_second: u32,
}

const SIGN_IN: Quota = Quota {
    attempts: 10,
    within: TimeDelta::minutes(15),
};
const ANONYMOUS: Quota = Quota {
    attempts: 100,
    within: TimeDelta::minutes(15),
};
const LANGUAGE_MODEL: Quota = Quota {
    attempts: 20,
    within: TimeDelta::minutes(15),
};
const CLIENT: Allowance = Allowance {
    points: 20_000,
    per_second: 1_000,
};
const TENANT: Allowance = Allowance {
    points: 100_000,
    per_second: 5_000,
};
const NOBODY: Allowance = Allowance {
    points: 2_000,
    per_second: 100,
};
const TIMEOUT_MS: u64 = 10_000;
const RUNNING: u32 = 256;
const WAITING: u32 = 1_024;

/// The settings of limits.
#[derive(Args, Clone, Debug)]
pub struct Rates {
    /// Attempts to sign in at one account from one address, as attempts/seconds.
    #[arg(
        long,
        env = "RATE_SIGN_IN",
        value_name = "RATE_SIGN_IN",
        global = true,
        default_value_t = SIGN_IN
    )]
    pub rate_sign_in: Quota,

    /// REST calls of nobody signed in from one address, as attempts/seconds.
    #[arg(
        long,
        env = "RATE_ANONYMOUS",
        value_name = "RATE_ANONYMOUS",
        global = true,
        default_value_t = ANONYMOUS
    )]
    pub rate_anonymous: Quota,

    /// Questions that one person or API key asks a language model on demand, as attempts/seconds.
    #[arg(
        long,
        env = "RATE_LANGUAGE_MODEL",
        value_name = "RATE_LANGUAGE_MODEL",
        global = true,
        default_value_t = LANGUAGE_MODEL
    )]
    pub rate_language_model: Quota,

    /// What the GraphQL operations of one client may cost, as points/points a second.
    #[arg(
        long,
        env = "COST_CLIENT",
        value_name = "COST_CLIENT",
        global = true,
        default_value_t = CLIENT
    )]
    pub cost_client: Allowance,

    /// What those of all clients of one tenant may cost together.
    #[arg(
        long,
        env = "COST_TENANT",
        value_name = "COST_TENANT",
        global = true,
        default_value_t = TENANT
    )]
    pub cost_tenant: Allowance,

    /// What those of nobody signed in may cost from one address.
    #[arg(
        long,
        env = "COST_ANONYMOUS",
        value_name = "COST_ANONYMOUS",
        global = true,
        default_value_t = NOBODY
    )]
    pub cost_anonymous: Allowance,

    /// How long a GraphQL operation may take, in milliseconds.
    #[arg(
        long,
        env = "OPERATION_TIMEOUT_MS",
        value_name = "OPERATION_TIMEOUT_MS",
        global = true,
        default_value_t = TIMEOUT_MS,
        value_parser = clap::value_parser!(u64).range(1..=600_000)
    )]
    pub operation_timeout_ms: u64,

    /// GraphQL operations that this process carries out at once.
    #[arg(
        long,
        env = "OPERATIONS_RUNNING",
        value_name = "OPERATIONS_RUNNING",
        global = true,
        default_value_t = RUNNING,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub operations_running: u32,

    /// GraphQL operations that may wait for their turn; more are refused at once.
    #[arg(
        long,
        env = "OPERATIONS_WAITING",
        value_name = "OPERATIONS_WAITING",
        global = true,
        default_value_t = WAITING
    )]
    pub operations_waiting: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            rate_sign_in: SIGN_IN,
            rate_anonymous: ANONYMOUS,
            rate_language_model: LANGUAGE_MODEL,
            cost_client: CLIENT,
            cost_tenant: TENANT,
            cost_anonymous: NOBODY,
            operation_timeout_ms: TIMEOUT_MS,
            operations_running: RUNNING,
            operations_waiting: WAITING,
        }
    }
}

/// Two positive numbers with a slash between them.
fn pair(text: &str) -> Result<(u32, u32), String> {
    let numbers = text.split_once('/').and_then(|(first, second)| {
        let (first, second) = (first.trim().parse().ok()?, second.trim().parse().ok()?);
        (first > 0 && second > 0).then_some((first, second))
    });
    numbers.ok_or_else(|| "two positive numbers with a slash between them are needed".to_owned())
}

impl FromStr for Quota {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (attempts, seconds) = pair(text)?;
        let within = TimeDelta::seconds(seconds.into());
        Ok(Self { attempts, within })
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.attempts, self.within.num_seconds())
    }
}

impl FromStr for Allowance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (points, per_second) = pair(text)?;
        Ok(Self { points, per_second })
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.points, self.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_read_as_it_is_written() {
        assert_eq!(ANONYMOUS.to_string(), "100/900");
        assert_eq!("100/900".parse(), Ok(ANONYMOUS));
        assert_eq!(CLIENT.to_string().parse(), Ok(CLIENT));
        for wrong in ["", "5", "0/1", "1/0", "-1/5", "a/b", "1/2/3"] {
            assert!(wrong.parse::<Allowance>().is_err(), "{wrong}");
            assert!(wrong.parse::<Quota>().is_err(), "{wrong}");
        }
    }
}
