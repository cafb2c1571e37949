//! What stands about several records at once, held until the unit of work is over.

use std::collections::{HashMap, HashSet};

use entity::approval::{self, Status};
use entity::{CategoryId, DecisionId, RecordId, category, record};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::ctx::Tx;
use crate::error::Result;
use crate::permission::{Permission, Subject};
use crate::splits;
use crate::tenants::{self, Ceilings};

/// Why a record was not touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The actor may not decide about it.
    OutOfReach,
    /// Its amount needs a second person.
    SecondPersonNeeded,
    /// It is split over several categories.
    Split,
    /// The category is archived.
    CategoryArchived,
    /// It is filed so already.
    AlreadySo,
    /// It is no longer as it was.
    Changed,
    /// An override of it waits for a second person.
    OverrideWaits,
}

/// Some records, and everything that was or is to be decided about them.
pub struct Standing {
    /// The records.
    pub records: HashMap<RecordId, record::Model>,
    /// Their approvals, the oldest first.
    pub approvals: HashMap<RecordId, Vec<approval::Model>>,
    /// Decisions in force that split their record.
    split: HashSet<DecisionId>,
    ceilings: Ceilings,
}

impl Standing {
    /// Reads it in a fixed number of statements. The approvals are locked: who decides one meanwhile waits.
    pub async fn of(tx: &Tx<'_>, ids: &[RecordId]) -> Result<Self> {
        let locked = || async {
            tx.select::<approval::Entity>()
                .filter(approval::Column::RecordId.is_in(ids.iter().copied()))
                .order_by_asc(approval::Column::Id)
                .lock_exclusive()
                .all(tx.on())
                .await
        };
        locked().await?;
        // again, for those that came up while it waited for the others
        let rows = locked().await?;
        let mut approvals: HashMap<RecordId, Vec<approval::Model>> = HashMap::new();
        for row in rows {
            approvals.entry(row.record_id).or_default().push(row);
        }
        let records = tx
            .select::<record::Entity>()
            .filter(record::Column::Id.is_in(ids.iter().copied()))
            .all(tx.on())
            .await?;
        let decisions: Vec<DecisionId> = records.iter().filter_map(|row| row.decision_id).collect();
        let split = splits::of_decisions(tx.select(), tx.on(), &decisions).await?;
        let ceilings = tenants::settings_within(tx).await?.two_person_ceilings;
        Ok(Self {
            records: records.into_iter().map(|row| (row.id, row)).collect(),
            approvals,
            split: split.into_keys().collect(),
            ceilings,
        })
    }

    /// The approval of a record that waits.
    pub fn waiting(&self, id: RecordId) -> Option<&approval::Model> {
        self.with(id, |status| status == Status::Pending)
    }

    /// The approval by which a record is in the books.
    pub fn in_force(&self, id: RecordId) -> Option<&approval::Model> {
        self.with(id, |status| {
            matches!(status, Status::Approved | Status::Overridden)
        })
    }

    fn with(&self, id: RecordId, wanted: impl Fn(Status) -> bool) -> Option<&approval::Model> {
        let of_record = self.approvals.get(&id)?.iter();
        of_record.rev().find(|row| wanted(row.status))
    }

    /// Whether a record is split over several categories.
    pub fn is_split(&self, record: &record::Model) -> bool {
        record
            .decision_id
            .is_some_and(|decision| self.split.contains(&decision))
    }

    /// Refuses a record that the actor may not decide about.
    pub fn check_reach(&self, tx: &Tx<'_>, record: &record::Model) -> Result<(), Refusal> {
        let subject = Subject::from(record);
        let allowed = tx
            .ctx()
            .require_on(Permission::DecideApprovals, &subject)
            .is_ok();
        allowed.then_some(()).ok_or(Refusal::OutOfReach)
    }

    /// Refuses a record that nobody files elsewhere alone.
    pub fn check_amount(&self, record: &record::Model) -> Result<(), Refusal> {
        match self.ceilings.exceeded_by(record.amount, &record.currency) {
            true => Err(Refusal::SecondPersonNeeded),
            false => Ok(()),
        }
    }
}

/// The names of those of the categories that are open.
pub(super) async fn open_categories(
    tx: &Tx<'_>,
    ids: impl Iterator<Item = CategoryId>,
) -> Result<HashMap<CategoryId, String>> {
    let ids: HashSet<CategoryId> = ids.collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let open: Vec<(CategoryId, String)> = tx
        .select::<category::Entity>()
        .select_only()
        .columns([category::Column::Id, category::Column::Name])
        .filter(category::Column::Id.is_in(ids))
        .filter(category::Column::ArchivedAt.is_null())
        .into_tuple()
        .all(tx.on())
        .await?;
    Ok(open.into_iter().collect())
}
