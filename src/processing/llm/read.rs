//! Reading what a language model answered: by id, by number, and nothing else.

use serde_json::Value;

/// A model is never trusted more than this, whatever it says of itself.
pub(super) const CEILING: f64 = 0.8;
/// What an answer without a confidence is worth.
const UNSAID: f64 = 0.5;
/// Letters kept of the reason it gives.
const BECAUSE: usize = 160;

/// What it chose for a question.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    /// The place in the closed list.
    pub index: usize,
    /// How sure it may be.
    pub confidence: f64,
    /// Why, in its own words; empty when it did not say.
    pub because: String,
}

/// Reads an answer to `questions` questions with `choices` choices: for each question the choice, or why
/// there is none.
pub(super) fn read(text: &str, questions: usize, choices: usize) -> Vec<Result<Choice, String>> {
    let Some(items) = items(text) else {
        let reason = "The language model's answer was not the JSON that was asked for.";
        return vec![Err(reason.to_owned()); questions];
    };
    let mut read = vec![Err("The language model did not answer about it.".to_owned()); questions];
    let mut seen = vec![false; questions];
    for item in items {
        let id = number(&item["id"]).and_then(|id| usize::try_from(id as i64).ok());
        let Some(id) = id.filter(|id| *id < questions) else {
            continue;
        };
        read[id] = if std::mem::replace(&mut seen[id], true) {
            Err("The language model answered twice about it.".to_owned())
        } else {
            choice(&item, choices)
        };
    }
    read
}

fn choice(item: &Value, choices: usize) -> Result<Choice, String> {
    if item["category"].is_null() {
        return Err("The language model found no category that fits.".to_owned());
    }
    let index = number(&item["category"])
        .filter(|index| index.fract() == 0.0 && (0.0..choices as f64).contains(index))
        .ok_or("The language model chose a category outside the list.")?;
    let confidence = number(&item["confidence"]).unwrap_or(UNSAID);
    let because = item["because"].as_str().map(str::trim).unwrap_or_default();
    Ok(Choice {
        index: index as usize,
        confidence: confidence.clamp(0.0, CEILING),
        because: because
            .chars()
            .filter(|letter| !letter.is_control())
            .take(BECAUSE)
            .collect(),
    })
}

/// The list in an answer: bare or under `answers`, in a code fence or not.
fn items(text: &str) -> Option<Vec<Value>> {
    let text = text.trim();
    let text = match text.strip_prefix("```") {
        Some(fenced) => fenced
            .strip_prefix("json")
            .unwrap_or(fenced)
            .trim_end()
            .trim_end_matches("```"),
        None => text,
    };
    match serde_json::from_str(text).ok()? {
        Value::Array(items) => Some(items),
        Value::Object(mut object) => match object.remove("answers") {
            Some(Value::Array(items)) => Some(items),
            _ => None,
        },
        _ => None,
    }
}

/// A number, also one written as text.
fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(text: &str, questions: usize) -> Vec<(usize, f64)> {
        let read = read(text, questions, 3).into_iter().map(Result::unwrap);
        read.map(|choice| (choice.index, choice.confidence))
            .collect()
    }

    #[test]
    fn the_reason_it_gives_is_cut_and_holds_no_line_of_its_own() {
        let text = serde_json::json!([{ "id": 0, "category": 0, "because": "a\nb".repeat(200) }]);
        let because = read(&text.to_string(), 1, 1).remove(0).unwrap().because;
        assert_eq!(because.chars().count(), BECAUSE);
        assert!(!because.contains('\n'));
    }

    #[test]
    fn answers_are_matched_by_id_and_confidence_is_capped() {
        let text = r#"{"answers": [{"id": 1, "category": 0, "confidence": 7},
                                   {"id": "0", "category": "2", "confidence": "0.4"},
                                   {"id": 2, "category": 1}, {"id": 9, "category": 1}]}"#;
        assert_eq!(chosen(text, 3), [(2, 0.4), (0, CEILING), (1, UNSAID)]);
        let unsure = r#"[{"id": 0, "category": 0, "confidence": "rather"}]"#;
        assert_eq!(chosen(unsure, 1), [(0, UNSAID)]);
        let fenced = "```json\n[{\"id\": 0, \"category\": 0, \"confidence\": 0.6}]\n```";
        assert_eq!(chosen(fenced, 1), [(0, 0.6)]);
    }

    #[test]
    fn what_is_not_understood_is_left_to_a_person_with_the_reason() {
        let reason = |text: &str| read(text, 1, 3).remove(0).unwrap_err();
        assert!(reason("Sure! Here you go").contains("not the JSON"));
        assert!(reason(r#"{"answers": "none"}"#).contains("not the JSON"));
        assert!(reason("[]").contains("did not answer"));
        assert!(reason(r#"[{"id": 0, "category": 3}]"#).contains("outside the list"));
        assert!(reason(r#"[{"id": 0, "category": -1}]"#).contains("outside the list"));
        assert!(reason(r#"[{"id": 0, "category": 1.5}]"#).contains("outside the list"));
        assert!(reason(r#"[{"id": 0, "category": "Travel"}]"#).contains("outside the list"));
        assert!(reason(r#"[{"id": 0, "category": null}]"#).contains("no category that fits"));
        let twice = r#"[{"id": 0, "category": 1}, {"id": 0, "category": 2}]"#;
        assert!(reason(twice).contains("twice"));
    }
}
