//! Tags: short words that records are found by.
//!
//! Rules set them, people add and remove them, and files bring them along. They are kept folded and each once, as a JSON
//! list in one column. None holds what JSON writes in another way or what stands between two of them, so one can be
//! looked for in the list between its quotes, and a cell of a CSV file holds many.

use crate::text::fold;

/// How many characters a tag may have.
pub const MAX_CHARS: usize = 50;

/// How many tags people and files may leave on a record.
pub const MAX_TAGS: usize = 20;

/// What is accepted as a tag, for whoever wrote something else.
pub const ACCEPTED: &str =
    "1 to 50 characters without commas, semicolons, quotes and backslashes are accepted";

/// A tag as it is kept; none when it is not accepted.
pub fn kept(text: &str) -> Option<String> {
    let plain = |letter: char| !letter.is_control() && !matches!(letter, '"' | '\\' | ',' | ';');
    let tag = fold(text);
    let accepted = (1..=MAX_CHARS).contains(&tag.chars().count()) && text.chars().all(plain);
    accepted.then(|| tag.into_owned())
}

/// Tags as they are kept, each once, in the order they are written.
///
/// # Errors
/// The place of the first one that is not accepted.
pub fn all_kept<'t>(tags: impl IntoIterator<Item = &'t str>) -> Result<Vec<String>, usize> {
    let mut all = Vec::new();
    for (at, tag) in tags.into_iter().enumerate() {
        let tag = kept(tag).ok_or(at)?;
        if !all.contains(&tag) {
            all.push(tag);
        }
    }
    Ok(all)
}

/// The tags in a cell of a file, with commas or semicolons between them; nothing between two of these is no tag.
///
/// # Errors
/// What is accepted, when the cell holds something else.
pub fn in_cell(cell: &str) -> Result<Vec<String>, String> {
    let parts = cell.split([',', ';']).map(str::trim);
    let tags = all_kept(parts.filter(|part| !part.is_empty()));
    few(tags.map_err(|_| ACCEPTED.to_owned())?)
}

/// The tags, unless a record cannot have so many.
///
/// # Errors
/// How many are accepted.
pub fn few(tags: Vec<String>) -> Result<Vec<String>, String> {
    if tags.len() > MAX_TAGS {
        return Err(format!("at most {MAX_TAGS} tags are accepted"));
    }
    Ok(tags)
}

/// Tags as they are stored; null when there are none.
pub fn written(tags: &[String]) -> Option<String> {
    let list = || serde_json::Value::from(tags).to_string();
    (!tags.is_empty()).then(list)
}

/// Tags out of what is stored.
pub fn read(stored: Option<&str>) -> Vec<String> {
    let list = stored.and_then(|json| serde_json::from_str(json).ok());
    list.unwrap_or_default()
}

/// The tags in both lists, each once.
pub fn joined(first: Vec<String>, more: Vec<String>) -> Vec<String> {
    let mut all = first;
    for tag in more {
        if !all.contains(&tag) {
            all.push(tag);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_kept_folded_or_not_at_all() {
        assert_eq!(kept("  Travel \u{a0}TAX ").as_deref(), Some("travel tax"));
        assert_eq!(kept(&"é".repeat(50)), Some("é".repeat(50)));
        let long = "x".repeat(51);
        for wrong in ["", "  ", "a,b", "a;b", "a\"b", "a\\b", "a\nb", &long] {
            assert_eq!(kept(wrong), None, "{wrong:?}");
        }
        assert_eq!(
            all_kept(["Tax", "tax ", "trip"]),
            Ok(vec!["tax".into(), "trip".into()])
        );
        assert_eq!(all_kept(["tax", "a,b"]), Err(1));
    }

    #[test]
    fn a_cell_holds_many_and_what_is_written_is_read() {
        let tags = in_cell(" Trip; tax,, Trip,").unwrap();
        assert_eq!(tags, ["trip", "tax"]);
        assert_eq!(written(&tags).as_deref(), Some(r#"["trip","tax"]"#));
        assert_eq!(read(written(&tags).as_deref()), tags);
        assert_eq!((written(&[]), read(None)), (None, Vec::new()));
        assert_eq!(in_cell("  "), Ok(Vec::new()));
        assert!(in_cell("say \"hi\"").is_err());
        let many: Vec<String> = (0..=MAX_TAGS).map(|n| n.to_string()).collect();
        assert!(in_cell(&many.join(",")).is_err() && in_cell(&many[1..].join(",")).is_ok());
    }
}
