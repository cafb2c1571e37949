//! Ids as newtypes over UUIDv7, so that two of them cannot be swapped.

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, DeriveValueType,
        )]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl crate::partial::Absent for $name {
            fn absent() -> Self {
                Self(Uuid::nil())
            }
        }

        // sea-orm asks this of every primary key; a UUID never comes from a row number.
        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    )*};
}

id! {
    /// A company whose books are kept.
    TenantId,
    /// A person.
    UserId,
    /// One sign-in of a person: a device, until it signs out.
    SessionId,
    /// A key pair that signs access tokens.
    SigningKeyId,
    /// A passkey of a person.
    PasskeyId,
    /// An account of a person at an identity provider.
    LinkedIdentityId,
    /// A program that acts in a tenant by itself.
    ServiceAccountId,
    /// A key that a service account shows.
    ApiKeyId,
    /// A one-time link that makes a person a member.
    InvitationId,
    /// A bank account or card that money moves on.
    AccountId,
    /// A sender of signed webhooks.
    ConnectionId,
    /// One webhook request as it was received.
    DeliveryId,
    /// An uploaded file.
    FileId,
    /// The reading of one statement file.
    ImportId,
    /// A row of a statement that was refused.
    RefusedRowId,
    /// Two records that belong together: a transfer, or a purchase and its refund.
    LinkId,
    /// One movement of money.
    RecordId,
    /// What was decided about a record, and why.
    DecisionId,
    /// A decision a person owes, or has made.
    ApprovalId,
    /// A node of the chart of accounts.
    CategoryId,
    /// A rule of a tenant.
    RuleId,
    /// A group of rules.
    RuleGroupId,
    /// A rule that approvals suggest.
    RuleSuggestionId,
    /// An entry of the event log.
    EventId,
    /// A piece of background work.
    JobId,
    /// A report that was asked for.
    ReportId,
    /// A token that works once.
    OneTimeTokenId,
    /// An attempt to sign in.
    SignInAttemptId,
    /// A role of a tenant's own.
    RoleId,
    /// A project of a tenant.
    ProjectId,
    /// People who work on the same projects.
    TeamId,
    /// Everything of a tenant as one file.
    ExportId,
    /// An app that speaks GraphQL.
    GraphqlClientId,
    /// A document that such an app has registered.
    GraphqlDocumentId,
    /// A what-if replay of the pipeline.
    SimulationId,
    /// A decision that would have been another.
    SimulatedChangeId,
    /// What was applied of a simulation.
    ChangeSetId,
    /// A rule, a setting or a record that a change set changed, or left alone.
    ChangeSetItemId,
}
