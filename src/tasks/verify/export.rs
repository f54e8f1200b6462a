//! The offenders of a verification as JSON lines: one point and one check a line.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::{CheckId, Verification};
use crate::point::PointId;

#[derive(Serialize)]
struct Line<'a> {
    check: CheckId,
    id: PointId,
    what: &'a str,
}

/// Writes the offenders that were kept, the first 100 of each check; answers how many.
///
/// # Errors
/// The file cannot be written.
pub fn export(verification: &Verification, path: &Path) -> anyhow::Result<u64> {
    let mut text = Vec::new();
    let mut count = 0;
    for check in &verification.checks {
        for offender in &check.offenders.shown {
            let line = Line {
                check: check.id,
                id: offender.id,
                what: &offender.what,
            };
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
            count += 1;
        }
    }
    let said = || format!("the offenders cannot be written to {}", path.display());
    let mut file = std::fs::File::create(path).with_context(said)?;
    file.write_all(&text).with_context(said)?;
    file.sync_all().with_context(said)?;
    Ok(count)
}
