//! Where somebody was when they did something: kept beside the log of each tenant, and erased with the person.

use std::collections::BTreeMap;

use entity::{TenantId, UserId, event, event_origin, membership};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter};

use crate::ctx::{Actor, Handles};
use crate::error::Result;

/// Erases from where these people acted, in every tenant that they belong or belonged to. What they did stays in the log.
pub async fn erase(handles: &Handles, people: &[UserId]) -> Result<()> {
    let read = handles
        .db
        .read_across_tenants("where a person has been")
        .await?;
    let memberships = membership::Entity::find()
        .filter(membership::Column::UserId.is_in(people.iter().copied()))
        .all(&read)
        .await?;
    read.rollback().await?;
    let mut there: BTreeMap<TenantId, Vec<String>> = BTreeMap::new();
    for member in memberships {
        let actor = Actor::User(member.user_id).to_string();
        there.entry(member.tenant_id).or_default().push(actor);
    }
    for (tenant, actors) in there {
        // the events of one transaction are one actor's, so that the first tells whose they are
        let theirs = Query::select()
            .column(event::Column::Sequence)
            .from(event::Entity)
            .and_where(event::Column::TenantId.eq(tenant))
            .and_where(event::Column::Actor.is_in(actors))
            // as the partial index on actors wants it
            .and_where(Expr::col(event::Column::Actor).ne("system"))
            .to_owned();
        let tx = handles.db.begin(Some(tenant)).await?;
        event_origin::Entity::delete_many()
            .filter(event_origin::Column::TenantId.eq(tenant))
            .filter(event_origin::Column::Sequence.in_subquery(theirs))
            .exec(&tx)
            .await?;
        tx.commit().await?;
    }
    Ok(())
}
