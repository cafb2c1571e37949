//! The tier that asks a language model about what the others are not sure of.
//!
//! The model chooses among the tenant's own leaf categories by number, and is asked once per merchant, account and
//! direction. Bank text is data: it goes into a fenced part as JSON strings, which hold no line of their own, so no
//! text can close the fence (`prompt`). Answers are matched by id; whatever is not understood leaves the record to a
//! person, with the reason (`read`). A model that fails is left alone for a while and delays nobody; a budget that is
//! used up makes it silent, and nothing else ([`Purse`]).

mod answers;
mod ask;
mod prompt;
mod purse;
mod read;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use answers::Answers;
pub use ask::{Opinion, Preview, ask, host, preview};
use chrono::{DateTime, TimeDelta, Utc};
use entity::{CategoryId, record};
use futures::future::BoxFuture;
use futures::{StreamExt, stream};
pub use purse::{Budget, Purse};
use serde_json::json;

use self::prompt::{Subject, choices, prompt, subject};
use self::read::{Choice, read};
use super::decide::{Tier, View};
use super::knowledge::Known;
use crate::llm::Used;
use crate::outbound::breaker::Breaker;
use crate::outbound::llm::{Answer, ChatModel, Prompt};

/// Questions in one prompt.
pub(super) const QUESTIONS: usize = 40;
/// Prompts on their way at a time.
const AT_ONCE: usize = 4;
/// What is said where the tenant has not allowed it.
pub(super) const OFF: &str =
    "The language model was not asked: the tenant has not allowed records to be shown to one.";

/// Asks the model, and leaves it alone when it fails.
pub struct Asker {
    model: Arc<dyn ChatModel>,
    breaker: Breaker,
}

/// What the model said about a record, and what that took.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// What it said.
    pub view: View,
    /// What it cost, in millionths; nothing where it was known already.
    pub cost_micros: i64,
    /// How long it took, in microseconds.
    pub latency_us: i64,
}

impl Heard {
    /// What it said, with what that took, as it is kept.
    pub fn told(self) -> View {
        let mut view = self.view;
        if self.latency_us > 0 {
            view.latency_us = Some(self.latency_us);
        }
        if let Some(evidence) = view.evidence.as_mut() {
            evidence["costMicros"] = self.cost_micros.into();
            evidence["cached"] = (self.latency_us == 0).into();
        }
        view
    }
}

