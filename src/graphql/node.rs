//! Opaque global ids, and `node(id)`.

use async_graphql::{Context, ID, Interface, Object};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use entity::{
    AccountId, ApprovalId, CategoryId, ChangeSetId, ConnectionId, DecisionId, ImportId, LinkId,
    ProjectId, RecordId, ReportId, RoleId, RuleGroupId, RuleId, RuleSuggestionId, SimulationId,
    TeamId,
};
use futures::future::try_join_all;
use uuid::Uuid;

use super::accounts::Account;
use super::approvals::Approval;
use super::categories::Category;
use super::change_sets::ChangeSet;
use super::connections::Connection;
use super::decisions::Decision;
use super::imports::Import;
use super::links::{Refund, Transfer};
use super::loader::find;
use super::op::Op;
use super::projects::Project;
use super::records::Record;
use super::reports::Report;
use super::roles::CustomRole;
use super::rules::{Rule, RuleGroup};
use super::simulations::Simulation;
use super::suggestions::RuleSuggestion;
use super::teams::Team;
use crate::error::{Error, Result};

/// How many things `nodes` finds at once.
const MAX_NODES: usize = 100;

/// Something with an id that can be asked for again.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "&ID", desc = "Opaque global id."))]
pub enum Node {
    /// A bank account or card.
    Account(Account),
    /// A decision a person owes, or has made.
    Approval(Approval),
    /// A node of the chart of accounts.
    Category(Category),
    /// What was applied of a simulation.
    ChangeSet(ChangeSet),
    /// A sender of webhooks.
    Connection(Connection),
    /// A role of the tenant's own.
    CustomRole(CustomRole),
    /// What was decided about a record.
    Decision(Decision),
    /// The reading of a file.
    Import(Import),
    /// What records are worked on for.
    Project(Project),
    /// A movement of money.
    Record(Record),
    /// Money that came back for a purchase.
    Refund(Refund),
    /// A report.
    Report(Report),
    /// A rule.
    Rule(Rule),
    /// A group of rules.
    RuleGroup(RuleGroup),
    /// A rule that approvals suggest.
    RuleSuggestion(RuleSuggestion),
    /// A replay of the pipeline.
    Simulation(Simulation),
    /// People who work on the same projects.
    Team(Team),
    /// Money that moved between own accounts.
    Transfer(Transfer),
}

/// Finding anything by its id.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Anything by its id; null when this tenant has no such thing. Needs a sign-in, and what reading that thing needs.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id.")] id: ID,
    ) -> Result<Option<Node>> {
        ctx.op()?;
        find_node(ctx, &id).await
    }

    /// Up to 100 things by their ids, in the order of the ids; null where this tenant has no such thing. Needs a sign-in,
    /// and what reading those things needs.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        ctx.op()?;
        if ids.len() > MAX_NODES {
            return Err(Error::invalid(
                "ids",
                format!("are {}; at most {MAX_NODES} are accepted", ids.len()),
            ));
        }
        // asked for together, so that each type is one statement
        try_join_all(ids.iter().map(|id| find_node(ctx, id))).await
    }
}

async fn find_node(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let Some((kind, uuid)) = split(id) else {
        return Ok(None);
    };
    Ok(match kind.as_str() {
        "Account" => find(ctx, AccountId(uuid)).await?.map(Node::Account),
        "Approval" => find(ctx, ApprovalId(uuid)).await?.map(Node::Approval),
        "Category" => find(ctx, CategoryId(uuid)).await?.map(Node::Category),
        "ChangeSet" => find(ctx, ChangeSetId(uuid)).await?.map(Node::ChangeSet),
        "Connection" => find(ctx, ConnectionId(uuid)).await?.map(Node::Connection),
        "CustomRole" => find(ctx, RoleId(uuid)).await?.map(Node::CustomRole),
        "Decision" => find(ctx, DecisionId(uuid)).await?.map(Node::Decision),
        "Import" => find(ctx, ImportId(uuid)).await?.map(Node::Import),
        "Project" => find(ctx, ProjectId(uuid)).await?.map(Node::Project),
        "Record" => find(ctx, RecordId(uuid)).await?.map(Node::Record),
        "Refund" => find(ctx, LinkId(uuid))
            .await?
            .and_then(Refund::of)
            .map(Node::Refund),
        "Report" => find(ctx, ReportId(uuid)).await?.map(Node::Report),
        "Rule" => find(ctx, RuleId(uuid)).await?.map(Node::Rule),
        "RuleGroup" => find(ctx, RuleGroupId(uuid)).await?.map(Node::RuleGroup),
        "RuleSuggestion" => find(ctx, RuleSuggestionId(uuid))
            .await?
            .map(Node::RuleSuggestion),
        "Simulation" => find(ctx, SimulationId(uuid)).await?.map(Node::Simulation),
        "Team" => find(ctx, TeamId(uuid)).await?.map(Node::Team),
        "Transfer" => find(ctx, LinkId(uuid))
            .await?
            .and_then(Transfer::of)
            .map(Node::Transfer),
        _ => None,
    })
}

/// The global id of a thing: opaque, and it carries the type.
pub fn global(kind: &str, id: impl Into<Uuid>) -> ID {
    ID(BASE64_URL_SAFE_NO_PAD.encode(format!("{kind}:{}", id.into().simple())))
}

/// Reads a global id of one type given as input `field`. One that is malformed or of another type is an input error
/// that says what is expected.
pub fn local<T: From<Uuid>>(kind: &'static str, field: &'static str, id: &ID) -> Result<T> {
    match split(id) {
        Some((found, uuid)) if found == kind => Ok(uuid.into()),
        Some((found, _)) => Err(Error::invalid(
            field,
            format!("is an id of type {found}; one of type {kind} is needed"),
        )),
        None => Err(Error::invalid(
            field,
            format!("is no id; one of type {kind} is needed"),
        )),
    }
}

/// Like [`local`], for an optional id.
pub fn local_opt<T: From<Uuid>>(
    kind: &'static str,
    field: &'static str,
    id: Option<&ID>,
) -> Result<Option<T>> {
    id.map(|id| local(kind, field, id)).transpose()
}

/// Like [`local`], for a list.
pub fn local_all<T: From<Uuid>>(
    kind: &'static str,
    field: &'static str,
    ids: &[ID],
) -> Result<Vec<T>> {
    ids.iter().map(|id| local(kind, field, id)).collect()
}

/// The type and the local id in a global id.
pub fn split(id: &ID) -> Option<(String, Uuid)> {
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(id.as_str()).ok()?).ok()?;
    let (kind, uuid) = text.split_once(':')?;
    Some((kind.to_owned(), Uuid::parse_str(uuid).ok()?))
}

#[cfg(test)]
mod tests {
    use entity::RecordId;

    use super::*;

    #[test]
    fn an_id_of_another_type_is_told_apart_from_nonsense() {
        let id = global("Record", RecordId(Uuid::from_u128(9)));
        assert_eq!(
            local::<RecordId>("Record", "id", &id).unwrap(),
            RecordId(Uuid::from_u128(9))
        );
        let wrong = local::<RecordId>("Account", "accountId", &id)
            .unwrap_err()
            .to_string();
        assert_eq!(
            wrong,
            "accountId: is an id of type Record; one of type Account is needed"
        );
        assert!(local::<RecordId>("Record", "id", &ID("x".into())).is_err());
    }
}
