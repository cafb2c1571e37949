use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;

fn guessed(text: &str) -> (CsvMapping, Vec<String>, Statement) {
    let (mapping, notes) = guess(text.as_bytes()).unwrap();
    let statement = read(text.as_bytes(), &mapping, Some(Currency::EUR)).unwrap();
    (mapping, notes, statement)
}

/// Date, amount and description of the rows of a file that is guessed.
fn rows(text: &str) -> Vec<String> {
    let (_, _, statement) = guessed(text);
    assert_eq!(statement.refused, []);
    shown(&statement)
}

fn shown(statement: &Statement) -> Vec<String> {
    let show =
        |row: &StatementRow| format!("{} {} {}", row.occurred_on, row.amount, row.description);
    statement.rows.iter().map(show).collect()
}

fn simple() -> CsvMapping {
    serde_json::from_str(
        r#"{"delimiter": ",", "hasHeader": true, "date": "Date", "dateFormat": "%Y-%m-%d", "description": ["Text"],
            "amount": {"kind": "signed", "column": "Amount"}, "currency": {"fixed": "EUR"}}"#,
    )
    .unwrap()
}

#[test]
fn an_english_file_with_debit_and_credit_is_guessed() {
    let text = "Date,Details,Debit,Credit,Balance\n21/09/2026,Rent,512.0,,100\n22/09/2026,Refund,,\"1,428.03\",\n";
    assert_eq!(
        rows(text),
        [
            "2026-09-21 -512.00 EUR Rent",
            "2026-09-22 1428.03 EUR Refund"
        ]
    );
}

#[test]
fn a_german_file_with_two_digit_years_is_guessed() {
    let text = "\"Auftragskonto\";\"Buchungstag\";\"Valutadatum\";\"Verwendungszweck\";\"Beguenstigter/Zahlungspflichtiger\";\"Betrag\";\"Waehrung\"\n\
        \"1000\";\"22.02.26\";\"23.02.26\";\"Rechnung 7\";\"Strom GmbH\";\"-1.236,99\";\"EUR\"\n";
    assert_eq!(
        rows(text),
        ["2026-02-22 -1236.99 EUR Strom GmbH Rechnung 7"]
    );
    let (mapping, _, statement) = guessed(text);
    assert_eq!(
        mapping.currency,
        Some(CurrencySource::Column(Column::Name("Waehrung".to_owned())))
    );
    assert_eq!(
        (
            statement.accounts[0].number.as_str(),
            statement.accounts[0].rows
        ),
        ("1000", 1)
    );
}

#[test]
fn a_dutch_file_with_a_direction_column_is_guessed() {
    let text = "Datum;Naam / Omschrijving;Rekening;Af Bij;Bedrag (EUR);Mededelingen\n\
        20260228;Bakker;NL01;Af;3,40;brood\n20260301;Werk;NL01;Bij;1.500,00;loon\n";
    assert_eq!(
        rows(text),
        [
            "2026-02-28 -3.40 EUR Bakker brood",
            "2026-03-01 1500.00 EUR Werk loon"
        ]
    );
}

#[test]
fn a_french_file_is_guessed() {
    let text = "Date;Libellé;Débit;Crédit\n28/02/2026;Café;-3,40;\n01/03/2026;Salaire;;1 500,00\n";
    assert_eq!(
        rows(text),
        [
            "2026-02-28 -3.40 EUR Café",
            "2026-03-01 1500.00 EUR Salaire"
        ]
    );
}

