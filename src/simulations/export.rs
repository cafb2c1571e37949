//! The changes of a simulation as a CSV file, in portions.

use std::borrow::Cow;
use std::collections::HashMap;

use async_stream::try_stream;
use entity::simulated_change::{self, Column as C};
use entity::{CategoryId, RecordId, SimulationId, category, record};
use futures::Stream;
use sea_orm::{ActiveEnum, ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::find;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::permission::Permission;
use crate::records::push_line;
use crate::rules::decimal;

/// Changes of one portion.
const PORTION: u64 = 1_000;

const HEADER: [&str; 15] = [
    "number",
    "date",
    "description",
    "amount",
    "currency",
    "effect",
    "beforeCategory",
    "beforeSource",
    "beforeConfidence",
    "beforePasses",
    "afterCategory",
    "afterSource",
    "afterConfidence",
    "afterPasses",
    "approvedCategory",
];

/// The changes that are kept as CSV. Each portion is read for itself, so a slow reader holds no transaction open.
pub async fn export(
    ctx: Ctx,
    id: SimulationId,
) -> Result<impl Stream<Item = Result<Vec<u8>>> + Send + 'static> {
    ctx.require(Permission::CreateReports)?;
    find::load(&ctx, id).await?;
    let names = categories(&ctx).await?;
    Ok(try_stream! {
        let mut header = Vec::new();
        push_line(&mut header, HEADER.iter().map(|name| Cow::Borrowed(*name)));
        yield header;
        let mut after = 0;
        loop {
            let (rows, texts) = portion(&ctx, id, after).await?;
            let Some(last) = rows.last() else { break };
            after = last.number;
            let full = rows.len() as u64 == PORTION;
            let mut lines = Vec::with_capacity(rows.len() * 200);
            for row in &rows {
                push_line(&mut lines, cells(row, &texts, &names));
            }
            yield lines;
            if !full {
                break;
            }
        }
    })
}

async fn portion(
    ctx: &Ctx,
    id: SimulationId,
    after: i32,
) -> Result<(Vec<simulated_change::Model>, HashMap<RecordId, String>)> {
    ctx.refresh().await;
    let read = ctx.read().await?;
    let rows = read
        .select::<simulated_change::Entity>()
        .filter(C::SimulationId.eq(id))
        .filter(C::Number.gt(after))
        .order_by_asc(C::Number)
        .limit(PORTION)
        .all(read.on())
        .await?;
    let texts: Vec<(RecordId, String)> = read
        .select::<record::Entity>()
        .select_only()
        .columns([record::Column::Id, record::Column::Description])
        .filter(record::Column::Id.is_in(rows.iter().map(|row| row.record_id)))
        .into_tuple()
        .all(read.on())
        .await?;
    drop(read);
    ctx.refresh().await;
    Ok((rows, texts.into_iter().collect()))
}

async fn categories(ctx: &Ctx) -> Result<HashMap<CategoryId, String>> {
    let read = ctx.read().await?;
    let names: Vec<(CategoryId, String, String)> = read
        .select::<category::Entity>()
        .select_only()
        .columns([
            category::Column::Id,
            category::Column::Code,
            category::Column::Name,
        ])
        .into_tuple()
        .all(read.on())
        .await?;
    let name = |(id, code, name)| (id, format!("{code} {name}"));
    Ok(names.into_iter().map(name).collect())
}

fn cells<'r>(
    row: &'r simulated_change::Model,
    texts: &'r HashMap<RecordId, String>,
    names: &'r HashMap<CategoryId, String>,
) -> [Cow<'r, str>; HEADER.len()] {
    let name = |id: Option<CategoryId>| {
        let name = id.and_then(|id| names.get(&id));
        Cow::Borrowed(name.map_or("", String::as_str))
    };
    let text = texts.get(&row.record_id).map_or("", String::as_str);
    [
        row.number.to_string().into(),
        row.occurred_on.to_string().into(),
        text.into(),
        decimal(row.amount).into(),
        row.currency.as_str().into(),
        row.effect.to_value().into(),
        name(row.before_category_id),
        row.before_source.to_value().into(),
        format!("{:.4}", row.before_confidence).into(),
        row.before_passes.to_string().into(),
        name(row.after_category_id),
        row.after_source.to_value().into(),
        format!("{:.4}", row.after_confidence).into(),
        row.after_passes.to_string().into(),
        name(row.truth_category_id),
    ]
}
