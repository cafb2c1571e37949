//! Reports: what the books add up to.
//!
//! A profit and loss statement can be asked for at once ([`profit_and_loss`]) or filed: [`request`] queues it, a
//! worker makes it ([`generate`]), and it stays in the history with the place in the event log it saw. Every figure
//! can list the records behind it ([`cell`]).

mod cell;
mod csv;
mod file;
mod find;
mod params;
mod postings;
mod profit_and_loss;
mod sums;

pub use self::csv::csv;
pub use cell::{Cell, cell, count_cell};
pub use file::{generate, give_up, request};
pub use find::{by_ids, count, export, list, load, statement};
pub use params::{Interval, Params, Period};
pub use profit_and_loss::{
    Line, OtherCurrency, ProfitAndLoss, Side, Total, Uncategorised, profit_and_loss,
};
pub use sums::Units;
