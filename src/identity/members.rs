//! Who belongs to a tenant, as what.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::membership::{self, Role};
use entity::{RoleId, UserId, session, team_member, user};
use sea_orm::sea_query::{Expr, Query};
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
        give_role(&mut tx, user, from, choice).await?;
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
    leave_teams(&tx, user).await?;
    tx.record(Event::MemberRemoved { user });
    tx.commit().await
}

/// Takes a person out of every team: who comes back starts without what teams brought them.
pub(super) async fn leave_teams(tx: &Tx<'_>, user: UserId) -> Result<()> {
    tx.delete::<team_member::Entity>()
        .filter(team_member::Column::UserId.eq(user))
        .exec(tx.on())
        .await?;
    Ok(())
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

/// Gives a member another role, unless the one they have was changed meanwhile.
pub(super) async fn give_role(
    tx: &mut Tx<'_>,
    user: UserId,
    before: RoleChoice,
    after: RoleChoice,
) -> Result<()> {
    let changed = tx
        .update::<membership::Entity>()
        .col_expr(membership::Column::Role, Expr::value(after.role))
        .col_expr(membership::Column::RoleId, Expr::value(after.custom))
        .filter(membership::Column::UserId.eq(user))
        .filter(membership::Column::Role.eq(before.role))
        .filter(membership::Column::RemovedAt.is_null())
        .exec(tx.on())
        .await?;
    if changed.rows_affected == 0 {
        return Err(raced());
    }
    tx.record_diff(
        Event::MemberChanged {
            user,
            role: role_name(after.role),
            custom_role: after.custom,
        },
        serde_json::json!({
            "role": { "from": role_name(before.role), "to": role_name(after.role) },
            "customRole": { "from": before.custom, "to": after.custom },
        }),
    );
    Ok(())
}

pub(super) async fn load(tx: &Tx<'_>, user: UserId) -> Result<membership::Model> {
    tx.select::<membership::Entity>()
        .filter(membership::Column::UserId.eq(user))
        .filter(membership::Column::RemovedAt.is_null())
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("member"))
}

pub(super) async fn person(tx: &Tx<'_>, user: UserId) -> Result<Person> {
    let person = user::Entity::find()
        .filter(user::Column::Id.eq(user))
        .one(tx.on())
        .await?;
    Ok(person.ok_or(Error::NotFound("member"))?.into())
}

/// Refuses to take ownership from someone unless an owner asks and another one stays.
pub(super) async fn spare_an_owner(tx: &Tx<'_>, leaving: UserId) -> Result<()> {
    tx.ctx().require(Permission::ManageTenant)?;
    let owners = lock_owners(tx).await?;
    if owners.iter().any(|owner| *owner != leaving) {
        Ok(())
    } else {
        Err(Error::conflict(
            "this is the last owner; make someone else an owner first",
        ))
    }
}

/// The people who own the tenant.
pub async fn owners(tx: &Tx<'_>) -> Result<Vec<Person>> {
    let owners = Query::select()
        .column(membership::Column::UserId)
        .from(membership::Entity)
        .and_where(membership::Column::TenantId.eq(tx.tenant()))
        .and_where(membership::Column::Role.eq(Role::Owner))
        .and_where(membership::Column::RemovedAt.is_null())
        .to_owned();
    let people = user::Entity::find()
        .filter(user::Column::Id.in_subquery(owners))
        .order_by_asc(user::Column::Id)
        .all(tx.on())
        .await?;
    Ok(people.into_iter().map(Person::from).collect())
}

/// Locks the owners, in one order, and tells who they are: two of them who take ownership from each other do so one
/// after the other, and the second one is an owner no more.
pub(super) async fn lock_owners(tx: &Tx<'_>) -> Result<Vec<UserId>> {
    let owners = tx
        .select::<membership::Entity>()
        .filter(membership::Column::Role.eq(Role::Owner))
        .filter(membership::Column::RemovedAt.is_null())
        .order_by_asc(membership::Column::UserId)
        .lock_exclusive()
        .all(tx.on())
        .await?;
    let owners: Vec<UserId> = owners.into_iter().map(|owner| owner.user_id).collect();
    match tx.ctx().user() {
        Some(asks) if !owners.contains(&asks) => Err(Error::Forbidden(Permission::ManageTenant)),
        _ => Ok(owners),
    }
}

pub(super) fn raced() -> Error {
    Error::conflict("the member was changed at the same time; look again")
}
