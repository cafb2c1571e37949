//! `idempotencyKey`: the same mutation twice, carried out once.
//!
//! The root of all mutations stands here, around the features that make it up. It gives the input of every mutation the
//! key, but for those in [`UNKEYED`], so that none can be forgotten; and it looks at the key before and after the
//! mutation, so that no feature has to.
//!
//! Before: what was answered under the key is answered again. After: what was stored under it is kept with its answer.
//! A mutation that stored nothing keeps nothing, and is carried out anew the next time.

mod finish;
mod replayed;
mod unkeyed;
mod view;

use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::registry::{Deprecation, MetaInputValue, MetaType, Registry};
use async_graphql::resolver_utils::resolve_container_serial;
use async_graphql::{
    ContainerType, Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerError,
    ServerResult, Value,
};
pub use finish::{holds_a_key, to_its_end};
use futures::future::BoxFuture;
pub use replayed::Replayed;
pub use unkeyed::UNKEYED;

use super::node::global;
use super::scalar::specify_json;
use super::schema::Features;
use super::status;
use crate::ctx::{Claim, Claimed, Ctx};
use crate::error::{Error, Result};
use crate::idempotency::{self, Earlier};

/// The name of the key in an input.
pub const KEY: &str = "idempotencyKey";

const DESCRIPTION: &str = "A name for this very request, such as a random UUID. Sent again within a day with the same \
    input, it is not carried out again and answered as the first time.";

/// Everything that can be done.
#[derive(Default)]
pub struct Mutation(Features);

impl OutputType for Mutation {
    fn type_name() -> std::borrow::Cow<'static, str> {
        Features::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let name = Features::create_type_info(registry);
        specify_json(registry);
        let Some(MetaType::Object { fields, .. }) = registry.types.get(&*Self::type_name()) else {
            return name;
        };
        let keyed = fields.values().filter(|field| !is_unkeyed(&field.name));
        let inputs = keyed.filter_map(|field| field.args.get("input"));
        let inputs: Vec<String> = inputs.map(|input| input.ty.replace('!', "")).collect();
        for input in inputs {
            if let Some(MetaType::InputObject { input_fields, .. }) = registry.types.get_mut(&input)
            {
                input_fields.entry(KEY.to_owned()).or_insert_with(key);
            }
        }
        name
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        resolve_container_serial(ctx, self).await
    }
}

impl ObjectType for Mutation {}

impl ContainerType for Mutation {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        let refused = |error: Error| failed(ctx, error, None);
        let Some((op, claim)) = asked(ctx)? else {
            return self.carry_out(ctx).await;
        };
        let claim = claim.map_err(refused)?;
        if let Some(earlier) = idempotency::earlier(op, &claim).await.map_err(refused)? {
            return replay(ctx, earlier);
        }
        op.claim(claim.clone());
        let outcome = self.carry_out(ctx).await;
        match (op.claimed(), &outcome) {
            (Claimed::Held, Ok(Some(answer))) => keep(op, &claim, answer).await,
            (Claimed::Held, _) => {}
            // refused, or there was nothing to do, or somebody with the same key was faster
            (Claimed::Untouched | Claimed::Lost, _) => {
                op.refresh().await;
                if let Some(earlier) = idempotency::earlier(op, &claim).await.map_err(refused)? {
                    return replay(ctx, earlier);
                }
            }
        }
        outcome
    }
}

impl Mutation {
    /// The mutation of a feature. In a box: the type of what all of them together wait for is too deep for the compiler.
    fn carry_out<'a>(&'a self, ctx: &'a Context<'_>) -> BoxFuture<'a, ServerResult<Option<Value>>> {
        Box::pin(self.0.resolve_field(ctx))
    }
}

/// The operation and its claim, when a mutation comes with a key from somebody who is signed in.
fn asked<'a>(ctx: &Context<'a>) -> ServerResult<Option<(&'a Arc<Ctx>, Result<Claim>)>> {
    let operation = ctx.field().name();
    let Some(op) = ctx.data_opt::<Arc<Ctx>>() else {
        return Ok(None);
    };
    if is_unkeyed(operation) {
        return Ok(None);
    }
    let arguments = ctx.field().arguments()?;
    let input = arguments
        .into_iter()
        .find(|(name, _)| name.as_str() == "input");
    let Some((_, Value::Object(mut input))) = input else {
        return Ok(None);
    };
    let Some(Value::String(key)) = input.shift_remove(KEY) else {
        return Ok(None);
    };
    let claim = match Value::Object(input).into_json() {
        Ok(input) => {
            let view = view::of(ctx.field())?;
            idempotency::claim(op, operation, &key, &input, &view)
        }
        Err(error) => Err(error.into()),
    };
    Ok(Some((op, claim)))
}

/// Keeps an answer. The effect is stored; a request that comes again is told so, also without it.
async fn keep(op: &Ctx, claim: &Claim, answer: &Value) {
    let kept = async {
        let json = status::value_to_json(answer)?;
        idempotency::keep(op, claim, &json).await
    };
    if let Err(error) = kept.await {
        let operation = claim.operation.as_str();
        tracing::warn!(graphql.operation = operation, error = ?error, "An answer could not be kept");
    }
}

fn replay(ctx: &Context<'_>, earlier: Earlier) -> ServerResult<Option<Value>> {
    match earlier {
        Earlier::Answer(json) => {
            if let Some(replayed) = ctx.data_opt::<Replayed>() {
                replayed.add(ctx.item.node.response_key().node.clone());
            }
            Ok(Some(Value::Binary(json.into())))
        }
        Earlier::Done { why, subject } => {
            let message = format!("it was carried out before, and is not again; {why}");
            Err(failed(ctx, Error::conflict(message), subject))
        }
    }
}

/// An error of this mutation; with the thing that was made or changed, when that is known.
fn failed(ctx: &Context<'_>, error: Error, subject: Option<(String, uuid::Uuid)>) -> ServerError {
    let error = async_graphql::Error::from(error).into_server_error(ctx.item.pos);
    let mut error = ctx.set_error_path(error);
    if let Some((kind, id)) = subject {
        // events name kinds in camelCase, types of the schema begin large
        let kind = kind[..1].to_uppercase() + &kind[1..];
        let extensions = error.extensions.get_or_insert_default();
        extensions.set("subjectId", global(&kind, id).to_string());
    }
    error
}

fn is_unkeyed(operation: &str) -> bool {
    UNKEYED.iter().any(|(name, _)| *name == operation)
}

fn key() -> MetaInputValue {
    MetaInputValue {
        name: KEY.to_owned(),
        description: Some(DESCRIPTION.to_owned()),
        ty: "String".to_owned(),
        deprecation: Deprecation::NoDeprecated,
        default_value: None,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        is_secret: false,
        directive_invocations: Vec::new(),
    }
}
