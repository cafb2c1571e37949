//! Who belongs to a tenant, as what.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::membership::{self, Role};
use entity::{RoleId, UserId, session, user};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::roles::{self, RoleChoice};
use super::sessions;
use super::viewer::Person;
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};
use crate::permission::Permission;

/// A person in the tenant.
#[derive(Clone, Debug)]
pub struct Member {
    /// Who.
    pub person: Person,
    /// As what.
    pub role: Role,
    /// The role of the tenant's own, when it is a custom one.
    pub custom_role: Option<RoleId>,
    /// Since when.
    pub joined_at: DateTime<Utc>,
}

/// The members of the tenant, those who joined first first.
pub async fn list_members(ctx: &Ctx, window: &Window) -> Result<Page<Member>> {
    ctx.require(Permission::ReadMembers)?;
    let read = ctx.read().await?;
    let page = page::page(
        read.select::<membership::Entity>()
            .filter(membership::Column::RemovedAt.is_null()),
        &[membership::Column::CreatedAt, membership::Column::UserId],
        false,
        window,
        read.on(),
    )
    .await?;
    let ids = page.rows.iter().map(|(_, member)| member.user_id);
    let mut people: HashMap<UserId, user::Model> = user::Entity::find()
        .filter(user::Column::Id.is_in(ids))
        .all(read.on())
        .await?
        .into_iter()
        .map(|person| (person.id, person))
        .collect();
    let rows = page
        .rows
        .into_iter()
        .filter_map(|(cursor, member)| {
            let person = people.remove(&member.user_id)?;
            let member = Member {
                person: person.into(),
                role: member.role,
                custom_role: member.role_id,
                joined_at: member.created_at,
            };
            Some((cursor, member))
        })
        .collect();
    Ok(Page {
        rows,
        has_next: page.has_next,
        has_previous: page.has_previous,
    })
}

/// How many members the tenant has.
pub async fn count_members(ctx: &Ctx) -> Result<u64> {
    ctx.require(Permission::ReadMembers)?;
    let read = ctx.read().await?;
    let members = read
        .select::<membership::Entity>()
        .filter(membership::Column::RemovedAt.is_null());
    Ok(members.count(read.on()).await?)
}

/// Gives a member another role, which brings nothing the actor does not hold. Ownership is given and taken by owners,
/// and one of them stays.
#[tracing::instrument(skip_all, fields(user.id = %user))]
pub async fn change_role(ctx: &Ctx, user: UserId, choice: impl Into<RoleChoice>) -> Result<Member> {
    ctx.require(Permission::ManageMembers)?;
    let choice = choice.into();
    let mut tx = ctx.begin().await?;
    roles::grantable(&tx, choice).await?;
    let member = load(&tx, user).await?;
    if member.role == Role::Owner && choice.role != Role::Owner {
        spare_an_owner(&tx, user).await?;
    }
    let from = RoleChoice::of(&member);
    if from != choice {
        let changed = tx
            .update::<membership::Entity>()
            .col_expr(membership::Column::Role, Expr::value(choice.role))
            .col_expr(membership::Column::RoleId, Expr::value(choice.custom))
            .filter(membership::Column::UserId.eq(user))
            .filter(membership::Column::Role.eq(member.role))
            .filter(membership::Column::RemovedAt.is_null())
            .exec(tx.on())
            .await?;
        if changed.rows_affected == 0 {
            return Err(raced());
        }
        tx.record_diff(
            Event::MemberChanged {
                user,
                role: role_name(choice.role),
                custom_role: choice.custom,
            },
            serde_json::json!({
                "role": { "from": role_name(from.role), "to": role_name(choice.role) },
                "customRole": { "from": from.custom, "to": choice.custom },
            }),
        );
    }
    let person = person(&tx, user).await?;
    tx.commit().await?;
    Ok(Member {
        person,
        role: choice.role,
        custom_role: choice.custom,
        joined_at: member.created_at,
    })
}

