//! How a record gets its proposed category: the tenant's rules, then what approvals taught, then review.
//!
//! The deciding itself is plain values in, plain values out: [`merchant`] names who was paid, [`similar`] finds
//! strings that look alike, and [`memory`] folds a tenant's approvals into proposals with honest confidences.

pub mod counts;
pub mod memory;
pub mod merchant;
pub mod ngram;
pub mod similar;
