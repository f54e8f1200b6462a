//! The report as Markdown for a ticket: headings, lists and tables that GitHub, GitLab and Jira read alike. Every
//! foreign text is escaped, so that it can make no markup, no link, no mention and no table of its own.

use super::data::{ReportData, SCHEMA};
use super::settings::as_toml;
use super::tables::{self, Table};
use super::words::{grouped, moment};

/// How a text begins, so that a report is known from any other file before it is replaced.
pub(super) fn beginning() -> String {
    format!("<!-- {SCHEMA} -->")
}

/// Plain text as Markdown that shows it. Punctuation that may mean something gets a backslash, angle brackets and the
/// ampersand become entities, a line break becomes a blank, and an at sign is kept from being a mention.
pub(super) fn escaped(text: &str) -> String {
    let trimmed = text.trim();
    let mut found = String::with_capacity(trimmed.len() + trimmed.len() / 8);
    for (place, c) in trimmed.char_indices() {
        match c {
            '<' => found.push_str("&lt;"),
            '>' => found.push_str("&gt;"),
            '&' => found.push_str("&amp;"),
            '@' => found.push_str("&#64;"),
            '\n' | '\r' | '\t' => found.push(' '),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '$' | '!' | '^' => {
                found.push('\\');
                found.push(c);
            }
            // A list or a rule at the beginning of a line.
            '-' | '+' | '=' if place == 0 => {
                found.push('\\');
                found.push(c);
            }
            // An address would become a link.
            ':' if trimmed[place..].starts_with("://") => found.push_str("&#58;"),
            // A numbered list.
            '.' | ')'
                if is_number(&trimmed[..place]) && !trimmed[place + 1..].starts_with(|c: char| c.is_ascii_digit()) =>
            {
                found.push('\\');
                found.push(c);
            }
            c => found.push(c),
        }
    }
    found
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Sentences of qlance's own name commands between backquotes; those stay code.
fn sentence(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped(text);
    }
    let mut found = String::new();
    for (place, part) in parts.iter().enumerate() {
        let is_command = part.starts_with("qlance") || matches!(*part, "ids");
        if place.is_multiple_of(2) {
            found.push_str(&escaped_inside(part));
        } else if is_command {
            found.push_str(&format!("`{part}`"));
        } else {
            found.push_str(&format!("\\`{}\\`", escaped_inside(part)));
        }
    }
    found.trim().to_owned()
}

/// The same with the blanks at both ends.
fn escaped_inside(text: &str) -> String {
    let begins = if text.starts_with(char::is_whitespace) { " " } else { "" };
    let ends = if text.len() > 1 && text.ends_with(char::is_whitespace) {
        " "
    } else {
        ""
    };
    format!("{begins}{}{ends}", escaped(text))
}

/// The text.
pub(super) fn text(data: &ReportData) -> String {
    let mut page = Page(String::new());
    page.line(&beginning());
    page.line(&format!(
        "# {} to LanceDB: migration report",
        escaped(&data.moved.collection)
    ));
    page.line(&format!(
        "Made {} by qlance {}",
        moment(data.made_at),
        escaped(&data.versions.qlance)
    ));
    let stale = if data.verdict.is_stale() { ", as it was" } else { "" };
    page.heading(&format!("Verdict: {}{stale}", data.verdict.decision.label()));
    page.line(&sentence(&tables::context(data)));
    page.list(&data.verdict.reasons);
    if !data.notes.is_empty() {
        page.heading("Not in this report");
        page.list(&data.notes);
    }
    page.heading("What was moved");
    page.table(&tables::moved(data));
    page.table(&tables::columns(data));
    page.heading("Conservation");
    page.line(&format!("**{}**", escaped(&tables::sum(data))));
    page.line(&sentence(tables::sum_said(data)));
    page.table(&tables::conservation(data));
    page.heading("Divergence");
    if let Some(why) = &data.divergence.not_comparable {
        page.line(&format!("Old and new vectors are not comparable: {}.", escaped(why)));
    }
    page.table(&tables::divergence(data));
    page.table(&tables::bins(data));
    page.heading("Failures by cause");
    let failures = &data.failures;
    page.line(&format!(
        "{} open, {} skipped, {} brought over since.",
        grouped(failures.open),
        grouped(failures.skipped),
        grouped(failures.recovered)
    ));
    page.table(&tables::failures(data));
    verification(&mut page, data);
    performance(&mut page, data);
    if data.with_samples {
        for (name, table) in [
            ("Offenders", tables::offenders(data)),
            ("Failed points", tables::failed_points(data)),
            ("Divergent rows", tables::divergent_rows(data)),
        ] {
            page.heading(&format!("Samples: {name}"));
            page.table(&table);
        }
    }
    for (name, table) in [
        ("Cost", tables::cost(data)),
        ("Versions", tables::versions(data)),
        ("Timings", tables::timings(data)),
    ] {
        page.heading(name);
        page.table(&table);
    }
    page.heading("Settings");
    page.code(&as_toml(&data.settings));
    page.0
}

