//! What may pass without a person, as clients see it.

use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::automation::Mode;

use super::decisions::DecisionSource;
use super::error::{UserError, payload};
use super::op::Op;
use super::payload::payloads;
use super::scalar::Date;
use crate::approvals;
use crate::automation::{self, Bar, Bars, Bin, Change, Counted, Policy, Report};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Whether anything passes without a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Mode")]
pub enum AutomationMode {
    /// Nothing does: what would is only told.
    ProposeOnly,
    /// What is sure enough enters the books by itself.
    Automatic,
}

/// What may pass without a person.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct Automation {
    /// Whether anything does.
    pub mode: AutomationMode,
    /// How much of what passes is to be right, 0 to 1.
    pub target_precision: f64,
    /// How much of what would pass is shown to a person all the same, 0 to 1.
    pub audit_share: f64,
    /// How sure a proposal must be now, by who proposes. What people said of the last 4,000 proposals decides; a source
    /// without a bar passes nothing.
    pub bars: Vec<AutomationBar>,
}

/// How sure the proposals of one source must be to pass.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct AutomationBar {
    /// Who proposes.
    pub source: DecisionSource,
    /// The confidence from which they pass, 0 to 1.
    pub confidence: f64,
    /// Proposals this sure that people decided.
    pub checked: i32,
    /// The share of them that was accepted as it was.
    pub precision: f64,
    /// What that share is at least, with a certainty of 90 %.
    pub precision_at_least: f64,
}

impl From<&Bar> for AutomationBar {
    fn from(bar: &Bar) -> Self {
        Self {
            source: bar.source.into(),
            confidence: bar.confidence,
            checked: i32::try_from(bar.outcomes).unwrap_or(i32::MAX),
            precision: bar.precision(),
            precision_at_least: bar.lower_bound(),
        }
    }
}

impl From<(Policy, Bars)> for Automation {
    fn from((policy, bars): (Policy, Bars)) -> Self {
        Self {
            mode: policy.mode.into(),
            target_precision: policy.target(),
            audit_share: policy.audit_share(),
            bars: bars.iter().map(Into::into).collect(),
        }
    }
}

/// What automation did, or would have done, in a time.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct AutomationReport {
    /// All proposals.
    pub all: AutomationCounts,
    /// By who proposed.
    pub by_source: Vec<AutomationOfSource>,
    /// By month, oldest first; months without proposals are left out.
    pub by_month: Vec<AutomationOfMonth>,
    /// Whether the confidence is honest: ten bins, from 0 up. The two shares of a bin are close where it is.
    pub calibration: Vec<CalibrationBin>,
}

/// Proposals counted together.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct AutomationCounts {
    /// Proposals with a category.
    pub proposed: i64,
    /// Those sure enough to pass when they were made.
    pub passing: i64,
    /// Those that entered the books without a person, and are there.
    pub automatic: i64,
    /// Those that entered without a person and were taken back.
    pub taken_back: i64,
    /// Those a person decided.
    pub checked: i64,
    /// The share of proposals that passed, or would have; absent without any.
    pub coverage: Option<f64>,
    /// The share of passing proposals that people agreed with, of those they looked at; absent without any.
    pub precision: Option<f64>,
    /// The share of all proposals that people agreed with, of those they looked at; absent without any.
    pub accuracy: Option<f64>,
}

/// Proposals of one source.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct AutomationOfSource {
    /// Who proposed.
    pub source: DecisionSource,
    /// How they did.
    pub counts: AutomationCounts,
}

/// Proposals of one month.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct AutomationOfMonth {
    /// The month in UTC, `YYYY-MM`.
    pub month: String,
    /// How they did.
    pub counts: AutomationCounts,
}

/// Proposals about equally sure that a person decided.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct CalibrationBin {
    /// From this confidence on.
    pub from: f64,
    /// How many there are.
    pub checked: i64,
    /// How sure they were on average; absent without any.
    pub confidence: Option<f64>,
    /// How often they were right; absent without any.
    pub right: Option<f64>,
}

impl From<Counted> for AutomationCounts {
    fn from(counted: Counted) -> Self {
        Self {
            proposed: counted.proposed,
            passing: counted.passing,
            automatic: counted.automatic,
            taken_back: counted.taken_back,
            checked: counted.checked,
            coverage: counted.coverage(),
            precision: counted.precision(),
            accuracy: counted.accuracy(),
        }
    }
}

