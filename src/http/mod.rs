//! The HTTP edge beside GraphQL: it translates requests to verbs and answers to
//! responses, and decides nothing itself.

pub mod graphiql;
