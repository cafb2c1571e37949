//! How clients see balance: one GraphQL endpoint.
//!
//! A request passes these doors in order, and each may refuse it: [`negotiate`] reads the HTTP
//! around it, [`message`] the request in it, [`scan`] bounds the text, the parser builds the document, [`variables`] must fit,
//! [`measure`] bounds what the document asks for, and only then does the executor see it ([`request`]);
//! [`answer`] and [`status`] are what leaves. async-graphql
//! spreads fragments out before it validates, so nothing unmeasured may reach it.

pub mod accounts;
pub mod answer;
pub mod apart;
pub mod approvals;
pub mod audit;
pub mod automation;
pub mod bulk;
pub mod cache;
pub mod categories;
pub mod change_sets;
pub mod clients;
pub mod condition;
pub mod connections;
pub mod cost;
pub mod decisions;
pub mod deprecated;
pub mod documents;
pub mod error;
pub mod events;
pub mod explain;
pub mod fresh;
pub mod idempotency;
pub mod identity;
pub mod imports;
pub mod inputs;
pub mod jobs;
pub mod keys;
pub mod limits;
pub mod links;
pub mod live;
pub mod llm;
pub mod loader;
pub mod measure;
pub mod message;
pub mod meter;
pub mod negotiate;
pub mod node;
pub mod oauth;
pub mod op;
pub mod operation;
pub mod page;
pub mod passkeys;
mod payload;
pub mod plain;
pub mod price;
pub mod projects;
pub mod queues;
pub mod quiet;
pub mod records;
pub mod refusal;
pub mod reports;
pub mod request;
pub mod roles;
pub mod rules;
pub mod scalar;
pub mod scan;
pub mod schema;
pub mod security;
pub mod sessions;
pub mod settings;
pub mod similar;
pub mod simulations;
pub mod splits;
pub mod status;
pub mod streams;
pub mod subscription;
pub mod suggestions;
pub mod system;
pub mod teams;
pub mod tenants;
pub mod variables;
