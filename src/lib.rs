pub mod integrations;
pub mod money;
