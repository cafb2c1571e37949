//! The schema: the roots of every feature, put together.

use std::sync::Arc;

use async_graphql::{
    MergedObject, MergedSubscription, SDLExportOptions, Schema, SchemaBuilder, ValidationMode,
};
use chrono::{DateTime, Utc};

use super::documents::Judge;
use super::fresh::Fresh;
pub use super::idempotency::Mutation;
use super::limits::Limits;
use super::request::Pipeline;
use crate::ctx::Handles;
use crate::events::Tails;

/// Everything that can be asked.
#[derive(MergedObject, Default)]
pub struct Query(
    super::accounts::AccountsQuery,
    super::approvals::ApprovalsQuery,
    super::audit::AuditQuery,
    super::automation::AutomationQuery,
    super::categories::CategoriesQuery,
    super::clients::ClientsQuery,
    super::connections::ConnectionsQuery,
    super::events::EventsQuery,
    super::identity::IdentityQuery,
    super::imports::ImportsQuery,
    super::keys::KeysQuery,
    super::node::NodeQuery,
    super::oauth::OauthQuery,
    super::passkeys::PasskeysQuery,
    super::projects::ProjectsQuery,
    super::records::RecordsQuery,
    super::reports::ReportsQuery,
    super::roles::RolesQuery,
    super::rules::RulesQuery,
    super::security::SecurityQuery,
    super::sessions::SessionsQuery,
    super::settings::SettingsQuery,
    super::system::SystemQuery,
    super::teams::TeamsQuery,
    super::tenants::TenantsQuery,
);

/// Everything that can be done.
#[derive(MergedObject, Default)]
#[graphql(name = "Mutation")]
pub struct Features(
    super::accounts::AccountsMutation,
    super::approvals::ApprovalsMutation,
    super::automation::AutomationMutation,
    super::categories::CategoriesMutation,
    super::clients::ClientsMutation,
    super::connections::ConnectionsMutation,
    super::identity::IdentityMutation,
    super::imports::ImportsMutation,
    super::oauth::OauthMutation,
    super::passkeys::PasskeysMutation,
    super::projects::ProjectsMutation,
    super::keys::KeysMutation,
    super::records::RecordsMutation,
    super::reports::ReportsMutation,
    super::roles::RolesMutation,
    super::rules::RulesMutation,
    super::security::SecurityMutation,
    super::sessions::SessionsMutation,
    super::settings::SettingsMutation,
    super::teams::TeamsMutation,
    super::tenants::TenantsMutation,
);

/// Everything that can be followed.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    super::events::EventsSubscription,
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
pub fn pipeline(handles: &Arc<Handles>, tails: &Tails) -> Pipeline<Balance> {
    // a document is validated once, by the judge
    let build = || {
        described(Schema::build(
            Query::default(),
            Mutation::default(),
            Subscription::default(),
        ))
        .data(Arc::clone(handles))
        .data(tails.clone())
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
