//! What every test stands on: an app of its own, people who call it, and what they hear.

mod answer;
mod app;
mod authenticator_app;
mod books;
mod client;
mod data;
mod env;
mod feed;
mod inside;
mod mailbox;
mod operations;
mod path;
mod postgres;
mod process;
mod services;
mod sink;
mod socket;
mod tenant;
mod world;

pub use answer::{Answer, Reply};
pub use app::{START, Setup, TestApp};
pub use authenticator_app::AuthenticatorApp;
pub use client::Client;
pub use data::data;
pub use feed::Feed;
pub use inside::Effects;
pub use operations::{Ids, Operation, Schema, nowhere};
pub use path::Path;
pub use process::Process;
pub use services::Services;
pub use sink::Sink;
pub use socket::Socket;
pub use tenant::{PASSWORD, Tenant};
pub use world::World;
