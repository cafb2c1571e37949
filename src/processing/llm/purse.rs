//! Who pays for a question: the budget of a tenant, kept by the room [`llm`](crate::llm).

use std::sync::Arc;

use entity::TenantId;
use futures::future::BoxFuture;

use crate::ctx::{Ctx, Handles};
use crate::llm::{self, Refused, Reserved, Used};

/// Who pays for questions.
pub trait Purse: Send + Sync {
    /// Sets tokens aside; the reason when it does not.
    fn reserve(&self, tokens: i64) -> BoxFuture<'_, Result<Option<Reserved>, String>>;

    /// Notes what a question took.
    fn settle(&self, reserved: Option<Reserved>, used: Used) -> BoxFuture<'_, ()>;

    /// Notes records that were answered by what was known already.
    fn hits(&self, records: i64) -> BoxFuture<'_, ()>;

    /// What tokens cost, in millionths.
    fn cost_micros(&self, prompt_tokens: i64, completion_tokens: i64) -> i64;
}

/// The budget of a tenant. It works for the system, whoever asks: what was asked is counted even where whoever asked has
/// gone meanwhile.
pub struct Budget {
    ctx: Ctx,
    model: String,
}

impl Budget {
    /// The budget of a tenant for a model.
    pub fn of(handles: &Arc<Handles>, tenant: TenantId, model: &str) -> Self {
        Self {
            ctx: Ctx::system(Arc::clone(handles), tenant),
            model: model.to_owned(),
        }
    }
}

impl Purse for Budget {
    fn reserve(&self, tokens: i64) -> BoxFuture<'_, Result<Option<Reserved>, String>> {
        Box::pin(async move {
            match llm::reserve(&self.ctx, tokens).await {
                Ok(Ok(reserved)) => Ok(Some(reserved)),
                Ok(Err(refused)) => Err(why(refused, tokens)),
                Err(error) => {
                    tracing::warn!(%error, "The budget of the language model could not be read");
                    Err("The budget of the language model could not be read.".to_owned())
                }
            }
        })
    }

    fn settle(&self, reserved: Option<Reserved>, used: Used) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let Some(reserved) = reserved else { return };
            // what is not given back stays used: nothing is spent twice
            if let Err(error) = llm::settle(&self.ctx, reserved, &self.model, used).await {
                tracing::warn!(%error, "What the language model used could not be noted");
            }
        })
    }

    fn hits(&self, records: i64) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Err(error) = llm::hits(&self.ctx, &self.model, records).await {
                tracing::warn!(%error, "What the language model was spared could not be noted");
            }
        })
    }

    fn cost_micros(&self, prompt_tokens: i64, completion_tokens: i64) -> i64 {
        let prices = &self.ctx.config().llm;
        prices.cost_micros(prompt_tokens, completion_tokens)
    }
}

/// Why nothing was asked, for the trace of a decision.
fn why(refused: Refused, tokens: i64) -> String {
    match refused {
        Refused::Off => super::OFF.to_owned(),
        Refused::Day(limits) => format!(
            "The language model was not asked: up to {tokens} tokens do not fit into what is left of the {} of today.",
            limits.daily
        ),
        Refused::Month(limits) => format!(
            "The language model was not asked: up to {tokens} tokens do not fit into what is left of the {} of this month.",
            limits.monthly
        ),
    }
}
