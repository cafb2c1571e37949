//! OFX and QFX statements, version 1 (SGML) and 2 (XML), and the mixtures banks really write.
//!
//! Only aggregates that matter are followed by name; every other tag is a leaf. So a missing
//! close tag, a missing header or an empty element cannot shift what belongs where. Bank, card
//! and investment statements are read; of the last only the movements of cash.
//!
//! Amounts are already signed as the books see them. An amount is in the currency of its
//! statement (`CURDEF`), except under `CURRENCY`, which says that the amount itself is in
//! another; `ORIGCURRENCY` only tells what it was converted from.

mod tokens;
mod values;

use self::tokens::{Token, tokens};
use super::{
    AccountKind, FileError, Format, MAX_FIELD_BYTES, MAX_ROWS, RefusedRow, Statement,
    StatementAccount, StatementRow, join_texts,
    text::{decode, encoding_of},
};
use crate::money::Currency;

/// Reads a whole file.
///
/// The currency of the account may be passed for statements that leave out theirs.
pub fn read(bytes: &[u8], default_currency: Option<Currency>) -> Result<Statement, FileError> {
    let text = decode(bytes, encoding_of(bytes)?)?;
    let mut reader = Reader::new(&text, default_currency);
    for token in tokens(&text) {
        match token {
            Token::Open { name, text, at } => reader.open(&name.to_ascii_uppercase(), &text, at)?,
            Token::Close { name, at, end } => reader.close(&name.to_ascii_uppercase(), at, end)?,
        }
    }
    reader.end_transaction(text.len())?;
    reader.finish()
}

/// The aggregates that are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// A statement of one account.
    Statement,
    /// The account it is about.
    Account,
    /// One transaction.
    Transaction,
    /// Who was paid.
    Payee,
    /// The currency the amount is in.
    Currency,
    /// Something whose leaves are none of ours.
    Other,
}

/// The aggregate a tag opens.
fn aggregate(name: &str) -> Option<Inside> {
    Some(match name {
        "STMTRS" | "CCSTMTRS" | "INVSTMTRS" => Inside::Statement,
        "BANKACCTFROM" | "CCACCTFROM" | "INVACCTFROM" => Inside::Account,
        "STMTTRN" => Inside::Transaction,
        "PAYEE" => Inside::Payee,
        "CURRENCY" => Inside::Currency,
        "ORIGCURRENCY" | "BANKACCTTO" | "CCACCTTO" | "LEDGERBAL" | "AVAILBAL" | "BALLIST"
        | "BAL" | "INVBAL" | "SECLIST" | "INVPOSLIST" | "INV401K" | "INV401KBAL" => Inside::Other,
        _ => return None,
    })
}

/// The leaves of one transaction.
#[derive(Default)]
struct Transaction {
    at: usize,
    line: u32,
    posted: String,
    amount: String,
    id: String,
    name: String,
    payee: String,
    memo: String,
    symbol: String,
}

