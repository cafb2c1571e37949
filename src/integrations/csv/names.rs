//! What columns are called: the header names banks use in English, German, Dutch and French.
//!
//! Within a list the earlier name wins when a file has several of them.

use super::shape::fold;

/// The booking date, then dates that will do.
pub(super) const DATE: &[&str] = &[
    "date",
    "transaction date",
    "booking date",
    "buchungstag",
    "buchungsdatum",
    "datum",
    "boekdatum",
    "boekingsdatum",
    "transactiedatum",
    "date operation",
    "date de l operation",
    "date d operation",
    "dateop",
    "date comptable",
    "created",
    "created at",
    "completed date",
    "posting date",
    "posted date",
    "date posted",
    "started date",
    "valutadatum",
    "wertstellung",
    "wertstellungsdatum",
    "valuta",
    "rentedatum",
    "value date",
    "date valeur",
    "date de valeur",
];

/// Who was paid or who paid.
pub(super) const PAYEE: &[&str] = &[
    "naam tegenpartij",
    "tegenpartij naam",
    "counterparty name",
    "beguenstigter/zahlungspflichtiger",
    "begünstigter/zahlungspflichtiger",
    "beguenstigter",
    "begünstigter",
    "auftraggeber/empfänger",
    "auftraggeber",
    "empfänger",
    "zahlungsempfänger",
    "payee",
    "payee name",
    "merchant",
    "merchant name",
    "beneficiary",
    "beneficiaire",
    "tiers",
    "naam / omschrijving",
    "name",
    "naam",
    "nom",
];

/// What it was about.
pub(super) const TEXT: &[&str] = &[
    "description",
    "transaction description",
    "details",
    "transaction details",
    "memo",
    "narrative",
    "particulars",
    "omschrijving",
    "mededeling",
    "mededelingen",
    "vrije mededeling",
    "verwendungszweck",
    "buchungstext",
    "umsatztext",
    "libelle",
    "libelle operation",
    "libelle simplifie",
    "communication",
    "purpose",
];

/// One signed amount.
pub(super) const AMOUNT: &[&str] = &[
    "amount",
    "transaction amount",
    "betrag",
    "bedrag",
    "montant",
    "montant de l operation",
    "umsatz",
    "transactiebedrag",
    "amount in account currency",
    "value",
];

/// Money out.
pub(super) const DEBIT: &[&str] = &[
    "debit",
    "debits",
    "debit amount",
    "withdrawal",
    "withdrawals",
    "withdrawal amount",
    "paid out",
    "money out",
    "debet",
    "soll",
    "lastschrift",
    "ausgaben",
    "uitgaven",
    "af",
    "depenses",
];

/// Money in.
pub(super) const CREDIT: &[&str] = &[
    "credit",
    "credits",
    "credit amount",
    "deposit",
    "deposits",
    "deposit amount",
    "paid in",
    "money in",
    "haben",
    "gutschrift",
    "einnahmen",
    "inkomsten",
    "bij",
    "recettes",
];

/// Which way the money went.
pub(super) const FLAG: &[&str] = &[
    "af bij",
    "af/bij",
    "debit/credit",
    "credit/debit",
    "credit debit",
    "debit credit",
    "d/c",
    "c/d",
    "dc",
    "cd",
    "dr/cr",
    "cr/dr",
    "soll/haben",
    "s/h",
    "debet/credit",
    "sens",
    "direction",
    "type",
    "transaction type",
];

/// The currency.
pub(super) const CURRENCY: &[&str] = &[
    "currency",
    "currency code",
    "ccy",
    "waehrung",
    "währung",
    "munt",
    "muntsoort",
    "devise",
    "valuta",
];

/// The account of the books, never the other side's.
pub(super) const ACCOUNT: &[&str] = &[
    "auftragskonto",
    "account",
    "account number",
    "account no",
    "own account",
    "iban auftragskonto",
    "rekeningnummer",
    "rekening",
    "iban/bban",
    "compte",
    "numero de compte",
    "iban",
    "kontonummer",
    "konto",
    "card number",
];

/// The bank's id of a transaction.
pub(super) const EXTERNAL_ID: &[&str] = &[
    "id",
    "transaction id",
    "transactionid",
    "fitid",
    "transaction number",
    "transaction reference",
    "volgnr",
    "reference number",
    "umsatz id",
    "transaktions id",
    "identifiant",
    "external id",
    "externalid",
];

/// Tags of whoever wrote the file.
pub(super) const TAGS: &[&str] = &["tags", "labels", "schlagworte", "étiquettes", "trefwoorden"];

/// Columns that hold numbers and never the amount.
pub(super) const BALANCE: &[&str] = &[
    "balance",
    "running balance",
    "saldo",
    "saldo na mutatie",
    "solde",
    "kontostand",
    "available balance",
    "saldo na trn",
    "local amount",
    "fee",
    "fees",
    "exchange rate",
];

/// A direction word for money in.
pub(super) fn says_in(word: &str) -> bool {
    [
        "i", "in", "c", "cr", "credit", "crdt", "h", "haben", "bij", "+", "deposit",
    ]
    .contains(&word)
}

/// A direction word for money out.
pub(super) fn says_out(word: &str) -> bool {
    [
        "o",
        "out",
        "d",
        "dr",
        "debit",
        "debet",
        "dbit",
        "s",
        "soll",
        "af",
        "-",
        "withdrawal",
    ]
    .contains(&word)
}

/// Whether a header cell is one of the names, whatever stands behind it in brackets.
pub(super) fn is_named(header: &str, names: &[&str]) -> bool {
    let folded = fold(header);
    names.iter().any(|name| fold(name) == folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_whatever_its_case_accents_and_unit() {
        assert!(is_named("Withdrawals (SGD)", DEBIT));
        assert!(is_named(" WÄHRUNG", CURRENCY));
        assert!(is_named("Libellé", TEXT));
        assert!(is_named("Af_Bij", FLAG));
        assert!(!is_named("Balance", AMOUNT));
    }
}
