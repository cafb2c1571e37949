//! A sampled table whose columns find their roles one after the other.

use super::{
    mapping::{AmountColumns, Column, CurrencySource, DecimalSeparator},
    names::{self, is_named, says_in, says_out},
    shape::{Cells, column},
    split::Record,
};
use crate::{integrations::FileError, money::Currency};

/// The amount, by position.
pub(super) enum Amount {
    Signed(usize),
    DebitCredit {
        debit: usize,
        credit: usize,
        debit_is_negative: bool,
    },
    Flagged {
        column: usize,
        flag: usize,
        money_in: Vec<String>,
        money_out: Vec<String>,
    },
}

impl Amount {
    /// The positions that hold numbers.
    fn positions(&self) -> Vec<usize> {
        match self {
            Self::Signed(column) | Self::Flagged { column, .. } => vec![*column],
            Self::DebitCredit { debit, credit, .. } => vec![*debit, *credit],
        }
    }

    /// The mapping of it.
    pub fn columns(&self, table: &Table<'_, '_>) -> AmountColumns {
        match self {
            Self::Signed(column) => AmountColumns::Signed {
                column: table.column(*column),
            },
            Self::DebitCredit {
                debit,
                credit,
                debit_is_negative,
            } => AmountColumns::DebitCredit {
                debit: table.column(*debit),
                credit: table.column(*credit),
                debit_is_negative: *debit_is_negative,
            },
            Self::Flagged {
                column,
                flag,
                money_in,
                money_out,
            } => AmountColumns::Flagged {
                column: table.column(*column),
                flag: table.column(*flag),
                money_in: money_in.clone(),
                money_out: money_out.clone(),
            },
        }
    }
}

/// The sampled table, and which of its columns have found their role.
pub(super) struct Table<'t, 'r> {
    pub names: Vec<String>,
    pub rows: &'t [Record<'r>],
    pub taken: Vec<usize>,
    pub has_header: bool,
    pub notes: Vec<String>,
}

