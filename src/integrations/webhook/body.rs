//! Reads a webhook body into rows.

use chrono::{Datelike, NaiveDate};
use serde_json::{Map, Value};

use crate::{
    integrations::{MAX_FIELD_BYTES, StatementRow, quoted},
    money::{Currency, Money},
    tag,
};

/// The most items of one body.
pub const MAX_ITEMS: usize = 1_000;

/// The longest id or account number, in bytes.
const MAX_ID_BYTES: usize = 255;

/// What a body says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// What the sender calls it.
    pub kind: String,
    /// The items that could be read, in order.
    pub rows: Vec<StatementRow>,
    /// Everything that could not, in order.
    pub refused: Vec<RefusedItem>,
}

/// What is wrong with one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedItem {
    /// The position of the item, from 0.
    pub index: usize,
    /// Where it is, such as `data[3].amount`.
    pub path: String,
    /// What is wrong, and what is accepted.
    pub message: String,
}

/// Why a body holds no items at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// It is not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// It is other JSON.
    #[error("{path}: accepted is {accepted}")]
    Shape {
        /// Where.
        path: &'static str,
        /// What should be there.
        accepted: &'static str,
    },
    /// Too much at once.
    #[error("data: {0} items are too many: accepted are at most {MAX_ITEMS}")]
    TooMany(usize),
}

/// Reads a body; an item that cannot be read does not stop the others.
pub fn parse(body: &[u8]) -> Result<Webhook, WebhookError> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| WebhookError::NotJson(error.to_string()))?;
    let shape = |path, accepted| WebhookError::Shape { path, accepted };
    let object = value
        .as_object()
        .ok_or_else(|| shape("body", "an object with type and data"))?;
    let kind = object
        .get("type")
        .and_then(Value::as_str)
        .filter(|kind| !kind.is_empty());
    let kind = kind.ok_or_else(|| shape("type", "a string such as transactions.created"))?;
    let items = object
        .get("data")
        .and_then(Value::as_array)
        .ok_or_else(|| shape("data", "a list of items"))?;
    if items.len() > MAX_ITEMS {
        return Err(WebhookError::TooMany(items.len()));
    }

    let mut webhook = Webhook {
        kind: kind.to_owned(),
        rows: Vec::new(),
        refused: Vec::new(),
    };
    for (index, item) in items.iter().enumerate() {
        match row(index, item) {
            Ok(row) => webhook.rows.push(row),
            Err(mut refused) => webhook.refused.append(&mut refused),
        }
    }
    Ok(webhook)
}

/// Reads one item, or says everything that is wrong with it.
fn row(index: usize, item: &Value) -> Result<StatementRow, Vec<RefusedItem>> {
    let Some(object) = item.as_object() else {
        let message =
            "accepted is an object with occurredOn, amount, currency and description".to_owned();
        return Err(vec![RefusedItem {
            index,
            path: format!("data[{index}]"),
            message,
        }]);
    };
    let mut fields = Fields {
        index,
        object,
        refused: Vec::new(),
    };
    let external_id = fields.optional("externalId", MAX_ID_BYTES);
    let account = fields.optional("account", MAX_ID_BYTES);
    let occurred_on = fields.date();
    let amount = fields.amount();
    let description = fields.required("description", "a text", MAX_FIELD_BYTES);
    let tags = fields.tags();
    match (occurred_on, amount, description) {
        (Some(occurred_on), Some(amount), Some(description)) if fields.refused.is_empty() => {
            Ok(StatementRow {
                line: u32::try_from(index + 1).expect("bodies hold at most a thousand items"),
                external_id,
                account,
                occurred_on,
                amount,
                words: vec![description.clone()],
                description,
                tags,
                raw: item.to_string(),
            })
        }
        _ => Err(fields.refused),
    }
}

/// The fields of one item, and what was wrong with them.
struct Fields<'v> {
    index: usize,
    object: &'v Map<String, Value>,
    refused: Vec<RefusedItem>,
}

