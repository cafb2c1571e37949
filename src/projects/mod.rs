//! Projects: what records are worked on for, beside what they are.
//!
//! A record, a rule and a grant name a project by its key, a text that never changes; the name that people see may. A
//! key that nobody knows is a slip of the pen more often than a new project, so [`resolve`] makes one only for those who
//! may make projects, and answers everybody else with the keys that look like it.

mod change;
mod find;
mod resolve;

pub use change::{archive, create, rename, restore};
pub use find::{ProjectFilter, by_ids, count, list, load};
pub use resolve::resolve;