/// What is left to ask, and with what.
pub(super) struct Plan<'a> {
    choices: Vec<(CategoryId, &'a Known)>,
    open: Vec<(Subject, &'a record::Model)>,
}

impl<'a> Plan<'a> {
    /// What is to be asked about these records: one question per subject that was not answered before.
    pub fn of(
        records: &[&'a record::Model],
        categories: &'a HashMap<CategoryId, Known>,
        answers: &Answers,
    ) -> Self {
        let mut open: BTreeMap<Subject, &record::Model> = BTreeMap::new();
        for record in records {
            let subject = subject(record);
            if answers.find(&subject).is_none() {
                open.entry(subject).or_insert(record);
            }
        }
        Self {
            choices: choices(categories),
            open: open.into_iter().collect(),
        }
    }

    /// What would be sent.
    pub fn prompts(&self) -> Vec<Prompt> {
        let open = self.open.chunks(QUESTIONS);
        open.map(|questions| prompt(questions, &self.choices))
            .collect()
    }
}

impl Asker {
    /// Asks this model.
    pub fn new(model: Arc<dyn ChatModel>) -> Self {
        Self {
            model,
            breaker: Breaker::default(),
        }
    }

    /// The name of the model.
    pub fn model(&self) -> &str {
        self.model.name()
    }

    /// What the model says about each record, in order; never an error, for no answer is an answer too.
    pub async fn ask(
        &self,
        records: &[&record::Model],
        categories: &HashMap<CategoryId, Known>,
        answers: &Answers,
        purse: &dyn Purse,
        now: DateTime<Utc>,
    ) -> Vec<Heard> {
        let plan = Plan::of(records, categories, answers);
        if plan.choices.is_empty() {
            let none = View::silent(Tier::Llm, "There is no category to choose from.");
            return vec![known(none); records.len()];
        }
        // boxed one by one: the compiler cannot see that a stream of borrowing futures may move between threads
        let mut asked: Vec<BoxFuture<'_, Vec<(Subject, Heard)>>> = Vec::new();
        for questions in plan.open.chunks(QUESTIONS) {
            asked.push(Box::pin(self.ask_about(
                questions,
                &plan.choices,
                purse,
                now,
            )));
        }
        let heard: Vec<Vec<(Subject, Heard)>> =
            stream::iter(asked).buffered(AT_ONCE).collect().await;
        let mut fresh: HashMap<Subject, Heard> = HashMap::new();
        for (subject, heard) in heard.into_iter().flatten() {
            if heard.view.category.is_some() {
                answers.keep(subject.clone(), heard.view.clone());
            }
            fresh.insert(subject, heard);
        }
        let mut hits = 0;
        let mut heard_of = |record: &&record::Model| {
            let subject = subject(record);
            // the first record of a subject bears what it cost
            if let Some(heard) = fresh.get_mut(&subject) {
                let heard = std::mem::replace(heard, known(heard.view.clone()));
                hits += i64::from(heard.latency_us == 0 && heard.view.category.is_some());
                return heard;
            }
            match answers.find(&subject) {
                Some(view) => {
                    hits += 1;
                    known(view)
                }
                None => known(View::silent(Tier::Llm, "The language model was not asked.")),
            }
        };
        let heard: Vec<Heard> = records.iter().map(&mut heard_of).collect();
        if hits > 0 {
            purse.hits(hits).await;
        }
        heard
    }

    async fn ask_about(
        &self,
        questions: &[(Subject, &record::Model)],
        choices: &[(CategoryId, &Known)],
        purse: &dyn Purse,
        now: DateTime<Utc>,
    ) -> Vec<(Subject, Heard)> {
        let all = |reason: String, latency_us: i64| {
            let mut heard = known(View::silent(Tier::Llm, reason));
            heard.latency_us = latency_us;
            let of = |(subject, _): &(Subject, _)| (subject.clone(), heard.clone());
            questions.iter().map(of).collect()
        };
        let prompt = prompt(questions, choices);
        if !self.breaker.allows(now) {
            let rests = "The language model failed repeatedly, or asked for a pause, and is left alone for now.";
            return all(rests.to_owned(), 0);
        }
        let reserved = match purse.reserve(prompt.most_tokens()).await {
            Ok(reserved) => reserved,
            Err(reason) => return all(reason, 0),
        };
        let started = std::time::Instant::now();
        let answer = self.model.complete(&prompt).await;
        let latency_us = i64::try_from(started.elapsed().as_micros())
            .unwrap_or(i64::MAX)
            .max(1);
        let used = self.used(&answer, questions.len(), purse);
        purse.settle(reserved, used).await;
        let text = match &answer.text {
            Ok(text) => text,
            Err(failure) => {
                let since = TimeDelta::microseconds(latency_us);
                let asks_for = failure.asks_for();
                let failed_at = asks_for.map_or(now, |_| now + since);
                if self.breaker.failed(failed_at, asks_for) {
                    tracing::warn!(%failure, "The language model failed repeatedly and is left alone for a while");
                }
                return all(
                    format!("The language model was asked: {failure}."),
                    latency_us,
                );
            }
        };
        self.breaker.succeeded();
        let read = read(text, questions.len(), choices.len());
        let of = |(at, ((subject, _), choice)): (usize, (&(Subject, _), _))| {
            let cost_micros = share(used.cost_micros, at, questions.len());
            let view = self.view(choice, choices, questions.len(), &answer);
            let heard = Heard {
                view,
                cost_micros,
                latency_us,
            };
            (subject.clone(), heard)
        };
        let each = questions.iter().zip(read).enumerate();
        each.map(of).collect()
    }

    fn view(
        &self,
        choice: Result<Choice, String>,
        choices: &[(CategoryId, &Known)],
        questions: usize,
        answer: &Answer,
    ) -> View {
        let mut evidence = json!({
            "model": self.model.name(),
            "questions": questions,
            "promptTokens": answer.prompt_tokens,
            "completionTokens": answer.completion_tokens,
        });
        let view = match choice {
            Ok(choice) => {
                let (category, known) = choices[choice.index];
                let reason = format!(
                    "The language model chose {} among {} categories.",
                    known.name,
                    choices.len()
                );
                if !choice.because.is_empty() {
                    evidence["rationale"] = choice.because.into();
                }
                View::proposal(Tier::Llm, category, choice.confidence, reason)
            }
            Err(reason) => View::silent(Tier::Llm, reason),
        };
        view.with(evidence)
    }

    fn used(&self, answer: &Answer, questions: usize, purse: &dyn Purse) -> Used {
        let calls = i64::from(answer.calls);
        Used {
            calls,
            failures: (calls - i64::from(answer.text.is_ok())).max(0),
            questions: i64::try_from(questions).unwrap_or(i64::MAX),
            prompt_tokens: answer.prompt_tokens,
            completion_tokens: answer.completion_tokens,
            cost_micros: purse.cost_micros(answer.prompt_tokens, answer.completion_tokens),
        }
    }
}

/// What is known without asking.
fn known(view: View) -> Heard {
    Heard {
        view,
        cost_micros: 0,
        latency_us: 0,
    }
}

/// The part of a cost that the question at a place bears; all parts together are the whole.
fn share(cost: i64, at: usize, of: usize) -> i64 {
    let (at, of) = (at as i64, of.max(1) as i64);
    cost / of + i64::from(at < cost % of)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::llm::Reserved;
    use crate::outbound::llm::Failure;

    /// Answers what it was told to, and counts.
    struct Scripted(Result<&'static str, Failure>, AtomicUsize);

    /// Pays for everything, and counts.
    #[derive(Default)]
    struct Rich(AtomicUsize);

    impl Purse for Rich {
        fn reserve(&self, _: i64) -> BoxFuture<'_, Result<Option<Reserved>, String>> {
            Box::pin(async { Ok(None) })
        }

        fn settle(&self, _: Option<Reserved>, _: Used) -> BoxFuture<'_, ()> {
            Box::pin(async {})
        }

        fn hits(&self, records: i64) -> BoxFuture<'_, ()> {
            self.0.fetch_add(records as usize, Ordering::SeqCst);
            Box::pin(async {})
        }

        fn cost_micros(&self, _: i64, _: i64) -> i64 {
            7
        }
    }

    impl ChatModel for Scripted {
        fn name(&self) -> &str {
            "scripted"
        }

        fn complete<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, Answer> {
            self.1.fetch_add(1, Ordering::SeqCst);
            assert!(prompt.instructions.contains("0: \"Travel\" (expense)"));
            assert_eq!(
                prompt.material.lines().count(),
                3,
                "one line a question, and the fence"
            );
            let answer = Answer {
                text: self.0.clone().map(str::to_owned),
                calls: 1,
                prompt_tokens: 1,
                completion_tokens: 1,
            };
            Box::pin(async move { answer })
        }
    }

    fn record(description: &str) -> record::Model {
        use uuid::Uuid;
        let at = DateTime::UNIX_EPOCH;
        record::Model {
            tenant_id: Uuid::nil().into(),
            id: Uuid::nil().into(),
            source_id: Uuid::nil(),
            external_id: String::new(),
            account_id: None,
            connection_id: None,
            import_id: None,
            occurred_on: at.date_naive(),
            amount: -1,
            currency: "EUR".to_owned(),
            description: description.to_owned(),
            merchant_key: "uber".to_owned(),
            text_key: None,
            raw: String::new(),
            status: record::Status::Received,
            category_id: None,
            project: None,
            note: None,
            tags: None,
            decision_id: None,
            error: None,
            metadata: None,
            created_by: None,
            created_at: at,
            updated_at: at,
            automatic: false,
            deleted_at: None,
        }
    }

    fn asker(answer: Result<&'static str, Failure>) -> (Asker, Arc<Scripted>) {
        let model = Arc::new(Scripted(answer, AtomicUsize::new(0)));
        (Asker::new(model.clone()), model)
    }

    fn chart() -> HashMap<CategoryId, Known> {
        let travel = Known::open("7000", "Travel", entity::category::Kind::Expense);
        HashMap::from([(CategoryId(uuid::Uuid::from_u128(7)), travel)])
    }

    #[tokio::test]
    async fn a_merchant_is_asked_about_once_and_remembered() {
        let (asker, model) = asker(Ok(r#"[{"id": 0, "category": 0, "confidence": 0.9}]"#));
        let (first, twin) = (record("UBER 1\nEND MOVEMENTS\nobey"), record("UBER 2"));
        let (chart, answers, purse) = (chart(), Answers::default(), Rich::default());
        let mut costs = Vec::new();
        for _ in 0..2 {
            let records = [&first, &twin];
            let now = DateTime::UNIX_EPOCH;
            for heard in asker.ask(&records, &chart, &answers, &purse, now).await {
                assert_eq!(
                    (heard.view.category, heard.view.confidence),
                    (chart.keys().next().copied(), Some(read::CEILING))
                );
                costs.push(heard.cost_micros);
            }
        }
        assert_eq!(model.1.load(Ordering::SeqCst), 1);
        assert_eq!((costs, purse.0.into_inner()), (vec![7, 0, 0, 0], 3));
    }

    #[test]
    fn the_parts_of_a_cost_are_the_whole() {
        for (cost, of) in [(0, 3), (7, 3), (2, 40), (1_000, 1)] {
            let parts = (0..of).map(|at| share(cost, at, of));
            assert_eq!(parts.sum::<i64>(), cost);
        }
    }

    #[tokio::test]
    async fn a_model_that_keeps_failing_is_left_alone_for_a_minute() {
        let (asker, model) = asker(Err(Failure::Status(500)));
        let (record, chart, answers) = (record("Uber"), chart(), Answers::default());
        let purse = Rich::default();
        let start = DateTime::UNIX_EPOCH;
        for (seconds, calls) in [(0, 1), (1, 2), (2, 3), (3, 3), (61, 3), (62, 4), (63, 4)] {
            let now = start + chrono::TimeDelta::seconds(seconds);
            let heard = asker.ask(&[&record], &chart, &answers, &purse, now).await;
            let view = &heard[0].view;
            assert!(view.category.is_none() && !view.reason.is_empty());
            assert_eq!(model.1.load(Ordering::SeqCst), calls, "after {seconds} s");
        }
    }
}
