use category::Kind;
use chrono::DateTime;
use entity::TenantId;
use uuid::Uuid;

use super::*;

fn id(id: u128) -> CategoryId {
    CategoryId(Uuid::from_u128(id))
}

fn node(number: u128, parent: Option<u128>, kind: Kind) -> category::Model {
    category::Model {
        tenant_id: TenantId(Uuid::nil()),
        id: id(number),
        parent_id: parent.map(id),
        code: number.to_string(),
        name: format!("Category {number}"),
        kind,
        archived_at: None,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

fn chart() -> Vec<category::Model> {
    vec![
        node(1000, None, Kind::Asset),
        node(4000, None, Kind::Income),
        node(4010, Some(4000), Kind::Income),
        node(6000, None, Kind::Expense),
        node(6010, Some(6000), Kind::Expense),
        node(6011, Some(6010), Kind::Expense),
    ]
}

fn group(category: Option<u128>, currency: &str, status: Status, month: &str, units: i64) -> Group {
    let of = (currency.to_owned(), status, month.to_owned());
    Group::of(category.map(id), of, units, 1, Vec::new())
}

fn statement(include_proposed: bool, groups: &[Group]) -> ProfitAndLoss {
    let params = Params {
        from: "2026-01-10".parse().unwrap(),
        to: "2026-06-20".parse().unwrap(),
        interval: Interval::Quarter,
        currency: None,
        include_proposed,
    };
    let periods = params.periods().unwrap();
    assemble(
        &params,
        periods,
        Currency::EUR,
        &chart(),
        groups,
        Cursor::new(7, DateTime::UNIX_EPOCH),
    )
}

fn units(total: &Total) -> (Vec<i128>, i128) {
    let by_period = total.by_period.iter().map(|units| units.0).collect();
    (by_period, total.overall.0)
}

#[test]
fn parents_hold_what_is_below_them_and_totals_count_it_once() {
    use Status::Approved;
    let report = statement(
        false,
        &[
            group(Some(4010), "EUR", Approved, "2026-01", 900_000),
            group(Some(6011), "EUR", Approved, "2026-03", -150_001),
            group(Some(6010), "EUR", Approved, "2026-04", -200_000),
            group(Some(6000), "EUR", Approved, "2026-06", 50_000),
        ],
    );
    let lines: Vec<_> = report
        .lines
        .iter()
        .map(|line| (line.code.as_str(), line.depth, units(&line.amounts)))
        .collect();
    let expected = [
        ("4000", 0, (vec![900_000, 0], 900_000)),
        ("4010", 1, (vec![900_000, 0], 900_000)),
        ("6000", 0, (vec![-150_001, -150_000], -300_001)),
        ("6010", 1, (vec![-150_001, -200_000], -350_001)),
        ("6011", 2, (vec![-150_001, 0], -150_001)),
    ];
    assert_eq!(lines, expected);
    assert_eq!(units(&report.result), (vec![749_999, -150_000], 599_999));
    assert_eq!(report.lines[2].records, 3);
}

#[test]
fn what_is_only_proposed_counts_when_it_is_asked_for() {
    let groups = [
        group(Some(6010), "EUR", Status::Processed, "2026-02", -100_000),
        group(Some(6010), "EUR", Status::Approved, "2026-02", -100_000),
    ];
    let approved = statement(false, &groups);
    assert_eq!(
        (approved.expense.overall, approved.awaiting_approval),
        (Units(-100_000), 1)
    );
    let proposed = statement(true, &groups);
    assert_eq!(
        (proposed.expense.overall, proposed.awaiting_approval),
        (Units(-200_000), 0)
    );
}

#[test]
fn other_currencies_stand_beside_and_are_never_added() {
    use Status::Approved;
    let report = statement(
        false,
        &[
            group(Some(4010), "USD", Approved, "2026-01", 500_000),
            group(Some(6010), "USD", Approved, "2026-01", -200_000),
            group(None, "USD", Status::Received, "2026-01", -7),
            group(Some(6010), "USD", Status::Processed, "2026-01", -9),
            group(Some(6010), "GBP", Approved, "2026-01", -300_000),
        ],
    );
    assert!(report.lines.is_empty());
    assert_eq!(report.result.overall, Units(0));
    let others: Vec<_> = report
        .other_currencies
        .iter()
        .map(|other| {
            (
                other.currency.as_str(),
                other.result.0,
                other.records,
                other.uncategorised_records,
            )
        })
        .collect();
    assert_eq!(others, [("GBP", -300_000, 1, 0), ("USD", 300_000, 3, 1)]);
}

#[test]
fn records_without_a_category_are_told_and_what_is_no_result_is_left_out() {
    let report = statement(
        false,
        &[
            group(None, "EUR", Status::Received, "2026-01", -100_000),
            group(None, "EUR", Status::Failed, "2026-05", -50_000),
            group(Some(1000), "EUR", Status::Approved, "2026-05", -70_000),
        ],
    );
    assert!(report.lines.is_empty());
    assert_eq!(report.uncategorised.records, 2);
    assert_eq!(
        units(&report.uncategorised.amounts),
        (vec![-100_000, -50_000], -150_000)
    );
}

#[test]
fn a_statement_reads_back_from_its_body() {
    let report = statement(
        false,
        &[group(Some(6011), "EUR", Status::Approved, "2026-03", -1)],
    );
    let body = serde_json::to_string(&report).unwrap();
    assert_eq!(
        serde_json::from_str::<ProfitAndLoss>(&body).unwrap(),
        report
    );
}

#[test]
fn a_record_with_two_lines_counts_once_above_both() {
    let of = || ("EUR".to_owned(), Status::Approved, "2026-02".to_owned());
    let line = |category, units, beside| Group::of(Some(id(category)), of(), units, 1, beside);
    let made = statement(
        false,
        &[
            group(Some(6011), "EUR", Status::Approved, "2026-02", -900),
            // taken away where it stood as a whole
            Group::of(Some(id(6011)), of(), -(-900), -1, Vec::new()),
            line(6011, -600, Vec::new()),
            line(6010, -300, vec![id(6011)]),
        ],
    );
    let counts: Vec<(&str, i128, i64)> = made
        .lines
        .iter()
        .map(|line| (&*line.code, line.amounts.overall.0, line.records))
        .collect();
    assert_eq!(
        counts,
        [("6000", -900, 1), ("6010", -900, 1), ("6011", -600, 1)]
    );
}
