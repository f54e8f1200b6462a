//! The last verification, kept beside the journal: the console shows it again, the report and the handover quote it.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;

use super::Verification;

/// The file in the job's state directory.
pub const FILE: &str = "verification.json";
/// Bytes of a file that is read at most: eight checks with a hundred offenders each take a tenth of it.
const MOST_BYTES: u64 = 4 << 20;

/// Keeps a verification in the place of the last one; a reader sees the one or the other, never half.
///
/// # Errors
/// The directory cannot be written.
pub fn keep(directory: &Path, verification: &Verification) -> anyhow::Result<()> {
    let path = directory.join(FILE);
    let partial = directory.join(format!("{FILE}.partial"));
    let text = serde_json::to_vec(verification)?;
    std::fs::write(&partial, text)
        .and_then(|()| std::fs::rename(&partial, &path))
        .with_context(|| format!("the verification cannot be kept in {}", path.display()))
}

/// The last verification, where there was one.
///
/// # Errors
/// The file is there and is none.
pub fn kept(directory: &Path) -> anyhow::Result<Option<Verification>> {
    let path = directory.join(FILE);
    let said = || format!("{} holds no verification; verify again", path.display());
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(said),
        Ok(found) => anyhow::ensure!(found.len() <= MOST_BYTES, "{}", said()),
    }
    let text = std::fs::read(&path).with_context(said)?;
    serde_json::from_slice(&text).map(Some).with_context(said)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::{Check, CheckId};
    use super::*;
    use crate::point::PointId;
    use crate::point::verdict::{Decision, Sample};

    #[test]
    fn it_comes_back_as_it_was_and_garbage_is_told() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(kept(directory.path()).expect("nothing"), None);
        let mut check = Check::new(CheckId::Payloads);
        check.fail("1 row differs".into());
        check.numbers = json!({"compared": 3});
        check.sample = Some(Sample::new(3, 10, 0));
        check.took = Duration::from_millis(1_250);
        check
            .offenders
            .add(PointId::Num(7), || "content: another string".into());
        let verification = Verification {
            decision: Decision::NoGo,
            reasons: vec!["payloads: 1 row differs".into()],
            collection: "c".into(),
            qdrant_version: "1.18".into(),
            table: "t".into(),
            table_version: 9,
            points: 10,
            rows: 10,
            sample: Some(3),
            seed: 1,
            checks: vec![check],
            began_at: 5,
            took: Duration::from_millis(2_500),
        };
        keep(directory.path(), &verification).expect("kept");
        assert_eq!(kept(directory.path()).expect("read"), Some(verification));
        std::fs::write(directory.path().join(FILE), "{}").expect("written");
        let error = kept(directory.path()).expect_err("garbage");
        assert!(error.to_string().contains(FILE), "{error:#}");
    }
}
