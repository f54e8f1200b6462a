//! `qlance report`: everything about the migration in one file, for whoever decides, and for whoever comes later.

use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use super::acting::Asking;
use super::print_json;
use crate::cli::{Cli, ReportArgs, ReportFormat};
use crate::config::ConfigError;
use crate::report::{Format, file, gather};
use crate::tasks::now_ms;

pub(super) async fn run(cli: &Cli, args: &ReportArgs) -> anyhow::Result<u8> {
    let format = format_of(args)?;
    let to_stdout = is_stdout(&args.file);
    if to_stdout && args.json {
        let usage = "--json: stdout is to have the report itself; name a file, or say --format json without --json";
        return Err(ConfigError::Usage(usage.into()).into());
    }
    if !to_stdout {
        // Before anything is read: a large table takes a while.
        file::may_write(&args.file, format).map_err(|error| ConfigError::Usage(error.to_string()))?;
    }
    let asking = Asking::open(cli).await?;
    let table = asking.inspector.tables.borrow().clone();
    let gathered = gather(&asking.opening, table.as_ref(), args.with_samples, now_ms()).await;
    asking.close().await?;
    let data = gathered?;
    let text = data.render(format)?;
    if to_stdout {
        std::io::stdout().write_all(text.as_bytes())?;
    } else {
        file::write(&args.file, format, &text)?;
        let verdict = data.verdict.decision;
        if args.json {
            print_json(&json!({
                "file": args.file.display().to_string(), "format": word_of(format), "verdict": verdict,
                "bytes": text.len()
            }))?;
            return Ok(0);
        }
        let verdict = verdict.label();
        tell!(
            "qlance: {} is written; verdict: {verdict}",
            super::printable(&args.file.display().to_string())
        );
    }
    Ok(0)
}

/// As `--format` calls it.
fn word_of(format: Format) -> &'static str {
    match format {
        Format::Html => "html",
        Format::Json => "json",
        Format::Markdown => "markdown",
    }
}

fn is_stdout(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// What is written: as `--format` says, else by the file's ending. Both may not differ.
fn format_of(args: &ReportArgs) -> Result<Format, ConfigError> {
    let wanted = args.format.map(|format| match format {
        ReportFormat::Html => Format::Html,
        ReportFormat::Json => Format::Json,
        ReportFormat::Markdown => Format::Markdown,
    });
    let by_ending = Format::of_ending(&args.file);
    match (wanted, by_ending) {
        (Some(wanted), Some(ending)) if wanted != ending => Err(ConfigError::Usage(format!(
            "--format: {} is asked for, but {} says {}; name a file of the same kind",
            wanted.label(),
            args.file.display(),
            ending.label()
        ))),
        (Some(wanted), _) => Ok(wanted),
        (None, Some(ending)) => Ok(ending),
        (None, None) => Err(ConfigError::Usage(format!(
            "{} does not say what it is: end it in .html, .json or .md, or add --format html, json or markdown",
            args.file.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_or_the_option_says_what_it_is() {
        let args = |file: &str, format| ReportArgs {
            file: file.into(),
            format,
            with_samples: false,
            json: false,
        };
        for (file, format, expected) in [
            ("a.html", None, Some(Format::Html)),
            ("a.HTM", None, Some(Format::Html)),
            ("a.json", None, Some(Format::Json)),
            ("dir.json/a.md", None, Some(Format::Markdown)),
            ("a.txt", None, None),
            ("a", Some(ReportFormat::Markdown), Some(Format::Markdown)),
            ("-", Some(ReportFormat::Json), Some(Format::Json)),
            ("-", None, None),
            ("a.json", Some(ReportFormat::Json), Some(Format::Json)),
            ("a.json", Some(ReportFormat::Html), None),
        ] {
            let found = format_of(&args(file, format));
            assert_eq!(found.as_ref().ok(), expected.as_ref(), "{file}");
            if let Err(error) = found {
                let said = error.to_string();
                assert!(said.contains("--format") && said.contains(file), "{said}");
            }
        }
        assert!(is_stdout(Path::new("-")) && !is_stdout(Path::new("./-")));
    }
}
