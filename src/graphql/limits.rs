//! How large a request may be. Every figure is configurable; the defaults are the API contract.

use serde::{Deserialize, Serialize};

use super::refusal::{Code, Exceeded, Refusal};

/// The bounds of one request, checked by [`scan`](super::scan::scan) on the text and by
/// [`measure`](super::measure::measure) on the parsed document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of the document.
    pub document_bytes: u64,
    /// Lexical tokens of the document, comments not counted.
    pub tokens: u64,
    /// Brackets of any kind inside each other, in the text.
    pub nesting: u64,
    /// Fields inside each other, fragments spread out.
    pub depth: u64,
    /// The same below `__schema` and `__type`, where the standard query of tools goes deeper.
    pub introspection_depth: u64,
    /// Lists of types inside each other below `__schema` and `__type`. Types refer to each
    /// other, so each such list multiplies the answer by the size of the schema.
    pub introspection_lists: u64,
    /// Aliased fields, fragments spread out.
    pub aliases: u64,
    /// Directives, fragments spread out.
    pub directives: u64,
    /// Fields of the operation itself.
    pub root_fields: u64,
    /// Selections of all operations, fragments spread out. Free fields are executed too.
    pub expanded_fields: u64,
    /// The cost one request may have.
    pub cost: u64,
    /// Errors in one answer.
    pub errors: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document_bytes: 15_000,
            tokens: 2_000,
            nesting: 64,
            depth: 12,
            introspection_depth: 25,
            introspection_lists: 2,
            aliases: 30,
            directives: 50,
            root_fields: 20,
            expanded_fields: 5_000,
            cost: 5_000,
            errors: 20,
        }
    }
}

/// Refuses when `actual` is above `maximum`; `say` turns the two into a sentence.
pub(super) fn at_most(
    code: Code,
    limit: &'static str,
    maximum: u64,
    actual: u64,
    say: impl FnOnce(u64, u64) -> String,
) -> Result<(), Refusal> {
    if actual <= maximum {
        return Ok(());
    }
    let exceeded = Exceeded {
        limit,
        maximum,
        actual,
    };
    Err(Refusal::exceeded(code, exceeded, say(actual, maximum)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_may_name_only_what_differs() {
        let limits: Limits = serde_json::from_str(r#"{"depth": 9}"#).unwrap();
        assert_eq!(
            limits,
            Limits {
                depth: 9,
                ..Limits::default()
            }
        );
        assert!(serde_json::from_str::<Limits>(r#"{"depht": 9}"#).is_err());
    }
}
