//! The last hand on an answer: every error has a code of the contract, and none says too much.
//!
//! async-graphql reports a broken document, a value of the wrong type and a failed resolver in
//! one shape. Errors of ours carry their code already; the rest is told apart here, and what
//! nobody foresaw is logged and masked.

use async_graphql::{PathSegment, Response, ServerError, Value};

use super::{refusal::Code, status::code_of};

/// What a client reads when something broke that it cannot do anything about.
pub const MASKED: &str = "Something went wrong on our side.";

/// How errors are told.
#[derive(Debug, Clone, Copy)]
pub struct Telling {
    /// The most errors in one answer.
    pub errors: usize,
    /// Whether validation may suggest names of the schema; off in production.
    pub suggestions: bool,
}

/// Bounds, codes and masks the errors of an answer.
#[must_use]
pub fn finish(mut response: Response, request_id: &str, telling: Telling) -> Response {
    response.errors.truncate(telling.errors);
    for error in &mut response.errors {
        if let Some(ours) = error.source::<crate::error::Error>() {
            let code = super::error::code(ours);
            let retry_after = match ours {
                crate::error::Error::RateLimited {
                    retry_after_seconds,
                } => Some(*retry_after_seconds),
                _ => None,
            };
            if code == Code::Internal {
                classify(error, request_id, telling.suggestions);
            } else {
                error.message = ours.to_string();
                error
                    .extensions
                    .get_or_insert_default()
                    .set("code", code.as_str());
                if let Some(seconds) = retry_after {
                    let extensions = error.extensions.get_or_insert_default();
                    extensions.set("retryAfterSeconds", seconds);
                }
                error.source = None;
            }
        } else if code_of(error).is_none() {
            classify(error, request_id, telling.suggestions);
        }
        error
            .extensions
            .get_or_insert_default()
            .set("requestId", request_id);
    }
    response
}

fn classify(error: &mut ServerError, request_id: &str, suggestions: bool) {
    let code = if error.source.is_some() {
        Code::Internal
    } else if error.path.is_empty() {
        Code::GraphqlValidationFailed
    } else if is_about_input(&error.message) {
        Code::BadUserInput
    } else {
        Code::Internal
    };
    match code {
        Code::Internal => {
            let path = path_text(&error.path);
            let source = error
                .source::<crate::error::Error>()
                .map(|e| format!("{e:?}"));
            tracing::error!(
                request.id = request_id,
                graphql.path = path,
                source,
                "{}",
                error.message
            );
            error.message = MASKED.to_owned();
            error.source = None;
            error.extensions = None;
        }
        Code::GraphqlValidationFailed if !suggestions => {
            if let Some(at) = error.message.find(" Did you mean ") {
                error.message.truncate(at);
            }
        }
        _ => {}
    }
    error
        .extensions
        .get_or_insert_default()
        .set("code", code.as_str());
}

/// Variables are coerced while resolving, so a wrong one arrives like a field error. These are
/// the only sentences async-graphql has for it.
fn is_about_input(message: &str) -> bool {
    message.starts_with("Expected input type \"")
        || message.starts_with("Failed to parse \"")
        || (message.starts_with("Variable ") && message.ends_with(" is not defined."))
}

/// In how many seconds to try again, when an error of the answer says so.
#[must_use]
pub fn retry_after(response: &Response) -> Option<u64> {
    let extensions = response
        .errors
        .iter()
        .filter_map(|error| error.extensions.as_ref());
    let seconds = extensions.filter_map(|extensions| match extensions.get("retryAfterSeconds") {
        Some(Value::Number(seconds)) => seconds.as_u64(),
        _ => None,
    });
    seconds.max()
}

/// The path of an error, for logs.
fn path_text(path: &[PathSegment]) -> String {
    let parts: Vec<_> = path
        .iter()
        .map(|segment| match segment {
            PathSegment::Field(name) => name.clone(),
            PathSegment::Index(index) => index.to_string(),
        })
        .collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use async_graphql::{PathSegment, Pos};

    use super::*;

    const QUIET: Telling = Telling {
        errors: 20,
        suggestions: false,
    };

    fn finished(error: ServerError) -> serde_json::Value {
        let response = finish(Response::from_errors(vec![error]), "req-1", QUIET);
        serde_json::to_value(&response.errors[0]).unwrap()
    }

    #[test]
    fn an_unforeseen_error_is_masked() {
        let mut error =
            ServerError::new("no such table: secrets", Some(Pos { line: 1, column: 2 }));
        error.path = vec![PathSegment::Field("me".into())];
        let told = finished(error);
        assert_eq!(told["message"], MASKED);
        assert_eq!(told["extensions"]["code"], "INTERNAL");
        assert_eq!(told["extensions"]["requestId"], "req-1");
        assert_eq!(told["path"][0], "me");
    }

    #[test]
    fn a_validation_error_suggests_nothing() {
        let message = r#"Unknown field "mee" on type "Query". Did you mean "me"?"#;
        let told = finished(ServerError::new(message, None));
        assert_eq!(told["message"], r#"Unknown field "mee" on type "Query"."#);
        assert_eq!(told["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    }

    #[test]
    fn a_wrong_value_is_the_clients() {
        let mut error = ServerError::new(r#"Expected input type "Int", found "x"."#, None);
        error.path = vec![PathSegment::Field("me".into())];
        assert_eq!(finished(error)["extensions"]["code"], "BAD_USER_INPUT");
    }

    #[test]
    fn a_code_outside_the_list_is_masked_too() {
        let mut error = async_graphql::Error::new("odd").into_server_error(Pos::default());
        error
            .extensions
            .get_or_insert_default()
            .set("code", "SQLSTATE_42");
        error.path = vec![PathSegment::Field("me".into())];
        let told = finished(error);
        assert_eq!(
            (&told["message"], &told["extensions"]["code"]),
            (&MASKED.into(), &"INTERNAL".into())
        );
    }

    #[test]
    fn twenty_errors_are_enough() {
        let errors = vec![ServerError::new("no", None); 30];
        assert_eq!(
            finish(Response::from_errors(errors), "r", QUIET)
                .errors
                .len(),
            20
        );
    }
}
