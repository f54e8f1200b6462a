//! The log of a job: `log.jsonl` in its state directory, the lines of the Log screen, of every run of the job. Written
//! with the event log; read here from its end, and never as a whole into memory.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::events::LONGEST_LINE;
use crate::tasks::Level;

/// The name in the state directory.
pub(super) const NAME: &str = "log.jsonl";
/// The name of the file that was full.
pub(super) const OLDER: &str = "log.1.jsonl";
/// Bytes of the file, and of the older one beside it: about 100,000 lines each.
pub(super) const MOST_BYTES: u64 = 16 << 20;
/// Characters of a text: escaped as it may be, its line is shorter than the longest one.
const MOST_CHARS: usize = 8_000;
/// Bytes read at once, from the end towards the beginning.
const BLOCK: u64 = 64 << 10;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// RFC 3339, UTC, to the millisecond.
    pub time: String,
    /// A UUID, new with every start; the event log has the same.
    pub run: String,
    /// How much it matters.
    pub level: Level,
    /// What happened.
    pub text: String,
}

impl LogLine {
    pub(super) fn new(at: Timestamp, run: &str, level: Level, text: &str) -> Self {
        Self {
            time: format!("{at:.3}"),
            run: run.to_owned(),
            level,
            text: text.chars().take(MOST_CHARS).collect(),
        }
    }
}

/// Which lines.
#[derive(Debug, Clone)]
pub struct Wanted {
    least: Level,
    text: Option<String>,
    most: u64,
}

impl Wanted {
    /// The newest lines, so many at most, that matter so much or more and hold a text, in capitals or not.
    pub fn new(least: Level, text: Option<&str>, most: u64) -> Self {
        Self {
            least,
            text: text.map(str::to_lowercase),
            most,
        }
    }

    /// The line that these bytes are, if it is one of ours and wanted. One that a kill left unfinished is none.
    fn line(&self, bytes: &[u8]) -> Option<LogLine> {
        if bytes.is_empty() || bytes.len() as u64 > LONGEST_LINE {
            return None;
        }
        let line: LogLine = serde_json::from_slice(bytes).ok()?;
        let holds = |text: &String| line.text.to_lowercase().contains(text.as_str());
        (line.level >= self.least && self.text.as_ref().is_none_or(holds)).then_some(line)
    }
}

/// Whether a job has a log.
pub fn exists(dir: &Path) -> bool {
    dir.join(NAME).exists() || dir.join(OLDER).exists()
}

/// Tells the newest of the wanted lines, oldest first; answers how many they were.
///
/// # Errors
/// The files cannot be read, or the line cannot be told.
pub fn newest(
    dir: &Path,
    wanted: &Wanted,
    mut tell: impl FnMut(&LogLine) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let mut left = wanted.most;
    let mut parts = Vec::new();
    for (mut file, length) in open(dir)? {
        if left == 0 {
            break;
        }
        let from = first_wanted(&mut file, length, wanted, &mut left)?;
        parts.push((file, from, length));
    }
    let mut told = 0;
    for (mut file, from, length) in parts.into_iter().rev() {
        file.seek(SeekFrom::Start(from))?;
        let mut rest = BufReader::new(file.take(length.saturating_sub(from)));
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = rest.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                break;
            }
            if let Some(line) = wanted.line(bytes.strip_suffix(b"\n").unwrap_or(&bytes)) {
                tell(&line)?;
                told += 1;
            }
        }
    }
    Ok(told)
}

/// Both files with their lengths, the newer first. What is written from here on is not read.
fn open(dir: &Path) -> io::Result<Vec<(File, u64)>> {
    let mut files: Vec<(File, u64)> = Vec::new();
    let mut newer = None;
    for name in [NAME, OLDER] {
        let file = match File::open(dir.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            opened => opened?,
        };
        let about = file.metadata()?;
        let place = (about.dev(), about.ino());
        // It was full just now, and is the older one already.
        if newer.replace(place) != Some(place) {
            files.push((file, about.len()));
        }
    }
    Ok(files)
}

