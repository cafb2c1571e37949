//! What format a file is in, told from its content; its name only helps where that is silent.

use super::{
    FileError, Format,
    text::{decode, encoding_of},
};

/// How much of a file is looked at.
const HEAD_BYTES: usize = 64 * 1024;

/// Tells whether a file is CSV or OFX, or why it is not read.
pub fn detect(bytes: &[u8], file_name: Option<&str>) -> Result<Format, FileError> {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let text = decode(head, encoding_of(head)?)?;
    let text = text.trim_start();
    let upper = text[..text.floor_char_boundary(4096)].to_ascii_uppercase();

    if upper.contains("<OFX>") || upper.contains("OFXHEADER") {
        return Ok(Format::Ofx);
    }
    if let Some(name) = known_format(text, &upper) {
        return Err(FileError::NotReadYet(name));
    }
    let delimited = |line: &str| line.contains([',', ';', '\t', '|']);
    if text.lines().take(30).any(delimited) {
        return Ok(Format::Csv);
    }
    let extension = file_name
        .and_then(|name| name.rsplit_once('.'))
        .map(|(_, ext)| ext.to_ascii_lowercase());
    match extension.as_deref() {
        Some("csv" | "tsv") => Ok(Format::Csv),
        Some("ofx" | "qfx") => Ok(Format::Ofx),
        _ => Err(FileError::UnknownFormat),
    }
}

/// The name of a format that is recognised and not read.
fn known_format(text: &str, upper: &str) -> Option<&'static str> {
    let swift_tag = |tag: &str| upper.starts_with(tag) || upper.contains(&format!("\n{tag}"));
    if upper.contains("CAMT.053") {
        return Some("camt.053");
    }
    if upper.contains("CAMT.052") || upper.contains("CAMT.054") {
        return Some("camt.052 and camt.054");
    }
    if upper.starts_with("{1:") || (swift_tag(":20:") && (swift_tag(":25:") || swift_tag(":60"))) {
        return Some("MT940");
    }
    if upper.starts_with("!TYPE:") || upper.starts_with("!ACCOUNT") {
        return Some("QIF");
    }
    if upper.starts_with("<!DOCTYPE HTML") || upper.starts_with("<HTML") {
        return Some("a web page");
    }
    if text.starts_with("<?xml") {
        return Some("XML other than OFX");
    }
    let json = text.starts_with('{') || text.starts_with("[{");
    json.then_some("JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_says_what_it_is() {
        assert_eq!(
            detect(b"OFXHEADER:100\nDATA:OFXSGML\n<OFX>", Some("a.csv")),
            Ok(Format::Ofx)
        );
        assert_eq!(
            detect(b"\r\n\r\n<ofx><BANKMSGSRSV1>", None),
            Ok(Format::Ofx)
        );
        assert_eq!(detect(b"Date;Amount\n2026-01-01;1", None), Ok(Format::Csv));
        assert_eq!(
            detect(b"Date\n2026-01-01", Some("one.CSV")),
            Ok(Format::Csv)
        );
        assert_eq!(
            detect(b"hello", Some("notes.txt")),
            Err(FileError::UnknownFormat)
        );
        assert_eq!(detect(b"", None), Err(FileError::Empty));
    }

    #[test]
    fn formats_that_are_not_read_yet_are_named() {
        let refusal = |bytes: &[u8]| detect(bytes, None).unwrap_err().to_string();
        let camt = br#"<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">"#;
        assert_eq!(
            refusal(camt),
            "camt.053 is not read yet: export the statement as CSV or OFX"
        );
        assert!(refusal(b":20:START\r\n:25:123\r\n:60F:C1,").starts_with("MT940"));
        assert!(refusal(b"!Type:Bank\nD01/02/2026").starts_with("QIF"));
    }
}
