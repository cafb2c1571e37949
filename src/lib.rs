pub mod processing;
pub mod text;
