//! How a record gets its proposed category: the tenant's rules, then what approvals taught, learnt and generalised by a
//! model of the tenant's own, then a language model when one is configured, then review.
//!
//! The deciding itself is plain values in, plain values out: [`merchant`](crate::merchant) names who was paid, [`similar`] finds
//! strings that look alike, [`memory`] counts what was approved for whom, [`model`] learns from the same
//! approvals what holds beyond them, with honest confidences and helped by what [`trades`] there are, and [`decide`] asks one tier after the other. An [`Engine`] keeps what each tenant has taught, up to its last event;
//! [`process`] carries a claimed batch from RECEIVED to PROCESSED in one transaction.

pub mod counts;
pub mod decide;
pub mod engine;
pub mod explain;
mod give_up;
pub mod knowledge;
mod learned;
pub mod llm;
pub mod memory;
pub mod model;
pub mod neighbours;
pub mod ngram;
mod process;
mod reconsider;
pub mod replay;
pub mod similar;
mod suggest;
pub mod trades;
mod write;

pub use engine::Engine;
pub use give_up::{give_up, give_up_looking};
pub use process::process;
pub use reconsider::reconsider;
pub use suggest::suggest_rules;

/// The version of the pipeline, as decisions will tell.
pub const VERSION: &str = "2";
