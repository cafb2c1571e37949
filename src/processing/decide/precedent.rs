//! What the approvals of the past say about a record, in a sentence a reviewer can follow.

use entity::{CategoryId, record};
use serde_json::json;

use super::{SURE, Tier, View};
use crate::processing::knowledge::Knowledge;
use crate::processing::memory::{Evidence, Proposal};

/// What approvals say against a rule, when they are sure.
pub(super) fn contradiction(
    record: &record::Model,
    category: CategoryId,
    knowledge: &Knowledge,
) -> Option<View> {
    let proposal = knowledge
        .memory()
        .exact(&record.merchant_key, record.account_id)?;
    (proposal.category != category && proposal.confidence >= SURE)
        .then(|| view_of_exact(proposal, record, knowledge))
}

/// What approvals of the same merchant say.
pub(super) fn view_of_exact(
    proposal: Proposal<CategoryId>,
    record: &record::Model,
    knowledge: &Knowledge,
) -> View {
    let Some(known) = knowledge.open_category(proposal.category) else {
        return View::silent(
            Tier::Exact,
            "The same merchant was filed under a category that is archived.",
        );
    };
    let Evidence {
        support,
        contradictions,
        account_support,
        ..
    } = proposal.evidence;
    let place = match account_support {
        0 => "on other accounts".to_owned(),
        all if all == support => "on this account".to_owned(),
        some => format!("({some} of them on this account)"),
    };
    let elsewhere = match contradictions {
        0 => "never elsewhere".to_owned(),
        some => format!("{} elsewhere", times(some)),
    };
    let reason = format!(
        "\"{}\" was filed under {} {} {place}, {elsewhere}.",
        record.merchant_key,
        known.name,
        times(support),
    );
    View::proposal(Tier::Exact, proposal.category, proposal.confidence, reason)
        .with(json!(proposal.evidence))
}

/// What approvals of strings that look alike say.
pub(super) fn view_of_similar(proposal: Proposal<CategoryId>, knowledge: &Knowledge) -> View {
    let Some(known) = knowledge.open_category(proposal.category) else {
        return View::silent(
            Tier::Similar,
            "Records that look alike were filed under a category that is archived.",
        );
    };
    let agrees = proposal.evidence.neighbours.iter().find(|voter| {
        let mut confirmed = voter.categories.iter();
        confirmed.any(|confirmed| confirmed.category == proposal.category)
    });
    let reason = match agrees {
        Some(voter) => format!(
            "It looks like \"{}\" ({:.0} % alike), which was filed under {}.",
            voter.text,
            voter.score * 100.0,
            known.name,
        ),
        None => format!("Records that look alike were filed under {}.", known.name),
    };
    View::proposal(
        Tier::Similar,
        proposal.category,
        proposal.confidence,
        reason,
    )
    .with(json!(proposal.evidence))
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    }
}
