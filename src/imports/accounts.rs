//! Which account each row of a file belongs to.
//!
//! Rows that name an account belong to the account of that number, which is made when there is none. Rows that name
//! none belong to the account chosen for the import. A file of one account belongs to the chosen account whatever the
//! number in it, since banks mask and spell numbers as they like, unless that number is another account's.

use std::collections::HashMap;

use entity::account::Kind;
use entity::{AccountId, account};

use crate::accounts::{self, NamedAccount};
use crate::ctx::Tx;
use crate::error::Result;
use crate::integrations::{AccountKind, RefusedRow, Statement};

/// The accounts of the rows of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Owners {
    /// The account of rows that name none.
    chosen: Option<AccountId>,
    /// The one account of the whole file, which is the chosen one.
    whole: bool,
    /// The accounts by normal number.
    by_number: HashMap<String, AccountId>,
}

impl Owners {
    /// The owner of a row that names this account, or none.
    pub fn of(&self, named: Option<&str>) -> Option<AccountId> {
        match named {
            Some(_) if self.whole => self.chosen,
            Some(number) => self.by_number.get(&accounts::normal(number)).copied(),
            None => self.chosen,
        }
    }
}

/// The owners as far as they exist already.
pub(super) fn existing(
    statement: &Statement,
    chosen: Option<&account::Model>,
    known: &[account::Model],
) -> Result<Owners, String> {
    let numbers = numbers(statement);
    let whole = match (chosen, numbers.as_slice()) {
        (Some(chosen), [number]) => {
            if let Some(other) = known
                .iter()
                .find(|account| account.number.as_ref() == Some(number) && account.id != chosen.id)
            {
                return Err(format!(
                    "account: the file is of account {number}, which is '{}': choose that account, or none",
                    other.name
                ));
            }
            true
        }
        _ => false,
    };
    let by_number = known
        .iter()
        .filter_map(|account| Some((account.number.clone()?, account.id)))
        .collect();
    Ok(Owners {
        chosen: chosen.map(|account| account.id),
        whole,
        by_number,
    })
}

/// The owners of every row: accounts that are named and do not exist are made.
pub(super) async fn resolve(
    tx: &mut Tx<'_>,
    statement: &Statement,
    mut owners: Owners,
) -> Result<Owners> {
    match (owners.whole, owners.chosen) {
        (true, Some(chosen)) => {
            if let [number] = numbers(statement).as_slice() {
                accounts::adopt_number(tx, chosen, number).await?;
            }
        }
        _ => {
            let named = named(statement);
            owners.by_number = accounts::find_or_create_by_number(tx, &named).await?;
        }
    }
    Ok(owners)
}

/// Takes out the rows that would belong to no account, each with its reason; what is left, with its keys.
pub(super) fn refuse_unowned(
    statement: &mut Statement,
    keys: &mut Vec<String>,
    chosen: Option<AccountId>,
) {
    if chosen.is_some() {
        return;
    }
    let (mut rows, mut kept) = (Vec::new(), Vec::new());
    for (row, key) in statement.rows.drain(..).zip(keys.drain(..)) {
        if row.account.is_some() {
            rows.push(row);
            kept.push(key);
        } else {
            statement.refused.push(RefusedRow {
                line: row.line,
                field: Some("account"),
                reason: "the row names no account: choose the account of the import".to_owned(),
                raw: row.raw,
            });
        }
    }
    statement.refused.sort_by_key(|row| row.line);
    (statement.rows, *keys) = (rows, kept);
}

/// The distinct normal numbers of a file.
pub(super) fn numbers(statement: &Statement) -> Vec<String> {
    let mut numbers: Vec<String> = statement
        .accounts
        .iter()
        .map(|account| accounts::normal(&account.number))
        .filter(|number| !number.is_empty())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The accounts that rows belong to; an account without rows is not made.
fn named(statement: &Statement) -> Vec<NamedAccount> {
    statement
        .accounts
        .iter()
        .filter(|account| account.rows > 0 && !account.number.trim().is_empty())
        .map(|account| NamedAccount {
            number: account.number.clone(),
            kind: match account.kind {
                Some(AccountKind::CreditCard) => Kind::Card,
                Some(AccountKind::Investment) => Kind::Other,
                _ => Kind::Bank,
            },
            currency: account.currency,
        })
        .collect()
}
