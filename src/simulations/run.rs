//! The job that replays.

use std::sync::Arc;

use entity::simulated_change::Effect;
use entity::simulation::Status;
use entity::{CategoryId, RecordId, SimulationId, category, job, record, rule, simulation};
use sea_orm::PaginatorTrait;

use super::hypothesis::{Before, Hypothesis, Knowing};
use super::judge::{Arm, Judged, Proposal, truth};
use super::rule_changes::applied;
use super::stand::Stand;
use super::store::{OPEN, Store};
use super::tally::{Figures, Tally};
use super::{find, history, now};
use crate::automation;
use crate::ctx::{Ctx, Read};
use crate::error::{Error, Result};
use crate::processing::knowledge::Knowledge;
use crate::processing::replay::{self, Replay, Stance, Taught, Tiers};
use crate::queue::Claim;
use crate::rules::{self, Arranged, Compiled};

/// Replays a simulation that was asked for, in steps. `asks` tells whether there is a language model, which is counted
/// and never asked. Cut off anywhere, it can be run again: nothing is kept twice.
#[tracing::instrument(skip_all, fields(simulation.id = %id))]
pub async fn run(
    ctx: &Ctx,
    claim: &Claim,
    job: &job::Model,
    id: SimulationId,
    asks: bool,
) -> Result<()> {
    let row = find::load(ctx, id).await?;
    let hypothesis: Hypothesis = serde_json::from_str(&row.hypothesis)?;
    let read = ctx.read().await?;
    let total = total(&read, &hypothesis).await?;
    let arranged = rules::arranged(&read).await?;
    let policy = automation::policy_within(&read).await?;
    drop(read);
    let real = arranged.clone().as_tried();
    let stand = Stand::of(&real, policy);
    let store = Store {
        ctx,
        claim,
        job,
        id,
        total,
    };
    if !OPEN.contains(&row.status) {
        return store.leave().await;
    }
    let Arranged { rules, off } = arranged;
    let supposed = match applied(rules, &hypothesis.rules, ctx.tenant(), ctx.now()) {
        Ok(rules) => Arranged { rules, off }.as_tried(),
        // a rule was changed or removed since it was asked for
        Err(error @ Error::Invalid { .. }) => return store.fail(&error.to_string()).await,
        Err(error) => return Err(error),
    };
    let tiers = Tiers {
        llm: asks,
        ..Tiers::default()
    };
    let stances = [
        stance(real, tiers),
        stance(supposed, hypothesis.tiers.on(tiers)),
    ];
    let mut bench = Bench::set_up(ctx, &hypothesis, stances).await?;
    let goes_on = goes_on(ctx, &row, &hypothesis).await?;
    if let (true, Some(tally)) = (goes_on, &row.tally) {
        bench.tally = serde_json::from_str(tally)?;
    }
    if !store
        .begin((bench.head(), &stand), &bench.tally, goes_on)
        .await?
    {
        return store.leave().await;
    }
    let (mut bench, whole) = match hypothesis.knowing {
        Knowing::Now => now::replay(ctx, &store, &hypothesis, bench).await?,
        Knowing::History => history::replay(ctx, &store, &hypothesis, bench).await?,
    };
    if !whole {
        return store.leave().await;
    }
    bench.reckon();
    store.finish(&bench.tally).await
}

/// Whether an attempt goes on from where the last one was cut: nothing was learnt or changed since.
async fn goes_on(ctx: &Ctx, row: &simulation::Model, hypothesis: &Hypothesis) -> Result<bool> {
    let Some(as_of) = row.as_of.filter(|_| row.status == Status::Running) else {
        return Ok(false);
    };
    if hypothesis.knowing == Knowing::History {
        return Ok(false);
    }
    replay::is_unchanged_since(&ctx.read().await?, as_of).await
}

async fn total(read: &Read, hypothesis: &Hypothesis) -> Result<i32> {
    let records = hypothesis.among(read.select::<record::Entity>());
    i32::try_from(records.count(read.on()).await?).map_err(Error::internal)
}

fn stance(rules: Vec<rule::Model>, tiers: Tiers) -> Stance {
    let compiled = match tiers.rules {
        true => rules::compile(rules),
        false => Compiled::default(),
    };
    Stance {
        rules: Arc::new(compiled),
        tiers,
    }
}

