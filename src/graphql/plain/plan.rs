//! What a selection asks of a row, read once for a page.

use async_graphql::context::{QueryEnv, QueryPathSegment};
use async_graphql::parser::types::{Selection, SelectionSet};
use async_graphql::{ContextSelectionSet, Name};

use super::{How, Kin, Leaf, Plain};

/// Adds a selection of some type to a plan; `false` when it holds what the type cannot write.
pub type Add = fn(&mut Plan, &SelectionSet, &QueryEnv, &Kin) -> bool;

/// The fields of an object to write, in the order of the answer.
#[derive(Debug, Default)]
pub struct Plan(Vec<Step>);

/// One member of an object.
#[derive(Debug)]
pub struct Step {
    key: Name,
    label: Vec<u8>,
    field: Option<usize>,
    beneath: Plan,
}

impl Step {
    /// The response key with its colon, as JSON.
    pub fn label(&self) -> &[u8] {
        &self.label
    }

    /// Which entry of [`Plain::FIELDS`] it is; `None` for `__typename`.
    pub fn field(&self) -> Option<usize> {
        self.field
    }

    /// What is selected beneath it.
    pub fn beneath(&self) -> &Plan {
        &self.beneath
    }
}

impl Plan {
    /// The plan of the selection that is resolved, if rows of the type can write all of it and nothing else writes into
    /// the same place of the answer.
    pub fn of<T: Plain>(ctx: &ContextSelectionSet<'_>, kin: &Kin) -> Option<Self> {
        let mut plan = Self::default();
        let whole = !T::FIELDS.is_empty()
            && plan.add::<T>(&ctx.item.node, ctx.query_env, kin)
            && is_selected_once(ctx);
        whole.then_some(plan)
    }

    /// The members.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Adds a selection of a type; `false` when it holds what rows of the type cannot write.
    pub fn add<T: Plain>(&mut self, set: &SelectionSet, env: &QueryEnv, kin: &Kin) -> bool {
        for selection in &set.items {
            // what is left of directives here is not `@skip` or `@include`: they are carried out before execution
            if !selection.node.directives().is_empty() {
                return false;
            }
            let (condition, beneath) = match &selection.node {
                Selection::Field(field) => {
                    let key = &field.node.response_key().node;
                    let name = field.node.name.node.as_str();
                    if !self.add_field::<T>(key, name, &field.node.selection_set.node, env, kin) {
                        return false;
                    }
                    continue;
                }
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref();
                    (
                        on.map(|on| &on.node.on.node),
                        &inline.node.selection_set.node,
                    )
                }
                Selection::FragmentSpread(spread) => {
                    match env.fragments.get(&spread.node.fragment_name.node) {
                        Some(fragment) => (
                            Some(&fragment.node.type_condition.node.on.node),
                            &fragment.node.selection_set.node,
                        ),
                        None => return false,
                    }
                }
            };
            if condition.is_some_and(|name| *name != *T::type_name())
                || !self.add::<T>(beneath, env, kin)
            {
                return false;
            }
        }
        !self.0.is_empty()
    }

    fn add_field<T: Plain>(
        &mut self,
        key: &Name,
        name: &str,
        beneath: &SelectionSet,
        env: &QueryEnv,
        kin: &Kin,
    ) -> bool {
        let field = match name {
            "__typename" => None,
            _ => match T::FIELDS.iter().position(|entry| entry.name == name) {
                Some(field) => Some(field),
                None => return false,
            },
        };
        let at = match self.0.iter().position(|step| step.key == *key) {
            Some(at) if self.0[at].field == field => at,
            Some(_) => return false,
            None => {
                let mut label = Vec::with_capacity(key.len() + 3);
                key.as_str().write(&mut label);
                label.push(b':');
                self.0.push(Step {
                    key: key.clone(),
                    label,
                    field,
                    beneath: Self::default(),
                });
                self.0.len() - 1
            }
        };
        match field.map(|field| &T::FIELDS[field].how) {
            Some(How::Object { plan, loaded, .. }) => {
                loaded(kin) && plan(&mut self.0[at].beneath, beneath, env, kin)
            }
            _ => true,
        }
    }
}

/// Whether the place in the answer is asked for by one field only, all the way up. Fields with one response key are
/// resolved one by one and put together afterwards, which cannot be done to JSON.
fn is_selected_once(ctx: &ContextSelectionSet<'_>) -> bool {
    let mut path = Vec::with_capacity(4);
    let mut place = ctx.path_node.as_ref();
    while let Some(node) = place {
        if let QueryPathSegment::Name(name) = node.segment {
            path.push(name);
        }
        place = node.parent;
    }
    let mut set = &ctx.query_env.operation.node.selection_set.node;
    for key in path.into_iter().rev() {
        let mut found = Vec::with_capacity(1);
        collect(set, key, ctx.query_env, &mut found);
        let [only] = found[..] else { return false };
        set = only;
    }
    true
}

/// The selections of every field with a response key, through fragments, whatever type they are on.
fn collect<'a>(
    set: &'a SelectionSet,
    key: &str,
    env: &'a QueryEnv,
    found: &mut Vec<&'a SelectionSet>,
) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) if field.node.response_key().node == key => {
                found.push(&field.node.selection_set.node);
            }
            Selection::Field(_) => {}
            Selection::InlineFragment(inline) => {
                collect(&inline.node.selection_set.node, key, env, found);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = env.fragments.get(&spread.node.fragment_name.node) {
                    collect(&fragment.node.selection_set.node, key, env, found);
                }
            }
        }
    }
}
