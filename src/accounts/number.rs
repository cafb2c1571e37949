//! Accounts as statements name them.

use std::collections::{BTreeMap, HashMap};

use entity::{AccountId, account};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};

use crate::ctx::{Event, Tx};
use crate::error::Result;
use crate::money::Currency;

/// An account as a file or a sender names it.
#[derive(Clone, Debug)]
pub struct NamedAccount {
    /// Its number as written.
    pub number: String,
    /// What kind of account it is.
    pub kind: account::Kind,
    /// The currency it is kept in, where that is said.
    pub currency: Option<Currency>,
}

/// A number as accounts are found by it: an IBAN without its blanks and in capitals, anything else with single blanks.
pub fn normal(number: &str) -> String {
    let compact: String = number.split_whitespace().collect();
    let bytes = compact.as_bytes();
    let is_iban = (15..=34).contains(&bytes.len())
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && bytes[..2].iter().all(u8::is_ascii_alphabetic)
        && bytes[2..4].iter().all(u8::is_ascii_digit);
    if is_iban {
        return compact.to_ascii_uppercase();
    }
    number.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The accounts of these numbers, by normal number. Those that do not exist yet are made, named like their number: a
/// statement is proof enough that the account exists.
pub async fn find_or_create_by_number(
    tx: &mut Tx<'_>,
    named: &[NamedAccount],
) -> Result<HashMap<String, AccountId>> {
    // in the order of the numbers, so that two files that name the same accounts wait for each other
    let wanted: BTreeMap<String, &NamedAccount> = named
        .iter()
        .map(|account| (normal(&account.number), account))
        .collect();
    let numbers: Vec<String> = wanted.keys().cloned().collect();
    let mut known = known(tx, &numbers).await?;
    let now = tx.ctx().now();
    let missing: Vec<account::Model> = wanted
        .iter()
        .filter(|(number, _)| !known.contains_key(*number))
        .map(|(number, named)| account::Model {
            tenant_id: tx.tenant(),
            id: tx.ctx().id(),
            name: number.clone(),
            number: Some(number.clone()),
            kind: named.kind,
            currency: named.currency.map(|currency| currency.to_string()),
            csv_mapping: None,
            archived_at: None,
            created_at: now,
            updated_at: now,
        })
        .collect();
    if missing.is_empty() {
        return Ok(known);
    }
    let made = tx.insert_new(missing).await?;
    for (_, account) in &made {
        tx.record(Event::AccountCreated { account: *account });
    }
    // whatever was not made here was made by someone else meanwhile, and is found as theirs
    known.extend(self::known(tx, &numbers).await?);
    Ok(known)
}

async fn known(tx: &Tx<'_>, numbers: &[String]) -> Result<HashMap<String, AccountId>> {
    let mut known = HashMap::with_capacity(numbers.len());
    for numbers in numbers.chunks(1_000) {
        let accounts = tx
            .select::<account::Entity>()
            .filter(account::Column::Number.is_in(numbers.iter().map(String::as_str)))
            .all(tx.on())
            .await?;
        known.extend(
            accounts
                .into_iter()
                .filter_map(|account| Some((account.number?, account.id))),
        );
    }
    Ok(known)
}

/// Gives an account without number the one a statement names it by, unless another account has that number. True when
/// it was given.
pub async fn adopt_number(tx: &mut Tx<'_>, account: AccountId, number: &str) -> Result<bool> {
    let number = normal(number);
    if number.is_empty() || !known(tx, std::slice::from_ref(&number)).await?.is_empty() {
        return Ok(false);
    }
    let adopted = tx
        .update::<account::Entity>()
        .col_expr(account::Column::Number, Expr::value(number))
        .col_expr(account::Column::UpdatedAt, Expr::value(tx.ctx().now()))
        .filter(account::Column::Id.eq(account))
        .filter(account::Column::Number.is_null())
        .exec(tx.on())
        .await?;
    if adopted.rows_affected > 0 {
        tx.record(Event::AccountChanged { account });
    }
    Ok(adopted.rows_affected > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iban_is_the_same_however_it_is_spaced() {
        let spaced = normal(" de89 3704 0044 0532 0130 00 ");
        assert_eq!(spaced, "DE89370400440532013000");
        assert_eq!(spaced, normal("DE89370400440532013000"));
    }

    #[test]
    fn another_number_keeps_its_letters() {
        assert_eq!(normal("  Main   account "), "Main account");
        assert_eq!(normal("0012 3456"), "0012 3456");
        assert_eq!(normal(""), "");
    }
}