impl From<Report> for AutomationReport {
    fn from(report: Report) -> Self {
        let sources = report.sources.into_iter();
        let months = report.months.into_iter();
        let bin = |(at, bin): (usize, &Bin)| CalibrationBin {
            from: at as f64 / automation::BINS as f64,
            checked: bin.checked,
            confidence: bin.said(),
            right: bin.was(),
        };
        Self {
            all: report.all.into(),
            by_source: sources
                .map(|(source, counts)| AutomationOfSource {
                    source: source.into(),
                    counts: counts.into(),
                })
                .collect(),
            by_month: months
                .map(|(month, counts)| AutomationOfMonth {
                    month,
                    counts: counts.into(),
                })
                .collect(),
            calibration: report.bins.iter().enumerate().map(bin).collect(),
        }
    }
}

/// What changes. What is left out stays.
#[derive(InputObject)]
pub struct UpdateAutomationInput {
    /// Whether anything passes without a person.
    pub mode: Option<AutomationMode>,
    /// How much of what passes is to be right: 0.9 to 0.999, 0.98 unless set.
    pub target_precision: Option<f64>,
    /// How much of what would pass is shown to a person all the same: 0.01 to 1, 0.05 unless set.
    pub audit_share: Option<f64>,
}

/// What is to be taken back.
#[derive(InputObject)]
pub struct ReopenAutomaticInput {
    /// Only what entered the books from this moment on; everything without it.
    pub since: Option<DateTime<Utc>>,
    /// Only what this source proposed.
    pub source: Option<DecisionSource>,
}

payloads! {
    /// What may pass now.
    UpdateAutomationPayload {
        /// All of it.
        automation: Automation
    },
}

/// Records that wait for a person again.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct ReopenAutomaticPayload {
    /// How many.
    pub reopened: Option<i64>,
    /// What to put right; empty when it was done.
    #[graphql(name = "errors")]
    pub user_errors: Vec<UserError>,
}

/// Questions about automation.
#[derive(Default)]
pub struct AutomationQuery;

#[Object]
impl AutomationQuery {
    /// What may pass without a person, and how sure a proposal must be for it. Needs `approvals:read`.
    async fn automation(&self, ctx: &Context<'_>) -> Result<Automation> {
        let op = ctx.op()?;
        op.require(Permission::ReadApprovals)?;
        Ok(automation::standing(op).await?.into())
    }

    /// What automation did or would have done with proposals made in a time: coverage, precision and calibration. Needs
    /// `approvals:read` for all records.
    async fn automation_report(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first day, in UTC.")] from: Date,
        #[graphql(desc = "The last day, in UTC.")] to: Date,
    ) -> Result<AutomationReport> {
        if to.0 < from.0 {
            return Err(Error::invalid("to", "it is before the first day"));
        }
        Ok(automation::report(ctx.op()?, from.0, to.0).await?.into())
    }
}

/// What is done with automation.
#[derive(Default)]
pub struct AutomationMutation;

#[Object]
impl AutomationMutation {
    /// Change what may pass without a person, from now on. Needs `tenant:manage`.
    async fn update_automation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UpdateAutomationInput,
    ) -> Result<UpdateAutomationPayload> {
        let op = ctx.op()?;
        let change = Change {
            mode: input.mode.map(Into::into),
            target: input.target_precision,
            audit_share: input.audit_share,
        };
        let changed = async {
            automation::set(op, change).await?;
            automation::standing(op).await
        };
        UpdateAutomationPayload::of(changed.await)
    }

    /// Take back what entered the books without a person, all of it or since some moment: each record waits again, with
    /// the same proposal. Needs `approvals:decide` for all records.
    async fn reopen_automatic(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ReopenAutomaticInput,
    ) -> Result<ReopenAutomaticPayload> {
        let source = input.source.map(Into::into);
        let done = approvals::reopen_automatic(ctx.op()?, input.since, source).await;
        let (reopened, user_errors) = payload(done)?;
        Ok(ReopenAutomaticPayload {
            reopened: reopened.map(|count| i64::try_from(count).unwrap_or(i64::MAX)),
            user_errors,
        })
    }
}
