//! API keys: what service accounts show with each request.
//!
//! A key is `bk_{prefix}_{secret}`. The prefix finds its row; of the whole, only the SHA-256 is kept, and the text is
//! told once. A key may do what its service account may, or less: its scopes. Two keys are alive during a rotation.

mod issue;
mod standing;
mod text;

pub use issue::{Issued, NewApiKey, create_api_key, keys_of, revoke_api_key, rotate_api_key};
pub use standing::standing;
pub use text::is_key;
