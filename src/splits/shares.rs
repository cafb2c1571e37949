//! From shares to amounts. Pure: nothing is read or stored.

use crate::money::{Currency, SCALE};

/// How many lines a record is split into at most.
pub const MAX_LINES: usize = 20;
/// All of a record, in the unit of [`Share::Percent`]: 10^-5 percent.
pub const HUNDRED: i64 = 100 * SCALE;

/// What a line takes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// So much of it, in 10^-5 percent.
    Percent(i64),
    /// So much, in 10^-5 units, signed as the record is.
    Amount(i64),
    /// What the other lines leave.
    Rest,
}

/// Refuses shares that fit no record, saying what is accepted.
pub fn check(shares: &[Share]) -> Result<(), &'static str> {
    let count = |of: fn(&Share) -> bool| shares.iter().filter(|share| of(share)).count();
    let rests = count(|share| matches!(share, Share::Rest));
    let percents = count(|share| matches!(share, Share::Percent(_)));
    let amounts = count(|share| matches!(share, Share::Amount(_)));
    if !(2..=MAX_LINES).contains(&shares.len()) {
        return Err("2 to 20 lines are accepted");
    }
    if rests > 1 {
        return Err("one line at most takes the rest; give the others a percent or an amount");
    }
    if percents > 0 && amounts > 0 {
        return Err(
            "percents and amounts do not go together; use one of them, and one line for the rest",
        );
    }
    if shares.contains(&Share::Amount(0)) {
        return Err("no line may be 0");
    }
    if percents > 0 {
        let percent = |share: &Share| match share {
            Share::Percent(percent) => *percent,
            _ => 0,
        };
        let positive = shares.iter().all(
            |share| !matches!(share, Share::Percent(percent) if !(1..=HUNDRED).contains(percent)),
        );
        let sum: i64 = shares.iter().map(percent).sum();
        if !positive || (rests == 0 && sum != HUNDRED) || (rests == 1 && sum >= HUNDRED) {
            return Err(
                "percents are more than 0 and add up to 100, or to less where one line takes the rest",
            );
        }
    }
    Ok(())
}

/// The amounts of the lines, which add up to the record's exactly. Percents are cut in minor units of the currency; what
/// is left over goes to the lines that were cut by most, the first of equals first (largest remainder).
pub fn amounts(whole: i64, currency: &str, shares: &[Share]) -> Result<Vec<i64>, &'static str> {
    check(shares)?;
    let by_percent = shares
        .iter()
        .any(|share| matches!(share, Share::Percent(_)));
    let amounts = match by_percent {
        true => by_weight(whole, currency, &weights(shares)),
        false => by_amount(whole, shares)?,
    };
    if amounts.contains(&0) {
        return Err("the amount is too small to be split like that: a line would be 0");
    }
    Ok(amounts)
}

/// Cuts an amount in proportion to weights, exactly; weights that add up to nothing put all of it on the first.
pub fn by_weight(whole: i64, currency: &str, weights: &[i64]) -> Vec<i64> {
    let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    let minor = minor_unit(whole, currency);
    let steps = i128::from(whole / minor).abs();
    // towards minus infinity, so that what is cut off is positive whatever the signs of the weights
    let cut = |weight: &i64| match sum {
        0 => (0, 0),
        _ => {
            let share = steps * i128::from(*weight) * sum.signum();
            (share.div_euclid(sum.abs()), share.rem_euclid(sum.abs()))
        }
    };
    let mut taken: Vec<(i128, i128)> = weights.iter().map(cut).collect();
    let left = steps - taken.iter().map(|(steps, _)| steps).sum::<i128>();
    if sum == 0 {
        if let Some(first) = taken.first_mut() {
            first.0 = left;
        }
    } else {
        let mut order: Vec<usize> = (0..taken.len()).collect();
        // stable: the first of equals first
        order.sort_by_key(|at| std::cmp::Reverse(taken[*at].1));
        // less than one step was cut off each
        for at in order
            .into_iter()
            .take(usize::try_from(left).unwrap_or_default())
        {
            taken[at].0 += 1;
        }
    }
    let units = |(steps, _): (i128, i128)| {
        i64::try_from(steps).unwrap_or_default() * minor * whole.signum()
    };
    taken.into_iter().map(units).collect()
}

fn weights(shares: &[Share]) -> Vec<i64> {
    let percent = |share: &Share| match share {
        Share::Percent(percent) => *percent,
        Share::Amount(_) | Share::Rest => 0,
    };
    let rest = HUNDRED - shares.iter().map(percent).sum::<i64>();
    let weight = |share: &Share| match share {
        Share::Rest => rest,
        other => percent(other),
    };
    shares.iter().map(weight).collect()
}

