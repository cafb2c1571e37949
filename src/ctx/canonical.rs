//! JSON that is always the same bytes (RFC 8785), so that it can be hashed.

use serde_json::Value;

/// The canonical text of a value: members sorted by UTF-16 code units, no white space, shortest escapes. Numbers must
/// be integers, which is all that events hold; amounts and probabilities are text.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            text.push('{');
            for (at, (name, member)) in members.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(member, text);
            }
            text.push('}');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_sorted_and_nothing_is_spaced() {
        let value = serde_json::json!({ "b": [1, null], "a": { "é": true, "z": "\u{1}\"" } });
        assert_eq!(
            canonical(&value),
            r#"{"a":{"z":"\u0001\"","é":true},"b":[1,null]}"#
        );
    }
}
