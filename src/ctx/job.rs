//! What can be asked of the workers: ids and values only.

use chrono::{DateTime, Utc};
use entity::{ChangeSetId, DeliveryId, ExportId, ImportId, RecordId, ReportId, SimulationId, job};
use serde::{Deserialize, Serialize};

use super::Ctx;
use crate::queue::Queue;

/// A piece of background work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "job", rename_all_fields = "camelCase")]
pub enum Job {
    /// Read an imported file into records.
    IngestImport {
        /// Which import.
        import: ImportId,
    },
    /// Read a webhook delivery into records.
    IngestDelivery {
        /// Which delivery.
        delivery: DeliveryId,
    },
    /// Decide about a record.
    ProcessRecord {
        /// Which record.
        record: RecordId,
    },
    /// Write everything of the tenant to a file.
    ExportTenant {
        /// Which export.
        export: ExportId,
    },
    /// Make a report.
    GenerateReport {
        /// Which report.
        report: ReportId,
    },
    /// Replay the pipeline on the records of the past.
    RunSimulation {
        /// Which simulation.
        simulation: SimulationId,
    },
    /// Apply the records of a change set, or put them back.
    WorkChangeSet {
        /// Which change set.
        change_set: ChangeSetId,
    },
    /// Mail a link to a new password, if somebody has the address.
    MailResetLink {
        /// The address, sealed.
        sealed: String,
    },
    /// Send a mail.
    SendMail {
        /// The mail, sealed: it holds an address, and often a link that opens a door.
        sealed: String,
    },
    /// Keep the vectors of what these approved records say.
    StoreVectors {
        /// Which records.
        records: Vec<RecordId>,
    },
    /// See what these approved records say about rules.
    SuggestRules {
        /// Which records.
        records: Vec<RecordId>,
    },
    /// Look again at what waits, now that these records were approved, or that was taken back.
    ReconsiderProposals {
        /// Which records.
        records: Vec<RecordId>,
    },
    /// Make the vectors of everything that is approved.
    RebuildVectors {
        /// The model that makes them.
        model: String,
        /// How many numbers each has.
        dimension: usize,
        /// When it was wanted: by a start in the same hour once is enough.
        since: DateTime<Utc>,
    },
}

impl Job {
    /// Its queue.
    pub fn queue(&self) -> Queue {
        match self {
            Self::IngestImport { .. } | Self::IngestDelivery { .. } => Queue::Ingest,
            Self::ProcessRecord { .. } => Queue::Process,
            Self::ExportTenant { .. } => Queue::Exports,
            Self::GenerateReport { .. } => Queue::Reports,
            Self::RunSimulation { .. } => Queue::Simulations,
            Self::WorkChangeSet { .. } => Queue::Changes,
            Self::SendMail { .. } | Self::MailResetLink { .. } => Queue::Emails,
            Self::StoreVectors { .. } | Self::RebuildVectors { .. } => Queue::Vectors,
            Self::SuggestRules { .. } => Queue::Suggestions,
            Self::ReconsiderProposals { .. } => Queue::Reconsideration,
        }
    }

    /// What makes it the same job: a second one with the same key is not wanted.
    fn key(&self) -> Option<String> {
        match self {
            Self::RebuildVectors {
                model,
                dimension,
                since,
            } => Some(format!(
                "vectors:{model}/{dimension}:{}",
                since.timestamp_micros()
            )),
            _ => None,
        }
    }

    /// The job in a row of the queue.
    pub fn read(row: &job::Model) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&row.payload)
    }

    pub(super) fn into_row(self, ctx: &Ctx) -> job::Model {
        let queue = self.queue();
        let now = ctx.now();
        job::Model {
            id: ctx.id(),
            tenant_id: ctx.tenant(),
            queue: queue.as_str().to_owned(),
            payload: serde_json::to_string(&self).expect("ids and values are JSON"),
            key: self.key(),
            state: job::State::Ready,
            attempt: 0,
            max_attempts: queue.policy().attempts,
            run_at: now,
            claim: None,
            worker: None,
            lease_until: None,
            last_error: None,
            reason: None,
            started_at: None,
            created_at: now,
            finished_at: None,
        }
    }
}
