//! What HTTP says around a GraphQL request, as plain functions.
//!
//! Follows the GraphQL over HTTP specification: whoever asks for nothing in particular is an older
//! client and gets `application/json`; the newer `application/graphql-response+json` must be named.

use super::refusal::{Code, Refusal};

/// A form an answer can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `application/graphql-response+json`.
    GraphqlResponse,
    /// `application/json`.
    Json,
    /// `text/event-stream`, the distinct connections mode of graphql-sse.
    EventStream,
    /// `multipart/mixed`, Apollo's multipart subscription protocol.
    Multipart,
}

/// What a query or a mutation can be answered with, the preferred one for wildcards first.
pub const FOR_ANSWERS: &[Media] = &[Media::Json, Media::GraphqlResponse, Media::EventStream];
/// What a subscription over HTTP can be answered with, when the client names it.
pub const FOR_SUBSCRIPTIONS: &[Media] = &[Media::EventStream, Media::Multipart];

/// The forms a client takes answers in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Of a query or a mutation.
    pub single: Option<Media>,
    /// Of a subscription; only a form that is named, for nobody gets a stream unasked.
    pub stream: Option<Media>,
}

impl Wanted {
    /// Reads `Accept`; 406 when it likes nothing that is offered.
    pub fn of(accept: Option<&str>) -> Result<Self, Refusal> {
        let single = choose_media(accept, FOR_ANSWERS);
        let stream = choose(accept, FOR_SUBSCRIPTIONS, NAMED);
        match (single, stream) {
            (Err(refusal), None) => Err(refusal),
            (single, stream) => Ok(Self {
                single: single.ok(),
                stream,
            }),
        }
    }

    /// The form to refuse a whole request in, before any stream has begun.
    pub fn of_refusal(self) -> Media {
        match self.single {
            Some(media @ (Media::Json | Media::GraphqlResponse)) => media,
            // its statuses say what happened
            _ => Media::GraphqlResponse,
        }
    }
}

impl Media {
    /// The media type without parameters.
    pub const fn essence(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json",
            Self::Json => "application/json",
            Self::EventStream => "text/event-stream",
            Self::Multipart => "multipart/mixed",
        }
    }

    /// The `Content-Type` header.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
            Self::EventStream => "text/event-stream; charset=utf-8",
            Self::Multipart => "multipart/mixed; boundary=\"graphql\"; subscriptionSpec=1.0",
        }
    }
}

/// Chooses among `offered` what `Accept` likes best; 406 when it likes none.
///
/// On a tie a type that is named beats one that a wildcard covers, then the newer JSON type wins.
pub fn choose_media(accept: Option<&str>, offered: &[Media]) -> Result<Media, Refusal> {
    choose(accept, offered, 0).ok_or_else(|| {
        let offered: Vec<_> = offered.iter().map(|media| media.essence()).collect();
        let message = format!(
            "None of the accepted media types is offered: {}.",
            offered.join(", ")
        );
        Refusal::new(Code::BadRequest, message).with_status(406)
    })
}

/// The precision of a range that names a type.
const NAMED: u8 = 2;

fn choose(accept: Option<&str>, offered: &[Media], precision: u8) -> Option<Media> {
    let accept = match accept.map(str::trim) {
        None | Some("") => "*/*",
        Some(accept) => accept,
    };
    let ranges: Vec<Range<'_>> = split_outside_quotes(accept, ',')
        .filter_map(Range::read)
        .collect();
    let mut best: Option<(Media, (u16, u8, bool))> = None;
    for media in offered.iter().copied() {
        // the most specific range decides the quality of a type
        let Some(range) = ranges
            .iter()
            .filter(|range| range.covers(media))
            .max_by_key(|range| range.precision())
        else {
            continue;
        };
        let named = range.precision() == NAMED;
        let rank = (
            range.quality,
            range.precision(),
            named && media == Media::GraphqlResponse,
        );
        let liked = range.quality > 0 && range.precision() >= precision;
        if liked && best.is_none_or(|(_, other)| rank > other) {
            best = Some((media, rank));
        }
    }
    best.map(|(media, _)| media)
}

