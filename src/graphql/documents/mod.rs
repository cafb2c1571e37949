//! Documents that are known before they are sent, and the schemas they are written for: [`diff`] compares two.

pub mod diff;
