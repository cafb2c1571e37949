//! Uploaded files. The row says what there is; the bytes live in a store of their own, by the hash of their content,
//! so that the same statement uploaded twice is kept once.
//!
//! A client asks for a link ([`create_upload`]) and PUTs the bytes to it; the link is signed, so the door that takes
//! the bytes needs no sign-in and looks nothing up before it trusts it. No transaction is open while bytes move.

mod link;
mod store;
mod upload;

pub use link::Link;
pub use store::Store;
pub use upload::{Upload, by_ids, create_upload, head, load, open, receive, store_bytes};
