//! Tenants as a whole: what comes into being when a company begins.

mod open;
mod settings;

pub use open::{Opened, open, open_demo};
pub use settings::{Ceilings, Settings, set_two_person_ceilings, settings, settings_within};