/// What has been read so far.
struct Reader<'t> {
    text: &'t str,
    default_currency: Option<Currency>,
    /// What lines end with: in old files a carriage return alone.
    line_end: u8,
    /// Up to where lines are counted, and how many there are.
    counted: (usize, u32),
    open: Vec<(String, Inside)>,
    /// The account that is being read, and its `CURDEF` when that is no currency.
    account: Option<(StatementAccount, Option<String>)>,
    transaction: Option<Transaction>,
    accounts: Vec<StatementAccount>,
    rows: Vec<StatementRow>,
    refused: Vec<RefusedRow>,
    statements: usize,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, default_currency: Option<Currency>) -> Self {
        Self {
            text,
            default_currency,
            line_end: if text.contains('\n') { b'\n' } else { b'\r' },
            counted: (0, 1),
            open: Vec::new(),
            account: None,
            transaction: None,
            accounts: Vec::new(),
            rows: Vec::new(),
            refused: Vec::new(),
            statements: 0,
        }
    }

    /// The line a position is on; positions come in order.
    fn line(&mut self, at: usize) -> u32 {
        let (from, line) = self.counted;
        let part = &self.text.as_bytes()[from..at];
        let count = |byte: u8| {
            u32::try_from(part.iter().filter(|&&other| other == byte).count()).unwrap_or(u32::MAX)
        };
        let ends = count(self.line_end);
        self.counted = (at, line + ends);
        self.counted.1
    }

    /// Takes an opening tag, a leaf or an aggregate.
    fn open(&mut self, name: &str, text: &str, at: usize) -> Result<(), FileError> {
        let Some(inside) = aggregate(name) else {
            self.leaf(name, text);
            return Ok(());
        };
        match inside {
            Inside::Statement => {
                self.end_transaction(at)?;
                self.end_statement();
                self.open.clear();
                self.statements += 1;
                let kind = match name {
                    "CCSTMTRS" => Some(AccountKind::CreditCard),
                    "INVSTMTRS" => Some(AccountKind::Investment),
                    _ => None,
                };
                self.account = Some((
                    StatementAccount {
                        number: String::new(),
                        currency: None,
                        kind,
                        rows: 0,
                    },
                    None,
                ));
            }
            // a transaction that opens inside another: the close tag before it is missing
            Inside::Transaction => {
                self.end_transaction(at)?;
                self.open.retain(|(_, inside)| *inside == Inside::Statement);
                let line = self.line(at);
                self.transaction = Some(Transaction {
                    at,
                    line,
                    ..Transaction::default()
                });
            }
            _ => {}
        }
        self.open.push((name.to_owned(), inside));
        Ok(())
    }

    /// Takes a closing tag; one that closes nothing is passed over.
    fn close(&mut self, name: &str, at: usize, end: usize) -> Result<(), FileError> {
        let Some(depth) = self.open.iter().rposition(|(open, _)| open == name) else {
            // the lists end whatever was left open in them
            if matches!(name, "BANKTRANLIST" | "INVTRANLIST") {
                self.end_transaction(at)?;
            }
            return Ok(());
        };
        let closes = |wanted| {
            self.open[depth..]
                .iter()
                .any(|(_, inside)| *inside == wanted)
        };
        let (ends_transaction, ends_statement) =
            (closes(Inside::Transaction), closes(Inside::Statement));
        self.open.truncate(depth);
        if ends_transaction {
            self.end_transaction(if name == "STMTTRN" { end } else { at })?;
        }
        if ends_statement {
            self.end_statement();
        }
        Ok(())
    }

    /// Takes a leaf into what it belongs to.
    fn leaf(&mut self, name: &str, text: &str) {
        let inside = self.open.last().map(|(_, inside)| *inside);
        if let Some(transaction) = &mut self.transaction {
            let field = match (inside, name) {
                (Some(Inside::Transaction), "DTPOSTED") => &mut transaction.posted,
                (Some(Inside::Transaction), "TRNAMT") => &mut transaction.amount,
                (Some(Inside::Transaction), "FITID") => &mut transaction.id,
                (Some(Inside::Transaction), "NAME") => &mut transaction.name,
                (Some(Inside::Transaction), "MEMO") => &mut transaction.memo,
                (Some(Inside::Payee), "NAME") => &mut transaction.payee,
                // what stands behind an aggregate that was never closed
                (Some(Inside::Payee | Inside::Currency | Inside::Other), "MEMO") => {
                    &mut transaction.memo
                }
                (Some(Inside::Currency), "CURSYM") => &mut transaction.symbol,
                _ => return,
            };
            text.clone_into(field);
            return;
        }
        let Some((account, bad_currency)) = &mut self.account else {
            return;
        };
        match (inside, name) {
            (Some(Inside::Statement), "CURDEF") => match text.parse() {
                Ok(currency) => account.currency = Some(currency),
                Err(_) => *bad_currency = Some(text.to_owned()),
            },
            (Some(Inside::Account), "ACCTID") => text.clone_into(&mut account.number),
            (Some(Inside::Account), "ACCTTYPE") => account.kind = Some(values::account_kind(text)),
            // an account aggregate that was never closed
            (Some(Inside::Account), "CURDEF") => account.currency = text.parse().ok(),
            _ => {}
        }
    }

    /// Files the transaction that is open, which ends at a position.
    fn end_transaction(&mut self, end: usize) -> Result<(), FileError> {
        let Some(transaction) = self.transaction.take() else {
            return Ok(());
        };
        if self.rows.len() + self.refused.len() >= MAX_ROWS {
            return Err(FileError::TooManyRows);
        }
        let raw = self.text[transaction.at..end].trim_end();
        match self.row(&transaction, raw) {
            Ok(row) => {
                self.rows.push(row);
                if let Some((account, _)) = &mut self.account {
                    account.rows += 1;
                }
            }
            Err((field, reason)) => {
                self.refused
                    .push(RefusedRow::new(transaction.line, field, reason, raw))
            }
        }
        Ok(())
    }

    /// Reads a transaction, or says everything that is wrong with it.
    fn row(
        &self,
        transaction: &Transaction,
        raw: &str,
    ) -> Result<StatementRow, (Option<&'static str>, String)> {
        if raw.len() > MAX_FIELD_BYTES {
            return Err((
                None,
                format!(
                    "the transaction is longer than the {MAX_FIELD_BYTES} bytes that are accepted"
                ),
            ));
        }
        let account = self.account.as_ref();
        let currency = values::currency(
            &transaction.symbol,
            account.and_then(|(account, _)| account.currency),
            account.and_then(|(_, bad)| bad.as_deref()),
            self.default_currency,
        );
        let date = values::date(&transaction.posted).map_err(|reason| ("date", reason));
        let amount = match currency {
            Ok(currency) => {
                values::amount(&transaction.amount, currency).map_err(|reason| ("amount", reason))
            }
            Err(reason) => Err(("currency", reason)),
        };
        match (date, amount) {
            (Ok(occurred_on), Ok(amount)) => {
                let number = account.map(|(account, _)| account.number.clone());
                let texts = [&transaction.name, &transaction.payee, &transaction.memo];
                Ok(StatementRow {
                    tags: Vec::new(),
                    line: transaction.line,
                    external_id: Some(transaction.id.clone()).filter(|id| !id.is_empty()),
                    account: number.filter(|number| !number.is_empty()),
                    occurred_on,
                    amount,
                    description: join_texts(texts.map(String::as_str)),
                    words: texts
                        .into_iter()
                        .filter(|text| !text.is_empty())
                        .cloned()
                        .collect(),
                    raw: raw.to_owned(),
                })
            }
            (Err((field, date)), Err((_, amount))) => {
                Err((Some(field), format!("{date}; {amount}")))
            }
            (Err((field, reason)), _) | (_, Err((field, reason))) => Err((Some(field), reason)),
        }
    }

    /// Files the account that is being read.
    fn end_statement(&mut self) {
        let Some((account, _)) = self.account.take() else {
            return;
        };
        match self
            .accounts
            .iter_mut()
            .find(|known| known.number == account.number && known.kind == account.kind)
        {
            Some(known) => known.rows += account.rows,
            None => self.accounts.push(account),
        }
    }

    /// What the file came to.
    fn finish(mut self) -> Result<Statement, FileError> {
        self.end_statement();
        if self.statements == 0 && self.rows.is_empty() && self.refused.is_empty() {
            return Err(FileError::NoStatement);
        }
        let mut notes = Vec::new();
        if self.rows.is_empty() && self.refused.is_empty() {
            let numbers: Vec<&str> = self
                .accounts
                .iter()
                .map(|account| account.number.as_str())
                .collect();
            notes.push(format!(
                "the file holds no transactions (accounts: {})",
                numbers.join(", ")
            ));
        }
        Ok(Statement {
            format: Format::Ofx,
            rows: self.rows,
            refused: self.refused,
            accounts: self.accounts,
            notes,
        })
    }
}

#[cfg(test)]
mod tests;
