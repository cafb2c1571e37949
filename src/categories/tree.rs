//! The chart as a tree: what lies below what, and where a node may go.

use std::collections::{HashMap, HashSet};

use entity::{CategoryId, category};

/// How deep a chart may be.
pub const DEPTH: usize = 8;

/// A chart, looked at as a tree. Nodes come in the order of their codes.
pub struct Tree<'a> {
    by_id: HashMap<CategoryId, &'a category::Model>,
    children: HashMap<Option<CategoryId>, Vec<&'a category::Model>>,
}

impl<'a> Tree<'a> {
    /// The tree of a chart.
    pub fn of(chart: &'a [category::Model]) -> Self {
        let by_id = chart.iter().map(|node| (node.id, node)).collect();
        let mut children: HashMap<_, Vec<_>> = HashMap::new();
        for node in chart {
            children.entry(node.parent_id).or_default().push(node);
        }
        for siblings in children.values_mut() {
            siblings.sort_by(|a, b| a.code.cmp(&b.code));
        }
        Self { by_id, children }
    }

    /// The node of that id.
    pub fn node(&self, id: CategoryId) -> Option<&'a category::Model> {
        self.by_id.get(&id).copied()
    }

    /// The nodes directly below one; the top ones for `None`.
    pub fn below(&self, parent: Option<CategoryId>) -> &[&'a category::Model] {
        self.children.get(&parent).map_or(&[], Vec::as_slice)
    }

    /// A node and everything below it.
    pub fn with_descendants(&self, id: CategoryId) -> Vec<CategoryId> {
        let mut found = vec![id];
        let mut seen = HashSet::from([id]);
        let mut at = 0;
        while let Some(&id) = found.get(at) {
            at += 1;
            let below = self.below(Some(id)).iter().map(|node| node.id);
            found.extend(below.filter(|id| seen.insert(*id)));
        }
        found
    }

    /// The nodes above one, the nearest first.
    pub fn above(&self, id: CategoryId) -> Vec<CategoryId> {
        let mut found = Vec::new();
        let mut at = id;
        while let Some(parent) = self.node(at).and_then(|node| node.parent_id) {
            // a chart has no cycles; one that had would still end here
            if parent == id || found.contains(&parent) {
                break;
            }
            found.push(parent);
            at = parent;
        }
        found
    }

    /// Every node with how far below the top it stands, each before what lies below it.
    pub fn walk(&self) -> Vec<(usize, &'a category::Model)> {
        let mut open: Vec<_> = self
            .below(None)
            .iter()
            .rev()
            .map(|node| (0, *node))
            .collect();
        let mut found = Vec::with_capacity(self.by_id.len());
        while let Some((depth, node)) = open.pop() {
            found.push((depth, node));
            let below = self.below(Some(node.id)).iter().rev();
            open.extend(below.map(|child| (depth + 1, *child)));
        }
        found
    }

    /// Why a node of `kind` may not stand under `parent`; `node` is the one that moves, when it is not new.
    pub fn refusal(
        &self,
        node: Option<CategoryId>,
        kind: category::Kind,
        parent: CategoryId,
    ) -> Option<&'static str> {
        let Some(above) = self.node(parent) else {
            return Some("is no category of this chart");
        };
        if above.archived_at.is_some() {
            return Some("is archived; restore it first or choose another");
        }
        if above.kind != kind {
            return Some("is of another kind; a category stands under one of its own kind");
        }
        if let Some(node) = node
            && self.with_descendants(node).contains(&parent)
        {
            return Some("is the category itself or lies below it; choose one outside");
        }
        let height = node.map_or(1, |node| self.height(node));
        if self.above(parent).len() + 1 + height > DEPTH {
            return Some("would make the chart deeper than 8 levels; choose one nearer to the top");
        }
        None
    }

    /// Levels from a node down to the deepest one below it, itself counted.
    fn height(&self, id: CategoryId) -> usize {
        let own = self.above(id).len();
        let deepest = self
            .with_descendants(id)
            .into_iter()
            .map(|id| self.above(id).len())
            .max();
        deepest.unwrap_or(own) - own + 1
    }
}

#[cfg(test)]
mod tests {
    use category::Kind;
    use chrono::DateTime;
    use entity::TenantId;
    use uuid::Uuid;

    use super::*;

    fn node(id: u128, parent: Option<u128>, kind: Kind) -> category::Model {
        category::Model {
            tenant_id: TenantId(Uuid::nil()),
            id: id_of(id),
            parent_id: parent.map(id_of),
            code: format!("{id:04}"),
            name: String::new(),
            kind,
            archived_at: None,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    fn id_of(id: u128) -> CategoryId {
        CategoryId(Uuid::from_u128(id))
    }

    fn chart() -> Vec<category::Model> {
        vec![
            node(5, None, Kind::Expense),
            node(7, Some(5), Kind::Expense),
            node(6, Some(5), Kind::Expense),
            node(8, Some(6), Kind::Expense),
            node(1, None, Kind::Income),
        ]
    }

    #[test]
    fn a_walk_goes_by_code_and_down_before_on() {
        let chart = chart();
        let walk: Vec<_> = Tree::of(&chart)
            .walk()
            .into_iter()
            .map(|(depth, node)| (depth, node.id.0.as_u128()))
            .collect();
        assert_eq!(walk, [(0, 1), (0, 5), (1, 6), (2, 8), (1, 7)]);
    }

    #[test]
    fn a_category_cannot_move_below_itself() {
        let chart = chart();
        let tree = Tree::of(&chart);
        for (moved, parent) in [(5, 8), (5, 5), (6, 8)] {
            let refusal = tree.refusal(Some(id_of(moved)), Kind::Expense, id_of(parent));
            assert!(
                refusal.is_some_and(|why| why.contains("below it")),
                "{moved} {parent}"
            );
        }
        assert_eq!(tree.refusal(Some(id_of(8)), Kind::Expense, id_of(7)), None);
    }

    #[test]
    fn a_parent_is_of_the_same_kind_in_use_and_known() {
        let mut chart = chart();
        chart[1].archived_at = Some(DateTime::UNIX_EPOCH);
        let tree = Tree::of(&chart);
        assert!(tree.refusal(None, Kind::Income, id_of(5)).is_some());
        assert!(tree.refusal(None, Kind::Expense, id_of(7)).is_some());
        assert!(tree.refusal(None, Kind::Expense, id_of(99)).is_some());
        assert_eq!(tree.refusal(None, Kind::Income, id_of(1)), None);
    }

    #[test]
    fn a_chart_grows_eight_levels_deep_and_no_further() {
        let mut chart = vec![node(1, None, Kind::Asset)];
        for id in 2..=8 {
            assert_eq!(
                Tree::of(&chart).refusal(None, Kind::Asset, id_of(id - 1)),
                None
            );
            chart.push(node(id, Some(id - 1), Kind::Asset));
        }
        assert!(
            Tree::of(&chart)
                .refusal(None, Kind::Asset, id_of(8))
                .is_some()
        );
        chart.push(node(20, None, Kind::Asset));
        assert!(
            Tree::of(&chart)
                .refusal(Some(id_of(1)), Kind::Asset, id_of(20))
                .is_some()
        );
    }

    #[test]
    fn what_lies_above_and_below_is_told() {
        let chart = chart();
        let tree = Tree::of(&chart);
        assert_eq!(tree.above(id_of(8)), [id_of(6), id_of(5)]);
        assert_eq!(tree.with_descendants(id_of(5)), [5, 6, 7, 8].map(id_of));
    }
}
