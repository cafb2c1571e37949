//! What a resolver reaches: the operation, its loader, and what the process shares.

use std::sync::Arc;

use super::live::Live;
use super::loader::Loading;
use async_graphql::Context;

pub use crate::ctx::Origin;
use crate::ctx::{Ctx, Handles};
use crate::error::{Error, Result};
use crate::events::Tails;
use crate::processing::Engine;

/// Shortcuts into the data of a request.
pub trait Op<'a> {
    /// The operation, once somebody is signed in.
    fn op(&self) -> Result<&'a Arc<Ctx>>;
    /// The operation of a stream, as of now.
    fn live(&self) -> Result<Live>;
    /// The loader of the operation.
    fn loader(&self) -> Result<&'a Loading>;
    /// What the process shares.
    fn handles(&self) -> &'a Arc<Handles>;
    /// The tails of the event logs.
    fn tails(&self) -> &'a Tails;
    /// What decides about records.
    fn engine(&self) -> &'a Arc<Engine>;
    /// Where the request came from.
    fn origin(&self) -> Origin;
}

impl<'a> Op<'a> for Context<'a> {
    fn op(&self) -> Result<&'a Arc<Ctx>> {
        self.data_opt::<Arc<Ctx>>()
            .ok_or(Error::Unauthenticated("sign in first"))
    }

    fn live(&self) -> Result<Live> {
        match self.data_opt::<Live>() {
            Some(live) => Ok(live.clone()),
            None => Ok(Live::still(Arc::clone(self.op()?))),
        }
    }

    fn loader(&self) -> Result<&'a Loading> {
        self.data_opt::<Loading>()
            .ok_or(Error::Unauthenticated("sign in first"))
    }

    fn handles(&self) -> &'a Arc<Handles> {
        self.data_unchecked::<Arc<Handles>>()
    }

    fn tails(&self) -> &'a Tails {
        self.data_unchecked::<Tails>()
    }

    fn engine(&self) -> &'a Arc<Engine> {
        self.data_unchecked::<Arc<Engine>>()
    }

    fn origin(&self) -> Origin {
        let origin = self.data_opt::<Arc<Origin>>();
        origin.map(|origin| (**origin).clone()).unwrap_or_default()
    }
}
