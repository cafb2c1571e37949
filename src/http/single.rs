//! A query or a mutation, over any transport: its turn, its points, its deadline, and its one answer.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Response;

use super::Edge;
use super::caller::Caller;
use crate::ctx::Ctx;
use crate::db::Operation;
use crate::graphql::loader::loader;
use crate::graphql::meter::{self, Cost, Meter, Refused};
use crate::graphql::refusal::{Code, Refusal};
use crate::graphql::request::Prepared;
use crate::throttle::Entrance;

/// Carries out an operation of whoever is signed in, once it is their turn and they have the points. It is broken off at
/// its deadline, or when this is dropped, and what it runs in the database ends with it; a mutation with an idempotency
/// key goes on, for whoever asks again.
pub async fn carry_out(
    edge: &Edge,
    caller: &Caller,
    signed_in: Option<&Ctx>,
    prepared: Prepared,
) -> Result<Response, Refused> {
    let within = Duration::from_millis(edge.handles.config.rates.operation_timeout_ms);
    let (mut cost, keyed) = (None, prepared.keyed);
    // boxed before it is wrapped, which moves it
    let work = Box::pin(execute(edge, caller, signed_in, prepared, &mut cost));
    let done = if keyed {
        tokio::time::timeout(within, work).await.ok()
    } else {
        Operation::scope(&edge.handles.db, within, work).await.ok()
    };
    match done {
        Some(outcome) => outcome,
        None => Err(Refused {
            refusal: meter::overrun(within),
            cost,
        }),
    }
}

async fn execute(
    edge: &Edge,
    caller: &Caller,
    signed_in: Option<&Ctx>,
    mut prepared: Prepared,
    cost: &mut Option<Cost>,
) -> Result<Response, Refused> {
    let handles = &edge.handles;
    // made within the operation, so that what it reads ends with it
    let ctx = signed_in.map(|ctx| Arc::new(ctx.again()));
    let price = prepared.price.clone();
    let meter = Meter::open(handles, ctx.as_deref(), &caller.origin, price).await?;
    *cost = Some(meter.cost());
    let entrance = handles.kept.of::<Entrance>();
    let Ok(_place) = entrance.enter(&handles.config.rates).await else {
        let message = "Too much is going on right now; try again.";
        let busy = Refusal::new(Code::Upstream, message).with_status(503);
        return Err(Refused {
            refusal: busy.again_in(1),
            cost: Some(meter.cancel().await),
        });
    };
    if let Some(ctx) = &ctx {
        let operation = prepared.request.data(Arc::clone(ctx));
        prepared.request = operation.data(loader(ctx));
    }
    prepared.request = prepared.request.data(caller.origin.clone());
    let mut response = edge.pipeline.execute(prepared, &caller.request_id).await;
    if let Some(ctx) = ctx {
        // what was read for the answer is not held while it leaves
        ctx.refresh().await;
    }
    meter.settle(&mut response).await;
    Ok(response)
}
