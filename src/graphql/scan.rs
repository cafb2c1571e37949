//! One look at the text before the parser sees it.
//!
//! The parser recurses on brackets before any guard of its own, and its syntax tree is some
//! hundred times larger than the text. So bytes, tokens and bracket nesting are bounded here, in
//! one pass over the bytes that knows just enough of the language to skip strings and comments.
//! It never decides whether a document is well formed; that stays with the parser. One thing is
//! seen here because the syntax tree has lost it: that a field of an input is given twice.

use std::collections::HashSet;

use async_graphql::Pos;

use super::{
    limits::{Limits, at_most},
    refusal::{Code, Refusal},
};

/// What one pass over the text found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scanned {
    /// Lexical tokens.
    pub tokens: u64,
    /// The deepest bracket nesting.
    pub nesting: u64,
}

/// Bounds the bytes, the tokens and the bracket nesting of a document.
pub fn scan(text: &str, limits: &Limits) -> Result<Scanned, Refusal> {
    let bytes = text.as_bytes();
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    at_most(
        Code::BadRequest,
        "documentBytes",
        limits.document_bytes,
        length,
        |actual, maximum| {
            format!("The document has {actual} bytes; at most {maximum} are accepted.")
        },
    )
    .map_err(|refusal| refusal.with_status(413))?;

    let mut found = Scanned::default();
    let mut open: u64 = 0;
    let mut inputs = Inputs::default();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        let end = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                at += 1;
                continue;
            }
            // the byte order mark is white space to the parser
            0xEF if bytes[at..].starts_with("\u{feff}".as_bytes()) => {
                at += 3;
                continue;
            }
            b'#' => {
                at = skip_comment(bytes, at);
                continue;
            }
            b'"' => skip_string(bytes, at),
            b'.' if bytes[at..].starts_with(b"...") => at + 3,
            byte if is_word(byte) => skip_while(bytes, at, is_word),
            // not GraphQL outside a string: one token per character, the parser will object
            byte if !byte.is_ascii() => skip_while(bytes, at + 1, |next| next & 0xC0 == 0x80),
            _ => at + 1,
        };
        match byte {
            b'(' | b'[' | b'{' => {
                open += 1;
                inputs.open(byte);
                found.nesting = found.nesting.max(open);
                at_most(
                    Code::GraphqlParseFailed,
                    "nesting",
                    limits.nesting,
                    open,
                    |_, maximum| {
                        format!(
                            "The document nests brackets more than {maximum} deep; \
                             at most {maximum} are accepted."
                        )
                    },
                )?;
            }
            // too many closing ones are the parser's to report: it stops there too
            b')' | b']' | b'}' => {
                open = open.saturating_sub(1);
                inputs.close();
            }
            b':' => inputs.name(text)?,
            _ => {}
        }
        inputs.last = (at, end);
        found.tokens += 1;
        at_most(
            Code::GraphqlParseFailed,
            "tokens",
            limits.tokens,
            found.tokens,
            |_, maximum| {
                format!(
                    "The document has more than {maximum} tokens; at most {maximum} are accepted."
                )
            },
        )?;
        at = end;
    }
    Ok(found)
}

/// The brackets that are open, and the fields that were named in those that are inputs: braces somewhere inside
/// parentheses, where there are no selections.
#[derive(Default)]
struct Inputs<'a> {
    open: Vec<(u8, HashSet<&'a str>)>,
    /// Where the last token was.
    last: (usize, usize),
}

impl<'a> Inputs<'a> {
    fn open(&mut self, bracket: u8) {
        let inside = matches!(self.open.last(), Some((b'(' | b'i' | b'[', _)));
        // what is inside of an argument is a value
        let kind = if inside && bracket == b'{' {
            b'i'
        } else {
            bracket
        };
        self.open.push((kind, HashSet::new()));
    }

    fn close(&mut self) {
        self.open.pop();
    }

    /// What comes before a colon names something; in an input, a field of it.
    fn name(&mut self, text: &'a str) -> Result<(), Refusal> {
        let Some((b'i', named)) = self.open.last_mut() else {
            return Ok(());
        };
        let (from, to) = self.last;
        let name = text.get(from..to).unwrap_or_default();
        if named.insert(name) {
            return Ok(());
        }
        let message = format!("There can be only one input field named \"{name}\".");
        let before = text.get(..from).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        Err(Refusal::new(Code::GraphqlValidationFailed, message).at([Pos { line, column }]))
    }
}

/// Letters, digits and what a number may contain.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+')
}

fn skip_while(bytes: &[u8], from: usize, keep: impl Fn(u8) -> bool) -> usize {
    from + bytes[from..].iter().take_while(|byte| keep(**byte)).count()
}

