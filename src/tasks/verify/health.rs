//! Table health: what Lance itself says of the version, whether every file that it names is there, versions, fragments,
//! deleted rows, and files that no version names.
//!
//! A table that cannot be read whole fails; what only takes room is told, with the way out.

use serde_json::json;

use super::{Check, CheckId, Ground};
use crate::lance::audit::{Figures, Leftovers};
use crate::point::{counted, grouped};

/// Versions from which on it is said that they add up: each keeps a manifest, and what it alone names.
const MANY_VERSIONS: u64 = 500;
/// Share of deleted rows from which on scans feel them. Lance's own compaction takes a fragment up at one in ten.
const MANY_DELETED: f64 = 0.1;
/// Steps of this check.
const STEPS: u64 = 4;

pub(super) async fn run(ground: &Ground<'_>) -> anyhow::Result<Check> {
    let mut check = ground.check(CheckId::Health);
    let done = |step| ground.report(CheckId::Health, step, STEPS);
    done(0);
    let figures = ground.pinned.figures().await?;
    done(1);
    ground.check_stop()?;
    let unsound = ground.pinned.unsound().await;
    done(2);
    ground.check_stop()?;
    let missing = ground.pinned.missing_files().await?;
    done(3);
    ground.check_stop()?;
    let leftovers = ground.pinned.leftovers().await?;
    done(STEPS);
    tell(&mut check, &figures, unsound, missing.as_deref(), leftovers.as_ref());
    Ok(check)
}

fn tell(
    check: &mut Check,
    figures: &Figures,
    unsound: Option<String>,
    missing: Option<&[String]>,
    leftovers: Option<&Leftovers>,
) {
    check.threshold = "sound by Lance's own validation, every file there".into();
    check.figure = format!(
        "version {}, {}, {} fragments ({} small), {} deleted rows, {} MiB",
        figures.version,
        counted(figures.versions, "version kept", "versions kept"),
        grouped(figures.fragments),
        grouped(figures.small_fragments),
        grouped(figures.deleted_rows),
        grouped(figures.data_bytes.div_ceil(1 << 20))
    );
    if let Some(problem) = &unsound {
        check.fail(format!(
            "Lance finds the table unsound: {problem}; `qlance undo`, or restoring an older version, takes it back"
        ));
    }
    match missing {
        Some([]) => {}
        Some(missing) => check.fail(format!(
            "files that the table names are missing or of another size: {}; bring them back from a backup, or restore an \
             older version",
            missing.join(", ")
        )),
        None => check
            .notes
            .push("the table lies in an object store: its files were not gone through one by one".to_owned()),
    }
    let all = figures.rows + figures.deleted_rows;
    if all > 0 && figures.deleted_rows as f64 / all as f64 > MANY_DELETED {
        check.notes.push(format!(
            "{} of {} rows are deleted and still take room; `qlance run` puts the files together",
            grouped(figures.deleted_rows),
            grouped(all)
        ));
    }
    if figures.versions > MANY_VERSIONS {
        check.notes.push(format!(
            "{} versions are kept; LanceDB's optimize with Prune lets old ones go (`qlance undo` needs the first)",
            grouped(figures.versions)
        ));
    }
    if let Some(leftovers) = leftovers
        && leftovers.files > 0
    {
        check.notes.push(format!(
            "{} files ({} MiB) belong to no version: commits that never came left them, and Prune lets them go; first: {}",
            grouped(leftovers.files),
            grouped(leftovers.bytes.div_ceil(1 << 20)),
            leftovers.named.first().map_or("-", String::as_str)
        ));
    }
    check.numbers = json!({
        "figures": figures, "sound": unsound.is_none(), "missing_files": missing.map(<[String]>::len),
        "leftovers": leftovers,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::verdict::Outcome;

    const SOUND: Figures = Figures {
        version: 12,
        versions: 12,
        rows: 1_000,
        deleted_rows: 0,
        fragments: 2,
        small_fragments: 1,
        data_bytes: 3 << 20,
    };

    fn told(
        figures: Figures,
        unsound: Option<&str>,
        missing: Option<&[String]>,
        leftovers: Option<&Leftovers>,
    ) -> Check {
        let mut check = Check::new(CheckId::Health);
        tell(&mut check, &figures, unsound.map(str::to_owned), missing, leftovers);
        check
    }

    #[test]
    fn what_cannot_be_read_fails_and_what_takes_room_is_told() {
        let left = Leftovers {
            files: 3,
            bytes: 10,
            named: vec!["data/x.lance".to_owned()],
        };
        let gone = ["data/y.lance".to_owned()];
        let many_deleted = Figures {
            deleted_rows: 200,
            ..SOUND
        };
        let many_versions = Figures { versions: 501, ..SOUND };
        for (check, outcome, notes, reasons) in [
            (
                told(SOUND, None, Some(&[]), Some(&Leftovers::default())),
                Outcome::Pass,
                0,
                0,
            ),
            (told(SOUND, None, None, None), Outcome::Pass, 1, 0),
            (told(SOUND, Some("broken"), Some(&[]), None), Outcome::Fail, 0, 1),
            (told(SOUND, None, Some(&gone), None), Outcome::Fail, 0, 1),
            (told(SOUND, None, Some(&[]), Some(&left)), Outcome::Pass, 1, 0),
            (told(many_deleted, None, Some(&[]), None), Outcome::Pass, 1, 0),
            (told(many_versions, None, Some(&[]), None), Outcome::Pass, 1, 0),
        ] {
            assert_eq!(
                (check.outcome, check.notes.len(), check.reasons.len()),
                (outcome, notes, reasons),
                "{check:?}"
            );
        }
    }

    #[test]
    fn the_version_is_told_beside_how_many_are_kept() {
        for (versions, told_of) in [
            (1, "version 12, 1 version kept, "),
            (9, "version 12, 9 versions kept, "),
        ] {
            let check = told(Figures { versions, ..SOUND }, None, Some(&[]), None);
            assert!(check.figure.starts_with(told_of), "{}", check.figure);
        }
    }

    #[test]
    fn the_missing_file_is_named() {
        let gone = ["data/y.lance".to_owned()];
        let check = told(SOUND, None, Some(&gone), None);
        assert!(check.reasons[0].contains("data/y.lance"), "{:?}", check.reasons);
    }
}
