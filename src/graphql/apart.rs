//! A feature's part of a root object, with what it waits for in a box of its own.
//!
//! A merged object holds what its parts may wait for inside each other, as deep as there are features: too deep for the
//! compiler, and for the stack of a thread where nothing is optimised.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContainerType, Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult,
    Value,
};

/// The same object as `T`.
#[derive(Default)]
pub struct Apart<T>(T);

impl<T: ObjectType> OutputType for Apart<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Box::pin(self.0.resolve(ctx, field)).await
    }
}

impl<T: ObjectType> ContainerType for Apart<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        Box::pin(self.0.resolve_field(ctx)).await
    }
}

impl<T: ObjectType> ObjectType for Apart<T> {}
