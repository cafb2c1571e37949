//! Following logs: every follower gets each event of its log once, in order, from where it left off.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use entity::{TenantId, event};
use futures::stream::BoxStream;
use tokio::sync::{Semaphore, broadcast, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::ring::Taken;
use super::tail::{Patience, Tail};
use super::{Cursor, Filter, read};
use crate::bus::{self, Wake};
use crate::ctx::{Ctx, Handles};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// How long a log is read on after its last follower left: clients come back.
const LINGER: Duration = Duration::from_secs(30);

/// Events a follower takes from the ring at once.
const BATCH: usize = 64;

/// Followers that read pages from the database at once: the rest of the pool is for requests, and the pages in memory
/// stay few when everybody comes back together.
const CATCHING_UP: usize = 2;

/// What a follower gets.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// The next wanted event.
    Event(Arc<event::Model>),
    /// How far the log has been looked at, without a wanted event at its end: a cursor that does not grow old.
    Position(Cursor),
}

impl Delivery {
    /// Where to read on after it.
    pub fn cursor(&self) -> Cursor {
        match self {
            Self::Event(event) => Cursor::of(event),
            Self::Position(cursor) => *cursor,
        }
    }
}

/// The deliveries of a follower. It ends with an error only: [`Error::CursorExpired`] when what comes next is no longer
/// kept. A database that does not answer delays it and loses nothing.
pub type Following = BoxStream<'static, Result<Delivery>>;

/// The logs that are being followed in this process. Clones share them.
#[derive(Clone)]
pub struct Tails {
    shared: Arc<Shared>,
    _dispatcher: Arc<AbortOnDropHandle<()>>,
}

struct Shared {
    handles: Arc<Handles>,
    tails: Mutex<HashMap<TenantId, Running>>,
    catching_up: Semaphore,
}

/// A tail with the task that reads for it; both end together.
struct Running {
    tail: Arc<Tail>,
    moved: watch::Receiver<i64>,
    _task: AbortOnDropHandle<()>,
}

impl Tails {
    /// Starts listening to wake-ups. One per process.
    pub fn new(handles: Arc<Handles>) -> Self {
        let listener = handles.bus.listen();
        let shared = Arc::new(Shared {
            handles,
            tails: Mutex::new(HashMap::new()),
            catching_up: Semaphore::new(CATCHING_UP),
        });
        let dispatcher = tokio::spawn(dispatch(Arc::downgrade(&shared), listener));
        Self {
            shared,
            _dispatcher: Arc::new(AbortOnDropHandle::new(dispatcher)),
        }
    }

    /// Follows the log of the actor's tenant: the wanted events after a place, or from now on, each once and in order.
    /// The place is settled when this returns: what is committed afterwards is delivered. The first delivery is that
    /// place. `permission` is what the actor needs for these events; whoever pushes them checks again at each.
    pub async fn follow(
        &self,
        ctx: &Ctx,
        permission: Permission,
        after: Option<Cursor>,
        filter: Filter,
    ) -> Result<Following> {
        may_follow(ctx, permission)?;
        filter.check()?;
        let now = Ctx::system(Arc::clone(&self.shared.handles), ctx.tenant());
        let read = now.read().await?;
        let head = read::head(&read).await?;
        let (place, at) = match after {
            None => (head, head.sequence()),
            Some(after) => (after, read::start(&read, after, head).await?),
        };
        Ok(Box::pin(follow(
            Arc::clone(&self.shared),
            ctx.tenant(),
            place,
            at,
            filter,
        )))
    }

    /// How many logs are being read.
    pub fn len(&self) -> usize {
        self.shared.lock().len()
    }