#[test]
fn a_table_below_a_preamble_with_continuations_is_guessed() {
    let text = "Account details for:,Account 7\nBalance,\"6,666.66\"\n\nHistory\n\
        Transaction date,Value date,Description,Withdrawals (SGD),Deposits (SGD)\n\
        18/04/2026,18/04/2026,DEBIT PURCHASE,6.66,\n,, 66 NOODLES \n17/04/2026,17/04/2026,FEE,1.00,\n,,FOR: 66.66\n,,SGD\n";
    assert_eq!(
        rows(text),
        [
            "2026-04-18 -6.66 SGD DEBIT PURCHASE 66 NOODLES",
            "2026-04-17 -1.00 SGD FEE FOR: 66.66 SGD"
        ]
    );
    let (mapping, _, statement) = guessed(text);
    assert_eq!(mapping.skip_rows, 4);
    assert_eq!(
        (
            statement.rows[1].line,
            statement.rows[1].raw.lines().count()
        ),
        (8, 3)
    );
}

#[test]
fn a_file_without_header_is_told_by_its_shape() {
    let text = "18.09.2026\tShop one\t17.09.2026\t\t33,87\n19.09.2026\tShop two\t18.09.2026\t\t1443,48\n20.09.2026\tSalary\t20.09.2026\t24,00\t\n";
    let (mapping, notes, statement) = guessed(text);
    assert_eq!(
        shown(&statement),
        [
            "2026-09-18 -33.87 EUR Shop one",
            "2026-09-19 -1443.48 EUR Shop two",
            "2026-09-20 24.00 EUR Salary"
        ]
    );
    assert!(!mapping.has_header);
    assert!(
        notes.iter().any(|note| note.contains("no header"))
            && notes
                .iter()
                .any(|note| note.contains("check the direction"))
    );
}

#[test]
fn a_header_in_a_language_that_is_not_known_is_still_a_header() {
    let text = "Wyciąg za marzec\nKsięgowanie;Tytuł;Kwota;\n2026-03-01;Kawa;-12,50;\n2026-03-02;Zwrot;3,00;\n";
    assert_eq!(
        rows(text),
        ["2026-03-01 -12.50 EUR Kawa", "2026-03-02 3.00 EUR Zwrot"]
    );
    let (mapping, _, _) = guessed(text);
    assert_eq!(mapping.date, Column::Name("Księgowanie".to_owned()));
}

#[test]
fn an_american_file_is_guessed_whatever_its_columns_repeat() {
    let text = "Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #\n\
        DEBIT,03/14/2026,\"ACME, INC\",-1234.50,ACH_DEBIT,99.10,,\nCREDIT,03/15/2026,PAYROLL,2000.00,ACH_CREDIT,2099.10,,\n";
    assert_eq!(
        rows(text),
        [
            "2026-03-14 -1234.50 EUR ACME, INC",
            "2026-03-15 2000.00 EUR PAYROLL"
        ]
    );
}

#[test]
fn a_file_with_fees_and_two_dates_is_guessed() {
    let text = "sep=,\nType,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance\n\
        CARD_PAYMENT,2026-03-01 23:59:59,2026-03-02 10:00:00,Shop,-5.00,0.00,EUR,COMPLETED,95.00\n";
    assert_eq!(rows(text), ["2026-03-02 -5.00 EUR Shop"]);
}

#[test]
fn an_undecided_day_and_month_is_said() {
    let (mapping, notes, _) = guessed("Date,Text,Amount\n03/04/2026,a,-1\n05/04/2026,b,-2\n");
    assert_eq!(mapping.date_format, "%d/%m/%Y");
    assert!(
        notes
            .iter()
            .any(|note| note.contains("check day and month"))
    );
    let (mapping, notes, _) = guessed("Date,Text,Amount\n03/24/2026,a,-1\n");
    assert_eq!(mapping.date_format, "%m/%d/%Y");
    assert!(
        !notes
            .iter()
            .any(|note| note.contains("check day and month"))
    );
}

#[test]
fn money_spent_without_a_minus_can_be_turned() {
    let text = "Date,Text,Amount\n2026-01-01,Fuel,94.93\n2026-01-02,Refund,-4\n";
    let statement = read(
        text.as_bytes(),
        &CsvMapping {
            sign: Sign::MoneyOutPositive,
            ..simple()
        },
        None,
    )
    .unwrap();
    assert_eq!(
        shown(&statement),
        ["2026-01-01 -94.93 EUR Fuel", "2026-01-02 4.00 EUR Refund"]
    );
}