fn verification(page: &mut Page, data: &ReportData) {
    page.heading("Verification");
    let Some(found) = &data.verification else {
        page.line(&sentence(&tables::context(data)));
        return;
    };
    page.table(&tables::checks(data));
    for check in &found.checks {
        let said = check.reasons.iter().chain(&check.remarks);
        let named: Vec<String> = said.map(|text| format!("{}: {text}", check.id.as_str())).collect();
        page.list(&named);
    }
}

fn performance(page: &mut Page, data: &ReportData) {
    page.heading("Performance");
    let Some(comparison) = &data.comparison else {
        page.line("Both stores have not been measured: run `qlance compare`.");
        return;
    };
    page.line(&format!(
        "Measured {}; latencies in milliseconds.",
        moment(comparison.began_at)
    ));
    page.table(&tables::latencies(comparison));
    page.table(&tables::throughput(comparison));
    page.table(&tables::measured(comparison));
    page.table(&tables::sweep(comparison));
}

struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push_str("\n\n");
    }

    fn heading(&mut self, text: &str) {
        self.line(&format!("## {text}"));
    }

    fn list(&mut self, texts: &[String]) {
        for text in texts {
            self.0.push_str(&format!("- {}\n", sentence(text)));
        }
        if !texts.is_empty() {
            self.0.push('\n');
        }
    }

    /// A table; none where it has no rows.
    fn table(&mut self, table: &Table) {
        let Some(first) = table.rows.first() else { return };
        let cells = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let heads = if table.head.is_empty() {
            vec![String::new(); first.len()]
        } else {
            table.head.iter().map(|head| escaped(&head.text)).collect()
        };
        let rule = (0..first.len()).map(|place| {
            let is_number = table.head.get(place).is_some_and(|head| head.is_number);
            String::from(if is_number { "---:" } else { "---" })
        });
        self.0.push_str(&cells(heads));
        self.0.push_str(&cells(rule.collect()));
        for row in &table.rows {
            self.0.push_str(&cells(row.iter().map(|cell| escaped(cell)).collect()));
        }
        self.0.push('\n');
    }

    /// Text as it is, behind a fence that is longer than any in it.
    fn code(&mut self, text: &str) {
        let longest = text.split(|c: char| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        self.line(&format!("{fence}toml\n{}\n{fence}", text.trim_end()));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_foreign_makes_markup() {
        for (text, expected) in [
            ("a|b", "a\\|b"),
            ("`code`", "\\`code\\`"),
            ("<script>&amp;", "&lt;script&gt;&amp;amp;"),
            ("two\nlines\r\n\tmore", "two lines   more"),
            ("[a](b)", "\\[a\\](b)"),
            ("# no heading", "\\# no heading"),
            ("- no list", "\\- no list"),
            ("12. no list", "12\\. no list"),
            ("1.5 s", "1.5 s"),
            ("well-known", "well-known"),
            ("https://example.org", "https&#58;//example.org"),
            ("@someone", "&#64;someone"),
            ("a_b*c~d$e!", "a\\_b\\*c\\~d\\$e\\!"),
            ("  ends  ", "ends"),
            ("back\\slash", "back\\\\slash"),
        ] {
            assert_eq!(escaped(text), expected, "{text:?}");
        }
    }

    #[test]
    fn commands_stay_code_and_foreign_backquotes_do_not() {
        assert_eq!(
            sentence("3 rows; `qlance verify --repair` or `qlance sync` brings them_over"),
            "3 rows; `qlance verify --repair` or `qlance sync` brings them\\_over"
        );
        assert_eq!(sentence("a `b|c` d"), "a \\`b\\|c\\` d");
        assert_eq!(sentence("one ` alone"), "one \\` alone");
    }

    proptest! {
        #[test]
        fn a_cell_never_leaves_its_cell(text in "\\PC{0,60}|[|`<>\\\\\n@#*_\\[\\]-]{0,40}") {
            let mut page = Page(String::new());
            let table = Table { head: Vec::new(), rows: vec![vec!["name".to_owned(), text]] };
            page.table(&table);
            let lines: Vec<&str> = page.0.trim_end().lines().collect();
            prop_assert_eq!(lines.len(), 3, "{:?}", page.0);
            // Bars that no backslash stands before, and not an even number of them.
            let mut bars = 0;
            let mut escapes = false;
            for c in lines[2].chars() {
                bars += usize::from(c == '|' && !escapes);
                escapes = c == '\\' && !escapes;
            }
            prop_assert_eq!(bars, 3, "{:?}", lines[2]);
            prop_assert!(!lines[2].contains(['<', '>', '@']), "{:?}", lines[2]);
        }
    }

    #[test]
    fn a_fence_is_longer_than_any_inside() {
        let mut page = Page(String::new());
        page.code("a = \"```\"\nb = 1\n");
        assert_eq!(page.0, "````toml\na = \"```\"\nb = 1\n````\n\n");
    }
}