impl Fields<'_> {
    fn refuse<T>(&mut self, field: &str, message: impl Into<String>) -> Option<T> {
        let path = format!("data[{}].{field}", self.index);
        self.refused.push(RefusedItem {
            index: self.index,
            path,
            message: message.into(),
        });
        None
    }

    /// A text that may be left out.
    fn optional(&mut self, field: &str, max_bytes: usize) -> Option<String> {
        match self.object.get(field) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.len() > max_bytes => self.refuse(
                field,
                format!("is longer than the {max_bytes} bytes that are accepted"),
            ),
            Some(Value::String(text)) => {
                Some(text.trim().to_owned()).filter(|text| !text.is_empty())
            }
            Some(_) => self.refuse(field, "accepted is a string, or leaving it out"),
        }
    }

    /// A text that must be there.
    fn required(&mut self, field: &str, accepted: &str, max_bytes: usize) -> Option<String> {
        let before = self.refused.len();
        match self.optional(field, max_bytes) {
            Some(text) if text.contains('\0') => self.refuse(
                field,
                "holds the character U+0000, which is not accepted".to_owned(),
            ),
            Some(text) => Some(text),
            None if self.refused.len() > before => None,
            None => self.refuse(field, format!("is missing: accepted is {accepted}")),
        }
    }

    /// A list of tags that may be left out.
    fn tags(&mut self) -> Vec<String> {
        let listed: Option<Vec<&str>> = match self.object.get("tags") {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(listed)) => listed.iter().map(Value::as_str).collect(),
            Some(_) => None,
        };
        let kept = match listed.map(tag::all_kept) {
            None => Err("accepted is a list of strings, or leaving it out".to_owned()),
            Some(Err(_)) => Err(tag::ACCEPTED.to_owned()),
            Some(Ok(kept)) => tag::few(kept),
        };
        let refused = kept.map_err(|message| self.refuse("tags", message));
        refused.unwrap_or_else(Option::unwrap_or_default)
    }

    fn date(&mut self) -> Option<NaiveDate> {
        let field = "occurredOn";
        let accepted = "a date such as \"2026-03-31\"";
        let text = self.required(field, accepted, MAX_ID_BYTES)?;
        match NaiveDate::parse_from_str(&text, "%Y-%m-%d") {
            Ok(date) if text.len() == 10 && (1900..2200).contains(&date.year()) => Some(date),
            _ => self.refuse(
                field,
                format!("{} is not a date: accepted is {accepted}", quoted(&text)),
            ),
        }
    }

    fn amount(&mut self) -> Option<Money> {
        let currency = self.required("currency", "an ISO 4217 code such as \"EUR\"", MAX_ID_BYTES);
        let currency = currency.and_then(|code| match code.parse::<Currency>() {
            Ok(currency) => Some(currency),
            Err(error) => self.refuse("currency", error.to_string()),
        });
        if let Some(Value::Number(number)) = self.object.get("amount") {
            let message = format!(
                "a JSON number cannot carry money exactly: accepted is a string such as \"{number}\""
            );
            return self.refuse("amount", message);
        }
        let text = self.required(
            "amount",
            "a decimal in a string such as \"-12.50\"",
            MAX_ID_BYTES,
        )?;
        // an amount is checked even when its currency is none: all that is wrong is said at once
        match Money::parse(&text, currency.unwrap_or(Currency::EUR)) {
            Ok(amount) => currency.map(|_| amount),
            Err(error) => self.refuse("amount", error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn refusals(item: Value) -> Vec<String> {
        let body = json!({"type": "t", "data": [item]}).to_string();
        let webhook = parse(body.as_bytes()).unwrap();
        webhook
            .refused
            .into_iter()
            .map(|item| format!("{}: {}", item.path, item.message))
            .collect()
    }

    #[test]
    fn an_item_becomes_a_row() {
        let body = json!({"type": "transactions.created", "data": [
            {"externalId": "tx-1", "occurredOn": "2026-03-31", "amount": "-12.50", "currency": "EUR",
             "description": " Coffee ", "account": "NL01", "tags": ["Trip", "trip "], "extra": 1},
            {"occurredOn": "2026-03-31", "amount": "3", "currency": "JPY", "description": "Tea", "account": null},
        ]});
        let webhook = parse(body.to_string().as_bytes()).unwrap();
        assert_eq!(
            (webhook.kind.as_str(), webhook.refused.len()),
            ("transactions.created", 0)
        );
        let [first, second] = webhook.rows.try_into().unwrap();
        assert_eq!(first.amount, Money::parse("-12.50", Currency::EUR).unwrap());
        assert_eq!(
            (first.external_id.as_deref(), first.account.as_deref()),
            (Some("tx-1"), Some("NL01"))
        );
        assert_eq!((first.description.as_str(), first.line), ("Coffee", 1));
        assert_eq!((second.external_id, second.account), (None, None));
        assert_eq!((first.tags, second.tags), (vec!["trip".to_owned()], vec![]));
    }

    #[test]
    fn everything_wrong_with_an_item_is_named() {
        assert_eq!(
            refusals(
                json!({"occurredOn": "31.03.2026", "amount": 12.5, "currency": "EURO", "externalId": 7})
            ),
            [
                "data[0].externalId: accepted is a string, or leaving it out",
                "data[0].occurredOn: '31.03.2026' is not a date: accepted is a date such as \"2026-03-31\"",
                "data[0].currency: 'EURO' is not a currency: accepted is an active ISO 4217 code such as EUR",
                "data[0].amount: a JSON number cannot carry money exactly: accepted is a string such as \"12.5\"",
                "data[0].description: is missing: accepted is a text",
            ]
        );
        let tagged = |tags: Value| {
            refusals(
                json!({"occurredOn": "2026-03-31", "amount": "1", "currency": "EUR", "description": "x", "tags": tags}),
            )
        };
        for wrong in [json!("trip"), json!([1]), json!(["a,b"]), json!({})] {
            let refused = tagged(wrong);
            assert!(
                refused.len() == 1 && refused[0].starts_with("data[0].tags: "),
                "{refused:?}"
            );
        }
        assert!(tagged(json!(null)).is_empty() && tagged(json!([])).is_empty());
        assert_eq!(
            refusals(json!("x")),
            ["data[0]: accepted is an object with occurredOn, amount, currency and description"]
        );
    }

    #[test]
    fn one_bad_item_does_not_stop_the_others() {
        let good = json!({"occurredOn": "2026-03-31", "amount": "1", "currency": "EUR", "description": "x"});
        let body = json!({"type": "t", "data": [good, {}, good]}).to_string();
        let webhook = parse(body.as_bytes()).unwrap();
        assert_eq!(
            webhook.rows.iter().map(|row| row.line).collect::<Vec<_>>(),
            [1, 3]
        );
        assert!(webhook.refused.iter().all(|item| item.index == 1));
    }

    #[test]
    fn a_body_of_another_shape_is_refused() {
        let refusal = |body: &str| parse(body.as_bytes()).unwrap_err().to_string();
        assert!(refusal("{").starts_with("the body is not JSON"));
        assert_eq!(
            refusal("[]"),
            "body: accepted is an object with type and data"
        );
        assert_eq!(
            refusal(r#"{"data": []}"#),
            "type: accepted is a string such as transactions.created"
        );
        assert_eq!(
            refusal(r#"{"type": "t"}"#),
            "data: accepted is a list of items"
        );
        let many = json!({"type": "t", "data": vec![0; 1001]}).to_string();
        assert_eq!(
            refusal(&many),
            "data: 1001 items are too many: accepted are at most 1000"
        );
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&body);
        }
    }
}
