//! Groups of rules, as clients see them.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{RuleGroupId, rule_group};

use crate::error::{Error, Result};
use crate::graphql::loader::OpLoader;
use crate::graphql::node::{global, local};
use crate::graphql::op::Op;
use crate::graphql::payload::payloads;
use crate::rules::groups::{self, GroupChanges};

/// Rules that belong together: tried one after the other, and switched off together.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct RuleGroup {
    /// Opaque global id.
    pub id: ID,
    /// What people call it.
    pub name: String,
    /// Its place among the groups, from 1. Rules without a group are tried before all groups.
    pub position: i32,
    /// Whether its rules are tried; each of them has a switch of its own as well.
    pub enabled: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<rule_group::Model> for RuleGroup {
    fn from(row: rule_group::Model) -> Self {
        Self {
            id: global("RuleGroup", row.id),
            name: row.name,
            position: row.position,
            enabled: row.disabled_at.is_none(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Loader<RuleGroupId> for OpLoader {
    type Value = RuleGroup;
    type Error = Arc<Error>;

    async fn load(
        &self,
        ids: &[RuleGroupId],
    ) -> Result<HashMap<RuleGroupId, RuleGroup>, Arc<Error>> {
        let rows = groups::find_all(&self.ctx, ids).await.map_err(Arc::new)?;
        Ok(rows.into_iter().map(|row| (row.id, row.into())).collect())
    }
}

/// A group of rules to make.
#[derive(InputObject)]
pub struct CreateRuleGroupInput {
    /// What to call it: 1 to 100 characters.
    pub name: String,
    /// Its place among the groups, from 1; after the others when absent.
    pub position: Option<i32>,
}

/// What to change about a group of rules. What is absent stays.
#[derive(InputObject)]
pub struct UpdateRuleGroupInput {
    /// Which group.
    pub rule_group_id: ID,
    /// Another name.
    pub name: Option<String>,
    /// Whether its rules are tried.
    pub enabled: Option<bool>,
}

/// A group of rules to move.
#[derive(InputObject)]
pub struct MoveRuleGroupInput {
    /// Which group.
    pub rule_group_id: ID,
    /// Its new place among the groups, from 1; the ones between make room.
    pub position: i32,
}

/// A group of rules to remove.
#[derive(InputObject)]
pub struct DeleteRuleGroupInput {
    /// Which group.
    pub rule_group_id: ID,
}

payloads! {
    /// A group of rules that was made.
    CreateRuleGroupPayload {
        /// The group.
        rule_group: RuleGroup
    },
    /// A group of rules that was changed.
    UpdateRuleGroupPayload {
        /// The group.
        rule_group: RuleGroup
    },
    /// A group of rules that was moved.
    MoveRuleGroupPayload {
        /// The group.
        rule_group: RuleGroup
    },
    /// A group of rules that was removed.
    DeleteRuleGroupPayload {
        /// The group.
        rule_group: RuleGroup
    },
}

/// Questions about groups of rules.
#[derive(Default)]
pub struct RuleGroupsQuery;

#[Object]
impl RuleGroupsQuery {
    /// The groups of rules in their order. There are at most 100, so they come in one piece. Needs `rules:read`.
    async fn rule_groups(&self, ctx: &Context<'_>) -> Result<Vec<RuleGroup>> {
        let rows = groups::list(ctx.op()?).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}

/// What can be done to groups of rules.
#[derive(Default)]
pub struct RuleGroupsMutation;

#[Object]
impl RuleGroupsMutation {
    /// Make a group of rules. Needs `rules:write`.
    async fn create_rule_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CreateRuleGroupInput,
    ) -> Result<CreateRuleGroupPayload> {
        let made = groups::create(ctx.op()?, &input.name, input.position).await;
        CreateRuleGroupPayload::of(made)
    }

    /// Rename a group of rules, or switch all of it off or on. Needs `rules:write`.
    async fn update_rule_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UpdateRuleGroupInput,
    ) -> Result<UpdateRuleGroupPayload> {
        let changed = async {
            let changes = GroupChanges {
                name: input.name,
                enabled: input.enabled,
            };
            groups::edit(ctx.op()?, id(&input.rule_group_id)?, changes).await
        };
        UpdateRuleGroupPayload::of(changed.await)
    }

    /// Move a group of rules among the groups. Needs `rules:write`.
    async fn move_rule_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: MoveRuleGroupInput,
    ) -> Result<MoveRuleGroupPayload> {
        let moved =
            async { groups::move_to(ctx.op()?, id(&input.rule_group_id)?, input.position).await };
        MoveRuleGroupPayload::of(moved.await)
    }

    /// Remove a group of rules. Its rules stay, behind the others without a group; those of a group that was off are
    /// switched off. Needs `rules:write`.
    async fn delete_rule_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: DeleteRuleGroupInput,
    ) -> Result<DeleteRuleGroupPayload> {
        let deleted = async { groups::delete(ctx.op()?, id(&input.rule_group_id)?).await };
        DeleteRuleGroupPayload::of(deleted.await)
    }
}

fn id(id: &ID) -> Result<RuleGroupId> {
    local("RuleGroup", "ruleGroupId", id)
}
