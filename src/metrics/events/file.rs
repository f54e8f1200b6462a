//! A file of lines, the event log's and the log's: whole lines at its end, one older file beside it, never more bytes than
//! allowed. Knows nothing of what the lines say.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// The name in the state directory.
pub(super) const NAME: &str = "events.jsonl";
/// The name of the file that was full.
const OLDER: &str = "events.1.jsonl";
/// Bytes of a line at most: how far back the end of the last whole one is looked for.
pub(in crate::metrics) const LONGEST_LINE: u64 = 64 << 10;

/// Lines are added here.
#[derive(Debug)]
pub(super) struct EventFile {
    dir: PathBuf,
    /// Its name, and that of the file that was full.
    names: (&'static str, &'static str),
    most_bytes: u64,
    /// The open file and its length; none before the first line and after an error.
    open: Option<(File, u64)>,
}

impl EventFile {
    /// The event log in a state directory, of so many bytes at most; with the older one twice as many. Nothing is opened
    /// yet.
    pub(super) fn new(dir: &Path, most_bytes: u64) -> Self {
        Self::named(dir, (NAME, OLDER), most_bytes)
    }

    /// The same under another name, and another for the file that was full.
    pub(super) fn named(dir: &Path, names: (&'static str, &'static str), most_bytes: u64) -> Self {
        Self {
            dir: dir.to_owned(),
            names,
            most_bytes,
            open: None,
        }
    }

    /// Adds whole lines: all of them, or none.
    ///
    /// # Errors
    /// The disk is full, or the directory cannot be written. The next try begins anew.
    pub(super) fn append(&mut self, lines: &str) -> io::Result<()> {
        let (mut file, mut length) = match self.open.take() {
            Some(open) => open,
            None => self.begin()?,
        };
        let more = lines.len() as u64;
        if length > 0 && length + more > self.most_bytes {
            drop(file);
            let (name, older) = self.names;
            std::fs::rename(self.dir.join(name), self.dir.join(older))?;
            (file, length) = self.begin()?;
        }
        if let Err(error) = file.write_all(lines.as_bytes()) {
            // A line that was begun is taken back; where even that fails, the next to open the file mends it.
            let _ = file.set_len(length);
            return Err(error);
        }
        self.open = Some((file, length + more));
        Ok(())
    }

    fn begin(&self) -> io::Result<(File, u64)> {
        std::fs::create_dir_all(&self.dir)?;
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(self.dir.join(self.names.0))?;
        let length = mend(&mut file)?;
        Ok((file, length))
    }
}

/// Cuts off a last line that a kill left unfinished; answers the length.
fn mend(file: &mut File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(LONGEST_LINE);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    Read::by_ref(file).take(length - from).read_to_end(&mut tail)?;
    let whole = match tail.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => from + end as u64 + 1,
        // No line of ours.
        None => from,
    };
    if whole < length {
        file.set_len(whole)?;
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dir: &Path, name: &str) -> String {
        std::fs::read_to_string(dir.join(name)).unwrap_or_default()
    }

    #[test]
    fn a_full_file_makes_room_and_one_older_is_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut file = EventFile::new(dir.path(), 10);
        for line in ["aaaa\n", "bbbb\n", "cccc\n"] {
            file.append(line).expect("written");
        }
        assert_eq!(
            (read(dir.path(), OLDER), read(dir.path(), NAME)),
            ("aaaa\nbbbb\n".into(), "cccc\n".into())
        );
        // What is longer than the bound alone still goes whole into a file of its own.
        file.append("dddddddddddd\n").expect("written");
        assert_eq!(
            (read(dir.path(), OLDER), read(dir.path(), NAME)),
            ("cccc\n".into(), "dddddddddddd\n".into())
        );
        // Another process goes on with the same file and the same bound.
        let mut next = EventFile::new(dir.path(), 10);
        next.append("eeee\n").expect("written");
        assert_eq!(
            (read(dir.path(), OLDER), read(dir.path(), NAME)),
            ("dddddddddddd\n".into(), "eeee\n".into())
        );
    }

    #[test]
    fn a_line_that_a_kill_left_unfinished_is_cut_off() {
        for (left, kept) in [
            ("", ""),
            ("{\"seq\":1}\n", "{\"seq\":1}\n"),
            ("{\"seq\":1}\n{\"se", "{\"seq\":1}\n"),
            ("{\"se", ""),
        ] {
            let dir = tempfile::tempdir().expect("a directory");
            std::fs::write(dir.path().join(NAME), left).expect("written");
            EventFile::new(dir.path(), 1_000).append("{}\n").expect("written");
            assert_eq!(read(dir.path(), NAME), format!("{kept}{{}}\n"), "{left:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_each_time_and_passes() {
        let dir = tempfile::tempdir().expect("a directory");
        let name = dir.path().join(NAME);
        std::os::unix::fs::symlink("/dev/full", &name).expect("a link");
        let mut file = EventFile::new(dir.path(), 1_000);
        for _ in 0..2 {
            let error = file.append("{}\n").expect_err("no room");
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{error}");
        }
        std::fs::remove_file(&name).expect("removed");
        file.append("{}\n").expect("room");
        assert_eq!(read(dir.path(), NAME), "{}\n");
    }
}
