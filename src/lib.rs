pub mod categories;
pub mod demo;
pub mod processing;
pub mod rules;
pub mod text;