fn skip_comment(bytes: &[u8], from: usize) -> usize {
    skip_while(bytes, from, |byte| !matches!(byte, b'\n' | b'\r'))
}

fn skip_string(bytes: &[u8], from: usize) -> usize {
    if bytes[from..].starts_with(br#"""""#) {
        return skip_block_string(bytes, from + 3);
    }
    let mut at = from + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            // never closed: the parser fails here, so what follows is counted as text again
            b'\n' | b'\r' => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn skip_block_string(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() {
        if bytes[at..].starts_with(br#"\""""#) {
            at += 4;
        } else if bytes[at..].starts_with(br#"""""#) {
            return at + 3;
        } else {
            at += 1;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> (u64, u64) {
        let found = scan(text, &Limits::default()).unwrap();
        (found.tokens, found.nesting)
    }

    fn refused(text: &str) -> &'static str {
        let refusal = scan(text, &Limits::default()).unwrap_err();
        refusal.exceeded.unwrap().limit
    }

    #[test]
    fn tokens_and_brackets_are_counted_outside_strings_and_comments() {
        assert_eq!(counted("{ a }"), (3, 1));
        assert_eq!(counted("{ a(x: [1, -2.5e+3]) { ...F } }"), (17, 3));
        assert_eq!(counted("{ a(x: \"{[(\\\"{\") } # {{{{\n"), (8, 2));
        assert_eq!(
            counted("{ a(x: \"\"\" {{ \\\"\"\" {{ \"\" \"\"\") }"),
            (8, 2)
        );
        assert_eq!(counted("\u{feff}{ a(x: \"\") }"), (8, 2));
        assert_eq!(counted("{ a(x: \"größer 🦀\") }"), (8, 2));
        assert_eq!(counted(""), (0, 0));
    }

    #[test]
    fn each_limit_is_refused_by_its_own_name() {
        assert_eq!(refused(&" ".repeat(15_001)), "documentBytes");
        assert_eq!(refused(&"a ".repeat(2_001)), "tokens");
        assert_eq!(refused(&"{".repeat(65)), "nesting");
        assert_eq!(refused(&format!("{{a(x:{}", "[".repeat(63))), "nesting");
        assert_eq!(refused(&format!("{{a(x:{}", "{y:[".repeat(32))), "nesting");
    }

    #[test]
    fn a_field_of_an_input_is_given_once() {
        let told = |text: &str| scan(text, &Limits::default()).err();
        for fine in [
            "{ a: x a: x }",
            "{ f(a: { x: 1, y: { x: 2 } }, b: [{ x: 1 }, { x: 1 }]) { a: x a: x } }",
            "query($a: A = { x: 1 }, $b: B = { x: RED y: RED }) { f(a: $a) }",
            "{ f(a: { x: \"x: 1, x: 2\" # x: 3\n }) }",
        ] {
            assert_eq!(told(fine), None, "{fine}");
        }
        for (twice, column) in [
            ("{ f(a: { x: 1, x: 2 }) }", 16),
            ("{ f(a: [{ y: [{ x: $v y: 1 x: [] }] }]) }", 28),
            ("query($a: A = { x: 1 x: 2 }) { f(a: $a) }", 22),
        ] {
            let refusal = told(twice).unwrap();
            assert_eq!(refusal.code, Code::GraphqlValidationFailed);
            assert!(refusal.message.contains("\"x\""), "{}", refusal.message);
            assert_eq!(refusal.locations, [Pos { line: 1, column }], "{twice}");
        }
    }

    #[test]
    fn the_limit_itself_is_accepted() {
        assert!(scan(&" ".repeat(15_000), &Limits::default()).is_ok());
        assert!(scan(&"a ".repeat(2_000), &Limits::default()).is_ok());
        assert!(scan(&"{".repeat(64), &Limits::default()).is_ok());
    }

    #[test]
    fn a_string_that_never_closes_hides_no_brackets() {
        assert_eq!(refused(&format!("\"open\n{}", "[".repeat(65))), "nesting");
        assert!(scan("\"\\", &Limits::default()).is_ok());
        assert!(scan("\"\"\"", &Limits::default()).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in proptest::string::string_regex("(?s).{0,200}").unwrap()) {
            let _ = scan(&text, &Limits::default());
        }

        #[test]
        fn no_jumble_of_lexemes_makes_it_panic(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "{", "}", "(", ")", "[", "]", "\"", "\"\"\"", "\\", "#", "\n", "...", "🦀", "a", "-1", "\u{feff}",
                ]),
                0..200,
            )
        ) {
            let _ = scan(&parts.concat(), &Limits::default());
        }
    }
}
