//! Statement files become records.
//!
//! Asking for an import ([`import_statement`]) only queues it; a worker reads the file ([`ingest`]) and stores its rows
//! in steps, so a large file shows progress and holds no lock for long. By default a file with a bad row is refused
//! whole; a caller may choose to leave bad rows out, and sees line and reason of each either way. Reading a file again,
//! after a crash or on purpose, brings nothing twice.

mod accounts;
mod find;
mod ingest;
mod options;
mod preview;
mod read;
mod start;
mod void;

pub use find::{ImportFilter, Progress, by_ids, count, list, load, progress, refused_rows};
pub use ingest::{give_up, ingest};
pub use options::Options;
pub use preview::{Preview, PreviewAccount, preview};
pub use start::{Input, import_statement};
pub use void::{VoidPreview, void_import, void_preview};
