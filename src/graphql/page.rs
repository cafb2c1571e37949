//! Relay connections.

use async_graphql::{Context, OutputType, SelectionField, SimpleObject};

use super::op::Op;
use super::plain::{Entry, How, Kin, Leaf, Plain, Plan, Rows};
use crate::error::{Error, Result};
use crate::events;
use crate::page::{MAX, Page, Window};

/// Where a page stands in its list.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(serial)]
pub struct PageInfo {
    /// Whether more edges follow.
    pub has_next_page: bool,
    /// Whether edges precede.
    pub has_previous_page: bool,
    /// The cursor of the first edge.
    pub start_cursor: Option<String>,
    /// The cursor of the last edge.
    pub end_cursor: Option<String>,
}

/// A page of a list.
#[derive(SimpleObject)]
#[graphql(serial)]
// CONCRETE CONNECTIONS: one line per type, kept sorted
#[graphql(concrete(
    name = "ActiveSessionConnection",
    params(super::sessions::ActiveSession)
))]
#[graphql(concrete(name = "ApprovalConnection", params(super::approvals::Approval)))]
#[graphql(concrete(name = "AuditEntryConnection", params(super::audit::AuditEntry)))]
#[graphql(concrete(name = "InvitationConnection", params(super::identity::Invitation)))]
#[graphql(concrete(name = "MemberConnection", params(super::identity::Member)))]
#[graphql(concrete(name = "AccountConnection", params(super::accounts::Account)))]
#[graphql(concrete(name = "ChangeSetConnection", params(super::change_sets::ChangeSet)))]
#[graphql(concrete(
    name = "ChangeSetItemConnection",
    params(super::change_sets::ChangeSetItem)
))]
#[graphql(concrete(
    name = "DeprecatedUseConnection",
    params(super::clients::DeprecatedUse)
))]
#[graphql(concrete(
    name = "GraphqlClientConnection",
    params(super::clients::GraphqlClient)
))]
#[graphql(concrete(
    name = "GraphqlDocumentConnection",
    params(super::clients::GraphqlDocument)
))]
#[graphql(concrete(name = "ConnectionConnection", params(super::connections::Connection)))]
#[graphql(concrete(name = "DeliveryConnection", params(super::connections::Delivery)))]
#[graphql(concrete(name = "ImportConnection", params(super::imports::Import)))]
#[graphql(concrete(name = "JobConnection", params(super::jobs::Job)))]
#[graphql(concrete(name = "ProjectConnection", params(super::projects::Project)))]
#[graphql(concrete(name = "MyTenantConnection", params(super::tenants::MyTenant)))]
#[graphql(concrete(name = "RecordConnection", params(super::records::Record)))]
#[graphql(concrete(name = "RefusedRowConnection", params(super::imports::RefusedRow)))]
#[graphql(concrete(name = "ReportConnection", params(super::reports::Report)))]
#[graphql(concrete(
    name = "RuleSuggestionConnection",
    params(super::suggestions::RuleSuggestion)
))]
#[graphql(concrete(
    name = "SignInAttemptConnection",
    params(super::security::SignInAttempt)
))]
#[graphql(concrete(name = "RefundConnection", params(super::links::Refund)))]
#[graphql(concrete(name = "TransferConnection", params(super::links::Transfer)))]
#[graphql(concrete(
    name = "SimulatedChangeConnection",
    params(super::simulations::SimulatedChange)
))]
#[graphql(concrete(name = "SimulationConnection", params(super::simulations::Simulation)))]
#[graphql(concrete(name = "TagConnection", params(super::tags::Tag)))]
#[graphql(concrete(name = "TenantExportConnection", params(super::tenants::TenantExport)))]
#[graphql(concrete(name = "ServiceAccountConnection", params(super::keys::ServiceAccount)))]
pub struct Connection<N: Plain>
where
    Edge<N>: OutputType,
{
    /// The entries of this page.
    pub edges: Rows<Edge<N>>,
    /// Where this page stands.
    pub page_info: PageInfo,
    /// Entries in the whole list. Costly: it is counted only when asked for.
    pub total_count: Option<i64>,
    /// Position of the event log read before the entries: subscribing from here misses nothing.
    pub as_of: Option<String>,
}