/// Where the earliest line begins that is still wanted, looked for from the end. Takes the lines that it meets from
/// those that are left to be found.
fn first_wanted(file: &mut File, length: u64, wanted: &Wanted, left: &mut u64) -> io::Result<u64> {
    let mut end = length;
    // The end of a line whose beginning lies further up.
    let mut rest = Vec::new();
    while end > 0 {
        let from = end.saturating_sub(BLOCK);
        let mut block = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        Read::by_ref(file).take(end - from).read_to_end(&mut block)?;
        block.append(&mut rest);
        let mut stop = block.len();
        while let Some(at) = block[..stop].iter().rposition(|byte| *byte == b'\n') {
            if wanted.line(&block[at + 1..stop]).is_some() {
                *left -= 1;
                if *left == 0 {
                    return Ok(from + at as u64 + 1);
                }
            }
            stop = at;
        }
        block.truncate(stop);
        // What is longer than any line of ours is none, and need not be kept.
        if block.len() as u64 <= LONGEST_LINE {
            rest = block;
        }
        end = from;
    }
    if wanted.line(&rest).is_some() {
        *left -= 1;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: u64, level: Level, text: &str) -> String {
        let line = LogLine::new(Timestamp::UNIX_EPOCH, "run", level, &format!("{n} {text}"));
        serde_json::to_string(&line).expect("JSON") + "\n"
    }

    fn read(dir: &Path, wanted: &Wanted) -> Vec<String> {
        let mut texts = Vec::new();
        let told = newest(dir, wanted, |line| {
            texts.push(line.text.clone());
            Ok(())
        });
        assert_eq!(told.expect("read"), texts.len() as u64);
        texts
    }

    #[test]
    fn the_newest_lines_come_oldest_first_out_of_both_files() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(!exists(dir.path()));
        assert_eq!(
            read(dir.path(), &Wanted::new(Level::Info, None, 5)),
            Vec::<String>::new()
        );
        // Longer than many blocks, and a line that a kill left unfinished.
        let padding = "x".repeat(1_000);
        let older: String = (0..500).map(|n| line(n, Level::Info, &padding)).collect();
        let newer: String = (500..1_000).map(|n| line(n, Level::Info, &padding)).collect();
        std::fs::write(dir.path().join(OLDER), older).expect("written");
        std::fs::write(dir.path().join(NAME), newer + "{\"time\":\"20").expect("written");
        assert!(exists(dir.path()));
        for (most, first) in [
            (1, 999),
            (7, 993),
            (499, 501),
            (500, 500),
            (501, 499),
            (999, 1),
            (1_000, 0),
            (5_000, 0),
        ] {
            let found = read(dir.path(), &Wanted::new(Level::Info, None, most));
            let numbers: Vec<u64> = found
                .iter()
                .filter_map(|text| text.split(' ').next()?.parse().ok())
                .collect();
            assert_eq!(numbers, (first..1_000).collect::<Vec<u64>>(), "{most}");
        }
    }

    #[test]
    fn levels_and_texts_narrow_what_is_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut lines = String::new();
        for (n, level) in (0..).zip([Level::Info, Level::Warn, Level::Error, Level::Info, Level::Error]) {
            lines += &line(n, level, if n % 2 == 0 { "even" } else { "odd" });
            // Neither is a line of ours.
            lines += "\n{\"level\":\"debug\",\"text\":\"even\"}\n";
            lines += &format!("{}\n", "y".repeat(200_000));
        }
        std::fs::write(dir.path().join(NAME), lines).expect("written");
        for (least, text, most, expected) in [
            (
                Level::Info,
                None,
                9,
                vec!["0 even", "1 odd", "2 even", "3 odd", "4 even"],
            ),
            (Level::Warn, None, 9, vec!["1 odd", "2 even", "4 even"]),
            (Level::Error, None, 9, vec!["2 even", "4 even"]),
            (Level::Error, None, 1, vec!["4 even"]),
            (Level::Info, Some("EVEN"), 2, vec!["2 even", "4 even"]),
            (Level::Info, Some("neither"), 9, vec![]),
        ] {
            assert_eq!(
                read(dir.path(), &Wanted::new(least, text, most)),
                expected,
                "{least:?} {text:?}"
            );
        }
    }

    #[test]
    fn no_line_is_longer_than_what_is_looked_for() {
        for c in ['\0', '\u{9b}', '"', '\u{1f600}'] {
            let text: String = std::iter::repeat_n(c, 100_000).collect();
            let line = LogLine::new(Timestamp::now(), "run", Level::Error, &text);
            let bytes = super::super::events::as_line(&line).len() as u64;
            assert!(bytes <= LONGEST_LINE, "{c:?}: {bytes}");
        }
    }
}
