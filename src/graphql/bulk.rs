//! Bulk mutations: what clients say about good ones beside bad ones, and how each is answered.

use async_graphql::{Enum, ID};
use uuid::Uuid;

use super::error::UserError;
use super::node::local;
use crate::bulk;
use crate::error::{Error, Result};

/// What happens to the good ones of a call beside bad ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "bulk::ErrorPolicy")]
pub enum ErrorPolicy {
    /// All or nothing: when one fails, nothing is stored. Those that failed say why; the others are NOT_DONE.
    RejectAll,
    /// The good ones are stored. Those that failed say why.
    RejectFailed,
    /// The good ones are stored. Those that failed are counted in `failed` and not answered, so that a call over what is
    /// partly done already is answered shortly.
    IgnoreFailed,
}

/// What became of one of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum BulkOutcome {
    /// It was done, and is stored.
    Done,
    /// It could not be done; `error` says why.
    Failed,
    /// It could have been done, and was not because another one failed.
    NotDone,
}

/// The ids of a call, each of its type or why not.
pub struct Ids<T>(Vec<Result<T, UserError>>);

impl<T: From<Uuid> + Copy> Ids<T> {
    /// Reads ids given as input `field`, 1 to `most`. One that is malformed fails by itself.
    pub fn read(kind: &'static str, field: &'static str, ids: &[ID], most: usize) -> Result<Self> {
        if !(1..=most).contains(&ids.len()) {
            let message = format!("holds {} ids; 1 to {most} are accepted", ids.len());
            return Err(Error::invalid(field, message));
        }
        let read = |(index, id)| match local(kind, field, id) {
            Ok(id) => Ok(Ok(id)),
            Err(error) => {
                let mut error = UserError::of(error)?;
                error.field = Some(format!("{field}[{index}]"));
                Ok(Err(error))
            }
        };
        let ids = ids.iter().enumerate().map(read);
        Ok(Self(ids.collect::<Result<_>>()?))
    }

    /// Those to ask about: none when one is malformed and it is all or nothing.
    pub fn good(&self, policy: bulk::ErrorPolicy) -> Vec<T> {
        let all_or_nothing = policy == bulk::ErrorPolicy::RejectAll;
        if all_or_nothing && self.0.iter().any(Result::is_err) {
            return Vec::new();
        }
        self.0
            .iter()
            .filter_map(|id| id.as_ref().ok().copied())
            .collect()
    }

    /// Each with its place, and with what became of it among the answers to the [good](Self::good) ones.
    pub fn with<A>(self, answers: Vec<A>) -> impl Iterator<Item = (i32, Told<T, A>)> {
        let mut answers = answers.into_iter();
        (0..).zip(self.0).map(move |(index, id)| match id {
            Ok(id) => match answers.next() {
                Some(answer) => (index, Told::Answer(answer)),
                None => (index, Told::NotDone(id)),
            },
            Err(error) => (index, Told::Malformed(error)),
        })
    }
}

/// What there is to tell about one of the ids of a call.
pub enum Told<T, A> {
    /// It was asked about.
    Answer(A),
    /// It was not asked about, because another one is malformed.
    NotDone(T),
    /// It is no id of its type.
    Malformed(UserError),
}

/// How many of the answers were done, and how many failed.
pub fn count(outcomes: impl Iterator<Item = BulkOutcome>) -> (i32, i32) {
    outcomes.fold((0, 0), |(done, failed), outcome| match outcome {
        BulkOutcome::Done => (done + 1, failed),
        BulkOutcome::Failed => (done, failed + 1),
        BulkOutcome::NotDone => (done, failed),
    })
}
