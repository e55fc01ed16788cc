//! Tables as text (RFC 4180, UTF-8): as data for programs, exact, or for people's spreadsheets, in which nothing is a
//! formula.

use http::HeaderValue;

/// What they are, as HTTP names it.
pub(crate) const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8");
/// That a file is UTF-8 some spreadsheets are told by a mark at its beginning alone.
pub(crate) const MARK: &str = "\u{feff}";

/// What a formula begins with, wide forms included.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Who reads a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A program: each cell is what it is.
    Program,
    /// A person, in a spreadsheet. What it would take for a formula, whoever typed it as their name, is made text by an
    /// apostrophe (OWASP, CSV injection): at the beginning of the cell, and where one begins for a spreadsheet that
    /// separates cells by semicolons or tabs, to which our quotes mean nothing in the middle of its cells.
    Spreadsheet,
}

/// Adds a line.
pub(crate) fn line<'c>(lines: &mut String, reader: Reader, cells: impl IntoIterator<Item = &'c str>) {
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            lines.push(',');
        }
        // Always in quotes.
        lines.push('"');
        match reader {
            Reader::Program => lines.push_str(&cell.replace('"', "\"\"")),
            Reader::Spreadsheet => write_guarded(lines, cell),
        }
        lines.push('"');
    }
    lines.push_str("\r\n");
}

fn write_guarded(lines: &mut String, cell: &str) {
    if cell.starts_with(['\t', '\r', '\n']) {
        lines.push('\'');
    }
    let (mut chars, mut begins) = (cell.chars(), true);
    loop {
        if begins && chars.as_str().trim_start_matches('"').starts_with(FORMULA) {
            lines.push('\'');
        }
        let Some(char) = chars.next() else { break };
        if char == '"' {
            lines.push('"');
        }
        lines.push(char);
        begins = matches!(char, ';' | '\t' | '\r' | '\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_and_never_a_formula() {
        let mut text = String::new();
        line(&mut text, Reader::Spreadsheet, ["Ada", "O\"Hara, Zoë", "=1+1", "-2", "@cmd", "", "两\n行", "\t=1"]);
        let expected = "\"Ada\",\"O\"\"Hara, Zoë\",\"'=1+1\",\"'-2\",\"'@cmd\",\"\",\"两\n行\",\"'\t'=1\"\r\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn nor_is_what_another_separator_would_make_of_it() {
        for (cell, expected) in [
            ("Ada;=1+1", "\"Ada;'=1+1\""),
            ("Ada;;-1; @x", "\"Ada;;'-1; @x\""),
            ("Ada\t+1", "\"Ada\t'+1\""),
            ("12 Row\r\n=1\n@x", "\"12 Row\r\n'=1\n'@x\""),
            ("Ada;\"=1\"", "\"Ada;'\"\"=1\"\"\""),
            ("\"=1", "\"'\"\"=1\""),
            ("Ada;＝1", "\"Ada;'＝1\""),
            ("a=b; c-d", "\"a=b; c-d\""),
        ] {
            let mut text = String::new();
            line(&mut text, Reader::Spreadsheet, [cell]);
            assert_eq!(text, format!("{expected}\r\n"), "{cell:?}");
        }
    }

    #[test]
    fn a_program_reads_what_is_there() {
        let mut text = String::new();
        line(&mut text, Reader::Program, ["=1;-2", "O\"Hara", r#"{"a":"b;=c"}"#]);
        assert_eq!(text, "\"=1;-2\",\"O\"\"Hara\",\"{\"\"a\"\":\"\"b;=c\"\"}\"\r\n");
    }
}