/// An entry of a list.
#[derive(SimpleObject)]
#[graphql(serial)]
// CONCRETE EDGES: one line per type, kept sorted
#[graphql(concrete(name = "ActiveSessionEdge", params(super::sessions::ActiveSession)))]
#[graphql(concrete(name = "ApprovalEdge", params(super::approvals::Approval)))]
#[graphql(concrete(name = "AuditEntryEdge", params(super::audit::AuditEntry)))]
#[graphql(concrete(name = "InvitationEdge", params(super::identity::Invitation)))]
#[graphql(concrete(name = "MemberEdge", params(super::identity::Member)))]
#[graphql(concrete(name = "AccountEdge", params(super::accounts::Account)))]
#[graphql(concrete(name = "ChangeSetEdge", params(super::change_sets::ChangeSet)))]
#[graphql(concrete(name = "ChangeSetItemEdge", params(super::change_sets::ChangeSetItem)))]
#[graphql(concrete(name = "DeprecatedUseEdge", params(super::clients::DeprecatedUse)))]
#[graphql(concrete(name = "GraphqlClientEdge", params(super::clients::GraphqlClient)))]
#[graphql(concrete(name = "GraphqlDocumentEdge", params(super::clients::GraphqlDocument)))]
#[graphql(concrete(name = "ConnectionEdge", params(super::connections::Connection)))]
#[graphql(concrete(name = "DeliveryEdge", params(super::connections::Delivery)))]
#[graphql(concrete(name = "ImportEdge", params(super::imports::Import)))]
#[graphql(concrete(name = "JobEdge", params(super::jobs::Job)))]
#[graphql(concrete(name = "ProjectEdge", params(super::projects::Project)))]
#[graphql(concrete(name = "MyTenantEdge", params(super::tenants::MyTenant)))]
#[graphql(concrete(name = "RecordEdge", params(super::records::Record)))]
#[graphql(concrete(name = "RefusedRowEdge", params(super::imports::RefusedRow)))]
#[graphql(concrete(name = "ReportEdge", params(super::reports::Report)))]
#[graphql(concrete(
    name = "RuleSuggestionEdge",
    params(super::suggestions::RuleSuggestion)
))]
#[graphql(concrete(name = "SignInAttemptEdge", params(super::security::SignInAttempt)))]
#[graphql(concrete(name = "RefundEdge", params(super::links::Refund)))]
#[graphql(concrete(name = "TransferEdge", params(super::links::Transfer)))]
#[graphql(concrete(
    name = "SimulatedChangeEdge",
    params(super::simulations::SimulatedChange)
))]
#[graphql(concrete(name = "SimulationEdge", params(super::simulations::Simulation)))]
#[graphql(concrete(name = "TagEdge", params(super::tags::Tag)))]
#[graphql(concrete(name = "TenantExportEdge", params(super::tenants::TenantExport)))]
#[graphql(concrete(name = "ServiceAccountEdge", params(super::keys::ServiceAccount)))]
pub struct Edge<N: Plain> {
    /// Where this entry stands; opaque.
    pub cursor: String,
    /// The entry.
    pub node: N,
}

impl<N: Plain> Connection<N>
where
    Edge<N>: OutputType,
{
    /// A page as clients see it.
    pub fn of<T>(page: Page<T>, node: impl Fn(T) -> N) -> Self {
        let page_info = PageInfo {
            has_next_page: page.has_next,
            has_previous_page: page.has_previous,
            start_cursor: page.rows.first().map(|(cursor, _)| cursor.clone()),
            end_cursor: page.rows.last().map(|(cursor, _)| cursor.clone()),
        };
        let edges = page
            .rows
            .into_iter()
            .map(|(cursor, row)| Edge {
                cursor,
                node: node(row),
            })
            .collect();
        Self {
            edges: Rows::new(edges),
            page_info,
            total_count: None,
            as_of: None,
        }
    }

    /// The page with what was loaded for all of its entries at once.
    #[must_use]
    pub fn with(self, kin: Kin) -> Self {
        let edges = self.edges.with(kin);
        Self { edges, ..self }
    }
}

