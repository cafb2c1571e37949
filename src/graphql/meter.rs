//! What an operation takes from the bucket of its client: reserved before it runs, settled when it is answered.
//!
//! A client is an API key's service account, else the person; whoever is not signed in is the address they call from.
//! Around all clients of a tenant is a bucket of the tenant. Nothing comes back of an operation that is broken off.
//!
//! A subscription pays when it begins. Events whose selection costs up to [`EVENT_FREE`] are in that price; a dearer one
//! pays the rest each time, and waits until there is enough: it is delayed, never lost.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Response, ServerError, Value};

use super::price::Price;
use super::refusal::{Code, Exceeded, Refusal};
use crate::ctx::{Actor, Ctx, Handles, Origin};
use crate::throttle::{Balance, Payer, Terms, Throttle, is_exempt, place};

/// What one event of a subscription may cost without being paid for on its own.
pub const EVENT_FREE: u64 = 10;

/// An operation whose cost is reserved.
pub struct Meter {
    handles: Arc<Handles>,
    throttle: Arc<Throttle>,
    price: Price,
    /// Nobody, where nothing is limited.
    payer: Option<Payer>,
    terms: Terms,
    cost: Cost,
}

/// What an answer tells about cost: `extensions.cost`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// The most the operation could cost.
    pub requested: u64,
    /// What it did cost.
    pub actual: u64,
    /// What the bucket holds when it is full.
    pub maximum: u64,
    /// What it holds now.
    pub available: u64,
    /// What comes back to it in a second.
    pub restore: u64,
}

/// A request that is refused, and what it would have cost, if that is known.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// What the answer tells about cost.
    pub cost: Option<Cost>,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            cost: None,
        }
    }
}

impl Refused {
    /// The answer that says so.
    pub fn into_response(self, request_id: &str) -> Response {
        let error: ServerError = self.refusal.into_server_error(request_id);
        let mut response = Response::from_errors(vec![error]);
        if let Some(cost) = self.cost {
            cost.tell(&mut response);
        }
        response
    }
}

impl Meter {
    /// Reserves what an operation may cost, or says when there will be enough.
    pub async fn open(
        handles: &Arc<Handles>,
        ctx: Option<&Ctx>,
        origin: &Origin,
        price: Price,
    ) -> Result<Self, Refused> {
        let rates = &handles.config.rates;
        let terms = Terms {
            client: ctx.map_or(rates.cost_anonymous, |_| rates.cost_client),
            tenant: rates.cost_tenant,
        };
        let size = match ctx {
            Some(_) => terms.client.points.min(terms.tenant.points),
            None => terms.client.points,
        };
        let cost = Cost {
            requested: price.requested(),
            actual: 0,
            maximum: size.into(),
            available: size.into(),
            restore: terms.client.per_second.into(),
        };
        let mut meter = Self {
            throttle: handles.kept.of(),
            handles: Arc::clone(handles),
            price,
            payer: payer(handles, ctx, origin),
            terms,
            cost,
        };
        if meter.payer.is_some() && cost.requested > cost.maximum {
            return Err(too_dear(cost));
        }
        let balance = meter.take(cost.requested).await;
        meter.cost.available = balance.available;
        match balance.wait_us {
            0 => Ok(meter),
            wait_us => Err(wait(meter.cost, wait_us)),
        }
    }

    /// What is known of the cost so far.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Gives back what an answer did not cost, and tells in it what it did.
    pub async fn settle(self, response: &mut Response) -> Cost {
        let actual = self.price.actual(&response.data);
        let cost = self.give_back(actual).await;
        cost.tell(response);
        cost
    }

    /// Gives everything back: the operation was not carried out, and not for the client's sake.
    pub async fn cancel(self) -> Cost {
        self.give_back(0).await
    }

    /// What an event of a subscription cost.
    pub fn actual(&self, event: &Response) -> u64 {
        self.price.actual(&event.data)
    }

