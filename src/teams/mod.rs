//! Teams: people who work on the same projects.
//!
//! A grant in the scope TEAM holds in the projects of the teams that a member is in, so putting somebody into a team, or
//! a project to it, gives permissions away. Only those do it whose own permissions have no conditions.

mod change;
mod find;

pub use change::{TeamChange, archive, create, update};
pub use find::{by_ids, list, members_of, projects_of};
