//! Background work as the people of a tenant see it: how its queues stand, its jobs, and what to do about dead ones.
//!
//! How a job is claimed, renewed and given up is for [`queue`](crate::queue); what it does is for the feature that wants
//! it. A dead job was buried with what it was about, so [`retry`] puts that right as well, and [`discard`] only forgets.

mod discard;
mod find;
mod retry;

pub use discard::discard;
pub use find::{Filter, count, list, named, progress, standing};
pub use retry::{is_retryable, retry, retry_queue};
