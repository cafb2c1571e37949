//! The suite: one file per feature.

mod identity;