// ENTRIES RESOLVED FIELD BY FIELD: one line per type, kept sorted
impl Plain for super::audit::AuditEntry {}
impl Plain for super::change_sets::ChangeSet {}
impl Plain for super::change_sets::ChangeSetItem {}
impl Plain for super::clients::DeprecatedUse {}
impl Plain for super::clients::GraphqlClient {}
impl Plain for super::clients::GraphqlDocument {}
impl Plain for super::connections::Connection {}
impl Plain for super::connections::Delivery {}
impl Plain for super::identity::Invitation {}
impl Plain for super::identity::Member {}
impl Plain for super::imports::Import {}
impl Plain for super::projects::Project {}
impl Plain for super::imports::RefusedRow {}
impl Plain for super::keys::ServiceAccount {}
impl Plain for super::reports::Report {}
impl Plain for super::security::SignInAttempt {}
impl Plain for super::sessions::ActiveSession {}
impl Plain for super::simulations::SimulatedChange {}
impl Plain for super::simulations::Simulation {}
impl Plain for super::tags::Tag {}
impl Plain for super::tenants::MyTenant {}
impl Plain for super::tenants::TenantExport {}

impl<N: Plain> Plain for Edge<N>
where
    Self: OutputType,
{
    const FIELDS: &'static [Entry<Self>] = match N::FIELDS {
        [] => &[],
        _ => &[
            Entry {
                name: "cursor",
                how: How::Leaf(|edge, out| edge.cursor.write(out)),
            },
            Entry {
                name: "node",
                how: How::Object {
                    plan: Plan::add::<N>,
                    loaded: |_| true,
                    write: |edge, plan, kin, out| edge.node.write(plan, kin, out),
                },
            },
        ],
    };
}

/// What an operation asks for beneath a field: names of fields, through fragments and whatever their aliases.
#[derive(Debug, Default)]
pub struct Asked<'a>(Vec<(&'a str, Asked<'a>)>);

impl<'a> Asked<'a> {
    /// What is asked beneath the current field.
    pub fn of(ctx: &'a Context<'_>) -> Self {
        let mut asked = Self::default();
        asked.add(ctx.field());
        asked
    }

    fn add(&mut self, field: SelectionField<'a>) {
        for child in field.selection_set() {
            let name = child.name();
            let at = self.0.iter().position(|(known, _)| *known == name);
            let at = at.unwrap_or_else(|| {
                self.0.push((name, Self::default()));
                self.0.len() - 1
            });
            self.0[at].1.add(child);
        }
    }

    /// What is asked beneath a path, such as `edges.node`; `None` when the path is not asked for.
    pub fn beneath(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |asked, name| {
            let found = asked.0.iter().find(|(known, _)| *known == name);
            found.map(|(_, beneath)| beneath)
        })
    }

    /// Whether a path is asked for, such as `totalCount` or `edges.node.account`.
    pub fn has(&self, path: &str) -> bool {
        self.beneath(path).is_some()
    }
}

/// Where the event log stands, when the operation asks for `asOf` beneath the current field. Called before the page is
/// read, for what is missing from the page must come after this place.
pub async fn as_of(ctx: &Context<'_>) -> Result<Option<String>> {
    match asks(ctx, "asOf") {
        true => Ok(Some(events::head(ctx.op()?).await?.to_string())),
        false => Ok(None),
    }
}

/// Whether the operation asks for `path` under the current field, such as `totalCount` or `edges.node.account`. To ask
/// more than a few times, read [`Asked`] once.
pub fn asks(ctx: &Context<'_>, path: &str) -> bool {
    Asked::of(ctx).has(path)
}

/// The window that `first`, `after`, `last` and `before` describe. Exactly one of `first` and `last` is needed, 1 to
/// 100.
pub fn window(
    first: Option<i32>,
    after: Option<String>,
    last: Option<i32>,
    before: Option<String>,
) -> Result<Window> {
    let sized = |field: &'static str, size: i32| match u64::try_from(size) {
        Ok(size) if (1..=MAX).contains(&size) => Ok(size),
        _ => Err(Error::invalid(
            field,
            format!("is {size}; 1 to {MAX} are accepted"),
        )),
    };
    match (first, last) {
        (Some(_), Some(_)) => Err(Error::invalid(
            "last",
            "cannot go together with `first`; send one of them",
        )),
        (None, None) => Err(Error::invalid(
            "first",
            format!("is missing; send `first` or `last`, 1 to {MAX}"),
        )),
        (Some(_), None) if before.is_some() => Err(Error::invalid(
            "before",
            "goes with `last`; with `first` send `after`",
        )),
        (None, Some(_)) if after.is_some() => Err(Error::invalid(
            "after",
            "goes with `first`; with `last` send `before`",
        )),
        (Some(first), None) => Ok(Window {
            size: sized("first", first)?,
            from: after,
            backwards: false,
        }),
        (None, Some(last)) => Ok(Window {
            size: sized("last", last)?,
            from: before,
            backwards: true,
        }),
    }
}
