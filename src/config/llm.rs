//! What a language model may use, and what that costs.

use std::fmt;
use std::str::FromStr;

use clap::Args;

/// A price for a million tokens, such as `0.15`, in the currency of the provider's account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// In millionths.
    pub micros: i64,
}

/// The settings of the language model that are about money.
#[derive(Args, Clone, Debug)]
pub struct Llm {
    /// What a million tokens cost that the language model reads, in the currency of the provider's account.
    #[arg(
        long,
        env = "LLM_PROMPT_PRICE",
        value_name = "LLM_PROMPT_PRICE",
        global = true,
        default_value_t = Price::default()
    )]
    pub llm_prompt_price: Price,

    /// What a million tokens cost that it writes.
    #[arg(
        long,
        env = "LLM_COMPLETION_PRICE",
        value_name = "LLM_COMPLETION_PRICE",
        global = true,
        default_value_t = Price::default()
    )]
    pub llm_completion_price: Price,

    /// Tokens that each tenant may use in a day, read and written; a tenant may set less.
    #[arg(
        long,
        env = "LLM_DAILY_TOKENS",
        value_name = "LLM_DAILY_TOKENS",
        global = true,
        default_value_t = DAILY,
        value_parser = clap::value_parser!(i64).range(0..=1_000_000_000_000)
    )]
    pub llm_daily_tokens: i64,

    /// Tokens that each tenant may use in a month; a tenant may set less.
    #[arg(
        long,
        env = "LLM_MONTHLY_TOKENS",
        value_name = "LLM_MONTHLY_TOKENS",
        global = true,
        default_value_t = MONTHLY,
        value_parser = clap::value_parser!(i64).range(0..=1_000_000_000_000)
    )]
    pub llm_monthly_tokens: i64,
}

const DAILY: i64 = 500_000;
const MONTHLY: i64 = 5_000_000;

impl Default for Llm {
    fn default() -> Self {
        Self {
            llm_prompt_price: Price::default(),
            llm_completion_price: Price::default(),
            llm_daily_tokens: DAILY,
            llm_monthly_tokens: MONTHLY,
        }
    }
}

impl Llm {
    /// What so many tokens cost, in millionths; a started millionth counts.
    pub fn cost_micros(&self, prompt_tokens: i64, completion_tokens: i64) -> i64 {
        let of = |tokens: i64, price: Price| i128::from(tokens) * i128::from(price.micros);
        let cost = of(prompt_tokens, self.llm_prompt_price)
            + of(completion_tokens, self.llm_completion_price);
        i64::try_from((cost + 999_999) / 1_000_000).unwrap_or(i64::MAX)
    }
}

impl FromStr for Price {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || "a price such as 0.15 is needed, with at most six decimals".to_owned();
        let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 6 || fraction.len() > 6 {
            return Err(refused());
        }
        if !digits(whole) || !digits(fraction) {
            return Err(refused());
        }
        let number = |text: &str| text.parse::<i64>().map_err(|_| refused());
        let micros = number(whole)? * 1_000_000 + number(&format!("{fraction:0<6}"))?;
        Ok(Self { micros })
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:06}", self.micros % 1_000_000);
        write!(f, "{}", self.micros / 1_000_000)?;
        match fraction.trim_end_matches('0') {
            "" => Ok(()),
            rest => write!(f, ".{rest}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_read_as_it_is_written() {
        for (text, micros) in [("0", 0), ("0.15", 150_000), ("12", 12_000_000)] {
            let price: Price = text.parse().unwrap();
            assert_eq!((price.micros, price.to_string()), (micros, text.to_owned()));
        }
        for wrong in ["", "-1", "1,5", "0.1234567", ".5", "1e3", "12345678"] {
            assert!(wrong.parse::<Price>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn tokens_cost_what_the_price_says_and_a_started_millionth_counts() {
        let llm = Llm {
            llm_prompt_price: "0.15".parse().unwrap(),
            llm_completion_price: "0.6".parse().unwrap(),
            ..Llm::default()
        };
        assert_eq!(llm.cost_micros(1_000_000, 0), 150_000);
        assert_eq!(llm.cost_micros(0, 1_000), 600);
        assert_eq!(llm.cost_micros(1, 0), 1);
        assert_eq!(Llm::default().cost_micros(1_000, 1_000), 0);
    }
}