    /// Whether no log is being read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Refuses an actor who may not follow what a permission is for. The log itself tells of every record: whoever sees
/// some only does not follow it.
pub fn may_follow(ctx: &Ctx, permission: Permission) -> Result<()> {
    match permission {
        Permission::ReadEvents => ctx.require_on_all(permission),
        _ => ctx.require(permission),
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, Running>> {
        self.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tail of a tenant, started when nobody followed it yet.
    fn attach(self: &Arc<Self>, tenant: TenantId) -> (Arc<Tail>, watch::Receiver<i64>) {
        let mut tails = self.lock();
        // a task that ended without leaving the map has dropped its sender
        if let Some(running) = tails.get(&tenant)
            && running.moved.has_changed().is_ok()
        {
            return (Arc::clone(&running.tail), running.moved.clone());
        }
        let tail = Arc::new(Tail::new());
        let (sender, moved) = watch::channel(0);
        let task = tokio::spawn(run(
            Arc::downgrade(self),
            Arc::clone(&self.handles),
            tenant,
            Arc::clone(&tail),
            sender,
        ));
        let running = Running {
            tail: Arc::clone(&tail),
            moved: moved.clone(),
            _task: AbortOnDropHandle::new(task),
        };
        tails.insert(tenant, running);
        (tail, moved)
    }
}

async fn run(
    shared: Weak<Shared>,
    handles: Arc<Handles>,
    tenant: TenantId,
    tail: Arc<Tail>,
    moved: watch::Sender<i64>,
) {
    let used = Mutex::new(Instant::now());
    let unused = |moved: &watch::Sender<i64>| {
        let Some(shared) = shared.upgrade() else {
            return true;
        };
        // under the lock that followers attach under: none can attach to a tail that has decided to end
        let mut tails = shared.lock();
        let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
        // one receiver is the map's
        if moved.receiver_count() > 1 {
            *used = Instant::now();
        }
        let unused = used.elapsed() > LINGER;
        let gone = if unused { tails.remove(&tenant) } else { None };
        drop(tails);
        // dropping the handle aborts this task, at its next await: there is none
        drop(gone);
        unused
    };
    tail.run(&handles, tenant, moved, unused).await;
}

/// Passes wake-ups on to the tails they concern.
async fn dispatch(shared: Weak<Shared>, mut listener: broadcast::Receiver<Wake>) {
    loop {
        let wake = bus::next(&mut listener).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        match wake {
            Wake::Events { tenant, sequence } => {
                if let Some(running) = shared.lock().get(&tenant) {
                    running.tail.tell(sequence);
                }
            }
            Wake::Anything => shared
                .lock()
                .values()
                .for_each(|running| running.tail.look()),
            Wake::Access { .. } | Wake::Jobs { .. } => {}
        }
    }
}

fn follow(
    shared: Arc<Shared>,
    tenant: TenantId,
    place: Cursor,
    mut at: i64,
    filter: Filter,
) -> impl futures::Stream<Item = Result<Delivery>> + Send + 'static {
    async_stream::stream! {
        let (mut tail, mut moved) = shared.attach(tenant);
        let mut patience = Patience::new();
        yield Ok(Delivery::Position(place));
        loop {
            let events = match tail.after(at, BATCH) {
                Taken::Events(events) => events,
                Taken::Nothing => {
                    if moved.changed().await.is_err() {
                        (tail, moved) = shared.attach(tenant);
                    }
                    continue;
                }
                // boxed, as it is seldom: a stream is as large as the largest thing it may wait for
                Taken::Left => match Box::pin(catch_up(&shared, tenant, at)).await {
                    Ok(events) => {
                        patience.reset();
                        events
                    }
                    Err(Error::CursorExpired) => {
                        yield Err(Error::CursorExpired);
                        return;
                    }
                    Err(error) => {
                        patience.wait(tenant, &error).await;
                        continue;
                    }
                },
            };
            let mut passed = None;
            for event in events {
                at = event.sequence;
                if filter.takes(&event) {
                    passed = None;
                    yield Ok(Delivery::Event(event));
                } else {
                    passed = Some(Cursor::of(&event));
                }
            }
            if let Some(cursor) = passed {
                yield Ok(Delivery::Position(cursor));
            }
        }
    }
}

/// A page of what has left the ring. It cannot be empty: if it is, what follows is no longer kept. Read in a task of its
/// own: a follower is polled as its client reads, and one that is not would keep a turn and a connection from the others.
async fn catch_up(
    shared: &Arc<Shared>,
    tenant: TenantId,
    at: i64,
) -> Result<Vec<Arc<event::Model>>> {
    let shared = Arc::clone(shared);
    let reading = tokio::spawn(async move {
        let turn = shared.catching_up.acquire().await;
        let _turn = turn.map_err(Error::internal)?;
        read::page(&shared.handles, tenant, at).await
    });
    let events = AbortOnDropHandle::new(reading)
        .await
        .map_err(Error::internal)??;
    if events.is_empty() {
        return Err(Error::CursorExpired);
    }
    Ok(events.into_iter().map(Arc::new).collect())
}
