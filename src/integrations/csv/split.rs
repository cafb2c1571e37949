//! Splits delimited text into records that know their line and their raw text.
//!
//! A general CSV reader forgives a stray quote by swallowing lines up to the next one, which
//! would book a wrong amount without a word. Here a quote that does not close properly makes
//! its own line a [`Record::malformed`] one, and reading goes on with the line below.

/// The most lines one quoted text may run over.
const MAX_LINES: usize = 50;

/// One row of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record<'t> {
    /// The line it starts on, counted from 1.
    pub line: u32,
    /// Its cells, unquoted.
    pub cells: Vec<String>,
    /// The row as it stands in the file, without the line end.
    pub raw: &'t str,
    /// What is wrong with its quotes.
    pub malformed: Option<&'static str>,
}

impl Record<'_> {
    /// A cell with the blanks around it gone; a missing cell is empty.
    pub fn cell(&self, index: usize) -> &str {
        self.cells.get(index).map_or("", |cell| cell.trim())
    }

    /// Whether nothing is written in it.
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }
}

/// The records of a text, empty lines left out.
pub(super) struct Records<'t> {
    rest: &'t str,
    line: u32,
    delimiter: char,
}

/// Splits a text after skipping whole lines.
pub(super) fn records(text: &str, delimiter: char, skip_lines: u32) -> Records<'_> {
    let mut records = Records {
        rest: text,
        line: 1,
        delimiter,
    };
    for _ in 0..skip_lines {
        if records.rest.is_empty() {
            break;
        }
        let (_, after) = split_line(records.rest);
        records.rest = after;
        records.line += 1;
    }
    records
}

/// The first line and what follows its end, whichever of the three line ends it has.
fn split_line(text: &str) -> (&str, &str) {
    let Some(end) = text.find(['\n', '\r']) else {
        return (text, "");
    };
    let after = if text[end..].starts_with("\r\n") {
        end + 2
    } else {
        end + 1
    };
    (&text[..end], &text[after..])
}

impl<'t> Iterator for Records<'t> {
    type Item = Record<'t>;

    fn next(&mut self) -> Option<Record<'t>> {
        while !self.rest.is_empty() {
            let (first, after) = split_line(self.rest);
            if first.trim().is_empty() && !first.contains(self.delimiter) {
                self.rest = after;
                self.line += 1;
                continue;
            }
            let line = self.line;
            let (cells, length, malformed) = match split_record(self.rest, self.delimiter) {
                Ok((cells, length)) => (cells, length, None),
                Err(reason) => (vec![first.to_owned()], first.len(), Some(reason)),
            };
            let raw = &self.rest[..length];
            let mut consumed = raw;
            while !consumed.is_empty() {
                (_, consumed) = split_line(consumed);
                self.line += 1;
            }
            // the record's own line end, already counted with its last line
            (_, self.rest) = split_line(&self.rest[length..]);
            return Some(Record {
                line,
                cells,
                raw,
                malformed,
            });
        }
        None
    }
}

/// The cells of the record a text starts with, and how many bytes it takes without its line end.
fn split_record(text: &str, delimiter: char) -> Result<(Vec<String>, usize), &'static str> {
    let mut cells = Vec::new();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        let end = if rest[blanks..].starts_with('"') {
            let (cell, length) = quoted_cell(&rest[blanks..], delimiter)?;
            cells.push(cell);
            at + blanks + length
        } else {
            let end = rest.find([delimiter, '\n', '\r']).unwrap_or(rest.len());
            cells.push(rest[..end].to_owned());
            at + end
        };
        if !text[end..].starts_with(delimiter) {
            return Ok((cells, end));
        }
        at = end + delimiter.len_utf8();
    }
}

/// A cell in quotes, and how many bytes it takes up to the delimiter or line end after it.
fn quoted_cell(text: &str, delimiter: char) -> Result<(String, usize), &'static str> {
    let mut cell = String::new();
    let mut at = 1;
    let mut lines = 0;
    loop {
        let Some(length) = text[at..].find('"') else {
            return Err("a quote is opened and never closed: quote a text on both sides");
        };
        let part = &text[at..at + length];
        lines += part.matches('\n').count();
        if lines > MAX_LINES {
            return Err("a quoted text runs over more than 50 lines: a closing quote is missing");
        }
        cell.push_str(part);
        at += length + 1;
        if text[at..].starts_with('"') {
            cell.push('"');
            at += 1;
            continue;
        }
        let after = text[at..].trim_start_matches(' ');
        let closed = after.is_empty() || after.starts_with([delimiter, '\n', '\r']);
        if !closed {
            return Err("text follows a closing quote: a quote inside a text is written twice");
        }
        return Ok((cell, text.len() - after.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<(u32, Vec<String>)> {
        records(text, ',', 0)
            .map(|record| (record.line, record.cells))
            .collect()
    }

    fn row(line: u32, cells: &[&str]) -> (u32, Vec<String>) {
        (line, cells.iter().map(|&cell| cell.to_owned()).collect())
    }

    #[test]
    fn records_know_their_line_through_quotes_and_line_ends() {
        let text = "a,b\r\n\r\n\"x\r\ny\", 1\r\nc,\n\"say \"\"hi\"\"\" ,\rlast";
        assert_eq!(
            cells(text),
            [
                row(1, &["a", "b"]),
                row(3, &["x\r\ny", " 1"]),
                row(5, &["c", ""]),
                row(6, &["say \"hi\"", ""]),
                row(7, &["last"]),
            ]
        );
    }

    #[test]
    fn a_stray_quote_spoils_its_own_line_only() {
        let text = "1,\"open,5\n2,\"fine\",6\n3,x,7\n4,\"open";
        let read: Vec<_> = records(text, ',', 0).collect();
        assert_eq!(read.len(), 4);
        assert!(read[0].malformed.is_some());
        assert_eq!(read[0].raw, "1,\"open,5");
        assert_eq!(
            (read[1].line, read[1].cells.len(), read[1].malformed),
            (2, 3, None)
        );
        assert!(read[3].malformed.is_some());
    }

    #[test]
    fn a_quote_inside_an_unquoted_text_is_a_letter() {
        assert_eq!(cells("5\" pipe,1"), [row(1, &["5\" pipe", "1"])]);
    }

    #[test]
    fn lines_above_the_table_are_skipped_and_counted() {
        let read: Vec<_> = records("about\n\"\nDate,Amount\n", ',', 2).collect();
        assert_eq!(
            (read[0].line, read[0].cell(0), read[0].cell(9)),
            (3, "Date", "")
        );
        assert_eq!(records("a\n", ',', 9).count(), 0);
    }
}
