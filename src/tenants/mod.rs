//! Tenants as a whole: what comes into being when a company begins.

mod open;

pub use open::{Opened, open, open_demo};