/// Removes a member and ends their sessions in the tenant. The last owner stays.
#[tracing::instrument(skip_all, fields(user.id = %user))]
pub async fn remove_member(ctx: &Ctx, user: UserId) -> Result<()> {
    ctx.require(Permission::ManageMembers)?;
    let mut tx = ctx.begin().await?;
    let member = load(&tx, user).await?;
    if member.role == Role::Owner {
        spare_an_owner(&tx, user).await?;
    }
    let removed = tx
        .update::<membership::Entity>()
        .col_expr(membership::Column::RemovedAt, Expr::value(ctx.now()))
        .filter(membership::Column::UserId.eq(user))
        .filter(membership::Column::Role.eq(member.role))
        .filter(membership::Column::RemovedAt.is_null())
        .exec(tx.on())
        .await?;
    if removed.rows_affected == 0 {
        return Err(raced());
    }
    let theirs = tx
        .update::<session::Entity>()
        .filter(session::Column::UserId.eq(user));
    sessions::revoke(theirs, ctx.now(), "removed", tx.on()).await?;
    tx.record(Event::MemberRemoved { user });
    tx.commit().await
}

/// Makes a person a member, again if they were one before. A member they are already keeps their role.
pub(super) async fn join(tx: &mut Tx<'_>, user: UserId, choice: RoleChoice) -> Result<()> {
    let now = tx.ctx().now();
    let back = tx
        .update::<membership::Entity>()
        .col_expr(membership::Column::Role, Expr::value(choice.role))
        .col_expr(membership::Column::RoleId, Expr::value(choice.custom))
        .col_expr(membership::Column::CreatedAt, Expr::value(now))
        .col_expr(
            membership::Column::RemovedAt,
            Expr::value(None::<DateTime<Utc>>),
        )
        .filter(membership::Column::UserId.eq(user))
        .filter(membership::Column::RemovedAt.is_not_null())
        .exec(tx.on())
        .await?;
    if back.rows_affected == 0 {
        let new = membership::Model {
            tenant_id: tx.tenant(),
            user_id: user,
            role: choice.role,
            role_id: choice.custom,
            created_at: now,
            removed_at: None,
        };
        if tx.insert_new(vec![new]).await?.is_empty() {
            return Err(Error::conflict("you are a member already; sign in"));
        }
    }
    tx.record(Event::MemberAdded {
        user,
        role: role_name(choice.role),
        custom_role: choice.custom,
    });
    Ok(())
}

/// The public name of a role.
pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Owner => "OWNER",
        Role::Admin => "ADMIN",
        Role::Manager => "MANAGER",
        Role::Reviewer => "REVIEWER",
        Role::User => "USER",
        Role::Custom => "CUSTOM",
        Role::Buyer => "BUYER",
        Role::Seller => "SELLER",
        Role::Resolver => "RESOLVER",
        Role::Guard => "GUARD",
        Role::Viewer => "VIEWER",
    }
}

async fn load(tx: &Tx<'_>, user: UserId) -> Result<membership::Model> {
    tx.select::<membership::Entity>()
        .filter(membership::Column::UserId.eq(user))
        .filter(membership::Column::RemovedAt.is_null())
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("member"))
}

async fn person(tx: &Tx<'_>, user: UserId) -> Result<Person> {
    let person = user::Entity::find()
        .filter(user::Column::Id.eq(user))
        .one(tx.on())
        .await?;
    Ok(person.ok_or(Error::NotFound("member"))?.into())
}

/// Refuses to take ownership from someone unless an owner asks and another one stays. The owners are locked, in one
/// order: two of them who leave at the same time do so one after the other.
async fn spare_an_owner(tx: &Tx<'_>, leaving: UserId) -> Result<()> {
    tx.ctx().require(Permission::ManageTenant)?;
    let owners = tx
        .select::<membership::Entity>()
        .filter(membership::Column::Role.eq(Role::Owner))
        .filter(membership::Column::RemovedAt.is_null())
        .order_by_asc(membership::Column::UserId)
        .lock_exclusive()
        .all(tx.on())
        .await?;
    if owners.iter().any(|owner| owner.user_id != leaving) {
        Ok(())
    } else {
        Err(Error::conflict(
            "this is the last owner; make someone else an owner first",
        ))
    }
}

fn raced() -> Error {
    Error::conflict("the member was changed at the same time; look again")
}
