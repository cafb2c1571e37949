//! What a client waits for: it ends at its deadline or when the client goes away, and so does what it runs in the
//! database.
//!
//! A future that is dropped does not stop the statement it waited for. So each transaction of an operation is known by
//! its name: on PostgreSQL it is the `application_name` of the transaction, which says whose statement that is, by which
//! it can be cancelled from another connection, and which operators see. On SQLite the connection asks the operation every
//! few thousand steps whether it is still wanted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::{ConnectionTrait, SqlxError};
use tokio::time::Instant;

use super::Db;

/// Steps of SQLite's machine between two questions: some tenths of a millisecond.
const STEPS: i32 = 10_000;
/// How much later than the operation its statement ends by itself: whoever waits for it is told first.
const GRACE: Duration = Duration::from_millis(250);
/// How often it is looked whether transactions of an operation that is over are gone, and how long between.
const LOOKS: (usize, Duration) = (20, Duration::from_millis(100));

static PROCESS: LazyLock<String> = LazyLock::new(|| crate::secret::token()[..8].to_owned());
static COUNT: AtomicU64 = AtomicU64::new(0);

tokio::task_local! {
    static CURRENT: Arc<Operation>;
}

/// Something a client waits for.
#[derive(Debug)]
pub struct Operation {
    name: OnceLock<String>,
    ends: Instant,
    over: AtomicBool,
}

/// An operation took longer than it may.
#[derive(Debug)]
pub struct Overrun;

impl Operation {
    /// Does the work of an operation. When it is not done in time, or this is dropped, what it runs in the database is
    /// cancelled.
    pub async fn scope<F: Future>(
        db: &Db,
        within: Duration,
        work: F,
    ) -> Result<F::Output, Overrun> {
        let operation = Arc::new(Self {
            name: OnceLock::new(),
            ends: Instant::now() + within,
            over: AtomicBool::new(false),
        });
        let ends = operation.ends;
        let mut end = End {
            db,
            operation: Arc::clone(&operation),
            done: false,
        };
        let work = tokio::time::timeout_at(ends, CURRENT.scope(operation, work)).await;
        end.done = work.is_ok();
        work.map_err(|_| Overrun)
    }

    /// The operation at work, if there is one: jobs and commands have none.
    pub fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    /// Does a part of an operation elsewhere, such as in a task of its own.
    pub async fn resume<F: Future>(operation: Option<&Arc<Self>>, work: F) -> F::Output {
        match operation {
            Some(operation) => CURRENT.scope(Arc::clone(operation), work).await,
            None => work.await,
        }
    }

    /// Whether nobody waits for it any more.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed) || Instant::now() >= self.ends
    }

    /// How long a statement of it may run.
    pub(super) fn statement_timeout(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now()) + GRACE
    }

    /// The name of its transactions, such as `balance 0hq3xk2a-17`.
    pub(super) fn name(&self) -> &str {
        self.name.get_or_init(|| {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            format!("balance {}-{count}", *PROCESS)
        })
    }
}

/// Ends an operation, whichever way it ends.
struct End<'a> {
    db: &'a Db,
    operation: Arc<Operation>,
    done: bool,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        self.operation.over.store(true, Ordering::Relaxed);
        // one without a name has begun nothing
        let (Some(name), Some(cancelling)) = (self.operation.name.get(), &self.db.cancelling)
        else {
            return;
        };
        let (name, cancelling) = (name.clone(), cancelling.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { cancel(&cancelling, &name).await });
        }
    }
}

/// Cancels what transactions of this name run, until there are none.
async fn cancel(through: &sea_orm::DatabaseConnection, name: &str) {
    // a name is ours: it needs no parameter, which a pooler would mind
    let sql = format!(
        "select pg_cancel_backend(pid) from pg_stat_activity \
         where application_name = '{name}' and usename = current_user and pid <> pg_backend_pid()"
    );
    for _ in 0..LOOKS.0 {
        match through.execute_unprepared(&sql).await {
            Ok(found) if found.rows_affected() == 0 => return,
            Ok(_) => tokio::time::sleep(LOOKS.1).await,
            Err(error) => {
                tracing::warn!(%error, "A statement that nobody waits for was not cancelled; its timeout ends it");
                return;
            }
        }
    }
}

/// Lets a connection of SQLite ask the operation that takes it whether it is still wanted. `interrupted` is told when it
/// was not.
pub(super) async fn attend(
    connection: &mut SqliteConnection,
    interrupted: Arc<AtomicBool>,
) -> Result<(), SqlxError> {
    let operation = Operation::current();
    let mut handle = connection.lock_handle().await?;
    let Some(operation) = operation else {
        handle.remove_progress_handler();
        return Ok(());
    };
    handle.set_progress_handler(STEPS, move || {
        let over = operation.is_over();
        if over {
            interrupted.store(true, Ordering::Relaxed);
        }
        !over
    });
    Ok(())
}
