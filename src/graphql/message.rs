//! The GraphQL request itself, read from a POST body or a GET query string.
//!
//! What has the wrong shape is named, so that a client author need not guess. Arrays of requests
//! are refused: one request, one answer, one cost. Members we do not know are ignored, as the
//! GraphQL over HTTP specification asks.

use async_graphql::Variables;
use serde_json::{Map, Value};

use super::refusal::{Code, Refusal};

/// What a client sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GraphqlRequest {
    /// The document; absent when it is named by `document_id` or a hash in the extensions.
    pub query: Option<String>,
    /// The operation to carry out.
    pub operation_name: Option<String>,
    /// The values of its variables.
    pub variables: Variables,
    /// Extensions of the protocol, such as `persistedQuery`.
    pub extensions: Map<String, Value>,
    /// The id of a registered document.
    pub document_id: Option<String>,
}

/// Reads the body of a POST.
pub fn parse_post(body: &[u8]) -> Result<GraphqlRequest, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(bad("The request has no body; send a JSON object."));
    }
    let value = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        bad(format!(
            "The body is not JSON: line {line}, column {column}."
        ))
    })?;
    from_json(value)
}

/// Reads a request from JSON: the body of a POST, or the payload of a socket's `subscribe`.
pub fn from_json(value: Value) -> Result<GraphqlRequest, Refusal> {
    let mut members = match value {
        Value::Object(members) => members,
        Value::Array(_) => {
            return Err(bad(
                "Arrays of requests are not accepted; send each request on its own.",
            ));
        }
        other => {
            return Err(bad(format!(
                "The request must be a JSON object, not {}.",
                kind(&other)
            )));
        }
    };
    let mut take = |name: &str| members.remove(name).unwrap_or_default();
    build(
        text("query", take("query"))?,
        text("operationName", take("operationName"))?,
        object("variables", take("variables"))?,
        object("extensions", take("extensions"))?,
        text("documentId", take("documentId"))?,
    )
}

/// Reads the query string of a GET, without its question mark.
pub fn parse_get(query_string: &str) -> Result<GraphqlRequest, Refusal> {
    let mut found: [Option<String>; 5] = Default::default();
    const NAMES: [&str; 5] = [
        "query",
        "operationName",
        "variables",
        "extensions",
        "documentId",
    ];
    for pair in query_string.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name).ok_or_else(|| bad("The query string is not UTF-8."))?;
        let Some(at) = NAMES.iter().position(|known| *known == name) else {
            continue;
        };
        let value = decode(value).ok_or_else(|| bad(format!("{name} is not UTF-8.")))?;
        if found[at].replace(value).is_some() {
            return Err(bad(format!("{name} is given twice.")));
        }
    }
    let [query, operation_name, variables, extensions, document_id] = found;
    let json = |name: &'static str, value: Option<String>| match value {
        None => Ok(Map::new()),
        Some(value) if value.is_empty() => Ok(Map::new()),
        Some(value) => match serde_json::from_str(&value) {
            Ok(value) => object(name, value),
            Err(_) => Err(bad(format!("{name} is not JSON."))),
        },
    };
    let filled = |value: Option<String>| value.filter(|value| !value.is_empty());
    build(
        filled(query),
        filled(operation_name),
        json("variables", variables)?,
        json("extensions", extensions)?,
        filled(document_id),
    )
}

fn build(
    query: Option<String>,
    operation_name: Option<String>,
    variables: Map<String, Value>,
    extensions: Map<String, Value>,
    document_id: Option<String>,
) -> Result<GraphqlRequest, Refusal> {
    let named = document_id.is_some() || extensions.contains_key("persistedQuery");
    if query.is_none() && !named {
        return Err(bad(
            "The request has no query; send the document as a string, or its documentId.",
        ));
    }
    let variables = serde_json::from_value(Value::Object(variables))
        .map_err(|_| bad("variables has a value that cannot be used."))?;
    Ok(GraphqlRequest {
        query,
        operation_name,
        variables,
        extensions,
        document_id,
    })
}

fn text(name: &str, value: Value) -> Result<Option<String>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        other => Err(bad(format!(
            "{name} must be a string, not {}.",
            kind(&other)
        ))),
    }
}

fn object(name: &str, value: Value) -> Result<Map<String, Value>, Refusal> {
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(members) => Ok(members),
        other => Err(bad(format!(
            "{name} must be an object, not {}.",
            kind(&other)
        ))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::BadRequest, message)
}

/// Undoes form encoding; `None` when the result is not UTF-8. A stray `%` stands for itself.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        bytes.push(match (first, tail) {
            (b'+', _) => b' ',
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    high * 16 + low
                }
                _ => b'%',
            },
            (other, _) => *other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn post(value: Value) -> Result<GraphqlRequest, Refusal> {
        parse_post(value.to_string().as_bytes())
    }

    fn message(value: Value) -> String {
        let refusal = post(value).unwrap_err();
        assert_eq!((refusal.code, refusal.status), (Code::BadRequest, 400));
        refusal.message
    }

    #[test]
    fn a_post_is_read() {
        let request = post(json!({
            "query": "{ a }", "operationName": null, "variables": {"n": [1]}, "extensions": null, "more": 1,
        }))
        .unwrap();
        assert_eq!(request.query.as_deref(), Some("{ a }"));
        assert_eq!(request.operation_name, None);
        assert_eq!(
            serde_json::to_value(&request.variables).unwrap(),
            json!({"n": [1]})
        );
    }

    #[test]
    fn wrong_shapes_are_named() {
        assert_eq!(
            message(json!({"query": 1})),
            "query must be a string, not a number."
        );
        assert_eq!(
            message(json!({"query": "{a}", "variables": ["x"]})),
            "variables must be an object, not an array."
        );
        assert_eq!(
            message(json!({"query": "{a}", "extensions": false})),
            "extensions must be an object, not a boolean."
        );
        assert_eq!(
            message(json!({"query": "{a}", "operationName": {}})),
            "operationName must be a string, not an object."
        );
        assert!(message(json!({})).contains("no query"));
        assert!(message(json!([{"query": "{a}"}])).contains("Arrays"));
        assert!(message(json!("{a}")).contains("a string"));
        assert!(
            parse_post(b"{ \"not")
                .unwrap_err()
                .message
                .contains("line 1")
        );
        assert!(parse_post(b" ").unwrap_err().message.contains("no body"));
    }

    #[test]
    fn a_document_may_be_named_instead_of_sent() {
        assert!(post(json!({"documentId": "sha256:ab"})).is_ok());
        assert!(post(json!({"extensions": {"persistedQuery": {"version": 1}}})).is_ok());
    }

    #[test]
    fn a_get_is_read() {
        let request = parse_get(
            "query=query+A%28%24n%3A+Int%29+%7B+a+%7D&variables=%7B%22n%22%3A+%22gr%C3%B6%C3%9Fer%22%7D&operationName=A&utm=x",
        )
        .unwrap();
        assert_eq!(request.query.as_deref(), Some("query A($n: Int) { a }"));
        assert_eq!(request.operation_name.as_deref(), Some("A"));
        assert_eq!(
            serde_json::to_value(&request.variables).unwrap(),
            json!({"n": "größer"})
        );
        for refused in [
            "",
            "query=",
            "query=%7Ba%7D&variables=1",
            "query=a&query=b",
            "query=%FF",
            "query=a&variables=%7B",
        ] {
            assert!(parse_get(refused).is_err(), "{refused}");
        }
        assert_eq!(
            parse_get("query=100%").unwrap().query.as_deref(),
            Some("100%")
        );
    }
}
