//! Names of people and companies.

use crate::error::{Error, Result};

const MAX_CHARS: usize = 120;

/// A name as it is kept: trimmed, on one line.
pub(super) fn check(field: &'static str, name: &str) -> Result<String> {
    let name = name.trim();
    let fits = (1..=MAX_CHARS).contains(&name.chars().take(MAX_CHARS + 1).count());
    if fits && !name.chars().any(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err(Error::invalid(
            field,
            "is no name; 1 to 120 characters on one line are accepted",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_sensible_length() {
        assert_eq!(check("name", " Ada ").unwrap(), "Ada");
        for name in ["", "  ", "a\nb", &"a".repeat(121)] {
            assert!(check("name", name).is_err());
        }
    }
}
