//! How far jobs are while they run: told to whoever looks, and worth nothing once they are done.
//!
//! Through Redis where there is one, so that every process can tell; else in the process that works. A job that says
//! nothing has no progress; what it came to is in the database, with the thing it was about.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use entity::JobId;
use fred::prelude::*;

use crate::bus::{Bus, Shared};

/// How long Redis keeps what a job said last.
const KEEP_SECONDS: i64 = 3_600;
/// Jobs that a process remembers.
const REMEMBERED: usize = 1_000;

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Parts that are done.
    pub done: u64,
    /// Parts in all.
    pub total: u64,
}

/// What the jobs of this process said last.
#[derive(Default)]
pub struct Told(Mutex<BTreeMap<JobId, Progress>>);

impl Told {
    /// Says how far a job is. Never waits and never fails: what is lost is told again with the next part.
    pub fn tell(&self, bus: &Bus, job: JobId, progress: Progress) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(job, progress);
        if told.len() > REMEMBERED {
            // ids are in the order of time
            told.pop_first();
        }
        drop(told);
        if let Some(shared) = bus.redis() {
            let (client, key) = (shared.client.clone(), key(shared, job));
            tokio::spawn(async move {
                let keep = Some(Expiration::EX(KEEP_SECONDS));
                let kept = client.set::<(), _, _>(key, write(progress), keep, None, false);
                if let Err(error) = kept.await {
                    tracing::debug!(%error, "The progress of a job was not told to other processes");
                }
            });
        }
    }

    /// How far jobs are, those that said so; asked once, whatever their number.
    pub async fn of(&self, bus: &Bus, jobs: &[JobId]) -> HashMap<JobId, Progress> {
        let mut found = HashMap::new();
        if jobs.is_empty() {
            return found;
        }
        {
            let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let known = jobs.iter().filter_map(|job| Some((*job, *told.get(job)?)));
            found.extend(known);
        }
        if let Some(shared) = bus.redis() {
            let keys: Vec<String> = jobs.iter().map(|job| key(shared, *job)).collect();
            match shared.client.mget::<Vec<Option<String>>, _>(keys).await {
                Ok(values) => found.extend(
                    jobs.iter()
                        .zip(values)
                        .filter_map(|(job, value)| Some((*job, read(&value?)?))),
                ),
                Err(error) => {
                    tracing::debug!(%error, "Redis did not tell how far jobs are");
                }
            }
        }
        found
    }
}

fn key(shared: &Shared, job: JobId) -> String {
    format!("{}:job:{job}", shared.prefix)
}

fn write(progress: Progress) -> String {
    format!("{} {}", progress.done, progress.total)
}

fn read(text: &str) -> Option<Progress> {
    let (done, total) = text.split_once(' ')?;
    Some(Progress {
        done: done.parse().ok()?,
        total: total.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_job_said_last_is_told_and_the_oldest_is_forgotten() {
        let (told, bus) = (Told::default(), Bus::local());
        let id = |n: usize| JobId(uuid::Uuid::from_u128(n as u128));
        for n in 0..=REMEMBERED {
            told.tell(&bus, id(n), Progress { done: 1, total: 9 });
        }
        told.tell(&bus, id(5), Progress { done: 2, total: 9 });
        let found = told.of(&bus, &[id(0), id(5), id(REMEMBERED + 7)]).await;
        assert_eq!(
            found,
            HashMap::from([(id(5), Progress { done: 2, total: 9 })])
        );
    }

    #[test]
    fn a_progress_is_read_as_it_was_written() {
        let progress = Progress {
            done: 1_000,
            total: 48_000,
        };
        assert_eq!(read(&write(progress)), Some(progress));
        assert_eq!(read("nonsense"), None);
        assert_eq!(read("1 x"), None);
    }
}
