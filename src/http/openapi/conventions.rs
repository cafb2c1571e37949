//! What holds for every operation is said here once, and named by each.

use serde_json::{Map, Value, json};

use crate::graphql::refusal::Code;

/// A failure that many operations share: its status, its name, when it happens, and an example of it.
type Shared = (&'static str, &'static str, &'static str, Code, &'static str);

const FAILURES: [Shared; 10] = [
    (
        "400",
        "Unusable",
        "An input cannot be read, or not be used",
        Code::BadUserInput,
        "first: is 501; 1 to 500 are accepted",
    ),
    (
        "401",
        "Unauthenticated",
        "Nobody is signed in, or the token is not good any more",
        Code::Unauthenticated,
        "the session has ended; sign in again",
    ),
    (
        "403",
        "Forbidden",
        "A permission is missing, the tenant is on hold, or a foreign page asks",
        Code::Forbidden,
        "missing permission events:read",
    ),
    (
        "404",
        "NotFound",
        "There is no such thing, or it is another tenant's",
        Code::NotFound,
        "report not found",
    ),
    (
        "408",
        "TooSlow",
        "The body did not come in time",
        Code::BadRequest,
        "the body did not come in time; send it again",
    ),
    (
        "413",
        "TooLong",
        "The body is too long",
        Code::BadRequest,
        "the body is too long: at most 10 MB are accepted here",
    ),
    (
        "415",
        "WrongForm",
        "The body is compressed, or no JSON where JSON is expected",
        Code::BadRequest,
        "the body is compressed; send it as it is",
    ),
    (
        "429",
        "TooOften",
        "Too often",
        Code::RateLimited,
        "too many attempts; try again in 40 s",
    ),
    (
        "500",
        "Internal",
        "Our fault; the request id finds it in the logs",
        Code::Internal,
        "something went wrong on our side",
    ),
    (
        "503",
        "Unavailable",
        "The database does not answer; try again",
        Code::Upstream,
        "the service is not available right now; try again",
    ),
];

/// Headers of answers: the name, what it tells, and its schema.
const HEADERS: [(&str, &str, &str); 4] = [
    ("X-Request-Id", "The name of the request", "string"),
    (
        "Retry-After",
        "Seconds until trying again can succeed",
        "integer",
    ),
    (
        "RateLimit-Policy",
        "Which limits hold, where one does",
        "string",
    ),
    ("RateLimit", "What is left of them", "string"),
];

/// The document with what all operations have in common.
pub(super) fn applied(mut document: Value) -> Value {
    name_shared(&mut document["components"]);
    let paths = document["paths"].as_object_mut().expect("it has paths");
    let health = paths.iter().filter(|(path, _)| path.starts_with("/health"));
    let health: Vec<_> = health
        .map(|(path, item)| (format!("/api/v1{path}"), under_v1(item.clone())))
        .collect();
    paths.extend(health);
    for (path, item) in paths {
        for operation in item
            .as_object_mut()
            .expect("a path has operations")
            .values_mut()
        {
            say_plainly(operation);
            fail_alike(path, operation);
            name_headers(path, operation);
            retire(operation);
        }
    }
    document
}

fn name_shared(components: &mut Value) {
    let code = &mut components["schemas"]["Problem"]["properties"]["code"];
    code["enum"] = Code::ALL.iter().map(|code| code.as_str()).collect();
    for (name, description, ty) in HEADERS {
        components["headers"][name] =
            json!({ "description": description, "schema": { "type": ty } });
    }
    for (status, name, description, code, message) in FAILURES {
        let mut response = failure(description);
        response["content"]["application/json"]["example"] = example(code, message);
        response["headers"] = headers(status, true);
        components["responses"][name] = response;
    }
}

fn failure(description: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Failure" } } },
    })
}

fn example(code: Code, message: &str) -> Value {
    let named = message
        .split_once(": ")
        .filter(|_| code == Code::BadUserInput);
    let details: Vec<_> = named
        .map(|(path, msg)| json!({ "path": path, "msg": msg }))
        .into_iter()
        .collect();
    json!({
        "success": false,
        "error": { "code": code.as_str(), "message": message, "details": details },
        "meta": { "requestId": "1qWQ5C7ESqfizkE609aove" },
    })
}

/// Health is there under the versioned API too.
fn under_v1(mut item: Value) -> Value {
    let id = &mut item["get"]["operationId"];
    *id = format!("{}V1", id.as_str().unwrap_or_default()).into();
    item
}

/// The first line of a handler's comment names its route, which stands here already.
fn say_plainly(operation: &mut Value) {
    let said = operation["summary"].as_str().unwrap_or_default();
    let plain = said
        .split_once("`: ")
        .map_or(said, |(_, plain)| plain)
        .trim_end_matches('.');
    let mut letters = plain.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    operation["summary"] = (first.unwrap_or_default() + letters.as_str()).into();
}

/// Adds the failures an operation has because of what it is.
fn fail_alike(path: &str, operation: &mut Value) {
    if !is_enveloped(path) {
        return;
    }
    let takes_body = operation.get("requestBody").is_some();
    let takes_anything = takes_body || operation.get("parameters").is_some();
    let signed_in = operation["security"]
        .as_array()
        .is_some_and(|ways| ways.iter().any(|way| way.get("bearer").is_some()));
    let responses = operation["responses"].as_object_mut().expect("it answers");
    for (status, name, _, code, message) in FAILURES {
        let holds = match status {
            "400" => takes_anything,
            "401" => signed_in,
            "404" => path.contains('{'),
            "408" | "413" | "415" => takes_body,
            _ => true,
        };
        match responses.get_mut(status) {
            // said in words of its own
            Some(own) => own["content"]["application/json"]["example"] = example(code, message),
            None if holds => {
                let shared = json!({ "$ref": format!("#/components/responses/{name}") });
                responses.insert(status.to_owned(), shared);
            }
            None => {}
        }
    }
    if let Some(conflict) = responses.get_mut("409") {
        let message = conflict["description"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase();
        conflict["content"]["application/json"]["example"] = example(Code::Conflict, &message);
    }
}

/// Names the headers that come with answers.
fn name_headers(path: &str, operation: &mut Value) {
    let limited = is_enveloped(path) && !path.starts_with("/api/v1/webhooks/");
    for (status, response) in operation["responses"].as_object_mut().expect("it answers") {
        if response.get("$ref").is_some() {
            continue;
        }
        if let Value::Object(more) = headers(status, limited) {
            let named = response["headers"].take();
            let named = named.as_object().cloned().unwrap_or_default();
            response["headers"] = more.into_iter().chain(named).collect::<Map<_, _>>().into();
        }
    }
}

fn headers(status: &str, limited: bool) -> Value {
    let come = HEADERS.iter().filter(|(name, ..)| match *name {
        "Retry-After" => status == "429",
        "X-Request-Id" => true,
        _ => limited,
    });
    let named = come.map(|(name, ..)| {
        (
            (*name).to_owned(),
            json!({ "$ref": format!("#/components/headers/{name}") }),
        )
    });
    Value::Object(named.collect())
}

/// What announces its end is deprecated.
fn retire(operation: &mut Value) {
    let responses = operation["responses"].as_object().expect("it answers");
    let ends = responses
        .values()
        .any(|r| r.pointer("/headers/Deprecation").is_some());
    if ends {
        operation["deprecated"] = true.into();
    }
}

/// Whether a path answers in the envelope when it fails.
fn is_enveloped(path: &str) -> bool {
    path.starts_with("/api/v1/")
        && !path.starts_with("/api/v1/health")
        && path != "/api/v1/openapi.json"
}
