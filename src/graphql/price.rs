//! What an operation came to: its cost reckoned again, from the answer.
//!
//! The rules are those of [`cost`](super::cost) with one difference: a list counts the entries that were answered, in
//! place of the page that was asked for. Whatever is in no list counts as it was asked for. It is never more than what
//! was asked for, and at least 1.

use std::sync::Arc;

use async_graphql::Value;
use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationType, Selection, SelectionSet,
};

use super::cache::Document;
use super::cost::{CostIndex, FieldCost, Multiplier, TypeCost};
use super::measure::Measured;
use super::operation::select_operation;

/// What an operation may cost, and how to tell what it did.
#[derive(Debug, Clone)]
pub struct Price {
    document: Arc<Document>,
    operation: Option<String>,
    index: Arc<CostIndex>,
    kind: OperationType,
    requested: u64,
}

impl Price {
    /// The price of an operation that was measured.
    pub fn new(
        document: Arc<Document>,
        operation: Option<String>,
        index: Arc<CostIndex>,
        measured: &Measured,
    ) -> Self {
        Self {
            document,
            operation,
            index,
            kind: measured.operation_type,
            requested: measured.cost.max(1),
        }
    }

    /// The most it can cost.
    pub fn requested(&self) -> u64 {
        self.requested
    }

    /// What an answer cost.
    pub fn actual(&self, data: &Value) -> u64 {
        let tree = &self.document.tree;
        if *data == Value::Null {
            return 1;
        }
        let Ok(operation) = select_operation(tree, self.operation.as_deref()) else {
            return 1;
        };
        let walk = Walk {
            tree,
            index: &self.index,
        };
        let root = self.index.root(self.kind);
        let answered = Answered::one(data);
        let sum = walk.selections(&operation.selection_set.node, root, &answered);
        sum.clamp(1, self.requested)
    }
}

/// The objects that one selection set was carried out on. Those written as JSON are counted and not looked into: there
/// are no lists in them.
struct Answered<'a> {
    count: u64,
    seen: Vec<&'a Value>,
}

impl<'a> Answered<'a> {
    fn one(value: &'a Value) -> Self {
        Self {
            count: 1,
            seen: vec![value],
        }
    }

    /// What these objects have under a key.
    fn under(&self, key: &str) -> impl Iterator<Item = &'a Value> {
        self.seen.iter().filter_map(move |value| match value {
            Value::Object(members) => members.get(key),
            _ => None,
        })
    }

    /// The objects under a key, one of each.
    fn objects(&self, key: &str) -> Self {
        Self {
            count: self.count,
            seen: self.under(key).collect(),
        }
    }

    /// The entries of the lists under a key.
    fn entries(&self, key: &str) -> Self {
        let mut entries = Self {
            count: 0,
            seen: Vec::new(),
        };
        for value in self.under(key) {
            entries.add(value);
        }
        entries
    }

    fn add(&mut self, value: &'a Value) {
        match value {
            Value::List(items) => items.iter().for_each(|item| self.add(item)),
            other => {
                self.count += 1;
                if matches!(other, Value::Object(_)) {
                    self.seen.push(other);
                }
            }
        }
    }
}

struct Walk<'a> {
    tree: &'a ExecutableDocument,
    index: &'a CostIndex,
}

