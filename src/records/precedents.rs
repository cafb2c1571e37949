//! What a decision tells of other records, and to whom.

use entity::decision::{self, Source};
use serde_json::Value;

use crate::ctx::Ctx;
use crate::permission::Permission;

/// What is said instead of a sentence that quotes another record.
const ALIKE: &str = "Approved records that look alike were filed this way.";

/// Decisions as whoever asks may read them. Similar records spoke by their texts; somebody who does not see all records is
/// told that they spoke, and not what they say.
pub fn without_precedents(ctx: &Ctx, mut decisions: Vec<decision::Model>) -> Vec<decision::Model> {
    if !ctx.reach(Permission::ReadRecords).is_everything() {
        for decision in &mut decisions {
            if decision.source == Source::Similar {
                ALIKE.clone_into(&mut decision.rationale);
            }
            if let Some(considered) = silenced(&decision.considered) {
                decision.considered = considered;
            }
        }
    }
    if ctx.require(Permission::ReadRules).is_err() {
        for decision in &mut decisions {
            if let Some(considered) = without_clauses(&decision.considered) {
                decision.considered = considered;
            }
        }
    }
    decisions
}

/// A stored trace without the texts of similar records; nothing if there are none, or it was not read.
fn silenced(considered: &str) -> Option<String> {
    let mut views: Value = serde_json::from_str(considered).ok()?;
    let views_of_similar = views.as_array_mut()?.iter_mut();
    for view in views_of_similar.filter(|view| view["tier"] == "SIMILAR") {
        if view.get("evidence").is_some() {
            view["reason"] = ALIKE.into();
        }
        for at in ["/evidence", "/evidence/votes"] {
            if let Some(Value::Object(evidence)) = view.pointer_mut(at) {
                evidence.remove("neighbours");
            }
        }
    }
    Some(views.to_string())
}

/// A stored trace without the clauses of rules, for whoever may not read rules; nothing if there are none.
fn without_clauses(considered: &str) -> Option<String> {
    if !considered.contains("\"missed\"") {
        return None;
    }
    let mut views: Value = serde_json::from_str(considered).ok()?;
    for view in views.as_array_mut()? {
        if let Some(Value::Object(evidence)) = view.pointer_mut("/evidence") {
            evidence.remove("missed");
        }
    }
    Some(views.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_similar_record_is_not_quoted() {
        let spoke = json!({ "support": 2, "neighbours": [{ "text": "secret lunch" }] });
        let views = json!([
            { "tier": "EXACT", "reason": "\"own\" was filed once." },
            { "tier": "SIMILAR", "reason": "It looks like \"secret lunch\".", "evidence": spoke },
            { "tier": "SIMILAR", "reason": "By m it means the like of \"secret lunch\".",
              "evidence": { "model": "m", "votes": spoke } },
            { "tier": "SIMILAR", "reason": "Nothing looks alike." },
        ]);
        let told = silenced(&views.to_string()).unwrap();
        assert!(!told.contains("secret lunch"), "{told}");
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told[0], views[0]);
        assert_eq!(told[2]["evidence"]["votes"]["support"], 2);
        assert_eq!(told[3], views[3]);
        assert_eq!(silenced(""), None);
    }

    #[test]
    fn a_clause_is_for_those_who_read_rules() {
        let missed = json!([{ "rule": "r", "clause": "it is not so that the description contains \"secret\"" }]);
        let views = json!([{ "tier": "RULE", "evidence": { "matched": [], "missed": missed, "rules": 1 } }]);
        let told = without_clauses(&views.to_string()).unwrap();
        assert!(
            !told.contains("secret") && told.contains("\"rules\":1"),
            "{told}"
        );
        assert_eq!(without_clauses("[]"), None);
    }
}
