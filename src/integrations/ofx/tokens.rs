//! Cuts OFX into tags and the text behind them, both the SGML and the XML kind and what lies
//! between: a close tag may be missing, a header may be missing, and neither is an error here.

use std::borrow::Cow;

/// The longest entity, with its ends.
const MAX_ENTITY_BYTES: usize = 11;

/// One piece of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A tag is opened; the text is what stands between it and the next tag.
    Open {
        /// The name as it stands in the file.
        name: &'t str,
        /// The text behind it, entities resolved, blanks around it gone.
        text: Cow<'t, str>,
        /// Where its `<` is, in bytes.
        at: usize,
    },
    /// A tag is closed.
    Close {
        /// The name as it stands in the file.
        name: &'t str,
        /// Where its `<` is.
        at: usize,
        /// Behind its `>`, in bytes.
        end: usize,
    },
}

/// The tokens of a file, read one by one.
pub(super) struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

/// Reads the tokens of a text.
pub(super) fn tokens(text: &str) -> Tokens<'_> {
    Tokens { text, at: 0 }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        loop {
            let at = self.at + next_tag(&self.text[self.at..])?;
            let tag = &self.text[at..];
            if tag.starts_with("<!--") {
                self.at = tag.find("-->").map_or(self.text.len(), |end| at + end + 3);
                continue;
            }
            let end = at + tag.find('>')?;
            self.at = end + 1;
            let inner = &self.text[at + 1..end];
            if inner.starts_with(['?', '!']) {
                continue;
            }
            if let Some(name) = inner.strip_prefix('/') {
                return Some(Token::Close {
                    name: name.trim(),
                    at,
                    end: end + 1,
                });
            }
            let name = inner
                .split([' ', '\t', '\r', '\n', '/'])
                .next()
                .unwrap_or(inner);
            let rest = &self.text[self.at..];
            let text = match rest.trim_start().strip_prefix("<![CDATA[") {
                Some(data) => {
                    let length = data.find("]]>").unwrap_or(data.len());
                    let start = self.text.len() - data.len();
                    self.at = (start + length + 3).min(self.text.len());
                    Cow::Borrowed(data[..length].trim())
                }
                None => entities(rest[..next_tag(rest).unwrap_or(rest.len())].trim()),
            };
            return Some(Token::Open { name, text, at });
        }
    }
}

/// Where the next tag begins; a lone `<` inside a text is text.
fn next_tag(text: &str) -> Option<usize> {
    let begins = |at: &usize| {
        text[at + 1..].starts_with(|letter: char| {
            letter.is_ascii_alphabetic() || matches!(letter, '/' | '?' | '!')
        })
    };
    text.match_indices('<').map(|(at, _)| at).find(begins)
}

/// Resolves the entities of a text; what is none stays as it is.
fn entities(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        resolved.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity = rest
            .bytes()
            .take(MAX_ENTITY_BYTES)
            .position(|byte| byte == b';')
            .and_then(|end| Some((entity(&rest[1..end])?, end)));
        match entity {
            Some((letter, end)) => {
                resolved.push(letter);
                rest = &rest[end + 1..];
            }
            None => {
                resolved.push('&');
                rest = &rest[1..];
            }
        }
    }
    resolved.push_str(rest);
    Cow::Owned(resolved)
}

/// The letter an entity stands for.
fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_with_the_text_behind_them() {
        let text = "<?xml?><!-- <X>1 --><A>\n <B.C>a &amp; b &#233;&x; <D  />x < 1</A>";
        let read: Vec<String> = tokens(text)
            .map(|token| match token {
                Token::Open { name, text, .. } => format!("{name}={text}"),
                Token::Close { name, .. } => format!("/{name}"),
            })
            .collect();
        assert_eq!(read, ["A=", "B.C=a & b é&x;", "D=x < 1", "/A"]);
    }

    #[test]
    fn marked_text_is_taken_as_it_is() {
        let read: Vec<_> = tokens("<A><![CDATA[<b> & c]]></A>").collect();
        assert!(matches!(&read[0], Token::Open { name: "A", text, .. } if text == "<b> & c"));
        assert_eq!(read.len(), 2);
    }
}
