//! A new operation per event. async-graphql runs a subscription's selection once per event with the data of the
//! subscribing request; here each run gets its own `Ctx` and loader, so that it reads what is true now, and no
//! transaction outlives its event.
//!
//! Only streams have it: with any extension in a schema every field takes a longer way, and a list pays for that.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute};
use async_graphql::{Data, Response};

use super::live::Live;
use super::loader::{loader, quiet};
use super::meter::overrun;
use crate::ctx::{Ctx, Handles};
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
        let run = async {
            let operation = match (ctx.data::<Live>(), ctx.data::<Arc<Ctx>>()) {
                // what its actor may do today, not when it subscribed
                (Ok(live), _) => Arc::new(live.now().again()),
                (_, Ok(signed_in)) => Arc::new(signed_in.again()),
                _ => return next.run(ctx, name).await,
            };
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
}
