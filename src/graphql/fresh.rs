//! A new operation per event. async-graphql runs a subscription's selection once per event with the data of the
//! subscribing request; here each run gets its own `Ctx` and loader, so that it reads what is true now, and no
//! transaction outlives its event. Subscriptions that ask the same share a run ([`coalesce`](super::coalesce)).
//!
//! Only streams have it: with any extension in a schema every field takes a longer way, and a list pays for that.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute};
use async_graphql::{Data, Response};

use super::coalesce::{Coalescing, Question, Turn};
use super::events::Place;
use super::live::Live;
use super::loader::{loader, quiet};
use super::meter::{Meter, overrun};
use crate::ctx::{Ctx, Handles, Witness};
use crate::db::{Operation, Overrun};

/// Puts a new operation and its loader into every execution.
pub struct Fresh;

impl ExtensionFactory for Fresh {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Fresh {
    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let Some(asking) = acting(ctx) else {
            return next.run(ctx, name).await;
        };
        let meter = ctx.data::<Arc<Meter>>().ok();
        let mut turn = turn(ctx, &asking).await;
        // it may have waited
        let acting = acting(ctx).unwrap_or(asking.clone());
        if acting.permissions() != asking.permissions() {
            turn = Turn::Alone;
        }
        let (response, cost) = match turn {
            Turn::Told(told) => (told.response(), Some(told.cost)),
            // boxed: who is told needs no room for reading
            Turn::Alone => {
                let run = run(ctx, name, next, &acting, Witness::default());
                (Box::pin(run).await, None)
            }
            Turn::First(first) => {
                let witness = Witness::default();
                let response = Box::pin(run(ctx, name, next, &acting, witness.clone())).await;
                let cost = meter.map(|meter| meter.actual(&response));
                match witness.is_personal() {
                    true => (response, cost),
                    false => (first.tell(response, cost.unwrap_or_default()), cost),
                }
            }
        };
        if let Some(meter) = meter {
            let cost = cost.unwrap_or_else(|| meter.actual(&response));
            meter.pay_for(cost).await;
        }
        response
    }
}

/// Who acts, with what they may do today, not when they subscribed.
fn acting(ctx: &ExtensionContext<'_>) -> Option<Arc<Ctx>> {
    match (ctx.data::<Live>(), ctx.data::<Arc<Ctx>>()) {
        (Ok(live), _) => Some(live.now()),
        (_, signed_in) => signed_in.ok().cloned(),
    }
}

/// Whether somebody else has answered already, or is about to.
async fn turn(ctx: &ExtensionContext<'_>, acting: &Ctx) -> Turn {
    let asked = (ctx.data::<Question>(), ctx.data::<Place>());
    let (Ok(question), Ok(place)) = asked else {
        return Turn::Alone;
    };
    match place.event() {
        Some(event) => {
            let coalescing = acting.handles().kept.of::<Coalescing>();
            coalescing.join(acting, *question, event.sequence()).await
        }
        None => Turn::Alone,
    }
}

async fn run(
    ctx: &ExtensionContext<'_>,
    name: Option<&str>,
    next: NextExecute<'_>,
    acting: &Ctx,
    witness: Witness,
) -> Response {
    let run = async {
        let operation = Arc::new(acting.again().before(witness));
        let mut data = Data::default();
        let loading = loader(&operation);
        let quiet = quiet(&loading);
        data.insert(loading);
        data.insert(Arc::clone(&operation));
        let response = quiet.watch(next.run_with_data(ctx, name, data)).await;
        operation.refresh().await;
        response
    };
    let Ok(handles) = ctx.data::<Arc<Handles>>() else {
        return run.await;
    };
    let within = Duration::from_millis(handles.config.rates.operation_timeout_ms);
    let done = Operation::scope(&handles.db, within, run).await;
    done.unwrap_or_else(|Overrun| Response::from_errors(vec![overrun(within).into()]))
}
