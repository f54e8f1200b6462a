//! The offenders of a verification as JSON lines: one point and one check a line, all of them.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, ErrorKind, Write as _};
use std::path::Path;

use anyhow::Context as _;

use super::Verification;
use super::offenders::{FILE, Line};

/// Writes all offenders to a file, from the one that the verification left in the state directory; answers how many. Where
/// that is gone, or another verification's, it is those that were kept with the verification: the first 100 of each check.
///
/// # Errors
/// The file cannot be written.
pub fn export(verification: &Verification, directory: &Path, path: &Path) -> anyhow::Result<u64> {
    let said = || format!("the offenders cannot be written to {}", path.display());
    let all = directory.join(FILE);
    let total = total(verification);
    if lines(&all).with_context(said)? == Some(total) {
        // Onto itself: it is there already.
        if is_same(&all, path) {
            return Ok(total);
        }
        let mut from = File::open(&all).with_context(said)?;
        let mut to = File::create(path).with_context(said)?;
        std::io::copy(&mut from, &mut to).with_context(said)?;
        to.sync_all().with_context(said)?;
        return Ok(total);
    }
    let mut file = BufWriter::new(File::create(path).with_context(said)?);
    let mut count = 0;
    for check in &verification.checks {
        for offender in &check.offenders.shown {
            let line = Line {
                check: check.id,
                id: offender.id,
                what: &offender.what,
            };
            line.write_to(&mut file).with_context(said)?;
            count += 1;
        }
    }
    file.flush().with_context(said)?;
    file.get_ref().sync_all().with_context(said)?;
    Ok(count)
}

/// How many offenders all checks have.
pub fn total(verification: &Verification) -> u64 {
    verification.checks.iter().map(|check| check.offenders.total).sum()
}

/// Lines of a file; none where there is no such file.
fn lines(path: &Path) -> std::io::Result<Option<u64>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let (mut reader, mut lines) = (BufReader::new(file), 0);
    while reader.skip_until(b'\n')? > 0 {
        lines += 1;
    }
    Ok(Some(lines))
}

fn is_same(one: &Path, other: &Path) -> bool {
    let found = one.canonicalize().ok().zip(other.canonicalize().ok());
    found.is_some_and(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use super::super::offenders::Book;
    use super::super::report::verification;
    use super::super::{Check, CheckId};
    use super::*;
    use crate::point::PointId;

    #[test]
    fn all_are_exported_and_without_their_file_those_that_were_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let book = Book::begin(directory.path());
        let mut check = Check::new(CheckId::Payloads);
        check.offenders = book.of(CheckId::Payloads);
        for n in 0..250 {
            check.offenders.add(PointId::Num(n), || "n: another integer".to_owned());
        }
        book.keep().expect("kept");
        let found = verification(vec![check]);
        let path = directory.path().join("bad.jsonl");
        let exported = || export(&found, directory.path(), &path).expect("exported");
        assert_eq!((exported(), lines(&path).expect("read")), (250, Some(250)));
        let text = std::fs::read_to_string(&path).expect("read");
        // Another verification's, of fewer.
        let all = directory.path().join(FILE);
        std::fs::write(&all, "{}\n").expect("written");
        assert_eq!((exported(), lines(&path).expect("read")), (100, Some(100)));
        std::fs::remove_file(&all).expect("removed");
        assert_eq!(exported(), 100);
        let first = std::fs::read_to_string(&path).expect("read");
        assert!(text.starts_with(&first), "the first of all");
    }

    #[test]
    fn the_file_is_not_written_over_by_itself() {
        let directory = tempfile::tempdir().expect("a directory");
        let book = Book::begin(directory.path());
        let mut check = Check::new(CheckId::Ids);
        check.offenders = book.of(CheckId::Ids);
        check.offenders.add(PointId::Num(1), || "no row".to_owned());
        book.keep().expect("kept");
        let path = directory.path().join(FILE);
        let exported = export(&verification(vec![check]), directory.path(), &path);
        assert_eq!(exported.expect("exported"), 1);
        assert_eq!(lines(&path).expect("read"), Some(1));
    }
}
