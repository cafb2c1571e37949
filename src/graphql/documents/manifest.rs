//! The manifests that build tools write: Apollo's (`apollo-persisted-query-manifest`, version 1) and Relay's (an object
//! of texts by their ids).

use serde::Deserialize;
use serde_json::Value;

use super::check::Draft;
use crate::error::{Error, Result};

const APOLLO: &str = "apollo-persisted-query-manifest";

#[derive(Deserialize)]
struct Apollo {
    version: u64,
    operations: Vec<Operation>,
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

/// The documents of a manifest, in its order.
pub fn read(text: &str) -> Result<Vec<Draft>> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| bad(format!("is not JSON: {error}")))?;
    let Value::Object(members) = &value else {
        return Err(bad(
            "is no object; an Apollo or a Relay manifest is accepted",
        ));
    };
    match members.get("format") {
        Some(format) if format == APOLLO => {
            let manifest: Apollo = serde_json::from_value(value)
                .map_err(|error| bad(format!("is no {APOLLO}: {error}")))?;
            if manifest.version != 1 {
                let version = manifest.version;
                return Err(bad(format!(
                    "is of version {version}; version 1 is accepted"
                )));
            }
            let drafts = manifest.operations.into_iter().map(|operation| Draft {
                id: Some(operation.id),
                text: operation.body,
            });
            Ok(drafts.collect())
        }
        Some(format) => Err(bad(format!(
            "has the format {format}; {APOLLO} is accepted"
        ))),
        None => members
            .iter()
            .map(|(id, text)| {
                let text = text.as_str().ok_or_else(|| {
                    bad(format!(
                        "has no text for {id:?}; Relay's has a text for each id"
                    ))
                })?;
                Ok(Draft {
                    id: Some(id.clone()),
                    text: text.to_owned(),
                })
            })
            .collect(),
    }
}

fn bad(message: impl Into<String>) -> Error {
    Error::invalid("manifest", message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_kinds_are_read() {
        let apollo = json!({
            "format": APOLLO, "version": 1,
            "operations": [{ "id": "ab", "name": "A", "type": "query", "body": "query A { a }" }],
        });
        let relay = json!({ "ab": "query A { a }" });
        for manifest in [apollo, relay] {
            let drafts = read(&manifest.to_string()).unwrap();
            assert_eq!(drafts.len(), 1);
            assert_eq!(drafts[0].id.as_deref(), Some("ab"));
            assert_eq!(drafts[0].text, "query A { a }");
        }
    }

    #[test]
    fn what_is_no_manifest_is_named() {
        for (manifest, said) in [
            ("[", "not JSON"),
            ("[]", "no object"),
            (r#"{"format": "other"}"#, "format"),
            (
                r#"{"format": "apollo-persisted-query-manifest", "version": 2, "operations": []}"#,
                "version 2",
            ),
            (r#"{"ab": 1}"#, "no text"),
        ] {
            let told = read(manifest).unwrap_err().to_string();
            assert!(told.contains(said), "{told}");
        }
    }
}
