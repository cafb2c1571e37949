//! From what somebody wrote to the project they mean.

use entity::project;
use sea_orm::{ColumnTrait, QueryFilter};

use super::change::{MAX, add};
use crate::ctx::Tx;
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::text::fold;

/// How many projects an answer suggests.
const SUGGESTED: usize = 3;

/// The key of the project that a text given as input `field` names, whatever its letter case. One that is new is made
/// on its first use by those who may make projects; others are told which ones look like it.
pub async fn resolve(tx: &mut Tx<'_>, field: &'static str, text: &str) -> Result<String> {
    let text = text.trim();
    if !(1..=MAX).contains(&text.chars().count()) {
        return Err(Error::invalid(
            field,
            format!("1 to {MAX} characters are accepted"),
        ));
    }
    if let Some(found) = alike(tx, text).await? {
        return match found.archived_at {
            None => Ok(found.key),
            Some(_) => Err(Error::invalid(
                field,
                format!(
                    "the project {} is archived; restore it or choose another one",
                    found.key
                ),
            )),
        };
    }
    if tx.ctx().permissions().contains(Permission::ManageProjects) {
        let made = add(tx, text.to_owned(), text.to_owned()).await?;
        return Ok(made.key);
    }
    let known = tx
        .select::<project::Entity>()
        .filter(project::Column::ArchivedAt.is_null())
        .all(tx.on())
        .await?;
    let similar = suggestions(text, known.iter().map(|project| project.key.as_str()));
    let hint = match similar.is_empty() {
        true => "leave it out, or ask somebody with projects:manage to make it".to_owned(),
        false => format!("did you mean {}?", similar.join(" or ")),
    };
    Err(Error::invalid(
        field,
        format!("there is no project of that key; {hint}"),
    ))
}

/// The project of that key; else one whose key differs in letter case or blanks only.
pub(super) async fn alike(tx: &Tx<'_>, key: &str) -> Result<Option<project::Model>> {
    let exact = tx
        .select::<project::Entity>()
        .filter(project::Column::Key.eq(key))
        .one(tx.on())
        .await?;
    if exact.is_some() {
        return Ok(exact);
    }
    let folded = fold(key);
    let all = tx.select::<project::Entity>().all(tx.on()).await?;
    let mut same = all.into_iter().filter(|other| fold(&other.key) == folded);
    Ok(same.next())
}

/// The keys that look most like a text, the closest first.
fn suggestions<'k>(text: &str, keys: impl Iterator<Item = &'k str>) -> Vec<&'k str> {
    let text = fold(text);
    let far = (text.chars().count() / 3).max(1);
    let mut close: Vec<(usize, &str)> = keys
        .map(|key| {
            let folded = fold(key);
            let within = folded.contains(&*text) || text.contains(&*folded);
            (if within { 0 } else { distance(&text, &folded) }, key)
        })
        .filter(|(distance, _)| *distance <= far)
        .collect();
    close.sort_unstable();
    close
        .into_iter()
        .map(|(_, key)| key)
        .take(SUGGESTED)
        .collect()
}

/// How many letters have to be put in, taken out, replaced or swapped with the next one to get from one text to the
/// other.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for at in 0..a.len() {
        let mut row = vec![at + 1];
        for to in 0..b.len() {
            let replaced = last[to] + usize::from(a[at] != b[to]);
            let mut least = replaced.min(last[to + 1] + 1).min(row[to] + 1);
            if at > 0 && to > 0 && a[at] == b[to - 1] && a[at - 1] == b[to] {
                least = least.min(before[to - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_differ_are_counted() {
        assert_eq!(distance("fair", "fair"), 0);
        assert_eq!(distance("fiar", "fair"), 1, "two letters are swapped");
        assert_eq!(distance("fari", "fair"), 1);
        assert_eq!(distance("iraf", "fair"), 4);
        assert_eq!(distance("", "fair"), 4);
        assert_eq!(distance("house", "horse"), 1);
    }

    #[test]
    fn what_looks_alike_is_suggested_and_nothing_else() {
        let keys = ["Fair 2026", "House", "Horse", "Office"];
        assert_eq!(suggestions("hause", keys.into_iter()), ["House"]);
        assert_eq!(suggestions("huose", keys.into_iter()), ["House"]);
        assert_eq!(suggestions("fair", keys.into_iter()), ["Fair 2026"]);
        assert!(suggestions("zebra crossing", keys.into_iter()).is_empty());
    }
}
