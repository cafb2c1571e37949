//! Everything of a tenant as one file: a ZIP of one text file per table, a JSON object a line, with the uploaded files
//! beside them and a `manifest.json` that says what is in it.
//!
//! A worker writes it in portions, and no transaction is open for longer than one: what changes meanwhile is in it as it
//! was when its portion was read, and the manifest names the place in the event log from which to follow what came
//! after. Secrets are left out: keys of connections, tokens, hashes of either.

mod archive;
mod ask;
mod contents;
mod download;
mod make;
mod rows;

pub(super) use ask::ask;
pub use ask::{count_exports, list_exports, load_export, request_export};
pub use contents::{KEPT_BACK, TABLES};
pub use download::{Download, download_url, open_download, prune_exports};
pub use make::{give_up, make};