#[test]
fn a_bad_row_is_refused_by_line_and_field_and_stops_no_other() {
    let text = "Date,Text,Amount\n2026-01-01,ok,1\n2026-13-01,bad date,1\n2026-01-02,bad amount,$1\n\
        2026-01-03,too,wide,1\nx,both,y\n2026-01-04,\"open,1\n2026-01-05,ok,2\n,,\n";
    let statement = read(text.as_bytes(), &simple(), None).unwrap();
    assert_eq!(
        statement
            .rows
            .iter()
            .map(|row| row.line)
            .collect::<Vec<_>>(),
        [2, 8]
    );
    let refused: Vec<_> = statement
        .refused
        .iter()
        .map(|row| (row.line, row.field))
        .collect();
    assert_eq!(
        refused,
        [
            (3, Some("date")),
            (4, Some("amount")),
            (5, None),
            (6, Some("date")),
            (7, None)
        ]
    );
    assert_eq!(
        statement.refused[0].reason,
        "'2026-13-01' is not a date of the form %Y-%m-%d"
    );
    assert!(
        statement.refused[3]
            .reason
            .contains("; 'y' is not an amount")
    );
}

#[test]
fn a_mapping_that_does_not_fit_the_file_says_what_there_is() {
    let text = b"Date,Text,Amount\n2026-01-01,ok,1\n";
    let refusal = |mapping: CsvMapping| read(text, &mapping, None).unwrap_err().to_string();
    let missing = CsvMapping {
        date: Column::Name("Day".to_owned()),
        ..simple()
    };
    assert_eq!(
        refusal(missing),
        "date: there is no column 'Day'; columns: Date, Text, Amount"
    );
    assert!(
        refusal(CsvMapping {
            currency: None,
            ..simple()
        })
        .starts_with("currency: ")
    );
    assert!(
        refusal(CsvMapping {
            date_format: "%d".to_owned(),
            ..simple()
        })
        .starts_with("dateFormat: ")
    );
    let folded = CsvMapping {
        date: Column::Name("DATE".to_owned()),
        ..simple()
    };
    assert_eq!(read(text, &folded, None).unwrap().rows.len(), 1);
}

#[test]
fn a_mapping_that_reads_no_file_is_refused_before_it_is_saved() {
    assert_eq!(simple().check(), Ok(()));
    let flagged = |money_in: &[&str], money_out: &[&str]| {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let amount = AmountColumns::Flagged {
            column: Column::Index(2),
            flag: Column::Index(3),
            money_in: words(money_in),
            money_out: words(money_out),
        };
        CsvMapping { amount, ..simple() }.check()
    };
    assert_eq!(flagged(&["C"], &["D"]), Ok(()));
    assert!(flagged(&["C"], &["D", "c"]).is_err());
    assert!(flagged(&[], &[]).is_err());
    assert!(
        CsvMapping {
            date_format: "%H".to_owned(),
            ..simple()
        }
        .check()
        .is_err()
    );
}

#[test]
fn a_preview_shows_the_columns_and_the_first_rows() {
    let text = b"Date,Text,Amount\n2026-01-01,a,1\nx,b,1\n2026-01-03,c,1\n";
    let preview = preview(text, &simple(), None, 2).unwrap();
    assert_eq!(preview.columns, ["Date", "Text", "Amount"]);
    assert_eq!((preview.rows.len(), preview.refused.len()), (1, 1));
}

