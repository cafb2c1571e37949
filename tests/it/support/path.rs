//! Reaching into JSON.

use serde_json::Value;

/// Reaches a value by its way in, such as `records.edges[0].node.id`.
pub trait Path {
    /// The value there; the test fails, and shows the whole, when nothing is there.
    fn path(&self, path: &str) -> &Value;

    /// The text there.
    fn text(&self, path: &str) -> String {
        let value = self.path(path);
        match value.as_str() {
            Some(text) => text.to_owned(),
            None => panic!("{path} is no text but {value}"),
        }
    }

    /// The list there.
    fn list(&self, path: &str) -> &Vec<Value> {
        let value = self.path(path);
        match value.as_array() {
            Some(list) => list,
            None => panic!("{path} is no list but {value}"),
        }
    }

    /// The whole number there.
    fn number(&self, path: &str) -> i64 {
        let value = self.path(path);
        match value.as_i64() {
            Some(number) => number,
            None => panic!("{path} is no whole number but {value}"),
        }
    }
}

impl Path for Value {
    fn path(&self, path: &str) -> &Value {
        let steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
        let mut at = self;
        for step in steps {
            let next = match (at, step.parse::<usize>()) {
                (Self::Array(list), Ok(index)) => list.get(index),
                (at, _) => at.get(step),
            };
            at = next.unwrap_or_else(|| panic!("there is no {path} (at {step}) in {self:#}"));
        }
        at
    }
}
