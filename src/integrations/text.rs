//! From bytes to text: which encoding a file is in, and reading it.
//!
//! Banks rarely say, and say wrong. A byte order mark decides; then whatever is valid UTF-8 is
//! UTF-8, because text in another encoding practically never is by chance; the rest is read as
//! windows-1252, the superset of Latin-1 that western banks write.

use std::borrow::Cow;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::{Deserialize, Serialize};

use super::FileError;

/// The character encodings that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// Western European as Windows writes it.
    #[serde(rename = "windows-1252")]
    Windows1252,
    /// Latin-1.
    #[serde(rename = "iso-8859-1")]
    Iso88591,
    /// UTF-16, least significant byte first.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, most significant byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
}

/// Tells the encoding of a file, refusing what is no text.
pub(super) fn encoding_of(bytes: &[u8]) -> Result<Encoding, FileError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(FileError::Empty);
    }
    let binary = [
        (&b"PK\x03\x04"[..], "a ZIP archive or an Excel workbook"),
        (b"%PDF", "a PDF document"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
    ];
    if let Some((_, name)) = binary.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(FileError::NotText(name));
    }
    if let Some(encoding) = utf16(bytes) {
        return Ok(encoding);
    }
    if bytes[..bytes.len().min(4096)].contains(&0) {
        return Err(FileError::NotText("binary data"));
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(Encoding::Utf8),
        Err(_) => Ok(Encoding::Windows1252),
    }
}

/// UTF-16 by its mark, or by the zero bytes beside the ASCII of a first line.
fn utf16(bytes: &[u8]) -> Option<Encoding> {
    match bytes {
        [0xff, 0xfe, ..] => return Some(Encoding::Utf16Le),
        [0xfe, 0xff, ..] => return Some(Encoding::Utf16Be),
        _ => {}
    }
    let start = &bytes[..bytes.len().min(64)];
    let (pairs, _) = start.as_chunks::<2>();
    if pairs.len() < 2 {
        return None;
    }
    if pairs.iter().all(|pair| pair[0] != 0 && pair[1] == 0) {
        return Some(Encoding::Utf16Le);
    }
    pairs
        .iter()
        .all(|pair| pair[0] == 0 && pair[1] != 0)
        .then_some(Encoding::Utf16Be)
}

/// The text of a file. A byte order mark wins over the encoding that was asked for.
pub(super) fn decode(bytes: &[u8], encoding: Encoding) -> Result<Cow<'_, str>, FileError> {
    let (encoding, bytes) = match bytes {
        [0xff, 0xfe, rest @ ..] => (Encoding::Utf16Le, rest),
        [0xfe, 0xff, rest @ ..] => (Encoding::Utf16Be, rest),
        [0xef, 0xbb, 0xbf, rest @ ..] => (Encoding::Utf8, rest),
        _ => (encoding, bytes),
    };
    Ok(match encoding {
        Encoding::Utf8 => {
            Cow::Borrowed(
                std::str::from_utf8(bytes).map_err(|error| FileError::Encoding {
                    encoding: "utf-8",
                    at: error.valid_up_to(),
                })?,
            )
        }
        Encoding::Windows1252 => WINDOWS_1252.decode_without_bom_handling(bytes).0,
        Encoding::Iso88591 => encoding_rs::mem::decode_latin1(bytes),
        Encoding::Utf16Le => UTF_16LE.decode_without_bom_handling(bytes).0,
        Encoding::Utf16Be => UTF_16BE.decode_without_bom_handling(bytes).0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Encoding, String) {
        let encoding = encoding_of(bytes).unwrap();
        (encoding, decode(bytes, encoding).unwrap().into_owned())
    }

    #[test]
    fn the_encoding_is_told_from_the_bytes() {
        assert_eq!(read("Über".as_bytes()), (Encoding::Utf8, "Über".to_owned()));
        assert_eq!(read(b"\xef\xbb\xbfa"), (Encoding::Utf8, "a".to_owned()));
        assert_eq!(
            read(b"\xdcber \x80"),
            (Encoding::Windows1252, "Über €".to_owned())
        );
        assert_eq!(
            read(b"\xff\xfea\0b\0"),
            (Encoding::Utf16Le, "ab".to_owned())
        );
        assert_eq!(read(b"a\0b\0"), (Encoding::Utf16Le, "ab".to_owned()));
        assert_eq!(read(b"\0a\0b"), (Encoding::Utf16Be, "ab".to_owned()));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(encoding_of(b" \r\n"), Err(FileError::Empty));
        assert!(matches!(
            encoding_of(b"PK\x03\x04..."),
            Err(FileError::NotText(_))
        ));
        assert!(matches!(
            encoding_of(b"ab\0\0cd"),
            Err(FileError::NotText(_))
        ));
        let error = decode(b"ab\xff", Encoding::Utf8).unwrap_err();
        assert_eq!(
            error,
            FileError::Encoding {
                encoding: "utf-8",
                at: 2
            }
        );
    }

    #[test]
    fn latin_1_and_windows_1252_differ_where_they_should() {
        assert_eq!(decode(b"\x80", Encoding::Iso88591).unwrap(), "\u{80}");
        assert_eq!(decode(b"\x80", Encoding::Windows1252).unwrap(), "€");
    }
}
