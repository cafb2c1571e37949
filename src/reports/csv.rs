//! A statement as a table for spreadsheets.

use super::{ProfitAndLoss, Total, Units};
use crate::error::{Error, Result};
use crate::money::units_to_decimal;

/// The statement as CSV: a line per category, then the totals, then what stands beside.
pub fn csv(report: &ProfitAndLoss) -> Result<String> {
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .from_writer(Vec::new());
    let mut put = |cells: Vec<String>| writer.write_record(cells).map_err(Error::internal);
    let decimal = |units: &Units| units_to_decimal(units.0, report.currency);
    let row = |section: &str, code: &str, name: &str, total: &Total| {
        let mut cells = vec![
            section.to_owned(),
            safe(code),
            safe(name),
            report.currency.to_string(),
        ];
        cells.extend(total.by_period.iter().map(decimal));
        cells.push(decimal(&total.overall));
        cells
    };

    let mut header: Vec<String> = ["section", "code", "category", "currency"]
        .map(str::to_owned)
        .into();
    header.extend(
        report
            .periods
            .iter()
            .map(|period| format!("{} to {}", period.from, period.to)),
    );
    header.push("total".to_owned());
    put(header)?;
    for line in &report.lines {
        let section = match line.side {
            super::Side::Income => "income",
            super::Side::Expense => "expense",
        };
        // what is below is set in, as in a printed statement
        let name = format!("{}{}", "  ".repeat(line.depth), line.name);
        put(row(section, &line.code, &name, &line.amounts))?;
    }
    put(row("total", "", "Income", &report.income))?;
    put(row("total", "", "Expense", &report.expense))?;
    put(row("total", "", "Result", &report.result))?;
    put(row("uncategorised", "", "", &report.uncategorised.amounts))?;
    for other in &report.other_currencies {
        let parts = [
            ("Income", other.income),
            ("Expense", other.expense),
            ("Result", other.result),
        ];
        for (name, units) in parts {
            let amount = match other.currency.parse() {
                Ok(currency) => units_to_decimal(units.0, currency),
                Err(_) => format!("{}e-5", units.0),
            };
            let mut cells = vec![
                "other currency".to_owned(),
                String::new(),
                name.to_owned(),
                safe(&other.currency),
            ];
            cells.extend(report.periods.iter().map(|_| String::new()));
            cells.push(amount);
            put(cells)?;
        }
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| Error::internal(error.to_string()))?;
    String::from_utf8(bytes).map_err(Error::internal)
}

/// Text that a spreadsheet takes as text: what would begin a formula is quoted, behind blanks too.
fn safe(text: &str) -> String {
    let risky =
        text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r', '\n']);
    if risky {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use entity::CategoryId;

    use super::super::{Interval, Line, Period, Side, Uncategorised};
    use super::*;
    use crate::money::Currency;

    fn total(units: i128) -> Total {
        Total {
            by_period: vec![Units(units)],
            overall: Units(units),
        }
    }

    #[test]
    fn a_name_cannot_become_a_formula_and_amounts_stay_numbers() {
        let (from, to) = ("2026-01-01".parse().unwrap(), "2026-12-31".parse().unwrap());
        let line = Line {
            category: CategoryId(uuid::Uuid::nil()),
            code: "6000".to_owned(),
            name: "=cmd|' /C calc'!A0".to_owned(),
            side: Side::Expense,
            depth: 1,
            amounts: total(-1_250_000),
            records: 1,
        };
        let report = ProfitAndLoss {
            from,
            to,
            interval: Interval::None,
            currency: Currency::EUR,
            include_proposed: false,
            periods: vec![Period { from, to }],
            lines: vec![line],
            income: total(0),
            expense: total(-1_250_000),
            result: total(-1_250_000),
            uncategorised: Uncategorised {
                records: 0,
                amounts: total(0),
            },
            awaiting_approval: 0,
            other_currencies: Vec::new(),
            as_of: crate::events::Cursor::START,
        };
        let expected = "section,code,category,currency,2026-01-01 to 2026-12-31,total\n\
                        expense,6000,'  =cmd|' /C calc'!A0,EUR,-12.50,-12.50\n\
                        total,,Income,EUR,0.00,0.00\n\
                        total,,Expense,EUR,-12.50,-12.50\n\
                        total,,Result,EUR,-12.50,-12.50\n\
                        uncategorised,,,EUR,0.00,0.00\n";
        assert_eq!(csv(&report).unwrap(), expected);
    }
}
