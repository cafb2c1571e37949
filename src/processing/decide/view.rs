//! What one tier has to say about a record, in the form that is kept.

use entity::CategoryId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who is asked, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Tier {
    /// The tenant's rules.
    Rule,
    /// Approvals of the same merchant.
    Exact,
    /// What approvals taught, generalised.
    Model,
    /// Approvals of strings that look alike.
    Similar,
    /// The language model.
    Llm,
}

/// What became of what a tier said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// It is the decision.
    Decided,
    /// It was heard and another was followed, or it was not sure enough.
    Considered,
    /// It had nothing to say.
    Silent,
    /// It is a rule that only watches: what it would have said decides nothing.
    Shadow,
}

/// What one tier had to say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// Which tier.
    pub tier: Tier,
    /// What became of it.
    pub verdict: Verdict,
    /// The category it proposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryId>,
    /// How sure it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// One sentence.
    pub reason: String,
    /// How long it took to say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<i64>,
    /// What it looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Value>,
}

impl View {
    /// A tier without a proposal.
    pub fn silent(tier: Tier, reason: impl Into<String>) -> Self {
        Self {
            tier,
            verdict: Verdict::Silent,
            category: None,
            confidence: None,
            reason: reason.into(),
            latency_us: None,
            evidence: None,
        }
    }

    /// A rule that only watches.
    pub(super) fn shadow(category: Option<CategoryId>, reason: String) -> Self {
        Self {
            verdict: Verdict::Shadow,
            category,
            ..Self::silent(Tier::Rule, reason)
        }
    }

    /// A tier with a proposal.
    pub fn proposal(
        tier: Tier,
        category: CategoryId,
        confidence: f64,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            tier,
            verdict: Verdict::Considered,
            category: Some(category),
            confidence: Some(rounded(confidence)),
            reason: reason.into(),
            latency_us: None,
            evidence: None,
        }
    }

    pub(in crate::processing) fn with(mut self, evidence: Value) -> Self {
        self.evidence = Some(evidence);
        self
    }
}

/// Four decimals: what is stored, shown and compared is one number.
fn rounded(confidence: f64) -> f64 {
    (confidence.clamp(0.0, 1.0) * 10_000.0).round() / 10_000.0
}
