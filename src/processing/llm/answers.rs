//! What a language model answered before, about the same categories.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::prompt::Subject;
use crate::processing::decide::View;

/// Answers remembered per tenant.
const REMEMBERED: usize = 10_000;

/// The answers remembered of one tenant.
#[derive(Debug, Default)]
pub struct Answers(Mutex<HashMap<Subject, View>>);

impl Answers {
    pub(super) fn find(&self, subject: &Subject) -> Option<View> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(subject).cloned()
    }

    pub(super) fn keep(&self, subject: Subject, view: View) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() < REMEMBERED {
            answers.insert(subject, view);
        }
    }
}