/// One entry of `Accept`.
struct Range<'a> {
    essence: &'a str,
    /// Thousandths, so that comparing is exact.
    quality: u16,
    utf8: bool,
    /// Parts of one answer, which is another protocol of the same media type.
    deferred: bool,
}

impl<'a> Range<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = split_outside_quotes(text, ';').map(str::trim);
        let essence = parts.next().filter(|essence| essence.contains('/'))?;
        let mut range = Self {
            essence,
            quality: 1000,
            utf8: true,
            deferred: false,
        };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim().trim_matches('"');
            if name.trim().eq_ignore_ascii_case("q") {
                range.quality = quality(value)?;
            } else if name.trim().eq_ignore_ascii_case("charset") {
                range.utf8 = is_utf8(value);
            } else if name.trim().eq_ignore_ascii_case("deferSpec") {
                range.deferred = true;
            }
        }
        Some(range)
    }

    fn covers(&self, media: Media) -> bool {
        let kind = media.essence().split('/').next().unwrap_or_default();
        self.utf8
            && !(self.deferred && media == Media::Multipart)
            && (self.essence == "*/*"
                || self.essence.eq_ignore_ascii_case(media.essence())
                || self
                    .essence
                    .strip_suffix("/*")
                    .is_some_and(|own| own.eq_ignore_ascii_case(kind)))
    }

    fn precision(&self) -> u8 {
        match self.essence {
            "*/*" => 0,
            wild if wild.ends_with("/*") => 1,
            _ => NAMED,
        }
    }
}

fn quality(text: &str) -> Option<u16> {
    let value: f32 = text.parse().ok()?;
    // in range, so the product fits
    (0.0..=1.0)
        .contains(&value)
        .then(|| (value * 1000.0).round() as u16)
}

fn is_utf8(charset: &str) -> bool {
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}

fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |next: char| {
        quoted ^= next == '"';
        next == separator && !quoted
    })
}

/// Accepts a POST body only as JSON in UTF-8; everything a form can send is 415, which is also
/// what keeps other sites' forms out.
pub fn check_content_type(content_type: Option<&str>) -> Result<(), Refusal> {
    let refuse = |message: &str| Err(Refusal::new(Code::BadRequest, message).with_status(415));
    let Some(content_type) = content_type else {
        return refuse("Send the request as application/json; it has no Content-Type.");
    };
    match Range::read(content_type) {
        Some(sent) if !sent.essence.eq_ignore_ascii_case("application/json") => {
            refuse("Send the request as application/json.")
        }
        Some(sent) if !sent.utf8 => refuse("Send the request in UTF-8."),
        Some(_) => Ok(()),
        None => refuse("The Content-Type cannot be read."),
    }
}

/// What tells a deliberate GET from one that another site made a browser send.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent<'a> {
    /// The session cookie came along.
    pub cookie: bool,
    /// The `Accept` header.
    pub accept: Option<&'a str>,
    /// A header no browser sends across sites unasked: `Authorization`,
    /// `GraphQL-Require-Preflight`, `Apollo-Require-Preflight`, `X-Requested-With`.
    pub custom_header: bool,
    /// The `Sec-Fetch-Site` header.
    pub fetch_site: Option<&'a str>,
}

