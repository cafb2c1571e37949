//! The signed webhook: who may post, and what a body says.
//!
//! ```json
//! {
//!   "type": "transactions.created",
//!   "data": [{
//!     "externalId": "tx-1001",
//!     "occurredOn": "2026-03-31",
//!     "amount": "-12.50",
//!     "currency": "EUR",
//!     "description": "Coffee and cake",
//!     "account": "NL91ABNA0417164300"
//!   }]
//! }
//! ```
//!
//! The amount is signed as the books see it, money in positive, and it is text, because a JSON
//! number passes through floats on its way. `externalId` and `account` may be left out. Without
//! an id equal items of one body are kept apart, and equal items of two bodies are one: send it.

mod body;
mod signature;

pub use body::{MAX_ITEMS, RefusedItem, Webhook, WebhookError, parse};
pub use signature::{SignatureError, TOLERANCE_SECONDS, sign, verify};
