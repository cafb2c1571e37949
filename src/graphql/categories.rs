//! The chart of accounts.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{
    ComplexObject, Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject,
};
use chrono::{DateTime, Utc};
use entity::{CategoryId, category};

use super::error::{UserError, payload};
use super::loader::{OpLoader, find};
use super::node::{global, local, local_opt};
use super::op::Op;
use super::page::asks;
use super::plain::plain;
use crate::categories::{self, Change, NewCategory};
use crate::error::{Error, Result};

/// What a category counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "category::Kind", name = "CategoryKind")]
pub enum CategoryKind {
    /// Money earned.
    Income,
    /// Money spent.
    Expense,
    /// What is owned.
    Asset,
    /// What is owed.
    Liability,
    /// What belongs to the owners.
    Equity,
}

/// A node of the chart of accounts.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct Category {
    /// Opaque global id.
    pub id: ID,
    /// Its number in the chart; unique, and what the chart is sorted by.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What it counts as.
    pub kind: CategoryKind,
    /// When it was put away; nothing new is filed under it since.
    pub archived_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    #[graphql(skip)]
    parent_id: Option<CategoryId>,
}

plain!(Category;
    "id" id, "code" code, "name" name, "kind" kind, "archivedAt" archived_at, "createdAt" created_at,
    "updatedAt" updated_at;
    names "parent" Category, in categories: |row: &Category| row.parent_id,
);

impl From<category::Model> for Category {
    fn from(row: category::Model) -> Self {
        Self {
            id: global("Category", row.id),
            code: row.code,
            name: row.name,
            kind: row.kind.into(),
            archived_at: row.archived_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            parent_id: row.parent_id,
        }
    }
}

#[ComplexObject]
impl Category {
    /// The node above; absent at the top.
    async fn parent(&self, ctx: &Context<'_>) -> Result<Option<Self>> {
        match self.parent_id {
            Some(parent) => find(ctx, parent).await,
            None => Ok(None),
        }
    }
}

impl Loader<CategoryId> for OpLoader {
    type Value = Category;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[CategoryId]) -> Result<HashMap<CategoryId, Category>, Arc<Error>> {
        let rows = categories::by_ids(&self.ctx, ids).await.map_err(Arc::new)?;
        Ok(rows.into_iter().map(|row| (row.id, row.into())).collect())
    }
}

/// Questions about the chart of accounts.
#[derive(Default)]
pub struct CategoriesQuery;

#[Object]
impl CategoriesQuery {
    /// The whole chart of accounts, by code. A chart has at most 1,000 categories, so it comes in one piece.
    /// Needs `accounts:read`.
    async fn categories(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Whether categories that were put away are wanted too.",
            default
        )]
        include_archived: bool,
    ) -> Result<Vec<Category>> {
        let chart = categories::list(ctx.op()?, include_archived).await?;
        let nodes: Vec<(CategoryId, Category)> =
            chart.into_iter().map(|row| (row.id, row.into())).collect();
        if asks(ctx, "parent") {
            ctx.loader()?.feed_many(nodes.iter().cloned()).await;
        }
        Ok(nodes.into_iter().map(|(_, node)| node).collect())
    }
}

/// A category to make.
#[derive(InputObject)]
pub struct CreateCategoryInput {
    /// Its number in the chart: 1 to 20 letters, digits, dots, dashes or underscores; not used by another. The next
    /// free number when left out.
    pub code: Option<String>,
    /// Its name: 1 to 100 characters.
    pub name: String,
    /// What it counts as.
    pub kind: CategoryKind,
    /// The node above, of the same kind and in use; absent for the top.
    pub parent_id: Option<ID>,
}

/// What to change about a category. What is absent stays.
#[derive(InputObject)]
pub struct UpdateCategoryInput {
    /// Which category.
    pub category_id: ID,
    /// Another number in the chart.
    pub code: Option<String>,
    /// Another name.
    pub name: Option<String>,
    /// Another node above; null moves it to the top.
    pub parent_id: MaybeUndefined<ID>,
}

/// A category to put away.
#[derive(InputObject)]
pub struct ArchiveCategoryInput {
    /// Which category.
    pub category_id: ID,
}

/// A category to take out again.
#[derive(InputObject)]
pub struct RestoreCategoryInput {
    /// Which category.
    pub category_id: ID,
}

macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(SimpleObject)]
        #[graphql(serial)]
        pub struct $name {
            /// The category as it is now; absent when there is something to put right.
            pub category: Option<Category>,
            /// What to put right; empty when it was done.
            #[graphql(name = "errors")]
            pub user_errors: Vec<UserError>,
        }

        impl $name {
            fn of(outcome: Result<category::Model>) -> Result<Self> {
                let (row, user_errors) = payload(outcome)?;
                Ok(Self { category: row.map(Into::into), user_errors })
            }
        }
    )*};
}

payloads! {
    /// A category that was made.
    CreateCategoryPayload,
    /// A category that was changed.
    UpdateCategoryPayload,
    /// A category that was put away.
    ArchiveCategoryPayload,
    /// A category that was taken out again.
    RestoreCategoryPayload,
}

/// What can be done to the chart of accounts.
#[derive(Default)]
pub struct CategoriesMutation;

#[Object]
impl CategoriesMutation {
    /// Make a category. Needs `accounts:write`.
    async fn create_category(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The category to make.")] input: CreateCategoryInput,
    ) -> Result<CreateCategoryPayload> {
        let made = async {
            let new = NewCategory {
                parent: local_opt("Category", "parentId", input.parent_id.as_ref())?,
                code: input.code,
                name: input.name,
                kind: input.kind.into(),
            };
            categories::create(ctx.op()?, new).await
        };
        CreateCategoryPayload::of(made.await)
    }

    /// Change the number, the name or the place of a category. Needs `accounts:write`.
    async fn update_category(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The category, and what changes about it.")] input: UpdateCategoryInput,
    ) -> Result<UpdateCategoryPayload> {
        let changed = async {
            let id = local("Category", "categoryId", &input.category_id)?;
            let parent = match &input.parent_id {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(parent) => Some(Some(local("Category", "parentId", parent)?)),
            };
            let change = Change {
                code: input.code,
                name: input.name,
                parent,
            };
            categories::change(ctx.op()?, id, change).await
        };
        UpdateCategoryPayload::of(changed.await)
    }

    /// Put a category away: what is filed under it stays, nothing new comes. Refused while categories below it are in
    /// use. Needs `accounts:write`.
    async fn archive_category(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The category to put away.")] input: ArchiveCategoryInput,
    ) -> Result<ArchiveCategoryPayload> {
        let archived = async {
            let id = local("Category", "categoryId", &input.category_id)?;
            categories::archive(ctx.op()?, id).await
        };
        ArchiveCategoryPayload::of(archived.await)
    }

    /// Take a category out again. Refused while the one above it is archived. Needs `accounts:write`.
    async fn restore_category(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The category to take out again.")] input: RestoreCategoryInput,
    ) -> Result<RestoreCategoryPayload> {
        let restored = async {
            let id = local("Category", "categoryId", &input.category_id)?;
            categories::restore(ctx.op()?, id).await
        };
        RestoreCategoryPayload::of(restored.await)
    }
}