    /// Waits until an event that costs more than is free can be paid for.
    pub async fn pay_for(&self, cost: u64) {
        let cost = cost.saturating_sub(EVENT_FREE);
        if cost == 0 {
            return;
        }
        loop {
            match self.take(cost).await.wait_us {
                0 => return,
                wait_us => tokio::time::sleep(Duration::from_micros(wait_us)).await,
            }
        }
    }

    async fn take(&self, points: u64) -> Balance {
        let Some(payer) = self.payer else {
            return Balance {
                available: self.cost.maximum,
                wait_us: 0,
            };
        };
        let (bus, now) = (&self.handles.bus, self.handles.clock.now());
        let taking = self.throttle.take(bus, now, payer, &self.terms, points);
        taking.await
    }

    async fn give_back(self, actual: u64) -> Cost {
        let unused = self.cost.requested.saturating_sub(actual);
        let cost = Cost {
            actual,
            available: (self.cost.available + unused).min(self.cost.maximum),
            ..self.cost
        };
        let Some(payer) = self.payer.filter(|_| unused > 0) else {
            return cost;
        };
        let Self {
            handles,
            throttle,
            terms,
            ..
        } = self;
        let shared = handles.bus.redis().is_some();
        let giving = async move {
            let (bus, now) = (&handles.bus, handles.clock.now());
            throttle.give(bus, now, payer, &terms, unused).await;
        };
        // what this process asks next, Redis hears after this
        if shared {
            tokio::spawn(giving);
        } else {
            giving.await;
        }
        cost
    }
}

impl Cost {
    /// Adds it to an answer, as JSON that is written as it is.
    fn tell(self, response: &mut Response) {
        let mut json = Vec::with_capacity(160);
        let written = write!(
            json,
            "{{\"requestedQueryCost\":{},\"actualQueryCost\":{},\"throttleStatus\":\
             {{\"maximumAvailable\":{},\"currentlyAvailable\":{},\"restoreRate\":{}}}}}",
            self.requested, self.actual, self.maximum, self.available, self.restore
        );
        written.expect("a vector takes what is written to it");
        response
            .extensions
            .insert("cost".to_owned(), Value::Binary(json.into()));
    }
}

/// Whose bucket it is; nobody's on a developer's own machine.
fn payer(handles: &Handles, ctx: Option<&Ctx>, origin: &Origin) -> Option<Payer> {
    let address = origin.address.as_deref();
    if is_exempt(&handles.config, address) {
        return None;
    }
    let client = match ctx.map(Ctx::actor) {
        Some(Actor::User(user)) => user.0.as_u128(),
        Some(Actor::Service(service)) => service.0.as_u128(),
        Some(Actor::Connection(connection)) => connection.0.as_u128(),
        Some(Actor::System) => 0,
        None => place(&handles.secrets, address),
    };
    Some(Payer {
        tenant: ctx.map(Ctx::tenant),
        client,
    })
}

/// Why an operation was broken off that took too long.
pub fn overrun(within: Duration) -> Refusal {
    let message = format!(
        "The operation took longer than {} s and was stopped.",
        within.as_secs_f32()
    );
    Refusal::new(Code::Timeout, message)
}

fn wait(cost: Cost, wait_us: u64) -> Refused {
    let seconds = wait_us.div_ceil(1_000_000).max(1);
    let message = format!(
        "The operation costs {}, and there are {} points left; try again in {seconds} s.",
        cost.requested, cost.available
    );
    Refused {
        refusal: Refusal::new(Code::RateLimited, message).again_in(seconds),
        cost: Some(cost),
    }
}

fn too_dear(cost: Cost) -> Refused {
    let exceeded = Exceeded {
        limit: "bucket",
        maximum: cost.maximum,
        actual: cost.requested,
    };
    let message = format!(
        "The operation costs {}, and there are never more than {} points.",
        cost.requested, cost.maximum
    );
    Refused {
        refusal: Refusal::exceeded(Code::CostLimit, exceeded, message),
        cost: Some(cost),
    }
}