/// What a replay works with: a copy of what is known, two ways of deciding, and what was counted.
pub(super) struct Bench {
    replay: Replay,
    /// None where what was really proposed is compared.
    before: Option<Arm>,
    after: Arm,
    pub tally: Tally,
}

impl Bench {
    async fn set_up(
        ctx: &Ctx,
        hypothesis: &Hypothesis,
        [real, supposed]: [Stance; 2],
    ) -> Result<Self> {
        let replay = match hypothesis.knowing {
            Knowing::Now => Replay::now(ctx).await?,
            Knowing::History => Replay::untaught(ctx).await?,
        };
        ctx.refresh().await;
        let earned = replay.knowledge().earned();
        let policy = earned.gate().policy();
        let wanted = match hypothesis.automation {
            Some(automation) => automation.on(policy)?,
            None => policy,
        };
        let arm = |stance, policy| {
            let arm = Arm::new(stance, earned.gate_under(policy));
            match hypothesis.knowing {
                Knowing::Now => arm,
                Knowing::History => arm.earning(),
            }
        };
        let before = match hypothesis.before {
            Before::Pipeline => Some(arm(real, policy)),
            Before::Stored => None,
        };
        Ok(Self {
            before,
            after: arm(supposed, wanted),
            tally: Tally::default(),
            replay,
        })
    }

    /// The last event that is known of.
    pub fn head(&self) -> i64 {
        self.replay.knowledge().cursor()
    }

    /// Whether what was really proposed is compared.
    pub fn is_stored(&self) -> bool {
        self.before.is_none()
    }

    /// Decides about a record both ways, with everything that is known but its own approval.
    pub fn judge_knowing_all(&mut self, record: record::Model, stored: Option<Proposal>) -> Judged {
        let (before, after) = (&self.before, &self.after);
        let proposals = self
            .replay
            .without(&record, |replay| propose(replay, &record, before, after));
        judged(record, proposals, stored)
    }

    /// Decides about a record both ways, with what is known so far, and remembers both until somebody says what is right.
    pub fn judge(&mut self, record: record::Model, stored: Option<Proposal>) -> Judged {
        let proposals = propose(&mut self.replay, &record, &self.before, &self.after);
        let judged = judged(record, proposals, stored);
        if let Some(before) = &mut self.before {
            before.await_word(judged.record.id, &judged.before);
        }
        self.after.await_word(judged.record.id, &judged.after);
        judged
    }

    /// Hears of an approval, or that one was taken back, and learns from it.
    pub fn hear(&mut self, record: RecordId, taught: &Taught) {
        for arm in self.before.iter_mut().chain([&mut self.after]) {
            arm.hear(record, taught);
        }
        self.replay.take_in(taught);
    }

    /// Counts a record; what it is as a change, if it is one.
    pub fn count(&mut self, judged: Judged) -> Option<(Effect, Judged)> {
        let categories = self.replay.knowledge().categories();
        let counts = |id: CategoryId| {
            let kind = categories.get(&id).map(|known| known.kind);
            matches!(kind, Some(category::Kind::Income | category::Kind::Expense))
        };
        let effect = self.tally.count(&judged, counts)?;
        Some((effect, judged))
    }

    /// What the language model would have read and written.
    fn reckon(&mut self) {
        let known: &Knowledge = self.replay.knowledge();
        let reckon = |figures: &mut Figures| {
            let wordage = replay::wordage(figures.questions, figures.characters, known);
            figures.prompts = wordage.prompts;
            figures.prompt_tokens = wordage.prompt_tokens;
            figures.completion_tokens = wordage.completion_tokens;
            // they only told which questions were new
            figures.asked.clear();
        };
        reckon(&mut self.tally.before);
        reckon(&mut self.tally.after);
    }
}

fn propose(
    replay: &mut Replay,
    record: &record::Model,
    before: &Option<Arm>,
    after: &Arm,
) -> (Option<Proposal>, Proposal) {
    let before = before.as_ref().map(|arm| arm.propose(replay, record));
    (before, after.propose(replay, record))
}

fn judged(
    record: record::Model,
    (before, after): (Option<Proposal>, Proposal),
    stored: Option<Proposal>,
) -> Judged {
    Judged {
        before: before.or(stored).unwrap_or_default(),
        after,
        truth: truth(&record),
        record,
    }
}
