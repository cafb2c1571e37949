//! What can happen, as the log tells it. Payloads hold ids, enums, amounts and dates only: a name or a free text would
//! outlive the right to forget it.

use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    AccountId, ApiKeyId, ApprovalId, CategoryId, ChangeSetId, ConnectionId, DecisionId, ExportId,
    GraphqlClientId, ImportId, InvitationId, JobId, LinkId, LinkedIdentityId, PasskeyId, ProjectId,
    RecordId, ReportId, RoleId, RuleGroupId, RuleId, RuleSuggestionId, ServiceAccountId, SessionId,
    SimulationId, TeamId, TenantId, UserId,
};
use serde::Serialize;
use uuid::Uuid;

/// How an approval ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// The proposal was accepted.
    Approved,
    /// Another category was chosen.
    Overridden,
    /// The proposal was sure enough to need nobody.
    Automatic,
}

/// A part of a record under a category of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Posting {
    /// The category.
    pub category: CategoryId,
    /// The part, as a decimal, signed as the books are.
    pub amount: String,
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $kind:literal about $subject:literal $id:ident {
        $($(#[$how:meta])* $field:ident: $type:ty),* $(,)?
    }),* $(,)?) => {
        /// Something that happened.
        #[derive(Clone, Debug, Serialize)]
        #[serde(untagged, rename_all_fields = "camelCase")]
        pub enum Event {
            $($(#[$doc])* #[allow(missing_docs)] $name { $($(#[$how])* $field: $type),* },)*
        }

        impl Event {
            /// Every public name, in the order of definition.
            pub const KINDS: &'static [&'static str] = &[$($kind),*];

            /// Its public name: part of the contract.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $kind,)*
                }
            }

            /// What it is about.
            pub fn subject(&self) -> (&'static str, Uuid) {
                match self {
                    $(Self::$name { $id, .. } => ($subject, $id.0),)*
                }
            }
        }
    };
}