impl Walk<'_> {
    fn selections(
        &self,
        set: &SelectionSet,
        parent: Option<&TypeCost>,
        answered: &Answered<'_>,
    ) -> u64 {
        if answered.count == 0 {
            return 0;
        }
        let each = set.items.iter().map(|selection| match &selection.node {
            Selection::Field(field) => self.field(&field.node, parent, answered),
            Selection::InlineFragment(inline) => {
                let parent = match &inline.node.type_condition {
                    Some(condition) => self.index.find(&condition.node.on.node),
                    None => parent,
                };
                self.selections(&inline.node.selection_set.node, parent, answered)
            }
            Selection::FragmentSpread(spread) => {
                match self.tree.fragments.get(&spread.node.fragment_name.node) {
                    Some(fragment) => {
                        let on = &fragment.node.type_condition.node.on.node;
                        let set = &fragment.node.selection_set.node;
                        self.selections(set, self.index.find(on), answered)
                    }
                    None => 0,
                }
            }
        });
        each.fold(0, u64::saturating_add)
    }

    fn field(&self, field: &Field, parent: Option<&TypeCost>, answered: &Answered<'_>) -> u64 {
        let name = field.name.node.as_str();
        let Some(known) = parent.and_then(|parent| parent.fields.get(name)) else {
            return 0;
        };
        let set = &field.selection_set.node;
        if set.items.is_empty() {
            return known.own.saturating_mul(answered.count);
        }
        let key = field.response_key().node.as_str();
        let beneath = if is_list(known) {
            answered.entries(key)
        } else {
            answered.objects(key)
        };
        // the edges of a page are paid for once, and what is in them for each
        let own = match known.multiplier {
            Multiplier::Edges if known.result.ends_with("Edge") => answered.count,
            _ => beneath.count,
        };
        let result = self.index.find(&known.result);
        let selected = self.selections(set, result, &beneath);
        known.own.saturating_mul(own).saturating_add(selected)
    }
}

fn is_list(field: &FieldCost) -> bool {
    match field.multiplier {
        Multiplier::One | Multiplier::Connection => false,
        Multiplier::Entries(_) | Multiplier::Page | Multiplier::Ids | Multiplier::Edges => true,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::Variables;
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::super::limits::Limits;
    use super::super::measure::measure;
    use super::super::schema;
    use super::*;

    /// Requested and actual cost.
    fn price(query: &str, data: serde_json::Value) -> (u64, u64) {
        let index = Arc::new(CostIndex::build(&schema::sdl()).unwrap());
        let tree = parse_query(query).unwrap();
        let limits = Limits::default();
        let measured = measure(&tree, None, &Variables::default(), &index, &limits).unwrap();
        let document = Arc::new(Document::new(tree, 1, ""));
        let price = Price::new(document, None, index, &measured);
        let data = Value::from_json(data).unwrap();
        (price.requested(), price.actual(&data))
    }

    #[test]
    fn a_page_costs_the_entries_that_came() {
        let query = "{ records(first: 50) { totalCount edges { node { id category { id } } } } }";
        let node = |category| json!({ "node": { "id": "a", "category": category } });
        // 1 for the connection, 10 for the count, 1 for its edges, and 2 for each record with its category
        let full = 1 + 10 + 1 + 50 * 2;
        let page = vec![
            node(json!({ "id": "b" })),
            node(json!(null)),
            node(json!(null)),
        ];
        let data = json!({ "records": { "totalCount": 3, "edges": page } });
        assert_eq!(price(query, data), (full, 1 + 10 + 1 + 3 * 2));
        let none = json!({ "records": { "totalCount": 0, "edges": [] } });
        assert_eq!(price(query, none), (full, 12));
        assert_eq!(price(query, json!(null)), (full, 1));
    }

    #[test]
    fn fragments_and_aliases_are_followed() {
        let query = "query { few: records(first: 3) { ...Page } }
            fragment Page on RecordConnection { nodes: edges { ... on RecordEdge { node { id } } } }";
        let node = json!({ "node": { "id": "a" } });
        let data = json!({ "few": { "nodes": [node, node] } });
        assert_eq!(price(query, data), (1 + 1 + 3, 1 + 1 + 2));
    }

    #[test]
    fn whatever_is_in_no_list_costs_what_was_asked() {
        let trivial = price("{ __typename }", json!({ "__typename": "Query" }));
        assert_eq!(trivial, (1, 1));
        let viewer = "{ viewer { user { id } tenant { id } } }";
        assert_eq!(price(viewer, json!({ "viewer": null })), (3, 3));
    }
}
