//! The schema: the roots of every feature, put together.

use std::sync::Arc;

use async_graphql::{
    MergedObject, MergedSubscription, SDLExportOptions, Schema, SchemaBuilder, ValidationMode,
};
use chrono::{DateTime, Utc};

use super::apart::Apart;
use super::documents::Judge;
use super::fresh::Fresh;
pub use super::idempotency::Mutation;
use super::limits::Limits;
use super::request::Pipeline;
use crate::ctx::Handles;
use crate::events::Tails;
use crate::processing::Engine;

/// Everything that can be asked.
#[derive(MergedObject, Default)]
pub struct Query(
    Apart<super::accounts::AccountsQuery>,
    Apart<super::approvals::ApprovalsQuery>,
    Apart<super::audit::AuditQuery>,
    Apart<super::automation::AutomationQuery>,
    Apart<super::categories::CategoriesQuery>,
    Apart<super::change_sets::ChangeSetsQuery>,
    Apart<super::clients::ClientsQuery>,
    Apart<super::connections::ConnectionsQuery>,
    Apart<super::events::EventsQuery>,
    Apart<super::explain::ExplainQuery>,
    Apart<super::identity::IdentityQuery>,
    Apart<super::imports::ImportsQuery>,
    Apart<super::jobs::JobsQuery>,
    Apart<super::keys::KeysQuery>,
    Apart<super::links::LinksQuery>,
    Apart<super::llm::LlmQuery>,
    Apart<super::node::NodeQuery>,
    Apart<super::oauth::OauthQuery>,
    Apart<super::passkeys::PasskeysQuery>,
    Apart<super::projects::ProjectsQuery>,
    Apart<super::queues::QueuesQuery>,
    Apart<super::records::RecordsQuery>,
    Apart<super::reports::ReportsQuery>,
    Apart<super::roles::RolesQuery>,
    Apart<super::rules::RulesQuery>,
    Apart<super::rules::RuleGroupsQuery>,
    Apart<super::security::SecurityQuery>,
    Apart<super::sessions::SessionsQuery>,
    Apart<super::settings::SettingsQuery>,
    Apart<super::simulations::SimulationsQuery>,
    Apart<super::suggestions::SuggestionsQuery>,
    Apart<super::system::SystemQuery>,
    Apart<super::tags::TagsQuery>,
    Apart<super::teams::TeamsQuery>,
    Apart<super::tenants::TenantsQuery>,
);

/// Everything that can be done.
#[derive(MergedObject, Default)]
#[graphql(name = "Mutation")]
pub struct Features(
    Apart<super::accounts::AccountsMutation>,
    Apart<super::approvals::ApprovalsMutation>,
    Apart<super::automation::AutomationMutation>,
    Apart<super::categories::CategoriesMutation>,
    Apart<super::change_sets::ChangeSetsMutation>,
    Apart<super::clients::ClientsMutation>,
    Apart<super::connections::ConnectionsMutation>,
    Apart<super::identity::IdentityMutation>,
    Apart<super::imports::ImportsMutation>,
    Apart<super::jobs::JobsMutation>,
    Apart<super::links::LinksMutation>,
    Apart<super::oauth::OauthMutation>,
    Apart<super::passkeys::PasskeysMutation>,
    Apart<super::projects::ProjectsMutation>,
    Apart<super::keys::KeysMutation>,
    Apart<super::llm::LlmMutation>,
    Apart<super::records::RecordsMutation>,
    Apart<super::reports::ReportsMutation>,
    Apart<super::roles::RolesMutation>,
    Apart<super::rules::RulesMutation>,
    Apart<super::rules::RuleGroupsMutation>,
    Apart<super::security::SecurityMutation>,
    Apart<super::sessions::SessionsMutation>,
    Apart<super::settings::SettingsMutation>,
    Apart<super::simulations::SimulationsMutation>,
    Apart<super::splits::SplitsMutation>,
    Apart<super::suggestions::SuggestionsMutation>,
    Apart<super::tags::TagsMutation>,
    Apart<super::teams::TeamsMutation>,
    Apart<super::tenants::TenantsMutation>,
);

/// Everything that can be followed.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    super::change_sets::ChangeSetsSubscription,
    super::events::EventsSubscription,
    super::simulations::SimulationsSubscription,
    super::streams::StreamsSubscription,
);

/// The schema of balance.
pub type Balance = Schema<Query, Mutation, Subscription>;

/// The schema without anything behind it: for its SDL.
pub fn sdl() -> String {
    let schema = described(Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    ));
    written(&schema.finish())
}

/// The SDL of a schema, with where its scalars are specified.
pub fn written(schema: &Balance) -> String {
    schema.sdl_with_options(SDLExportOptions::new().include_specified_by())
}

/// Says of a scalar that the library brings what a client has to know about it.
fn described(
    schema: SchemaBuilder<Query, Mutation, Subscription>,
) -> SchemaBuilder<Query, Mutation, Subscription> {
    let said = "An instant of RFC 3339, such as `2026-11-21T10:00:00.250Z`; answers are in UTC.";
    schema
        .override_input_type_description::<DateTime<Utc>>(said)
        .override_output_type_description::<DateTime<Utc>>(said)
}

/// The schema that says whether a document fits, and carries nothing out.
pub fn judge() -> Balance {
    Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    )
    .extension(Judge)
    .finish()
}

/// The schema with the process behind it, and the doors in front of it.
pub fn pipeline(handles: &Arc<Handles>, tails: &Tails, engine: &Arc<Engine>) -> Pipeline<Balance> {
    // a document is validated once, by the judge
    let build = || {
        described(Schema::build(
            Query::default(),
            Mutation::default(),
            Subscription::default(),
        ))
        .data(Arc::clone(handles))
        .data(tails.clone())
        .data(Arc::clone(engine))
        .validation_mode(ValidationMode::Fast)
    };
    let schema = build().finish();
    let sdl = schema.sdl();
    Pipeline::new(schema, &sdl, Limits::default())
        .expect("the SDL that async-graphql writes can be parsed; a test proves it")
        .with_streams(build().extension(Fresh).finish())
        .with_judge(judge())
        .with_suggestions(!handles.config.is_production())
}
