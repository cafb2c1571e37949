//! Many things in one call: what happens to the good ones beside bad ones, and what became of each.

use crate::error::Error;

/// What happens to good ones beside bad ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorPolicy {
    /// Nothing is stored.
    #[default]
    RejectAll,
    /// The good ones are stored, and each bad one is answered.
    RejectFailed,
    /// The good ones are stored, and bad ones are counted only.
    IgnoreFailed,
}

/// What became of one of many.
#[derive(Debug)]
pub enum Became<T> {
    /// It was done.
    Done(T),
    /// It could not be done.
    Refused(Error),
    /// It could have been done, and was not because another could not.
    NotDone,
}

impl<T> Became<T> {
    /// Whether it was done.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }

    /// Whether it could not be done.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// What was done, or why not.
    pub fn done(self) -> Result<T, Error> {
        match self {
            Self::Done(done) => Ok(done),
            Self::Refused(error) => Err(error),
            Self::NotDone => Err(Error::conflict("another one could not be done")),
        }
    }
}