/// Refuses a GET that carries the cookie but no sign of our own pages or of a program.
pub fn check_csrf(sent: Sent<'_>) -> Result<(), Refusal> {
    if !sent.cookie || sent.custom_header {
        return Ok(());
    }
    let elsewhere = matches!(sent.fetch_site, Some("cross-site" | "same-site"));
    let named = split_outside_quotes(sent.accept.unwrap_or_default(), ',')
        .filter_map(Range::read)
        .any(|range| {
            [
                Media::GraphqlResponse,
                Media::Json,
                Media::EventStream,
                Media::Multipart,
            ]
            .iter()
            .any(|media| range.essence.eq_ignore_ascii_case(media.essence()))
        });
    if named && !elsewhere {
        return Ok(());
    }
    let message = "A GET with a cookie needs an Accept header that names a GraphQL media type, \
                   or the header GraphQL-Require-Preflight.";
    Err(Refusal::new(Code::Forbidden, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(accept: &str) -> u16 {
        match choose_media(Some(accept), FOR_ANSWERS) {
            Ok(Media::GraphqlResponse) => 1,
            Ok(Media::Json) => 2,
            Ok(Media::EventStream) => 3,
            Ok(Media::Multipart) => 4,
            Err(refusal) => refusal.status,
        }
    }

    #[test]
    fn the_media_type_follows_accept() {
        assert_eq!(choose_media(None, FOR_ANSWERS), Ok(Media::Json));
        for (accept, expected) in [
            ("application/graphql-response+json", 1),
            ("application/json", 2),
            ("*/*", 2),
            ("application/*", 2),
            ("", 2),
            ("application/json; charset=utf-8", 2),
            (
                "application/graphql-response+json, application/json;q=0.9",
                1,
            ),
            ("application/json, application/graphql-response+json", 1),
            (
                "application/graphql-response+json;q=0.5, application/json",
                2,
            ),
            ("application/graphql-response+json, */*", 1),
            ("*/*, application/json;q=0", 1),
            ("Application/JSON", 2),
            ("text/event-stream", 3),
            (
                "multipart/mixed;boundary=\"a,b\";subscriptionSpec=1.0, application/json",
                2,
            ),
            ("text/html", 406),
            ("application/json; charset=latin1", 406),
            ("application/json;q=0", 406),
            ("rubbish", 406),
        ] {
            assert_eq!(answer(accept), expected, "{accept}");
        }
    }

    #[test]
    fn a_stream_is_for_those_who_name_it() {
        let wanted = |accept: &str| {
            let wanted = Wanted::of(Some(accept)).unwrap();
            (wanted.single, wanted.stream)
        };
        let (json, newer) = (Some(Media::Json), Some(Media::GraphqlResponse));
        let (events, parts) = (Some(Media::EventStream), Some(Media::Multipart));
        for (accept, expected) in [
            ("*/*", (json, None)),
            ("text/*, application/json;q=0.1", (events, None)),
            ("text/event-stream", (events, events)),
            ("text/event-stream, application/json", (json, events)),
            (
                "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9",
                (newer, parts),
            ),
            ("multipart/mixed;subscriptionSpec=\"1.0\"", (None, parts)),
            (
                "multipart/mixed;deferSpec=20220824, application/json",
                (json, None),
            ),
        ] {
            assert_eq!(wanted(accept), expected, "{accept}");
        }
        assert_eq!(Wanted::of(Some("text/html")).unwrap_err().status, 406);
    }

    #[test]
    fn only_json_in_utf8_may_be_posted() {
        for accepted in [
            "application/json",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
        ] {
            assert!(check_content_type(Some(accepted)).is_ok(), "{accepted}");
        }
        for refused in [
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded",
            "application/json; charset=utf-16",
            "application/jsonp",
            "json",
        ] {
            assert_eq!(
                check_content_type(Some(refused)).unwrap_err().status,
                415,
                "{refused}"
            );
        }
        assert_eq!(check_content_type(None).unwrap_err().status, 415);
    }

    #[test]
    fn a_cookie_alone_does_not_make_a_get() {
        let bare = Sent {
            cookie: true,
            accept: Some("*/*"),
            ..Sent::default()
        };
        assert_eq!(check_csrf(bare).unwrap_err().status, 403);
        assert!(
            check_csrf(Sent {
                accept: Some("application/json"),
                ..bare
            })
            .is_ok()
        );
        assert!(
            check_csrf(Sent {
                custom_header: true,
                ..bare
            })
            .is_ok()
        );
        assert!(
            check_csrf(Sent {
                cookie: false,
                ..bare
            })
            .is_ok()
        );
        let elsewhere = Sent {
            accept: Some("application/json"),
            fetch_site: Some("cross-site"),
            ..bare
        };
        assert!(check_csrf(elsewhere).is_err());
    }
}
