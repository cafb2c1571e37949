//! The HTTP status and the JSON of an answer.
//!
//! Under `application/graphql-response+json` the status tells what happened. Under
//! `application/json` it is 200 for whatever arrived as a GraphQL request, as older clients expect:
//! they read the errors from the body. Bad JSON and wrong shapes are 400 in both.

use async_graphql::{Response, ServerError, Value};

use super::{
    negotiate::Media,
    refusal::{Code, Refusal},
};

/// The status of a refused request.
pub fn refusal_status(media: Media, refusal: &Refusal) -> u16 {
    soften(media, refusal.code, refusal.status)
}

/// The status of an answer: 200 once there is data, else what its first error says.
pub fn answer_status(media: Media, response: &Response) -> u16 {
    match response.errors.first() {
        Some(error) if response.data == Value::Null => {
            let code = code_of(error).unwrap_or(Code::Internal);
            // an executed operation whose root is null is a result, not a broken request
            let executed = was_executed(response) && !matches!(code.status(), 401 | 403 | 429);
            if executed {
                200
            } else {
                soften(media, code, code.status())
            }
        }
        _ => 200,
    }
}

/// Under `application/json` what arrived as a GraphQL request answers 200.
fn soften(media: Media, code: Code, status: u16) -> u16 {
    match (media, code, status) {
        (_, Code::BadRequest, _) => status,
        (Media::Json, _, 400 | 404 | 409 | 422 | 429) => 200,
        _ => status,
    }
}

/// The code of an error, when it has one of ours.
pub fn code_of(error: &ServerError) -> Option<Code> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(name) => Code::parse(name),
        _ => None,
    }
}

/// Whether the operation ran at all, or was refused as such.
pub fn was_executed(response: &Response) -> bool {
    response.errors.is_empty()
        || response.data != Value::Null
        || response.errors.iter().any(|error| !error.path.is_empty())
}

/// The JSON of an answer. `data` is left out, not null, when nothing was executed.
pub fn to_json(response: &Response) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(512 + length(&response.data));
    out.push(b'{');
    if was_executed(response) {
        out.extend_from_slice(b"\"data\":");
        write(&response.data, &mut out)?;
    }
    if !response.errors.is_empty() {
        name("errors", &mut out)?;
        serde_json::to_writer(&mut out, &response.errors)?;
    }
    if !response.extensions.is_empty() {
        name("extensions", &mut out)?;
        out.push(b'{');
        for (key, value) in &response.extensions {
            name(key, &mut out)?;
            write(value, &mut out)?;
        }
        out.push(b'}');
    }
    out.push(b'}');
    Ok(out)
}

/// Begins a member of an object.
fn name(name: &str, out: &mut Vec<u8>) -> serde_json::Result<()> {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    serde_json::to_writer(&mut *out, name)?;
    out.push(b':');
    Ok(())
}

/// The JSON of a value of an answer.
pub fn value_to_json(value: &Value) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(256 + length(value));
    write(value, &mut out)?;
    Ok(out)
}

/// Writes a value. Bytes are JSON already: see [`plain`](super::plain).
fn write(value: &Value, out: &mut Vec<u8>) -> serde_json::Result<()> {
    match value {
        Value::Binary(json) => out.extend_from_slice(json),
        Value::List(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            out.push(b'{');
            for (key, member) in members {
                name(key, out)?;
                write(member, out)?;
            }
            out.push(b'}');
        }
        scalar => serde_json::to_writer(out, scalar)?,
    }
    Ok(())
}

/// How long the JSON inside a value is, the bulk of an answer.
fn length(value: &Value) -> usize {
    match value {
        Value::Binary(json) => json.len() + 1,
        Value::List(rows) if matches!(rows.first(), Some(Value::Binary(_))) => {
            rows.iter().map(length).sum()
        }
        Value::Object(members) => members.values().map(length).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::PathSegment;

    use super::*;

    #[test]
    fn the_older_media_type_answers_200_to_what_was_understood() {
        let parse = Refusal::new(Code::GraphqlParseFailed, "no");
        assert_eq!(refusal_status(Media::GraphqlResponse, &parse), 400);
        assert_eq!(refusal_status(Media::Json, &parse), 200);
        let shape = Refusal::new(Code::BadRequest, "no");
        assert_eq!(refusal_status(Media::Json, &shape), 400);
        for code in [Code::Unauthenticated, Code::Forbidden, Code::Timeout] {
            let refusal = Refusal::new(code, "no");
            assert_eq!(refusal_status(Media::Json, &refusal), code.status());
        }
        let often = Refusal::new(Code::RateLimited, "no");
        assert_eq!(refusal_status(Media::GraphqlResponse, &often), 429);
        assert_eq!(refusal_status(Media::Json, &often), 200);
    }

    #[test]
    fn data_is_left_out_when_nothing_was_executed() {
        let refused = Response::from_errors(vec![Refusal::new(Code::BadRequest, "no").into()]);
        let json: serde_json::Value = serde_json::from_slice(&to_json(&refused).unwrap()).unwrap();
        assert_eq!(json.get("data"), None);
        assert_eq!(answer_status(Media::GraphqlResponse, &refused), 400);

        let mut failed = Response::from_errors(vec![Refusal::new(Code::NotFound, "no").into()]);
        failed.errors[0].path = vec![PathSegment::Field("a".into())];
        let json: serde_json::Value = serde_json::from_slice(&to_json(&failed).unwrap()).unwrap();
        assert_eq!(json["data"], serde_json::Value::Null);
        assert!(json.as_object().unwrap().contains_key("data"));
        assert_eq!(answer_status(Media::GraphqlResponse, &failed), 200);
    }
}
