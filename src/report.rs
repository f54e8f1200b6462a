//! The report of a migration: what was moved, whether it may take over, and every figure that says so. Gathered once
//! into [`ReportData`], and rendered three ways.
//!
//! Owns what a report says and how it looks. Knows `tasks`, `journal`, `lance`, `config` and `point`; only `commands`
//! knows it. Reads the stores and the files of the job's state directory, and writes nothing but the report itself.
//! Without samples no payload text and no point id gets into [`ReportData`] at all (`discreet` sees to it), so no
//! rendering can let one out.
//!
//! ```text
//!  journal, table, verification.json, comparison.json -> gather -> ReportData -> html | markdown | JSON -> file
//! ```

mod bins;
mod comparison;
mod data;
mod discreet;
pub mod file;
mod gather;
mod html;
mod markdown;
mod plots;
mod sentences;
mod settings;
mod style;
mod svg;
mod tables;
#[cfg(test)]
mod tests;
mod words;

pub use comparison::{Comparison, DiskBytes, Latency, PerSecond, StoreFigures};
pub use data::{
    Bin, ByCause, CheckPart, ColumnPart, Conservation, Cost, Divergence, DivergentRow, FailedPoint, Failures, Moved,
    NamedOffender, Price, ReportData, SCHEMA, Samples, SpacePart, Timings, VerdictPart, VerdictWord, VerificationPart,
    Versions,
};
pub use gather::gather;

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One self-contained page.
    Html,
    /// [`ReportData`] itself; docs/report.md says what each key is.
    Json,
    /// For a ticket.
    Markdown,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Html, Self::Json, Self::Markdown];

    /// The format that a file's ending names.
    pub fn of_ending(path: &std::path::Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "html" | "htm" => Some(Self::Html),
            "json" => Some(Self::Json),
            "md" | "markdown" => Some(Self::Markdown),
            _ => None,
        }
    }

    /// The word for a sentence.
    pub fn label(self) -> &'static str {
        match self {
            Self::Html => "HTML",
            Self::Json => "JSON",
            Self::Markdown => "Markdown",
        }
    }
}

impl ReportData {
    /// The report in a format, whole, ending with a line break.
    ///
    /// # Errors
    /// It cannot be made into JSON.
    pub fn render(&self, format: Format) -> anyhow::Result<String> {
        Ok(match format {
            Format::Html => html::page(self),
            Format::Json => {
                let mut text = serde_json::to_string_pretty(self)?;
                text.push('\n');
                text
            }
            Format::Markdown => markdown::text(self),
        })
    }
}
