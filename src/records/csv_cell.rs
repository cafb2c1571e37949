//! Cells of a CSV file that a spreadsheet may open.

use std::borrow::Cow;

/// Appends a line of cells as RFC 4180 writes it.
pub fn push_line<'c>(out: &mut Vec<u8>, cells: impl IntoIterator<Item = Cow<'c, str>>) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let cell = formula_safe(cell);
        if cell.contains([',', '"', '\r', '\n']) {
            out.push(b'"');
            out.extend(cell.replace('"', "\"\"").bytes());
            out.push(b'"');
        } else {
            out.extend(cell.bytes());
        }
    }
    out.extend(b"\r\n");
}

/// A cell that no spreadsheet takes for a formula: an apostrophe goes before what would start one. Plain numbers stay
/// numbers.
fn formula_safe(cell: Cow<'_, str>) -> Cow<'_, str> {
    let risky = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if risky && !is_number(&cell) {
        Cow::Owned(format!("'{cell}"))
    } else {
        cell
    }
}

fn is_number(cell: &str) -> bool {
    let digits = cell.strip_prefix(['-', '+']).unwrap_or(cell);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    plain(whole) && plain(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(cells: &[&str]) -> String {
        let mut out = Vec::new();
        push_line(&mut out, cells.iter().map(|cell| Cow::Borrowed(*cell)));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_formula_is_defused_and_a_number_is_not() {
        assert_eq!(
            line(&["=1+1", "-12.50", "+3", "-A1", "@x", "-", "\tx", "1.5"]),
            "'=1+1,-12.50,+3,'-A1,'@x,'-,'\tx,1.5\r\n"
        );
    }

    #[test]
    fn a_cell_is_quoted_where_rfc_4180_asks() {
        assert_eq!(
            line(&["a,b", "say \"hi\"", "c\nd", ""]),
            "\"a,b\",\"say \"\"hi\"\"\",\"c\nd\",\r\n"
        );
    }
}
