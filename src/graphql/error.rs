//! Errors as clients see them. What a person can act on is data of the payload; the rest is an error of the request
//! with a code of the contract.

use async_graphql::{Enum, SimpleObject};

use super::refusal::Code;
use crate::error::{Error, Result};

/// Why an input was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UserErrorCode {
    /// A value is wrong; the message says what is accepted.
    BadUserInput,
    /// The state it would change is no longer there.
    Conflict,
    /// There is no such thing in this tenant.
    NotFound,
    /// Your permissions do not reach this one.
    Forbidden,
}

/// Something the caller can put right.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(serial)]
pub struct UserError {
    /// The input field at fault, as a path such as `rows[3].amount`; absent when it is about the whole.
    pub field: Option<String>,
    /// What was wrong and what is accepted, for people.
    pub message: String,
    /// What was wrong, for programs.
    pub code: UserErrorCode,
}

impl UserError {
    /// The error about one of many as data, when it is about that one; else the error itself.
    pub fn of_one(error: Error) -> Result<Self> {
        match error {
            Error::OutOfReach(_) => Ok(Self {
                field: None,
                message: error.to_string(),
                code: UserErrorCode::Forbidden,
            }),
            other => Self::of(other),
        }
    }

    /// The error as data, when it is one a person can act on; else the error itself.
    pub fn of(error: Error) -> Result<Self> {
        match error {
            Error::Invalid { field, message } => Ok(Self {
                field: Some(field.into_owned()),
                message,
                code: UserErrorCode::BadUserInput,
            }),
            Error::Conflict(message) => Ok(Self {
                field: None,
                message: message.into_owned(),
                code: UserErrorCode::Conflict,
            }),
            Error::NotFound(what) => Ok(Self {
                field: None,
                message: format!("{what} not found"),
                code: UserErrorCode::NotFound,
            }),
            other => Err(other),
        }
    }
}

/// Splits the outcome of a verb into what a payload shows: the value, or errors a person can act on.
pub fn payload<T>(outcome: Result<T>) -> Result<(Option<T>, Vec<UserError>)> {
    match outcome {
        Ok(value) => Ok((Some(value), Vec::new())),
        Err(error) => Ok((None, vec![UserError::of(error)?])),
    }
}

/// The HTTP status of an error of ours. Our own database being away is 503, try again; a provider outside is 502.
pub fn status(error: &Error) -> u16 {
    match error {
        Error::Unavailable(_) => 503,
        other => code(other).status(),
    }
}

/// The code of the contract for an error of ours.
pub fn code(error: &Error) -> Code {
    Code::parse(error.code()).unwrap_or(Code::Internal)
}
