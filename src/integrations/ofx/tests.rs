use proptest::prelude::*;

use super::*;

/// A transaction between the head and the tail of a bank statement.
fn bank(transactions: &str) -> String {
    format!(
        "OFXHEADER:100\r\nCHARSET:1252\r\n\r\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS>\n<CURDEF>CAD<BANKACCTFROM><BANKID>1\
         <ACCTID>0012 34<ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST><DTSTART>20260101\n{transactions}</BANKTRANLIST>\
         <LEDGERBAL><BALAMT>9.99<DTASOF>20260131</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )
}

fn read_text(text: &str) -> Statement {
    read(text.as_bytes(), None).unwrap()
}

const PLAIN: &str = "<STMTTRN><TRNTYPE>POS<DTPOSTED>20260401235959.000[-5:EST]<TRNAMT>-6.60<FITID>f1<NAME>ACME & SONS<MEMO>POS;ACME &amp; SONS</STMTTRN>\n";

#[test]
fn unclosed_tags_are_read() {
    let statement = read_text(&bank(PLAIN));
    let row = &statement.rows[0];
    assert_eq!(
        (row.occurred_on.to_string(), row.amount.to_string()),
        ("2026-04-01".to_owned(), "-6.60 CAD".to_owned())
    );
    assert_eq!(
        (row.external_id.as_deref(), row.account.as_deref()),
        (Some("f1"), Some("0012 34"))
    );
    assert_eq!((row.description.as_str(), row.line), ("POS;ACME & SONS", 6));
    assert!(row.raw.starts_with("<STMTTRN>") && row.raw.ends_with("</STMTTRN>"));
    let account = &statement.accounts[0];
    assert_eq!(
        (
            account.kind,
            account.currency.map(|currency| currency.to_string())
        ),
        (Some(AccountKind::Checking), Some("CAD".to_owned()))
    );
}

#[test]
fn closed_tags_and_missing_ends_are_read() {
    let closed = "<STMTTRN><TRNAMT>1,5</TRNAMT><MEMO></MEMO><NAME>A</NAME><DTPOSTED>20260101</DTPOSTED></STMTTRN>";
    let open = "<STMTTRN><MEMO>\n<NAME>B<DTPOSTED>20260102<TRNAMT>2\n<STMTTRN><NAME>C<DTPOSTED>20260103<TRNAMT>3";
    let statement = read_text(&bank(&format!("{closed}{open}")));
    let shown: Vec<_> = statement
        .rows
        .iter()
        .map(|row| format!("{} {}", row.description, row.amount.decimal()))
        .collect();
    assert_eq!(shown, ["A 1.50", "B 2.00", "C 3.00"]);
    assert!(
        statement
            .rows
            .iter()
            .all(|row| row.account.as_deref() == Some("0012 34") && row.external_id.is_none())
    );
}

#[test]
fn the_amount_is_in_the_currency_that_owns_it() {
    let with = |part: &str| {
        let text = bank(&format!(
            "<STMTTRN><DTPOSTED>20260101<TRNAMT>-3.65{part}<NAME>X</STMTTRN>"
        ));
        read_text(&text).rows[0].amount.currency.to_string()
    };
    assert_eq!(with(""), "CAD");
    assert_eq!(with("<CURRENCY><CURRATE>1.06<CURSYM>USD</CURRENCY>"), "USD");
    assert_eq!(
        with("<ORIGCURRENCY><CURRATE>1.06<CURSYM>USD</ORIGCURRENCY>"),
        "CAD"
    );
}

#[test]
fn card_and_investment_statements_are_read_with_their_own_account() {
    let text = "<?xml version=\"1.0\"?><?OFX OFXHEADER=\"200\"?><OFX><CCSTMTRS><CURDEF>AUD<CCACCTFROM><ACCTID>4111</CCACCTFROM>\
        <BANKTRANLIST><STMTTRN><DTPOSTED>20260508<TRNAMT>-5.50<PAYEE><NAME>Shop</PAYEE><CCACCTTO><ACCTID>9</CCACCTTO></STMTTRN></BANKTRANLIST></CCSTMTRS>\
        <INVSTMTRS><CURDEF>USD<INVACCTFROM><ACCTID>X1</INVACCTFROM><INVTRANLIST><BUYSTOCK><INVBUY><FITID>b<TOTAL>-9</INVBUY></BUYSTOCK>\
        <INVBANKTRAN><STMTTRN><DTPOSTED>20260720<TRNAMT>-00000000001500.0000<MEMO>Check</STMTTRN><SUBACCTFUND>CASH</INVBANKTRAN></INVTRANLIST></INVSTMTRS></OFX>";
    let statement = read_text(text);
    let shown: Vec<_> = statement
        .rows
        .iter()
        .map(|row| {
            format!(
                "{} {} {}",
                row.account.as_deref().unwrap(),
                row.amount,
                row.description
            )
        })
        .collect();
    assert_eq!(shown, ["4111 -5.50 AUD Shop", "X1 -1500.00 USD Check"]);
    let kinds: Vec<_> = statement
        .accounts
        .iter()
        .map(|account| account.kind)
        .collect();
    assert_eq!(
        kinds,
        [Some(AccountKind::CreditCard), Some(AccountKind::Investment)]
    );
}

#[test]
fn a_bad_transaction_is_refused_with_all_its_reasons() {
    let statement = read_text(&bank(&format!(
        "<STMTTRN><DTPOSTED>201120000000<TRNAMT>$120<FITID>1</STMTTRN>{PLAIN}"
    )));
    assert_eq!((statement.rows.len(), statement.refused.len()), (1, 1));
    let refused = &statement.refused[0];
    assert_eq!((refused.line, refused.field), (6, Some("date")));
    assert!(
        refused.reason.contains("'201120000000' is not a date")
            && refused.reason.contains("'$120' is not an amount")
    );
}

#[test]
fn accounts_without_transactions_are_named() {
    let statement = read_text(&bank(""));
    assert_eq!(
        (
            statement.rows.len(),
            statement.accounts.len(),
            statement.accounts[0].rows
        ),
        (0, 1, 0)
    );
    assert_eq!(
        statement.notes,
        ["the file holds no transactions (accounts: 0012 34)"]
    );
    assert_eq!(
        read(b"<OFX><SIGNONMSGSRSV1></OFX>", None),
        Err(FileError::NoStatement)
    );
}

#[test]
fn a_statement_without_currency_takes_the_accounts() {
    let text = bank(PLAIN).replace("<CURDEF>CAD", "");
    let refused = read_text(&text).refused;
    assert_eq!(refused[0].field, Some("currency"));
    assert_eq!(
        read(text.as_bytes(), Some(Currency::EUR)).unwrap().rows[0]
            .amount
            .currency,
        Currency::EUR
    );
}

#[test]
fn letters_of_windows_1252_are_read() {
    let mut bytes = bank(PLAIN).into_bytes();
    let at = bytes.windows(4).position(|part| part == b"ACME").unwrap();
    bytes[at] = 0xc4;
    assert_eq!(read(&bytes, None).unwrap().rows[0].words[0], "ÄCME & SONS");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes, None);
    }

    #[test]
    fn no_order_of_tags_makes_it_panic(parts in proptest::collection::vec(0_usize..14, 0..40)) {
        let tags = ["<OFX>", "<STMTRS>", "</STMTRS>", "<STMTTRN>", "</STMTTRN>", "<CURRENCY>", "</CURRENCY>", "<DTPOSTED>20260101",
            "<TRNAMT>1", "<![CDATA[", "]]>", "<!--", "<ACCTID>é", "&#x;<"];
        let text: String = parts.into_iter().map(|part| tags[part]).collect();
        let _ = read(text.as_bytes(), Some(Currency::EUR));
    }

    #[test]
    fn a_changed_valid_file_never_makes_it_panic(at in 0_usize..600, byte in any::<u8>(), cut in 0_usize..600) {
        let mut bytes = bank(&PLAIN.repeat(2)).into_bytes();
        if let Some(slot) = bytes.get_mut(at) {
            *slot = byte;
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        let _ = read(&bytes, None);
    }
}
