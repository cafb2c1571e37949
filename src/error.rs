//! Why an operation did not happen, once for the whole crate. Each transport translates it in one place.

use std::borrow::Cow;

use sea_orm::{DbErr, RuntimeErr, SqlErr};

use crate::permission::Permission;

/// What an operator needs to know and a client may not.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation did not happen. `Display` is what a client may read; `source` is what an operator needs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing, or it is another tenant's.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// Nobody is signed in, or the proof is no longer good.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The actor may not do this.
    #[error("missing permission {0}")]
    Forbidden(Permission),
    /// The actor may do this, but not to this one: the conditions of their grants leave it out.
    #[error("your {0} does not reach this")]
    OutOfReach(Permission),
    /// The tenant is on hold.
    #[error("the tenant is suspended; an owner can resume it")]
    Suspended,
    /// The actor is a program, and only a person may do this.
    #[error("only a person may do this; a service account may not")]
    PersonNeeded,
    /// An input is wrong; the message says what is accepted.
    #[error("{field}: {message}")]
    Invalid {
        /// The input field at fault, as the client wrote it.
        field: Cow<'static, str>,
        /// What was wrong and what is accepted.
        message: String,
    },
    /// The state it would leave is no longer there.
    #[error("{0}")]
    Conflict(Cow<'static, str>),
    /// The cursor is older than what is kept.
    #[error("the cursor is older than the oldest event kept; start again from START")]
    CursorExpired,
    /// A provider outside did not answer usefully.
    #[error("{provider} did not answer")]
    Upstream {
        /// Who was asked.
        provider: &'static str,
        /// What happened.
        source: Source,
    },
    /// The database cannot be reached right now.
    #[error("the service is not available right now; try again")]
    Unavailable(#[source] Source),
    /// It was tried too often.
    #[error("too many attempts; try again in {retry_after_seconds} s")]
    RateLimited {
        /// When trying again can succeed.
        retry_after_seconds: u64,
    },
    /// It took too long and was given up.
    #[error("the operation took too long and was stopped")]
    Timeout,
    /// A bug, or a machine that misbehaves.
    #[error("something went wrong on our side")]
    Internal(#[source] Source),
}

impl Error {
    /// An input that is not accepted.
    pub fn invalid(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            message: message.into(),
        }
    }

    /// A state that changed meanwhile.
    pub fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Conflict(message.into())
    }

    /// Tried too often: again in a while.
    pub fn rate_limited(wait: chrono::TimeDelta) -> Self {
        let seconds = (wait.num_milliseconds().max(0) as u64).div_ceil(1_000);
        Self::RateLimited {
            retry_after_seconds: seconds.max(1),
        }
    }

    /// A failure that is ours.
    pub fn internal(source: impl Into<Source>) -> Self {
        Self::Internal(source.into())
    }

    /// The stable name of it, from the closed list of the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "NOT_FOUND",
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::Forbidden(_) | Self::OutOfReach(_) | Self::Suspended | Self::PersonNeeded => {
                "FORBIDDEN"
            }
            Self::Invalid { .. } => "BAD_USER_INPUT",
            Self::Conflict(_) => "CONFLICT",
            Self::CursorExpired => "CURSOR_EXPIRED",
            Self::Upstream { .. } | Self::Unavailable(_) => "UPSTREAM",
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::Timeout => "TIMEOUT",
            Self::Internal(_) => "INTERNAL",
        }
    }

    /// Whether a person can act on it: such an error is data of a payload rather than a failure of the request.
    pub fn is_for_user(&self) -> bool {
        matches!(self, Self::Invalid { .. } | Self::Conflict(_))
    }

    /// Whether the same call may succeed if it is simply made again.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::Timeout | Self::Upstream { .. }
        )
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(_)) = error.sql_err() {
            return Self::conflict("it was made at the same time by someone else; look again");
        }
        match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Unavailable(error.into()),
            DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => match database_state(cause) {
                State::Unreachable => Self::Unavailable(error.into()),
                State::Cancelled => Self::Timeout,
                State::Raced => Self::conflict("the same rows were being changed; try again"),
                State::Other => Self::Internal(error.into()),
            },
            _ => Self::Internal(error.into()),
        }
    }
}

enum State {
    Unreachable,
    Cancelled,
    Raced,
    Other,
}

/// Reads SQLSTATE (PostgreSQL) and result codes (SQLite).
fn database_state(cause: &sea_orm::SqlxError) -> State {
    use sea_orm::SqlxError as Sqlx;
    match cause {
        Sqlx::Io(_)
        | Sqlx::PoolTimedOut
        | Sqlx::PoolClosed
        | Sqlx::WorkerCrashed
        | Sqlx::Tls(_) => State::Unreachable,
        Sqlx::Database(database) => match database.code().as_deref() {
            // admin shutdown, crash shutdown, cannot connect now, connection failures
            Some("57P01" | "57P02" | "57P03" | "08000" | "08003" | "08006") => State::Unreachable,
            // SQLITE_BUSY, SQLITE_LOCKED
            Some("5" | "6" | "517") => State::Unreachable,
            // query_canceled, SQLITE_INTERRUPT
            Some("57014" | "9") => State::Cancelled,
            Some("40001" | "40P01") => State::Raced,
            _ => State::Other,
        },
        _ => State::Other,
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.into())
    }
}