impl<'t> Table<'t, '_> {
    /// The filled cells of a column.
    fn cells(&self, at: usize) -> Cells<'t> {
        column(self.rows, at)
    }

    /// A column as a mapping names it.
    pub fn column(&self, at: usize) -> Column {
        let name = &self.names[at];
        let alike = self
            .names
            .iter()
            .filter(|other| other.to_lowercase() == name.to_lowercase())
            .count();
        if self.has_header && !name.is_empty() && alike == 1 {
            Column::Name(name.clone())
        } else {
            Column::Index(at)
        }
    }

    /// A free column with one of the names whose cells pass, or that has no cells to tell.
    pub fn find(&mut self, names: &[&str], passes: impl Fn(&Cells<'t>) -> bool) -> Option<usize> {
        let free = |at: &usize| !self.taken.contains(at);
        let found = names.iter().find_map(|name| {
            (0..self.names.len()).filter(free).find(|&at| {
                let cells = self.cells(at);
                is_named(&self.names[at], &[name]) && (cells.len() == 0 || passes(&cells))
            })
        })?;
        self.taken.push(found);
        Some(found)
    }

    /// The first free column whose cells pass, where no name says otherwise.
    pub fn by_shape(&mut self, passes: impl Fn(&Cells<'t>) -> bool) -> Option<usize> {
        let free =
            |at: &usize| !self.taken.contains(at) && !is_named(&self.names[*at], names::BALANCE);
        let found = (0..self.names.len())
            .filter(free)
            .find(|&at| passes(&self.cells(at)))?;
        self.taken.push(found);
        Some(found)
    }

    /// No column could be told to play a role.
    fn unmapped(&self, role: &'static str) -> FileError {
        let shown = |(at, name): (usize, &String)| {
            if name.is_empty() {
                at.to_string()
            } else {
                name.clone()
            }
        };
        FileError::Unmapped {
            role,
            columns: self
                .names
                .iter()
                .enumerate()
                .map(shown)
                .collect::<Vec<_>>()
                .join(", "),
        }
    }

    /// The date column.
    pub fn date(&mut self) -> Result<usize, FileError> {
        let is_date = |cells: &Cells<'_>| !cells.date_formats().is_empty();
        self.find(names::DATE, is_date)
            .or_else(|| self.by_shape(is_date))
            .ok_or_else(|| self.unmapped("the date"))
    }

    /// The amount column or columns.
    pub fn amount(&mut self) -> Result<Amount, FileError> {
        if let Some(column) = self.find(names::AMOUNT, Cells::is_numeric) {
            let flag = self.find(names::FLAG, Cells::is_direction);
            return Ok(self.with_flag(column, flag));
        }
        let debit = self.find(names::DEBIT, Cells::is_numeric);
        let credit = self.find(names::CREDIT, Cells::is_numeric);
        if let (Some(debit), Some(credit)) = (debit, credit) {
            let debit_is_negative = self.cells(debit).all_negative();
            return Ok(Amount::DebitCredit {
                debit,
                credit,
                debit_is_negative,
            });
        }
        self.taken
            .retain(|at| Some(*at) != debit && Some(*at) != credit);
        self.amount_by_shape()
    }

    /// The amount by the shape of the columns that are free.
    fn amount_by_shape(&mut self) -> Result<Amount, FileError> {
        let is_amount = |cells: &Cells<'_>| cells.is_numeric() && cells.date_formats().is_empty();
        let free =
            |at: &usize| !self.taken.contains(at) && !is_named(&self.names[*at], names::BALANCE);
        let numeric: Vec<usize> = (0..self.names.len())
            .filter(free)
            .filter(|&at| is_amount(&self.cells(at)))
            .collect();
        let apart = |a: usize, b: usize| {
            let both = self
                .rows
                .iter()
                .filter(|row| !row.cell(a).is_empty() && !row.cell(b).is_empty())
                .count();
            both * 20 <= self.rows.len()
        };
        let pair = numeric.iter().enumerate().find_map(|(index, &a)| {
            numeric[index + 1..]
                .iter()
                .find(|&&b| apart(a, b))
                .map(|&b| (a, b))
        });
        if let Some((a, b)) = pair {
            // an account pays out more often than it is paid
            let (debit, credit) = if self.cells(a).len() >= self.cells(b).len() {
                (a, b)
            } else {
                (b, a)
            };
            self.taken.extend([debit, credit]);
            self.notes.push(format!(
                "column {debit} was taken for money out and column {credit} for money in, since it is filled more often: check the direction"
            ));
            let debit_is_negative = self.cells(debit).all_negative();
            return Ok(Amount::DebitCredit {
                debit,
                credit,
                debit_is_negative,
            });
        }
        let column = numeric
            .iter()
            .copied()
            .find(|&at| self.cells(at).has_negative())
            .or(numeric.first().copied());
        let column = column.ok_or_else(|| self.unmapped("the amount"))?;
        if numeric.len() > 1 {
            self.notes.push(format!(
                "several columns hold numbers; column {column} was taken for the amount: check it"
            ));
        }
        self.taken.push(column);
        let flag = self.by_shape(|cells| cells.is_direction() && !cells.is_numeric());
        Ok(self.with_flag(column, flag))
    }

    /// An amount with its direction column, where there is one.
    fn with_flag(&mut self, column: usize, flag: Option<usize>) -> Amount {
        let Some(flag) = flag.filter(|_| !self.cells(column).has_negative()) else {
            return Amount::Signed(column);
        };
        let cells = self.cells(flag);
        let words = |says: fn(&str) -> bool| -> Vec<String> {
            cells
                .distinct()
                .into_iter()
                .filter(|word| says(&word.to_lowercase()))
                .map(str::to_owned)
                .collect()
        };
        let (mut money_in, mut money_out) = (words(says_in), words(says_out));
        money_in.sort();
        money_out.sort();
        self.notes.push(format!(
            "direction is read from column {flag}: {} is money in, {} is money out",
            money_in.join(", "),
            money_out.join(", ")
        ));
        Amount::Flagged {
            column,
            flag,
            money_in,
            money_out,
        }
    }

    /// The texts that describe a row: who, and what about.
    pub fn description(&mut self) -> Vec<usize> {
        // a column called "Details" that only says DEBIT or CREDIT describes nothing
        let worded = |cells: &Cells<'_>| cells.mean_length() > 0 && !cells.is_direction();
        let mut found: Vec<usize> = self.find(names::PAYEE, worded).into_iter().collect();
        for name in names::TEXT {
            found.extend(self.find(&[name], worded));
        }
        if found.is_empty() {
            let is_text = |cells: &Cells<'_>| {
                !cells.is_numeric() && cells.date_formats().is_empty() && cells.mean_length() > 3
            };
            found.extend(self.by_shape(is_text));
        }
        found
    }

    /// A currency that the header gives in brackets, as in "Withdrawals (SGD)".
    pub fn currency_in_header(&self) -> Option<CurrencySource> {
        let code = |name: &String| {
            name.split_once('(')?
                .1
                .split_once(')')?
                .0
                .parse::<Currency>()
                .ok()
        };
        let mut codes = self.names.iter().filter_map(code);
        let first = codes.next()?;
        codes
            .all(|other| other == first)
            .then_some(CurrencySource::Fixed(first))
    }

    /// The pattern of the dates; of two that fit, the one with the shorter statement.
    pub fn date_format(&mut self, date: usize, currency: Option<&CurrencySource>) -> &'static str {
        let cells = self.cells(date);
        let mut fitting = cells.date_formats();
        if currency == Some(&CurrencySource::Fixed(Currency::USD)) {
            // where both orders span as many days, dollars are written month first
            fitting.sort_by_key(|pattern| !pattern.starts_with("%m"));
        }
        let chosen = fitting
            .iter()
            .copied()
            .min_by_key(|pattern| cells.span_days(pattern))
            .unwrap_or("%Y-%m-%d");
        let swapped = |pattern: &&&str| pattern.starts_with("%m") != chosen.starts_with("%m");
        if let Some(other) = fitting.iter().find(swapped) {
            self.notes.push(format!(
                "the dates fit {chosen} and {other}; {chosen} was chosen: check day and month"
            ));
        }
        chosen
    }

    /// The decimal separator.
    pub fn decimal(&mut self, amount: &Amount) -> DecimalSeparator {
        let (mut point, mut comma, mut either) = (0, 0, 0);
        for at in amount.positions() {
            let evidence = self.cells(at).decimal_evidence();
            point += evidence.0;
            comma += evidence.1;
            either += evidence.2;
        }
        let first = || {
            amount
                .positions()
                .into_iter()
                .flat_map(|at| self.cells(at).distinct())
                .find(|cell| cell.contains(['.', ',']))
        };
        let chosen = match point.cmp(&comma) {
            std::cmp::Ordering::Greater => DecimalSeparator::Point,
            std::cmp::Ordering::Less => DecimalSeparator::Comma,
            // "1.234" alone: three digits are thousands more often than decimals
            std::cmp::Ordering::Equal
                if first().is_some_and(|cell| cell.contains('.')) && either > 0 =>
            {
                DecimalSeparator::Comma
            }
            std::cmp::Ordering::Equal => DecimalSeparator::Point,
        };
        if (point > 0 && comma > 0) || (point == 0 && comma == 0 && either > 0) {
            self.notes.push("amounts are written so that thousands and decimals cannot be told apart: check the decimal separator".to_owned());
        }
        chosen
    }

    /// Whether some rows only go on with the text of the row above.
    pub fn has_continuations(
        &mut self,
        date: usize,
        amount: &Amount,
        description: &[usize],
    ) -> bool {
        let positions = amount.positions();
        let goes_on = |row: &Record<'_>| {
            let empty = |at: &usize| row.cell(*at).is_empty();
            empty(&date) && positions.iter().all(empty) && !description.iter().all(empty)
        };
        let found = self.rows.iter().any(goes_on);
        if found {
            self.notes
                .push("rows with neither date nor amount are joined to the row above".to_owned());
        }
        found
    }

    /// Says what the file leaves open.
    pub fn say_what_is_missing(
        &mut self,
        currency: &Option<CurrencySource>,
        amount: &Amount,
        description: &[usize],
    ) {
        if currency.is_none() {
            self.notes
                .push("the file does not say its currency: that of the account is used".to_owned());
        }
        if description.is_empty() {
            self.notes
                .push("no column describes the rows: set one by hand if there is one".to_owned());
        }
        if let Amount::Signed(column) = amount
            && self.rows.len() > 1
            && self.cells(*column).is_hardly_negative()
        {
            self.notes.push("hardly any amount is negative: set sign to moneyOutPositive if the file writes money spent without a minus".to_owned());
        }
    }
}