#[test]
fn the_words_of_a_row_do_not_depend_on_the_mapping() {
    let text = b"Date,Text,Amount,Payee\n2026-01-01,invoice,1,ACME\n,more,,\n";
    let other = CsvMapping {
        description: vec![Column::Index(3), Column::Index(1)],
        join_continuations: true,
        ..simple()
    };
    let first = read(text, &simple(), None).unwrap();
    let second = read(text, &other, None).unwrap();
    assert_ne!(first.rows[0].description, second.rows[0].description);
    let keys =
        |statement: &Statement| crate::integrations::content_key::content_keys(&statement.rows);
    assert_eq!(keys(&first), keys(&second));
}

#[test]
fn a_file_that_is_no_table_is_refused() {
    let refusal = |text: &str| guess(text.as_bytes()).unwrap_err().to_string();
    assert!(refusal("").contains("empty"));
    assert!(refusal("Name,Age\nBob,7\n").contains("the date; columns: Name, Age"));
    assert!(refusal("Date,Colour\n2026-01-01,red\n").contains("the amount"));
}

#[test]
fn utf_16_is_read_by_its_mark() {
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(
        "Date\tText\tAmount\n2026-01-01\tÜber\t-1.50\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes),
    );
    let (mapping, _) = guess(&bytes).unwrap();
    let statement = read(&bytes, &mapping, Some(Currency::EUR)).unwrap();
    assert_eq!(
        statement.rows[0].occurred_on,
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap()
    );
    assert_eq!(statement.rows[0].description, "Über");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes, &simple(), None);
        if let Ok((mapping, _)) = guess(&bytes) {
            let _ = read(&bytes, &mapping, Some(Currency::EUR));
        }
    }

    #[test]
    fn no_text_of_its_own_letters_makes_it_panic(text in "[-0-9,;.\"\n\r\tDateAmount/ ()€]{0,200}") {
        if let Ok((mapping, _)) = guess(text.as_bytes()) {
            let _ = read(text.as_bytes(), &mapping, Some(Currency::EUR));
        }
        let _ = read(text.as_bytes(), &simple(), None);
    }

    #[test]
    fn a_changed_valid_file_never_makes_it_panic(at in 0_usize..200, byte in any::<u8>(), cut in 0_usize..200) {
        let mut bytes = b"Date,Text,Amount\n2026-01-01,\"a, \"\"b\"\"\",\"1,234.50\"\n2026-01-02,caf\xc3\xa9,-7\n".to_vec();
        bytes.truncate(bytes.len().saturating_sub(cut / 4));
        if let Some(slot) = bytes.get_mut(at) {
            *slot = byte;
        }
        let _ = read(&bytes, &simple(), None);
        if let Ok((mapping, _)) = guess(&bytes) {
            let _ = read(&bytes, &mapping, Some(Currency::EUR));
        }
    }

    #[test]
    fn amounts_read_back_from_either_notation(units in -99_999_999_999_i64..99_999_999_999) {
        let plain = crate::money::Money::new(units, Currency::EUR).decimal();
        let text = format!("Date;Text;Amount\n2026-01-01;a;{}\n", plain.replace('.', ","));
        let mapping = CsvMapping { delimiter: Delimiter::Semicolon, decimal: DecimalSeparator::Comma, ..simple() };
        prop_assert_eq!(read(text.as_bytes(), &mapping, None).unwrap().rows[0].amount.units, units);
    }
}

#[test]
fn one_impossible_date_in_a_short_file_costs_its_row_only() {
    let file = b"Date,Description,Amount,Currency\n\
        2026-11-02,COFFEE,-4.80,EUR\n2026-11-03,ADOBE,-65.49,EUR\n2026-11-04,INVOICE,1250.00,EUR\n2026-11-31,NO SUCH DAY,-1.00,EUR\n";
    let (mapping, _) = guess(file).unwrap();
    let statement = read(file, &mapping, None).unwrap();
    assert_eq!((statement.rows.len(), statement.refused.len()), (3, 1));
    assert_eq!(
        (statement.refused[0].line, statement.refused[0].field),
        (5, Some("date"))
    );
}
