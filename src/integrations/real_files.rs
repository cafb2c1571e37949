//! Statements of real banks, kept outside the repository. `BALANCE_DATA` says where.

use std::{fs, path::PathBuf};

use super::*;

/// What each file must come to: its rows and its refused rows.
const EXPECTED: &[(&str, usize, usize)] = &[
    ("csv--20180226-1000594757-umsatz.CSV", 1, 0),
    ("csv--2019-03-02_11-50-46_bunq-statement.csv", 7, 0),
    (
        "csv--MonzoDataExport_February2018_2018-02-26_174335.csv",
        1,
        0,
    ),
    ("csv--TransactionHistory_20180418043121.csv", 8, 0),
    ("csv--export_BE11123456789012_20180304_1422.csv", 1, 0),
    ("csv--test_BOI_TransactionExport.csv", 27, 0),
    // one row without date and amounts, "just to confuse things"
    ("csv--test_delimiter_tab.csv", 73, 1),
    // the same row, and three that say EUR where the others say which way the money went
    ("csv--test_row_format_CD_flag.csv", 70, 4),
    ("ofx--anzcc.ofx", 1, 0),
    ("ofx--bank_medium.ofx", 3, 0),
    ("ofx--checking.ofx", 3, 0),
    // a date in month 20 and an amount with a dollar sign
    ("ofx--fail_nice-decimal_error.ofx", 0, 1),
    ("ofx--fidelity-savings.ofx", 4, 0),
    ("ofx--investment_medium.ofx", 3, 0),
    // two accounts and no transaction
    ("ofx--multiple_accounts.ofx", 0, 0),
];

/// The folder of statements, when there is one.
#[expect(
    clippy::disallowed_methods,
    reason = "where the data of this machine is, not a setting of the product"
)]
fn folder() -> Option<PathBuf> {
    std::env::var_os("BALANCE_DATA").map(|data| PathBuf::from(data).join("imports"))
}

/// Reads a file the way an import without a saved mapping does.
fn read_file(name: &str, bytes: &[u8]) -> Result<Statement, FileError> {
    match detect(bytes, Some(name))? {
        Format::Ofx => ofx::read(bytes, None),
        Format::Csv => {
            let (mapping, notes) = csv::guess(bytes)?;
            println!(
                "{name}: {}\n  {}",
                serde_json::to_string(&mapping).unwrap(),
                notes.join("\n  ")
            );
            csv::read(bytes, &mapping, Some(Currency::EUR))
        }
    }
}

#[test]
fn every_real_statement_is_read_or_refused_for_a_true_reason() {
    let Some(folder) = folder() else {
        println!("skipped: BALANCE_DATA is not set");
        return;
    };
    let mut wrong = Vec::new();
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(&path).unwrap();
        let read = read_file(&name, &bytes);
        if !name.starts_with("csv--") && !name.starts_with("ofx--") {
            let refused = matches!(read, Err(FileError::NotReadYet(_)));
            assert!(
                refused,
                "{name} is of a format that is not read yet: {read:?}"
            );
            continue;
        }
        let statement = read.unwrap_or_else(|error| panic!("{name}: {error}"));
        for row in &statement.rows {
            println!(
                "  {}: {} {} {:?}",
                row.line, row.occurred_on, row.amount, row.description
            );
        }
        for row in &statement.refused {
            println!("  {}: refused {:?}: {}", row.line, row.field, row.reason);
        }
        let Some((_, rows, refused)) = EXPECTED.iter().find(|(known, ..)| *known == name) else {
            panic!("{name} has no expectation");
        };
        seen += 1;
        if (statement.rows.len(), statement.refused.len()) != (*rows, *refused) {
            wrong.push(format!(
                "{name}: {} rows, {} refused",
                statement.rows.len(),
                statement.refused.len()
            ));
        }
        let keys: std::collections::HashSet<_> = content_key::content_keys(&statement.rows)
            .into_iter()
            .collect();
        assert_eq!(
            keys.len(),
            statement.rows.len(),
            "{name}: keys tell all rows apart"
        );
    }
    assert_eq!(wrong, [""; 0]);
    assert_eq!(seen, EXPECTED.len());
}
