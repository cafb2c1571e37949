//! Pages of rows that write themselves.
//!
//! async-graphql resolves every field of every row as a future of its own, most of a list's cost. A page of rows whose
//! relations were loaded ahead needs no waiting at all: the selection is read once for the page ([`Plan`]), and each row
//! writes its JSON by it. What a plan cannot hold (a field that asks the database, an interface) makes the whole page go
//! the ordinary way, so a type lists in [`Plain::FIELDS`] what it likes and is right all the same. That both ways answer
//! the same bytes is tested on generated documents.
//!
//! The JSON of each row travels as `Value::Binary`, which no scalar of the schema makes;
//! [`status::to_json`](super::status::to_json) copies it into the answer.

mod kin;
mod leaf;
mod plan;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};
use bytes::Bytes;

pub use kin::Kin;
pub use leaf::Leaf;
pub use plan::Plan;

/// A type whose rows can write fields without waiting.
pub trait Plain: OutputType + Sized + 'static {
    /// Those fields; none makes it a type like any other.
    const FIELDS: &'static [Entry<Self>] = &[];

    /// Writes the object that a plan for this type asks for, unless something it names was not loaded.
    fn write(&self, plan: &Plan, kin: &Kin, out: &mut Vec<u8>) -> Result<(), Missing> {
        out.push(b'{');
        for (at, step) in plan.steps().iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            out.extend_from_slice(step.label());
            match step.field().map(|field| &Self::FIELDS[field].how) {
                None => Self::type_name().write(out),
                Some(How::Leaf(write)) => write(self, out),
                Some(How::Object { write, .. }) => write(self, step.beneath(), kin, out)?,
            }
        }
        out.push(b'}');
        Ok(())
    }
}

/// A row names something that was not loaded with its page: whether it exists is for the loader to say.
#[derive(Debug)]
pub struct Missing;

/// One field that writes itself.
pub struct Entry<T> {
    /// Its name in the schema.
    pub name: &'static str,
    /// What it is.
    pub how: How<T>,
}

/// How a field writes itself.
pub enum How<T> {
    /// A scalar or an enum.
    Leaf(fn(&T, &mut Vec<u8>)),
    /// An object, of the row or next to it.
    Object {
        /// Adds what is selected beneath it to a plan.
        plan: plan::Add,
        /// Whether it is there to be written.
        loaded: fn(&Kin) -> bool,
        /// Writes it.
        write: fn(&T, &Plan, &Kin, &mut Vec<u8>) -> Result<(), Missing>,
    },
}

/// Lists the fields of a type that write themselves: leaves by name and Rust field, then objects it has
/// (`has "name" Type: |row| &row.field`), then objects it names by id (`names "name" Type, in kin_field: |row| id`).
macro_rules! plain {
    ($type:ty; $($leaf:literal $field:ident),* $(,)?
        $(; has $($own:literal $of:ty: $take:expr),* $(,)?)?
        $(; names $($beside:literal $other:ty, in $kin:ident: $id:expr),* $(,)?)?
    ) => {
        impl $crate::graphql::plain::Plain for $type {
            const FIELDS: &'static [$crate::graphql::plain::Entry<Self>] = &[
                $($crate::graphql::plain::Entry {
                    name: $leaf,
                    how: $crate::graphql::plain::How::Leaf(|row: &$type, out| {
                        $crate::graphql::plain::Leaf::write(&row.$field, out);
                    }),
                },)*
                $($($crate::graphql::plain::Entry {
                    name: $own,
                    how: $crate::graphql::plain::How::Object {
                        plan: $crate::graphql::plain::Plan::add::<$of>,
                        loaded: |_| true,
                        write: |row: &$type, plan, kin, out| {
                            let take: fn(&$type) -> &$of = $take;
                            $crate::graphql::plain::Plain::write(take(row), plan, kin, out)
                        },
                    },
                },)*)?
                $($($crate::graphql::plain::Entry {
                    name: $beside,
                    how: $crate::graphql::plain::How::Object {
                        plan: $crate::graphql::plain::Plan::add::<$other>,
                        loaded: |kin| kin.$kin.is_some(),
                        write: |row: &$type, plan, kin, out| {
                            let Some(id) = ($id)(row) else {
                                out.extend_from_slice(b"null");
                                return Ok(());
                            };
                            let loaded = kin.$kin.as_ref().and_then(|loaded| loaded.get(&id));
                            let found = loaded.ok_or($crate::graphql::plain::Missing)?;
                            $crate::graphql::plain::Plain::write(found, plan, kin, out)
                        },
                    },
                },)*)?
            ];
        }
    };
}
pub(super) use plain;

/// The rows of a page, with what was loaded for all of them at once. In the schema it is the list of them.
pub struct Rows<T> {
    rows: Vec<T>,
    kin: Kin,
}

impl<T> Rows<T> {
    /// Rows with nothing beside them.
    pub fn new(rows: Vec<T>) -> Self {
        let kin = Kin::default();
        Self { rows, kin }
    }

    /// Puts beside them what was loaded.
    #[must_use]
    pub fn with(self, kin: Kin) -> Self {
        Self { kin, ..self }
    }
}

impl<T: Plain> Rows<T> {
    /// The list of the rows as JSON, all in one piece of memory.
    fn write(&self, plan: &Plan) -> Result<Value, Missing> {
        let mut out = Vec::with_capacity(512 * self.rows.len());
        let mut ends = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            row.write(plan, &self.kin, &mut out)?;
            ends.push(out.len());
        }
        let (json, mut start) = (Bytes::from(out), 0);
        let rows = ends.into_iter().map(|end| {
            let row = json.slice(start..end);
            start = end;
            Value::Binary(row)
        });
        Ok(Value::List(rows.collect()))
    }
}

impl<T: Plain> OutputType for Rows<T> {
    fn type_name() -> Cow<'static, str> {
        <Vec<T> as OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<T> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<T> as OutputType>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        if let Some(plan) = Plan::of::<T>(ctx, &self.kin)
            && let Ok(rows) = self.write(&plan)
        {
            return Ok(rows);
        }
        self.kin.feed(ctx).await;
        self.rows.resolve(ctx, field).await
    }
}
