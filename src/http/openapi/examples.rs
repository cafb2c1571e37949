//! Examples of whole bodies, put together from those of their fields.

use serde_json::{Map, Value};

/// The document with an example beside every body that is JSON.
pub(super) fn filled(mut document: Value) -> Value {
    let schemas = document["components"]["schemas"].clone();
    fill(&mut document["paths"], &schemas);
    document
}

fn fill(at: &mut Value, schemas: &Value) {
    match at {
        Value::Object(fields) => {
            let media = fields.get_mut("application/json");
            if let Some(Value::Object(media)) = media
                && let Some(example) = media.get("schema").and_then(|s| example(s, schemas))
            {
                media.entry("example").or_insert(example);
            }
            fields.values_mut().for_each(|value| fill(value, schemas));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, schemas)),
        _ => {}
    }
}

/// An example of what a schema describes; none where nothing is known about it.
fn example(schema: &Value, schemas: &Value) -> Option<Value> {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.rsplit('/').next().unwrap_or_default();
        return example(schemas.get(name)?, schemas);
    }
    if let Some(first) = schema.pointer("/examples/0") {
        return Some(first.clone());
    }
    if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
        return choices.iter().find_map(|choice| example(choice, schemas));
    }
    if let Some(item) = schema.get("items") {
        return Some(example(item, schemas).into_iter().collect());
    }
    let properties = schema.get("properties")?.as_object()?;
    let known = properties.iter().filter_map(|(name, property)| {
        let bare = || (property["type"] == "object").then(|| Value::Object(Map::new()));
        let known = example(property, schemas).or_else(bare)?;
        Some((name.clone(), known))
    });
    Some(Value::Object(known.collect()))
}
