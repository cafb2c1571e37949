//! Why a record was decided as it was, and why not otherwise.
//!
//! Why ([`told`]) is read from what the decision stored, so it tells what was the case then. Why not ([`why_not`]) asks
//! each tier about a category that was not chosen: from what was stored where that says it, and else from what the tenant
//! has taught by now, and says which of the two it is.

mod told;
mod why_not;

pub use told::{
    Class, Clause, Feature, Filed, Heard, Learnt, Neighbour, Precedents, Rules, Told, summary, told,
};
pub use why_not::{Against, Moment, Nearest, RuleAgainst, Target, WhyNot, why_not};

/// A share as people read it.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.1 {
        return "less than 0.1 %".to_owned();
    }
    format!("{percent:.1} %")
}