events! {
    /// A movement of money became a record.
    Ingested = "INGESTED" about "record" record {
        record: RecordId, account: Option<AccountId>, connection: Option<ConnectionId>, import: Option<ImportId>,
        occurred_on: NaiveDate, amount: String, currency: String,
    },
    /// The pipeline decided about a record.
    Processed = "PROCESSED" about "record" record {
        record: RecordId, decision: DecisionId, approval: Option<ApprovalId>, source: &'static str,
        category: Option<CategoryId>, confidence: String,
    },
    /// The pipeline gave up on a record.
    ProcessingFailed = "PROCESSING_FAILED" about "record" record { record: RecordId },
    /// A failed record was driven again.
    ProcessingRetried = "PROCESSING_RETRIED" about "record" record { record: RecordId },
    /// A record entered the books; with its lines, where it is split over several categories.
    TxApproved = "TX_APPROVED" about "approval" approval {
        approval: ApprovalId, record: RecordId, decision: DecisionId, category: CategoryId, outcome: Outcome,
        #[serde(skip_serializing_if = "Vec::is_empty")] lines: Vec<Posting>,
    },
    /// A record was found not to belong in the books.
    TxRejected = "TX_REJECTED" about "approval" approval { approval: ApprovalId, record: RecordId },
    /// An override was proposed that a second person has to agree to; the new approval waits for them.
    OverrideProposed = "OVERRIDE_PROPOSED" about "approval" approval {
        approval: ApprovalId, record: RecordId, escalated: ApprovalId, decision: DecisionId, category: CategoryId,
    },
    /// A proposed override was declined: the record waits again, in a new approval.
    OverrideDeclined = "OVERRIDE_DECLINED" about "approval" approval {
        approval: ApprovalId, record: RecordId, declined: ApprovalId, category: Option<CategoryId>,
    },
    /// A decision was taken back: the record waits again.
    ApprovalReopened = "APPROVAL_REOPENED" about "approval" approval {
        approval: ApprovalId, record: RecordId, reopened: ApprovalId, category: Option<CategoryId>,
    },
    /// A proposal that waited was withdrawn: the pipeline makes, or has made, another one.
    ProposalWithdrawn = "PROPOSAL_WITHDRAWN" about "approval" approval { approval: ApprovalId, record: RecordId },
    /// What was proposed before waits again, in a new approval, in the place of what the pipeline made of it.
    ProposalRestored = "PROPOSAL_RESTORED" about "approval" approval {
        approval: ApprovalId, record: RecordId, withdrawn: Option<ApprovalId>, restored: ApprovalId,
    },
    /// A rule was made.
    RuleCreated = "RULE_CREATED" about "rule" rule { rule: RuleId, approval: Option<ApprovalId> },
    /// A rule was changed, switched on or off.
    RuleChanged = "RULE_CHANGED" about "rule" rule { rule: RuleId },
    /// The order of the rules changed; the rule is the one that moved, and the group the one it is in now.
    RuleMoved = "RULE_MOVED" about "rule" rule { rule: RuleId, position: i32, group: Option<RuleGroupId> },
    /// A rule was removed.
    RuleDeleted = "RULE_DELETED" about "rule" rule { rule: RuleId },
    /// A rule that was removed is back.
    RuleRestored = "RULE_RESTORED" about "rule" rule { rule: RuleId },
    /// A group of rules was made.
    RuleGroupCreated = "RULE_GROUP_CREATED" about "ruleGroup" rule_group { rule_group: RuleGroupId },
    /// A group of rules has another name, or was switched on or off.
    RuleGroupChanged = "RULE_GROUP_CHANGED" about "ruleGroup" rule_group { rule_group: RuleGroupId },
    /// The order of the groups changed; the group is the one that moved.
    RuleGroupMoved = "RULE_GROUP_MOVED" about "ruleGroup" rule_group { rule_group: RuleGroupId, position: i32 },
    /// A group of rules was removed; its rules belong to none.
    RuleGroupDeleted = "RULE_GROUP_DELETED" about "ruleGroup" rule_group { rule_group: RuleGroupId, rules: u64 },
    /// Approvals suggest a rule.
    RuleSuggested = "RULE_SUGGESTED" about "ruleSuggestion" rule_suggestion {
        rule_suggestion: RuleSuggestionId, rule_kind: String, account: Option<AccountId>, category: CategoryId, in_a_row: i32,
    },
    /// A suggested rule was accepted: the rule was made of it, or extended by it.
    RuleSuggestionAccepted = "RULE_SUGGESTION_ACCEPTED" about "ruleSuggestion" rule_suggestion {
        rule_suggestion: RuleSuggestionId, rule: RuleId, extended: bool,
    },
    /// A suggested rule was dismissed: it does not come again.
    RuleSuggestionDismissed = "RULE_SUGGESTION_DISMISSED" about "ruleSuggestion" rule_suggestion {
        rule_suggestion: RuleSuggestionId,
    },
    /// A suggested rule was put off.
    RuleSuggestionSnoozed = "RULE_SUGGESTION_SNOOZED" about "ruleSuggestion" rule_suggestion {
        rule_suggestion: RuleSuggestionId, until: DateTime<Utc>,
    },
    /// A suggested rule waits again, or is in force again in the rule.
    RuleSuggestionRestored = "RULE_SUGGESTION_RESTORED" about "ruleSuggestion" rule_suggestion {
        rule_suggestion: RuleSuggestionId, rule: Option<RuleId>,
    },
    /// What was approved since speaks against a suggested rule that nobody had accepted.
    RuleSuggestionWithdrawn = "RULE_SUGGESTION_WITHDRAWN" about "ruleSuggestion" rule_suggestion {
        rule_suggestion: RuleSuggestionId,
    },
    /// An accepted suggestion stopped holding and was taken out of its rule; a rule without another one was disabled.
    RuleRetired = "RULE_RETIRED" about "rule" rule {
        rule: RuleId, rule_suggestion: RuleSuggestionId, checked: i32, confirmed: i32, disabled: bool,
    },
    /// A person lets a rule approve by itself, or not any more.
    RuleSelfApprovalSet = "RULE_SELF_APPROVAL_SET" about "rule" rule { rule: RuleId, on: bool },
    /// A contradiction stopped a rule from approving by itself.
    RuleSelfApprovalStopped = "RULE_SELF_APPROVAL_STOPPED" about "rule" rule { rule: RuleId, rule_suggestion: RuleSuggestionId },
    /// A category was made.
    CategoryCreated = "CATEGORY_CREATED" about "category" category { category: CategoryId },
    /// A category was changed.
    CategoryChanged = "CATEGORY_CHANGED" about "category" category { category: CategoryId },
    /// A category was put away.
    CategoryArchived = "CATEGORY_ARCHIVED" about "category" category { category: CategoryId },
    /// A category was taken out again.
    CategoryRestored = "CATEGORY_RESTORED" about "category" category { category: CategoryId },
    /// An account was made.
    AccountCreated = "ACCOUNT_CREATED" about "account" account { account: AccountId },
    /// An account was changed.
    AccountChanged = "ACCOUNT_CHANGED" about "account" account { account: AccountId },
    /// An account was put away.
    AccountArchived = "ACCOUNT_ARCHIVED" about "account" account { account: AccountId },
    /// An account was taken out again.
    AccountRestored = "ACCOUNT_RESTORED" about "account" account { account: AccountId },
    /// A connection was made.
    ConnectionCreated = "CONNECTION_CREATED" about "connection" connection { connection: ConnectionId },
    /// The name or the account of a connection was changed.
    ConnectionChanged = "CONNECTION_CHANGED" about "connection" connection { connection: ConnectionId },
    /// The secret of a connection was rotated.
    ConnectionRotated = "CONNECTION_ROTATED" about "connection" connection { connection: ConnectionId },
    /// A connection was switched off.
    ConnectionDisabled = "CONNECTION_DISABLED" about "connection" connection { connection: ConnectionId },
    /// A connection was switched on.
    ConnectionEnabled = "CONNECTION_ENABLED" about "connection" connection { connection: ConnectionId },
    /// The reading of a file was asked for.
    ImportStarted = "IMPORT_STARTED" about "import" import { import: ImportId },
    /// More rows of a file were stored.
    ImportAdvanced = "IMPORT_ADVANCED" about "import" import { import: ImportId, new_rows: i32, duplicate_rows: i32, total_rows: i32 },
    /// Every row of a file is stored.
    ImportFinished = "IMPORT_FINISHED" about "import" import {
        import: ImportId, new_rows: i32, duplicate_rows: i32, refused_rows: i32, total_rows: i32,
    },
    /// A file was not accepted.
    ImportRefused = "IMPORT_REFUSED" about "import" import { import: ImportId },
    /// Storing a file failed for good.
    ImportFailed = "IMPORT_FAILED" about "import" import { import: ImportId },
    /// A whole file was taken back.
    ImportVoided = "IMPORT_VOIDED" about "import" import { import: ImportId, records: u64 },
    /// A record was taken back.
    RecordVoided = "RECORD_VOIDED" about "record" record { record: RecordId, import: Option<ImportId>, category: Option<CategoryId> },
    /// Someone gave a record tags, or took some away; how many.
    RecordTagged = "RECORD_TAGGED" about "record" record { record: RecordId, added: u64, removed: u64 },
    /// Two records may be the sides of a transfer; a person says whether.
    TransferSuggested = "TRANSFER_SUGGESTED" about "transfer" transfer { transfer: LinkId, outgoing: RecordId, incoming: RecordId },
    /// Two records are the sides of a transfer: neither counts as income or expense.
    TransferConfirmed = "TRANSFER_CONFIRMED" about "transfer" transfer { transfer: LinkId, outgoing: RecordId, incoming: RecordId },
    /// Two records are no transfer.
    TransferDismissed = "TRANSFER_DISMISSED" about "transfer" transfer { transfer: LinkId, outgoing: RecordId, incoming: RecordId },
    /// Two records are no transfer any more.
    TransferUnlinked = "TRANSFER_UNLINKED" about "transfer" transfer { transfer: LinkId, outgoing: RecordId, incoming: RecordId },
    /// A record may be the refund of a purchase; a person says whether.
    RefundSuggested = "REFUND_SUGGESTED" about "refund" refund { refund: LinkId, purchase: RecordId, record: RecordId },
    /// A record is the refund of a purchase: it counts where the purchase does.
    RefundConfirmed = "REFUND_CONFIRMED" about "refund" refund { refund: LinkId, purchase: RecordId, record: RecordId },
    /// A record is not the refund of a purchase.
    RefundDismissed = "REFUND_DISMISSED" about "refund" refund { refund: LinkId, purchase: RecordId, record: RecordId },
    /// A record is not the refund of a purchase any more.
    RefundUnlinked = "REFUND_UNLINKED" about "refund" refund { refund: LinkId, purchase: RecordId, record: RecordId },
    /// A report is ready.
    ReportGenerated = "REPORT_GENERATED" about "report" report { report: ReportId, report_kind: &'static str },
    /// A report could not be made.
    ReportFailed = "REPORT_FAILED" about "report" report { report: ReportId },
    /// A what-if replay of the pipeline was asked for.
    SimulationRequested = "SIMULATION_REQUESTED" about "simulation" simulation { simulation: SimulationId },
    /// More records of a simulation are decided.
    SimulationAdvanced = "SIMULATION_ADVANCED" about "simulation" simulation {
        simulation: SimulationId, done_records: i32, changed_records: i32, total_records: i32,
    },
    /// Every record of a simulation is decided.
    SimulationReady = "SIMULATION_READY" about "simulation" simulation {
        simulation: SimulationId, changed_records: i32, total_records: i32,
    },
    /// A simulation was stopped.
    SimulationCancelled = "SIMULATION_CANCELLED" about "simulation" simulation { simulation: SimulationId },
    /// A simulation could not be made.
    SimulationFailed = "SIMULATION_FAILED" about "simulation" simulation { simulation: SimulationId },
    /// What a simulation supposed was put in force; its records, where some are wanted, follow.
    ChangeSetBegun = "CHANGE_SET_BEGUN" about "changeSet" change_set {
        change_set: ChangeSetId, simulation: SimulationId, rule_changes: i32, total_records: i32,
    },
    /// More records of a change set are done.
    ChangeSetAdvanced = "CHANGE_SET_ADVANCED" about "changeSet" change_set {
        change_set: ChangeSetId, done_records: i32, total_records: i32,
    },
    /// All of a change set is applied.
    ChangeSetApplied = "CHANGE_SET_APPLIED" about "changeSet" change_set {
        change_set: ChangeSetId, applied: i32, refused: i32, left: i32,
    },
    /// The rules and settings of a change set are as before; its records follow.
    ChangeSetUndoBegun = "CHANGE_SET_UNDO_BEGUN" about "changeSet" change_set { change_set: ChangeSetId },
    /// A change set was undone.
    ChangeSetUndone = "CHANGE_SET_UNDONE" about "changeSet" change_set {
        change_set: ChangeSetId, undone: i32, left: i32,
    },
    /// A change set stopped half-way.
    ChangeSetFailed = "CHANGE_SET_FAILED" about "changeSet" change_set { change_set: ChangeSetId },
    /// The tenant was made.
    TenantCreated = "TENANT_CREATED" about "tenant" tenant { tenant: TenantId, owner: UserId },
    /// The tenant wants something done in another way.
    SettingsChanged = "SETTINGS_CHANGED" about "tenant" tenant { tenant: TenantId },
    /// What may pass without a person was changed.
    AutomationChanged = "AUTOMATION_CHANGED" about "tenant" tenant { tenant: TenantId },
    /// Whether records may be shown to a language model or an embedding service, or how much may be used, was changed.
    LanguageModelChanged = "LANGUAGE_MODEL_CHANGED" about "tenant" tenant { tenant: TenantId },
    /// Someone asked the language model about records.
    LanguageModelAsked = "LANGUAGE_MODEL_ASKED" about "tenant" tenant { tenant: TenantId, records: u64 },
    /// Someone was invited.
    MemberInvited = "MEMBER_INVITED" about "invitation" invitation {
        invitation: InvitationId, role: &'static str, custom_role: Option<RoleId>,
    },
    /// The tenant got another name or another base currency.
    TenantChanged = "TENANT_CHANGED" about "tenant" tenant { tenant: TenantId, renamed: bool },
    /// The tenant has another subscription.
    TenantSubscribed = "TENANT_SUBSCRIBED" about "tenant" tenant { tenant: TenantId, tier: String },
    /// The tenant was suspended.
    TenantSuspended = "TENANT_SUSPENDED" about "tenant" tenant { tenant: TenantId },
    /// The tenant is at work again.
    TenantResumed = "TENANT_RESUMED" about "tenant" tenant { tenant: TenantId },
    /// The tenant is to be erased.
    TenantDeletionRequested = "TENANT_DELETION_REQUESTED" about "tenant" tenant { tenant: TenantId, erase_at: DateTime<Utc> },
    /// The tenant is not to be erased after all.
    TenantDeletionCancelled = "TENANT_DELETION_CANCELLED" about "tenant" tenant { tenant: TenantId },
    /// Ownership went from one person to another.
    OwnershipTransferred = "OWNERSHIP_TRANSFERRED" about "user" user { user: UserId, from: UserId },
    /// Everything of the tenant was asked for as a file.
    ExportRequested = "EXPORT_REQUESTED" about "export" export { export: ExportId },
    /// Everything of the tenant is ready as a file.
    ExportReady = "EXPORT_READY" about "export" export { export: ExportId },
    /// The file could not be made.
    ExportFailed = "EXPORT_FAILED" about "export" export { export: ExportId },
    /// An invitation was sent again, with another link.
    InvitationResent = "INVITATION_RESENT" about "invitation" invitation { invitation: InvitationId },
    /// An invitation was taken back.
    InvitationCancelled = "INVITATION_CANCELLED" about "invitation" invitation { invitation: InvitationId },
    /// Someone joined.
    MemberAdded = "MEMBER_ADDED" about "user" user { user: UserId, role: &'static str, custom_role: Option<RoleId> },
    /// Someone was given another role.
    MemberChanged = "MEMBER_CHANGED" about "user" user { user: UserId, role: &'static str, custom_role: Option<RoleId> },
    /// Someone was removed.
    MemberRemoved = "MEMBER_REMOVED" about "user" user { user: UserId },
    /// A role of the tenant's own was made.
    RoleCreated = "ROLE_CREATED" about "customRole" role { role: RoleId },
    /// A role of the tenant's own brings something else, or has another name.
    RoleChanged = "ROLE_CHANGED" about "customRole" role { role: RoleId },
    /// A role of the tenant's own was put away.
    RoleArchived = "ROLE_ARCHIVED" about "customRole" role { role: RoleId },
    /// A project was made.
    ProjectCreated = "PROJECT_CREATED" about "project" project { project: ProjectId },
    /// A project has another name.
    ProjectRenamed = "PROJECT_RENAMED" about "project" project { project: ProjectId },
    /// A project was put away.
    ProjectArchived = "PROJECT_ARCHIVED" about "project" project { project: ProjectId },
    /// A project was taken out again.
    ProjectRestored = "PROJECT_RESTORED" about "project" project { project: ProjectId },
    /// A team was made.
    TeamCreated = "TEAM_CREATED" about "team" team { team: TeamId },
    /// People or projects came to a team or left it, or it has another name.
    TeamChanged = "TEAM_CHANGED" about "team" team { team: TeamId },
    /// A team was put away.
    TeamArchived = "TEAM_ARCHIVED" about "team" team { team: TeamId },
    /// A service account was made.
    ServiceAccountCreated = "SERVICE_ACCOUNT_CREATED" about "serviceAccount" service_account {
        service_account: ServiceAccountId,
    },
    /// A service account was renamed, or may do something else.
    ServiceAccountChanged = "SERVICE_ACCOUNT_CHANGED" about "serviceAccount" service_account {
        service_account: ServiceAccountId,
    },
    /// A service account was put away, and its keys revoked.
    ServiceAccountArchived = "SERVICE_ACCOUNT_ARCHIVED" about "serviceAccount" service_account {
        service_account: ServiceAccountId,
    },
    /// An API key was made.
    ApiKeyCreated = "API_KEY_CREATED" about "apiKey" api_key {
        api_key: ApiKeyId, service_account: ServiceAccountId, expires_at: Option<DateTime<Utc>>,
    },
    /// An API key was replaced by another one; it works until then.
    ApiKeyRotated = "API_KEY_ROTATED" about "apiKey" api_key {
        api_key: ApiKeyId, service_account: ServiceAccountId, successor: ApiKeyId, until: DateTime<Utc>,
    },
    /// An API key was revoked.
    ApiKeyRevoked = "API_KEY_REVOKED" about "apiKey" api_key { api_key: ApiKeyId, service_account: ServiceAccountId },
    /// An app that speaks GraphQL was made known; what it may send is `PERMISSIVE` or `STRICT`.
    GraphqlClientCreated = "GRAPHQL_CLIENT_CREATED" about "graphqlClient" graphql_client {
        graphql_client: GraphqlClientId, service_account: Option<ServiceAccountId>, mode: &'static str,
    },
    /// An app may send something else, has another name, or is bound to another service account.
    GraphqlClientChanged = "GRAPHQL_CLIENT_CHANGED" about "graphqlClient" graphql_client { graphql_client: GraphqlClientId },
    /// An app was put away.
    GraphqlClientArchived = "GRAPHQL_CLIENT_ARCHIVED" about "graphqlClient" graphql_client { graphql_client: GraphqlClientId },
    /// Documents of an app were registered.
    DocumentsRegistered = "DOCUMENTS_REGISTERED" about "graphqlClient" graphql_client {
        graphql_client: GraphqlClientId, documents: u64,
    },
    /// Documents of an app were removed.
    DocumentsRemoved = "DOCUMENTS_REMOVED" about "graphqlClient" graphql_client {
        graphql_client: GraphqlClientId, documents: u64,
    },
    /// Someone signed in.
    SignedIn = "SIGNED_IN" about "user" user { user: UserId },
    /// A session was ended: `signed_out`, `revoked`, or `reuse` of a refresh token.
    SessionEnded = "SESSION_ENDED" about "session" session { session: SessionId, user: UserId, reason: &'static str },
    /// Someone ended every session of theirs, but for the one they kept.
    SignedOutEverywhere = "SIGNED_OUT_EVERYWHERE" about "user" user { user: UserId, kept: Option<SessionId> },
    /// Someone added a passkey.
    PasskeyAdded = "PASSKEY_ADDED" about "user" user { user: UserId, passkey: PasskeyId },
    /// Someone gave a passkey another name.
    PasskeyRenamed = "PASSKEY_RENAMED" about "user" user { user: UserId, passkey: PasskeyId },
    /// Someone removed a passkey.
    PasskeyRemoved = "PASSKEY_REMOVED" about "user" user { user: UserId, passkey: PasskeyId },
    /// A passkey may have been copied: its counter went back. It signs nobody in any more.
    PasskeySuspected = "PASSKEY_SUSPECTED" about "user" user { user: UserId, passkey: PasskeyId },
    /// Someone linked their account at an identity provider.
    IdentityLinked = "IDENTITY_LINKED" about "user" user { user: UserId, linked_identity: LinkedIdentityId },
    /// Someone had an identity provider asked about their account there: whether the tokens that are kept still work.
    IdentityChecked = "IDENTITY_CHECKED" about "user" user { user: UserId, linked_identity: LinkedIdentityId, works: bool },
    /// Someone unlinked their account at an identity provider.
    IdentityUnlinked = "IDENTITY_UNLINKED" about "user" user { user: UserId, linked_identity: LinkedIdentityId },
    /// A dead job was driven again.
    JobRetried = "JOB_RETRIED" about "job" job { job: JobId, queue: String },
    /// A dead job was forgotten.
    JobDiscarded = "JOB_DISCARDED" about "job" job { job: JobId, queue: String },
    /// A password was set anew.
    PasswordReset = "PASSWORD_RESET" about "user" user { user: UserId },
    /// Someone changed their password.
    PasswordChanged = "PASSWORD_CHANGED" about "user" user { user: UserId },
    /// Someone proved that their address is theirs.
    EmailVerified = "EMAIL_VERIFIED" about "user" user { user: UserId },
    /// Someone took another address.
    EmailChanged = "EMAIL_CHANGED" about "user" user { user: UserId },
    /// Someone put an authenticator app on.
    SecondFactorEnabled = "SECOND_FACTOR_ENABLED" about "user" user { user: UserId },
    /// Someone took their authenticator app off.
    SecondFactorDisabled = "SECOND_FACTOR_DISABLED" about "user" user { user: UserId },
    /// Someone replaced their recovery codes.
    RecoveryCodesRenewed = "RECOVERY_CODES_RENEWED" about "user" user { user: UserId },
}

impl Event {
    /// Whether someone may do or send more or less after it: what is remembered of the tenant's people is asked again.
    pub fn changes_access(&self) -> bool {
        matches!(
            self,
            Self::MemberChanged { .. }
                | Self::RoleChanged { .. }
                | Self::TeamCreated { .. }
                | Self::TeamChanged { .. }
                | Self::TeamArchived { .. }
                | Self::MemberRemoved { .. }
                | Self::ServiceAccountChanged { .. }
                | Self::ServiceAccountArchived { .. }
                | Self::ApiKeyRotated { .. }
                | Self::ApiKeyRevoked { .. }
                | Self::SessionEnded { .. }
                | Self::SignedOutEverywhere { .. }
                | Self::PasswordReset { .. }
                | Self::PasswordChanged { .. }
                | Self::SecondFactorEnabled { .. }
                | Self::TenantSuspended { .. }
                | Self::TenantResumed { .. }
                | Self::GraphqlClientCreated { .. }
                | Self::GraphqlClientChanged { .. }
                | Self::GraphqlClientArchived { .. }
                | Self::DocumentsRegistered { .. }
                | Self::DocumentsRemoved { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_a_flat_object_in_camel_case() {
        let id = RecordId(Uuid::from_u128(1));
        let event = Event::RecordVoided {
            record: id,
            import: None,
            category: None,
        };
        assert_eq!(
            serde_json::to_value(&event).unwrap(),
            serde_json::json!({ "record": id, "import": null, "category": null })
        );
        assert_eq!(event.subject(), ("record", id.0));
    }
}
