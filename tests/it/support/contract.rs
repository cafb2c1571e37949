//! Holds every REST answer of the suite to the document that describes it: its status, its media type, and each field of
//! its body. What the document does not name, nobody may answer.

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex};

use balance::http::openapi;
use serde_json::Value;

use super::Reply;

static DOCUMENT: LazyLock<Value> = LazyLock::new(openapi::document);
static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The operations that this process has seen succeed.
pub fn succeeded() -> BTreeSet<String> {
    SEEN.lock().expect("no test panics here").clone()
}

/// Every operation of the document: its method, its path, and itself.
pub fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().expect("it has paths");
    paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("a path has operations");
        let operations = methods.iter();
        operations.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

/// Checks an answer, if it is one of the REST edge.
pub fn check(method: &str, path: &str, reply: &Reply) {
    let method = method.to_lowercase();
    let here: Vec<_> = operations()
        .filter(|(_, template, _)| fits(template, path))
        .collect();
    // a path without parameters is meant before one with
    let named = here
        .iter()
        .find(|(_, template, _)| *template == path)
        .map(|found| found.1);
    let meant = |template: &str| named.is_none_or(|named| named == template);
    let found = here
        .iter()
        .find(|(of, template, _)| *of == method && meant(template));
    let Some((_, template, operation)) = found else {
        let known = !here.is_empty();
        let rest = path.starts_with("/api/v1/");
        let fine = match reply.status {
            404 => !known,
            405 => known,
            _ => method == "options",
        };
        assert!(
            fine || !rest,
            "{method} {path} answers {}, and openapi.json knows nothing of it",
            reply.status
        );
        return;
    };
    let what = format!("{method} {template} answers {}", reply.status);
    let status = reply.status.to_string();
    let Some(response) = operation["responses"].get(&status) else {
        panic!("{what}, which openapi.json does not say: {}", reply.text());
    };
    let response = resolved(response);
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let needed =
            ["X-Request-Id", "location", "Deprecation", "Sunset", "Link"].contains(&name.as_str());
        assert!(
            !needed || !reply.header(name).is_empty(),
            "{what} without {name}: {header}"
        );
    }
    if let Some(content) = response["content"].as_object() {
        let (media, body) = content.iter().next().expect("a body has a media type");
        let sent = reply.header("content-type");
        assert!(
            sent.starts_with(media.as_str()),
            "{what} as {sent}, not as {media}"
        );
        if media == "application/json" && reply.header("content-encoding").is_empty() {
            validate(&what, &body["schema"], &reply.json());
        }
    }
    if reply.status < 400 {
        let id = operation["operationId"].as_str().expect("it has a name");
        SEEN.lock()
            .expect("no test panics here")
            .insert(id.to_owned());
    }
}

/// What a reference of the document refers to; anything else is itself.
pub fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(to) => DOCUMENT
            .pointer(to.trim_start_matches('#'))
            .expect("it is there"),
        None => value,
    }
}

/// Checks a body against a schema of the document.
pub fn validate(what: &str, schema: &Value, body: &Value) {
    let mut wrong = Vec::new();
    compare("", schema, body, &mut wrong);
    assert!(
        wrong.is_empty(),
        "{what}, not as openapi.json says: {}\n{body:#}",
        wrong.join("\n")
    );
}

/// Compares a value with what JSON Schema says of it: the words that the document uses, and no others.
fn compare(at: &str, schema: &Value, value: &Value, wrong: &mut Vec<String>) {
    for (word, said) in schema.as_object().expect("a schema is an object") {
        match word.as_str() {
            "$ref" => {
                let name = said.as_str().and_then(|name| name.rsplit('/').next());
                let named = &DOCUMENT["components"]["schemas"][name.expect("it names a schema")];
                compare(at, named, value, wrong);
            }
            "type" if !is_of(said, value) => wrong.push(format!("{at} is {value}, not {said}")),
            "enum" if !said.as_array().is_some_and(|all| all.contains(value)) => {
                wrong.push(format!("{at} is {value}, not one of {said}"));
            }
            "oneOf" => {
                let choices = said.as_array().expect("a list of schemas").iter();
                let fitting = choices.filter(|choice| {
                    let mut wrong = Vec::new();
                    compare(at, choice, value, &mut wrong);
                    wrong.is_empty()
                });
                let fitting = fitting.count();
                if fitting != 1 {
                    wrong.push(format!("{at} fits {fitting} of the choices: {value}"));
                }
            }
            "required" => {
                let missing = said.as_array().expect("a list of names").iter();
                let missing = missing
                    .filter_map(Value::as_str)
                    .filter(|name| value.get(name).is_none());
                wrong.extend(missing.map(|name| format!("{at} lacks {name}")));
            }
            "properties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    match said.get(name) {
                        Some(schema) => compare(&format!("{at}/{name}"), schema, value, wrong),
                        // clients must bear fields that come later; the suite does not, or nobody would describe them
                        None => wrong.push(format!("{at} has {name}, which is not described")),
                    }
                }
            }
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                items
                    .for_each(|(index, item)| compare(&format!("{at}/{index}"), said, item, wrong));
            }
            "minimum" if value.is_number() && value.as_f64() < said.as_f64() => {
                wrong.push(format!("{at} is {value}, below {said}"))
            }
            "format" => {
                let fits = match (said.as_str(), value.as_str()) {
                    (Some("date-time"), Some(text)) => {
                        chrono::DateTime::parse_from_rfc3339(text).is_ok()
                    }
                    (Some("uuid"), Some(text)) => uuid::Uuid::parse_str(text).is_ok(),
                    _ => true,
                };
                if !fits {
                    wrong.push(format!("{at} is {value}, no {said}"));
                }
            }
            "type" | "enum" | "minimum" | "additionalProperties" | "description" | "examples" => {}
            word => panic!("{at}: the suite does not know what {word} means"),
        }
    }
}

fn is_of(types: &Value, value: &Value) -> bool {
    let one = std::slice::from_ref(types);
    types
        .as_array()
        .map_or(one, Vec::as_slice)
        .iter()
        .any(|ty| match ty.as_str() {
            Some("null") => value.is_null(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("string") => value.is_string(),
            Some("array") => value.is_array(),
            _ => value.is_object(),
        })
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template
            .zip(path)
            .all(|(named, sent)| named.starts_with('{') || named == sent)
}
