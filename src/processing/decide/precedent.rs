//! What the approvals of the past say about a record, in a sentence a reviewer can follow.

use entity::{CategoryId, record};
use serde_json::json;

use super::{SURE, Tier, View};
use crate::processing::knowledge::Knowledge;
use crate::processing::learned::facts;
use crate::processing::memory::{Evidence, Proposal};
use crate::processing::model::{FORMAT, Facts, Opinion};
use crate::processing::trades;
use crate::text::fold;

/// A guess by the names of the categories alone is worth saying when it is as sure as this.
const NAMES_ALONE: f64 = 0.2;

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

/// What the model says that learnt from all approvals.
pub(super) fn view_of_model(record: &record::Model, knowledge: &Knowledge) -> View {
    let (model, chart) = (knowledge.model(), knowledge.chart());
    let text = fold(&record.description);
    let facts = facts(
        &text,
        &record.merchant_key,
        record.account_id,
        record.amount,
    );
    let known = |opinion: &Opinion<CategoryId>| knowledge.open_category(opinion.category);
    let Some((opinion, known)) = model
        .predict(&facts, chart)
        .and_then(|opinion| known(&opinion).map(|known| (opinion, known)))
    else {
        return View::silent(
            Tier::Model,
            "Nothing was approved yet that it could learn from.",
        );
    };
    if model.lessons() == 0 && f64::from(opinion.confidence) < NAMES_ALONE {
        return View::silent(
            Tier::Model,
            "Nothing was approved yet, and the names of the categories suggest little.",
        );
    }
    let second = opinion.top.get(1).map(|second| second.0);
    let reasons = model.reasons(&facts, opinion.category, second);
    let reason = match reasons.first() {
        Some(first) => format!(
            "What {} taught speaks for {}, {} above all.",
            approvals(model.lessons()),
            known.name,
            first.feature,
        ),
        None if model.lessons() > 0 => format!(
            "What {} taught speaks for {}, though nothing in this record stands out.",
            approvals(model.lessons()),
            known.name,
        ),
        None => by_name(&known.name, &facts),
    };
    let evidence = json!({
        "version": FORMAT,
        "lessons": model.lessons(),
        "asOf": knowledge.cursor(),
        "classes": chart.categories().len(),
        "trades": facts.trades.iter().map(|(trade, _)| trades::name(trade)).collect::<Vec<_>>(),
        "features": reasons.iter().map(|reason| json!({
            "feature": reason.feature,
            "weight": short(reason.weight),
        })).collect::<Vec<_>>(),
        "top": opinion.top.iter().map(|(category, probability)| json!({
            "category": category,
            "probability": short(*probability),
        })).collect::<Vec<_>>(),
    });
    let confidence = f64::from(opinion.confidence);
    View::proposal(Tier::Model, opinion.category, confidence, reason).with(evidence)
}

/// Why the name of a category speaks for it.
fn by_name(category: &str, facts: &Facts<'_>) -> String {
    let asked = trades::of_category(category);
    let mut dealt = facts.trades.iter().map(|(trade, _)| trade);
    match dealt.find(|trade| asked.contains(trade)) {
        Some(trade) => format!(
            "The name of {category} speaks of the trade that the payee is in: {}.",
            trades::name(trade)
        ),
        None => format!("The names of the categories suggest {category}."),
    }
}

/// Three decimals are enough to read.
fn short(number: f32) -> f64 {
    (f64::from(number) * 1000.0).round() / 1000.0
}

fn approvals(count: u64) -> String {
    match count {
        1 => "1 approval".to_owned(),
        more => format!("{more} approvals"),
    }
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