fn by_amount(whole: i64, shares: &[Share]) -> Result<Vec<i64>, &'static str> {
    let sum: i128 = shares
        .iter()
        .map(|share| match share {
            Share::Amount(units) => i128::from(*units),
            Share::Percent(_) | Share::Rest => 0,
        })
        .sum();
    let rest = i128::from(whole) - sum;
    if rest != 0 && !shares.contains(&Share::Rest) {
        return Err("the lines do not add up to the amount of the record");
    }
    let amount = |share: &Share| match share {
        Share::Amount(units) => Ok(*units),
        Share::Percent(_) | Share::Rest => {
            i64::try_from(rest).map_err(|_| "the lines do not add up to the amount of the record")
        }
    };
    shares.iter().map(amount).collect()
}

/// The smallest step a line is rounded to: a minor unit of the currency, unless the record itself is finer.
fn minor_unit(whole: i64, currency: &str) -> i64 {
    let digits = currency.parse().map_or(5, Currency::minor_digits).min(5);
    let minor = SCALE / 10_i64.pow(digits);
    if whole % minor == 0 { minor } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CENT: i64 = SCALE / 100;

    #[test]
    fn what_percents_leave_over_goes_to_the_largest_remainders() {
        let thirds = [3_333_333, 3_333_333, 3_333_334].map(Share::Percent);
        assert_eq!(
            amounts(-100 * CENT, "EUR", &thirds).unwrap(),
            [-33 * CENT, -33 * CENT, -34 * CENT]
        );
        let halves = [Share::Percent(HUNDRED / 2), Share::Rest];
        assert_eq!(amounts(CENT * 3, "EUR", &halves).unwrap(), [2 * CENT, CENT]);
        // money out is cut as money in is
        assert_eq!(
            amounts(CENT * -3, "EUR", &halves).unwrap(),
            [CENT * -2, -CENT]
        );
        // finer than a cent already: cut as finely as it is written
        assert_eq!(amounts(5, "EUR", &halves).unwrap(), [3, 2]);
        // a currency without minor units
        assert_eq!(
            amounts(5 * SCALE, "JPY", &halves).unwrap(),
            [3 * SCALE, 2 * SCALE]
        );
    }

    #[test]
    fn every_split_adds_up() {
        let mut seed = 7_u64;
        let mut draw = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for _ in 0..5_000 {
            let whole = i64::try_from(draw(10_000_000_000)).unwrap() - 5_000_000_000;
            let lines = 2 + usize::try_from(draw(18)).unwrap();
            let mut weights: Vec<i64> = (0..lines).map(|_| 1 + draw(1_000) as i64).collect();
            if draw(4) == 0 {
                weights.iter_mut().for_each(|weight| *weight = -*weight);
            }
            let cut = by_weight(whole, "EUR", &weights);
            assert_eq!(cut.iter().sum::<i64>(), whole, "{weights:?}");
            let sum: i64 = weights.iter().sum();
            for (part, weight) in cut.iter().zip(&weights) {
                let exact = whole as f64 * *weight as f64 / sum as f64;
                assert!(
                    (*part as f64 - exact).abs() <= CENT as f64,
                    "{part} {exact}"
                );
            }
        }
    }

    #[test]
    fn amounts_may_go_both_ways_and_one_line_takes_the_rest() {
        // a payout of 97 that is a sale of 100 less a fee of 3
        let shares = [Share::Rest, Share::Amount(-3 * SCALE)];
        assert_eq!(
            amounts(97 * SCALE, "EUR", &shares).unwrap(),
            [100 * SCALE, -3 * SCALE]
        );
        let exact = [Share::Amount(-SCALE), Share::Amount(-2 * SCALE)];
        assert!(amounts(-3 * SCALE, "EUR", &exact).is_ok());
        assert!(amounts(-4 * SCALE, "EUR", &exact).is_err());
    }

    #[test]
    fn shares_that_fit_nothing_are_refused() {
        use Share::{Amount, Percent, Rest};
        for wrong in [
            vec![Rest],
            vec![Rest, Rest],
            vec![Percent(HUNDRED / 2), Percent(4 * SCALE)],
            vec![Percent(HUNDRED), Rest],
            vec![Percent(HUNDRED + 1), Percent(-1)],
            vec![Percent(HUNDRED / 2), Amount(1), Rest],
            vec![Amount(0), Rest],
            vec![Amount(1); 21],
        ] {
            assert!(check(&wrong).is_err(), "{wrong:?}");
        }
        // nothing is left for the rest, and a cent has no halves
        assert!(amounts(5, "EUR", &[Amount(5), Rest]).is_err());
        assert!(amounts(CENT, "EUR", &[Percent(HUNDRED / 2), Rest]).is_err());
    }
}
