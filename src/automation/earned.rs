//! What a tenant's pipeline has earned so far: its policy, its outcomes, and the bars they make.

use std::sync::Arc;

use entity::automation::Mode;
use entity::decision::Source;
use entity::{ApprovalId, record};

use super::bar::{Bars, Outcome, Outcomes};
use super::policy::Policy;
use crate::ctx::Read;
use crate::error::Result;
use crate::tenants::{self, Ceilings};

/// What people said of proposals, and what follows from it.
#[derive(Debug, Default)]
pub struct Earned {
    outcomes: Outcomes,
    gate: Arc<Gate>,
}

/// What passes by itself.
#[derive(Debug, Default)]
pub struct Gate {
    settings: Settings,
    bars: Bars,
}

/// How a proposal goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    /// It is sure enough.
    pub passes: bool,
    /// It enters the books by itself.
    pub automatic: bool,
    /// It would, and a person is asked all the same.
    pub audit: bool,
}

impl Earned {
    /// What was earned until now.
    pub async fn load(read: &Read) -> Result<Self> {
        let outcomes = super::latest(read).await?;
        let gate = Arc::new(Gate::new(Settings::read(read).await?, &outcomes));
        Ok(Self { outcomes, gate })
    }

    /// What passes now.
    pub fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.gate)
    }

    /// What would pass now under another policy.
    pub fn gate_under(&self, policy: Policy) -> Gate {
        self.gate.under(policy, &self.outcomes)
    }

    /// Counts what people said since, and what they took back; and settings, where they changed.
    pub fn fold(
        &mut self,
        said: Vec<Outcome>,
        taken_back: &[ApprovalId],
        settings: Option<Settings>,
    ) {
        if said.is_empty() && taken_back.is_empty() && settings.is_none() {
            return;
        }
        for outcome in said {
            self.outcomes.add(outcome);
        }
        for approval in taken_back {
            self.outcomes.remove(*approval);
        }
        let settings = settings.unwrap_or_else(|| self.gate.settings.clone());
        self.gate = Arc::new(Gate::new(settings, &self.outcomes));
    }
}

impl Gate {
    fn new(settings: Settings, outcomes: &Outcomes) -> Self {
        Self {
            bars: outcomes.bars(settings.policy.target()),
            settings,
        }
    }

    /// What the tenant lets pass.
    pub fn policy(&self) -> Policy {
        self.settings.policy
    }

    /// How much of what passes is to be right, 0 to 1.
    pub fn target(&self) -> f64 {
        self.settings.policy.target()
    }

    /// What would pass under another policy, had people said this.
    pub fn under(&self, policy: Policy, outcomes: &Outcomes) -> Self {
        let ceilings = self.settings.ceilings.clone();
        Self::new(Settings { policy, ceilings }, outcomes)
    }

    /// How a proposal about this record goes on: by the bar of its source, or as it earned by itself. An amount that needs
    /// two people never passes without one.
    pub fn passage(
        &self,
        source: Source,
        confidence: f64,
        by_itself: Option<bool>,
        record: &record::Model,
    ) -> Passage {
        let passes = by_itself.unwrap_or_else(|| self.bars.passes(source, confidence))
            && !self
                .settings
                .ceilings
                .exceeded_by(record.amount, &record.currency);
        let acts = passes && self.settings.policy.mode == Mode::Automatic;
        let drawn = acts && self.draws(record);
        Passage {
            passes,
            automatic: acts && !drawn,
            audit: drawn,
        }
    }

    /// Whether a person looks at it: by the random part of its id, so that trying again draws the same.
    fn draws(&self, record: &record::Model) -> bool {
        let random = record.id.0.as_u128() & u128::from(u32::MAX);
        random % 1_000 < self.settings.policy.audit_permille.unsigned_abs().into()
    }
}

/// What of a tenant's settings matters here.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    policy: Policy,
    ceilings: Ceilings,
}

impl Settings {
    /// The settings as this reading transaction sees them.
    pub async fn read(read: &Read) -> Result<Self> {
        Ok(Self {
            policy: super::policy_within(read).await?,
            ceilings: tenants::settings_read(read).await?.two_person_ceilings,
        })
    }
}
