//! The sum of a selection set; every addition saturates.

use super::super::cost::PAGE_SIZE;

/// What one selection set asks for, fragments spread out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    /// Paid once.
    pub(super) fixed: u64,
    /// Paid for each entry of the connection whose selection this is. Keeping the two apart is
    /// what lets a fragment on a connection be summed up before the page is known.
    pub(super) per_entry: u64,
    pub(super) depth: u64,
    pub(super) introspection_depth: u64,
    pub(super) introspection_lists: u64,
    pub(super) levels: u64,
    pub(super) aliases: u64,
    pub(super) directives: u64,
    pub(super) top_fields: u64,
    pub(super) expanded: u64,
}

impl Sum {
    pub(super) fn cost(&self) -> u64 {
        self.cost_of(PAGE_SIZE)
    }

    pub(super) fn cost_of(&self, entries: u64) -> u64 {
        self.fixed
            .saturating_add(self.per_entry.saturating_mul(entries))
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.fixed = self.fixed.saturating_add(other.fixed);
        self.per_entry = self.per_entry.saturating_add(other.per_entry);
        self.depth = self.depth.max(other.depth);
        self.introspection_depth = self.introspection_depth.max(other.introspection_depth);
        self.introspection_lists = self.introspection_lists.max(other.introspection_lists);
        self.levels = self.levels.max(other.levels);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.top_fields = self.top_fields.saturating_add(other.top_fields);
        self.expanded = self.expanded.saturating_add(other.expanded);
    }
}
