pub mod categories;
pub mod processing;
pub mod rules;
pub mod text;
