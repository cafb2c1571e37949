//! The job that sends a mail.

use entity::job;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};

use super::deliver::{Delivered, deliver};
use super::{Message, compose};
use crate::ctx::{Ctx, Job, Tx};
use crate::error::Result;
use crate::queue::Claim;

/// Sends a mail, then wipes it from the queue. One that the server will never take is dead at once, still sealed. A
/// process that dies between sending and wiping sends it again, under the same id.
pub async fn send(ctx: &Ctx, claim: &Claim, job: &job::Model, sealed: &str) -> Result<()> {
    let message: Message = super::open(&ctx.handles().vault, sealed)?;
    let mail = compose::compose(ctx.config(), &message, job.id, ctx.now())?;
    let delivered = deliver(ctx.config(), job.id, mail).await?;

    let tx = ctx.begin().await?;
    match delivered {
        Delivered::Sent => {
            tx.complete(claim, &[job.id]).await?;
            let sealed = String::new();
            wipe(&tx, job, &Job::SendMail { sealed }).await?;
        }
        Delivered::Refused(reason) => {
            tracing::warn!(job.id = %job.id, reason, "A mail was refused for good");
            tx.bury(claim, &[job.id], &reason).await?;
        }
    }
    tx.commit().await
}

/// Gives up on a mail. It stays sealed in the queue: whoever puts the mail server right can drive it again.
pub async fn give_up(ctx: &Ctx, claim: &Claim, job: &job::Model, error: &str) -> Result<()> {
    let tx = ctx.begin().await?;
    tx.bury(claim, &[job.id], error).await?;
    tx.commit().await
}

/// Replaces what a job holds by the same without what was sealed: it is done, and nobody reads it again.
pub async fn wipe(tx: &Tx<'_>, job: &job::Model, emptied: &Job) -> Result<()> {
    tx.update::<job::Entity>()
        .col_expr(
            job::Column::Payload,
            Expr::value(serde_json::to_string(emptied)?),
        )
        .filter(job::Column::Id.eq(job.id))
        .exec(tx.on())
        .await?;
    Ok(())
}
