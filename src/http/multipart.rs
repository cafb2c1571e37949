//! GraphQL subscriptions as Apollo's multipart protocol
//! (<https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol>): each answer is a
//! part, and so is each heartbeat.
//!
//! A part is over when the delimiter after it has come, so each chunk ends with one.

use std::time::Duration;

use axum::body::Bytes;

use super::streaming::Told;

/// How often a quiet stream says that it is there; the protocol wants it every few seconds.
pub const BEAT: Duration = Duration::from_secs(5);

/// What comes before the first part.
pub const OPENING: &[u8] = b"--graphql";

const HEAD: &str = "\r\nContent-Type: application/json\r\n";
const DELIMITER: &[u8] = b"\r\n--graphql";

/// One thing told, as bytes of a multipart body after its [`OPENING`].
pub fn write(told: Told) -> Bytes {
    match told {
        Told::Beat(None) => part("", b"{}", b""),
        // the protocol wants an empty object; where the stream stands is beside it
        Told::Beat(Some(cursor)) => part(&format!("Cursor: {cursor}\r\n"), b"{}", b""),
        Told::Next(json, _) => {
            let mut payload = Vec::with_capacity(json.len() + 12);
            payload.extend_from_slice(b"{\"payload\":");
            payload.extend_from_slice(&json);
            payload.push(b'}');
            part("", &payload, b"")
        }
        Told::End => Bytes::from_static(b"--\r\n"),
        Told::Cut(_, error) => {
            let body = serde_json::json!({ "payload": null, "errors": [error] });
            part("", body.to_string().as_bytes(), b"--\r\n")
        }
    }
}

fn part(headers: &str, json: &[u8], after: &[u8]) -> Bytes {
    let pieces = [
        HEAD.as_bytes(),
        headers.as_bytes(),
        b"\r\n",
        json,
        DELIMITER,
        after,
    ];
    Bytes::from(pieces.concat())
}

#[cfg(test)]
mod tests {
    use super::super::access::Ending;
    use super::*;

    #[test]
    fn a_body_is_parts_between_delimiters() {
        let error = Ending::Suspended.refusal().into_server_error("req-1");
        let body = [
            Bytes::from_static(OPENING),
            write(Told::Beat(None)),
            write(Told::Next(b"{\"data\":1}".to_vec(), None)),
            write(Told::Cut(Ending::Suspended, error)),
        ]
        .concat();
        let body = String::from_utf8(body).unwrap();
        let parts: Vec<&str> = body.split("--graphql").collect();
        let head = "\r\nContent-Type: application/json\r\n\r\n";
        assert_eq!(parts[0], "");
        assert_eq!(parts[1], format!("{head}{{}}\r\n"));
        assert_eq!(
            parts[2],
            format!("{head}{{\"payload\":{{\"data\":1}}}}\r\n")
        );
        assert!(parts[3].contains("\"payload\":null") && parts[3].contains("FORBIDDEN"));
        assert_eq!(parts[4], "--\r\n");
    }
}
