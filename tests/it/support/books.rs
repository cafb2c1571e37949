//! Records for tests that are about something else.

use serde_json::{Value, json};

use super::{Client, Path};

const CREATE_ACCOUNT: &str =
    "mutation($input: CreateAccountInput!) { createAccount(input: $input) {
    account { id } errors { field message code }
} }";
const IMPORT: &str = "mutation($input: ImportRecordsInput!) { importRecords(input: $input) {
    rows { record { id } } errors { field message code }
} }";

impl Client {
    /// Makes a bank account; its global id.
    pub async fn make_account(&self, name: &str) -> String {
        let input = json!({ "input": { "name": name } });
        let made = self.run(CREATE_ACCOUNT, input).await.ok();
        made.text("createAccount.account.id")
    }

    /// Hands in one record per number in `numbers`; their global ids. Nobody has looked at them yet.
    pub async fn import_rows(&self, account: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
        let row = |number: usize| {
            json!({
                "externalId": format!("row-{number}"),
                "occurredOn": "2026-02-27",
                "amount": format!("-{}.50", number % 900 + 1),
                "currency": "EUR",
                "description": format!("CARD PAYMENT PAYEE {} REF {number}", number % 40),
            })
        };
        let rows: Vec<Value> = numbers.map(row).collect();
        let input = json!({ "input": { "accountId": account, "rows": rows } });
        let imported = self.run(IMPORT, input).await.ok();
        let rows = imported.list("importRecords.rows").iter();
        rows.map(|row| row.text("record.id")).collect()
    }
}
