//! The chart of accounts a small company starts with: editable from the first minute, complete enough not to need it.

/// What a category is in the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What is owned.
    Asset,
    /// What is owed.
    Liability,
    /// What belongs to the owners.
    Equity,
    /// What was earned.
    Income,
    /// What was spent.
    Expense,
}

/// A node of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Short code, unique in the chart; charts are shown in this order.
    pub code: &'static str,
    /// Name, unique in the chart.
    pub name: &'static str,
    /// What it is in the books; the same as its parent's.
    pub kind: Kind,
    /// Code of the node above; none at the top.
    pub parent: Option<&'static str>,
}

/// The default chart, parents before children.
pub static CHART: &[Entry] = &[
    top("1000", "Assets", Kind::Asset),
    under("1000", "1010", "Bank Accounts", Kind::Asset),
    under("1000", "1020", "Transfers Between Accounts", Kind::Asset),
    under("1000", "1100", "Accounts Receivable", Kind::Asset),
    under("1000", "1200", "Deposits Paid", Kind::Asset),
    under("1000", "1500", "Equipment", Kind::Asset),
    top("2000", "Liabilities", Kind::Liability),
    under("2000", "2010", "Accounts Payable", Kind::Liability),
    under("2000", "2100", "Credit Cards", Kind::Liability),
    under("2000", "2200", "VAT", Kind::Liability),
    under("2000", "2300", "Payroll Taxes", Kind::Liability),
    under("2000", "2400", "Loans", Kind::Liability),
    top("3000", "Equity", Kind::Equity),
    under("3000", "3010", "Share Capital", Kind::Equity),
    under("3000", "3100", "Owner Drawings", Kind::Equity),
    under("3000", "3200", "Retained Earnings", Kind::Equity),
    top("4000", "Income", Kind::Income),
    under("4000", "4010", "Client Fees", Kind::Income),
    under("4000", "4020", "Product Sales", Kind::Income),
    under("4000", "4100", "Interest Received", Kind::Income),
    under("4000", "4900", "Other Income", Kind::Income),
    top("5000", "Cost of Sales", Kind::Expense),
    under("5000", "5010", "Freelancers", Kind::Expense),
    under("5000", "5020", "Printing and Production", Kind::Expense),
    under("5000", "5030", "Payment Processing Fees", Kind::Expense),
    top("6000", "People", Kind::Expense),
    under("6000", "6010", "Salaries", Kind::Expense),
    under("6000", "6020", "Pensions", Kind::Expense),
    under("6000", "6030", "Training", Kind::Expense),
    under("6000", "6040", "Staff Meals and Welfare", Kind::Expense),
    top("6200", "Premises", Kind::Expense),
    under("6200", "6210", "Rent", Kind::Expense),
    under("6200", "6220", "Energy and Water", Kind::Expense),
    under("6200", "6230", "Cleaning and Repairs", Kind::Expense),
    top("6400", "Office and Technology", Kind::Expense),
    under("6400", "6410", "Software and Subscriptions", Kind::Expense),
    under("6400", "6420", "Hosting and Domains", Kind::Expense),
    under("6400", "6430", "Telephone and Internet", Kind::Expense),
    under("6400", "6440", "Computer Hardware", Kind::Expense),
    under("6400", "6450", "Office Supplies", Kind::Expense),
    under("6400", "6460", "Postage and Couriers", Kind::Expense),
    top("6600", "Travel and Sales", Kind::Expense),
    under("6600", "6610", "Travel", Kind::Expense),
    under("6600", "6620", "Hotels", Kind::Expense),
    under("6600", "6630", "Meals with Clients", Kind::Expense),
    under("6600", "6640", "Advertising", Kind::Expense),
    top("6800", "Administration", Kind::Expense),
    under("6800", "6810", "Accounting and Legal", Kind::Expense),
    under("6800", "6820", "Insurance", Kind::Expense),
    under("6800", "6830", "Bank Charges", Kind::Expense),
    under("6800", "6840", "Interest Paid", Kind::Expense),
    under("6800", "6850", "Corporation Tax", Kind::Expense),
    under("6800", "6900", "Other Expenses", Kind::Expense),
];

const fn top(code: &'static str, name: &'static str, kind: Kind) -> Entry {
    Entry {
        code,
        name,
        kind,
        parent: None,
    }
}

const fn under(parent: &'static str, code: &'static str, name: &'static str, kind: Kind) -> Entry {
    Entry {
        code,
        name,
        kind,
        parent: Some(parent),
    }
}

/// The leaves: what records can be filed under.
pub fn leaves() -> impl Iterator<Item = &'static Entry> {
    CHART
        .iter()
        .filter(|entry| CHART.iter().all(|other| other.parent != Some(entry.code)))
}

/// Whether a category is still as it came with the chart.
pub fn is_default(code: &str, name: &str) -> bool {
    let same = |entry: &Entry| entry.code == code && entry.name == name;
    CHART.iter().any(same)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_and_names_are_unique_and_every_parent_comes_first_and_is_of_the_same_kind() {
        let mut codes: HashSet<&str> = HashSet::new();
        let mut names: HashSet<&str> = HashSet::new();
        for entry in CHART {
            if let Some(parent) = entry.parent {
                assert!(codes.contains(parent), "{}", entry.code);
                assert_eq!(
                    CHART
                        .iter()
                        .find(|other| other.code == parent)
                        .unwrap()
                        .kind,
                    entry.kind
                );
            }
            assert!(
                codes.insert(entry.code) && names.insert(entry.name),
                "{}",
                entry.code
            );
        }
        assert!(CHART.is_sorted_by_key(|entry| entry.code));
    }

    #[test]
    fn every_kind_has_leaves_to_file_under() {
        for kind in [
            Kind::Asset,
            Kind::Liability,
            Kind::Equity,
            Kind::Income,
            Kind::Expense,
        ] {
            assert!(leaves().any(|leaf| leaf.kind == kind));
        }
        assert!(leaves().all(|leaf| leaf.parent.is_some()));
    }
}
