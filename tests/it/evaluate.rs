//! `balance evaluate`: the real program on a made-up ledger.

use crate::support::{Process, TestApp};

#[tokio::test]
async fn a_ledger_is_evaluated_without_touching_the_books() {
    let app = TestApp::start().await;
    let mut ledger = String::from("Day,Text,Value,Filed,Card,Kind\n");
    for n in 0..120 {
        let (payee, filed) = [("Corner Bakery", "Meals"), ("City Garage", "Car")][n % 2];
        let day = format!("2026-01-{:02}", n / 10 + 1);
        ledger += &format!(
            "{day},{payee} {n},{}.50,{filed},card-{},a\n",
            n % 9 + 1,
            n % 3
        );
    }
    ledger += "2026-01-31,Left out,1.00,Other,card-1,b\n";
    let settings = app.environment();
    let folder = settings.iter().find(|(name, _)| *name == "DATA_DIR");
    let file = std::path::Path::new(&folder.unwrap().1).join("ledger.csv");
    std::fs::write(&file, ledger).unwrap();
    let arguments = [
        "evaluate",
        file.to_str().unwrap(),
        "--date",
        "Day",
        "--description",
        "Text",
        "--amount",
        "Value",
        "--category",
        "Filed",
        "--account",
        "Card",
        "--only",
        "Kind=a",
        "--spent-positive",
    ];
    let printed = Process::output(&app, &arguments).await;
    let end = printed.lines().find(|line| line.contains("first 120"));
    let accuracy: f64 = end
        .and_then(|line| line.split_whitespace().nth(2))
        .and_then(|share| share.parse().ok())
        .unwrap_or_else(|| panic!("{printed}"));
    assert!(accuracy > 90.0, "{printed}");
    assert!(printed.contains("first 100"), "{printed}");
    assert!(!printed.contains("when reviewed"), "{printed}");

    // one who is behind finds better proposals than there were when the rows came in
    let behind = [&arguments[..], &["--delay", "20"]].concat();
    let printed = Process::output(&app, &behind).await;
    let line = printed.lines().find(|line| line.contains("when reviewed"));
    let line = line.unwrap_or_else(|| panic!("{printed}"));
    let shares: Vec<f64> = line
        .split_whitespace()
        .zip(line.split_whitespace().skip(1))
        .filter(|(_, unit)| *unit == "%")
        .filter_map(|(share, _)| share.parse().ok())
        .collect();
    let [reviewed, proposed] = shares[..] else {
        panic!("{line}");
    };
    assert!(reviewed > proposed + 5.0, "{line}");
    app.finish().await;
}
