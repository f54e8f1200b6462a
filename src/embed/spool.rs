//! Embeddings that were paid for, on the disk as soon as they have come: a run that is killed before they are committed
//! does not pay for them again.
//!
//! A ring of a few files in the job's state directory, bounded in bytes: what is in hand is bounded by far less, so what
//! is not committed yet is always among the newest. Nothing needs to be taken out at a commit; what is found again is
//! found by a digest of its text, and right whatever was committed. Written without a sync: it outlives the process, and
//! after a power cut the records that are torn are told by their checksum. A disk that is full costs the spool, not the
//! run.
//!
//! File: 8 bytes of mark, 32 bytes of digest of the space; then records of 32 bytes of key, `dimension` f32 as they lie
//! in memory, 8 bytes of checksum. It never leaves the machine.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use arrow_buffer::ToByteSlice as _;

use super::flights::Key;
use super::{Embedding, Space};

const MARK: &[u8; 8] = b"qlspool2";
const HEADER: u64 = 40;
/// Files of the ring: the oldest goes when the ring is full.
const SEGMENTS: u64 = 4;

/// One file of the ring.
struct Segment {
    number: u64,
    file: Arc<File>,
    bytes: u64,
}

#[derive(Default)]
struct State {
    /// Oldest first; the last one is written to.
    segments: VecDeque<Segment>,
    index: HashMap<Key, (u64, u64)>,
    /// A write failed: no more are tried.
    broken: bool,
}

/// The spool of one job and one space.
pub struct Spool {
    dir: PathBuf,
    space: [u8; 32],
    dimensions: usize,
    segment_bytes: u64,
    /// Held by whoever changes files, however long the disk takes; before the state.
    writing: Mutex<()>,
    /// Held for moments only: who looks for an embedding waits for no disk.
    state: Mutex<State>,
}

impl Spool {
    /// Opens the spool in a directory of its own and reads which embeddings it holds. Those of another space are thrown
    /// away: they are of no use to this job.
    ///
    /// # Errors
    /// The directory cannot be made or read.
    pub fn open(dir: &Path, space: &Space, most_bytes: u64) -> anyhow::Result<Self> {
        let spool = Self {
            dir: dir.to_owned(),
            space: *blake3::hash(serde_json::to_string(space)?.as_bytes()).as_bytes(),
            dimensions: space.dimensions,
            segment_bytes: (most_bytes / SEGMENTS).max(1),
            writing: Mutex::default(),
            state: Mutex::default(),
        };
        let read = || -> anyhow::Result<()> {
            std::fs::create_dir_all(dir)?;
            let mut numbers: Vec<u64> = std::fs::read_dir(dir)?
                .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix("spool-")?.parse().ok())
                .collect();
            numbers.sort_unstable();
            for number in numbers {
                spool.load(number)?;
            }
            Ok(())
        };
        read().with_context(|| format!("cannot open the spool {}", dir.display()))?;
        Ok(spool)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_files(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(format!("spool-{number}"))
    }

    fn record_bytes(&self) -> usize {
        32 + self.dimensions * 4 + 8
    }

    fn load(&self, number: u64) -> anyhow::Result<()> {
        let path = self.path(number);
        let file = File::options().read(true).write(true).open(&path)?;
        let mut header = [0; HEADER as usize];
        let readable = file.read_exact_at(&mut header, 0).is_ok();
        if !readable || &header[..8] != MARK || header[8..] != self.space {
            std::fs::remove_file(&path)?;
            return Ok(());
        }
        let record = self.record_bytes() as u64;
        let records = (file.metadata()?.len() - HEADER) / record;
        let mut state = self.lock();
        for place in 0..records {
            let offset = HEADER + place * record;
            let mut key = [0; 32];
            file.read_exact_at(&mut key, offset)?;
            state.index.insert(Key::from_bytes(key), (number, offset));
        }
        state.segments.push_back(Segment {
            number,
            file: Arc::new(file),
            bytes: HEADER + records * record,
        });
        Ok(())
    }

    /// The embedding of a key, where it was paid for before.
    pub fn get(&self, key: &Key) -> Option<Embedding> {
        let (place, file) = {
            let state = self.lock();
            let place = *state.index.get(key)?;
            let segment = state.segments.iter().find(|segment| segment.number == place.0)?;
            (place, Arc::clone(&segment.file))
        };
        let mut record = vec![0; self.record_bytes()];
        let read = file.read_exact_at(&mut record, place.1);
        let (body, sum) = record.split_at(self.record_bytes() - 8);
        if read.is_err() || checksum(body) != *sum || body[..32] != *key.bytes() {
            let mut state = self.lock();
            // Not what was written meanwhile.
            if state.index.get(key) == Some(&place) {
                state.index.remove(key);
            }
            return None;
        }
        let (numbers, _) = body[32..].as_chunks::<4>();
        Some(numbers.iter().map(|bytes| f32::from_ne_bytes(*bytes)).collect())
    }

    /// How many embeddings it holds.
    pub fn len(&self) -> usize {
        self.lock().index.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets an embedding, so that it is asked for again.
    pub fn forget(&self, key: &Key) {
        self.lock().index.remove(key);
    }

    /// Keeps embeddings. Blocks for the disk's sake. What cannot be written is not kept, and said in the log once.
    pub fn put(&self, embeddings: &[(Key, Embedding)]) {
        let _files = self.lock_files();
        if self.lock().broken {
            return;
        }
        if let Err(error) = self.write(embeddings) {
            self.lock().broken = true;
            tracing::warn!(%error, "embeddings cannot be kept on the disk before they are committed; after a kill they \
                would be paid for again");
        }
    }

    /// The caller holds the files.
    fn write(&self, embeddings: &[(Key, Embedding)]) -> anyhow::Result<()> {
        let open = {
            let state = self.lock();
            let last = state.segments.back().filter(|last| last.bytes < self.segment_bytes);
            last.map(|last| (last.number, Arc::clone(&last.file), last.bytes))
        };
        let (number, file, begin) = match open {
            Some(open) => open,
            None => self.begin_segment()?,
        };
        let mut bytes = Vec::with_capacity(embeddings.len() * self.record_bytes());
        let mut places = Vec::with_capacity(embeddings.len());
        for (key, embedding) in embeddings.iter().filter(|(_, e)| e.len() == self.dimensions) {
            places.push((*key, (number, begin + bytes.len() as u64)));
            let from = bytes.len();
            bytes.extend_from_slice(key.bytes());
            bytes.extend_from_slice(embedding.to_byte_slice());
            let sum = checksum(&bytes[from..]);
            bytes.extend_from_slice(&sum);
        }
        file.write_all_at(&bytes, begin)?;
        let mut state = self.lock();
        if let Some(segment) = state.segments.back_mut() {
            segment.bytes += bytes.len() as u64;
        }
        state.index.extend(places);
        Ok(())
    }

    /// Begins a segment, of which the oldest makes room: its number, its file, and where to write. The caller holds the
    /// files.
    fn begin_segment(&self) -> anyhow::Result<(u64, Arc<File>, u64)> {
        let (number, gone) = {
            let mut state = self.lock();
            let mut gone = Vec::new();
            while state.segments.len() as u64 >= SEGMENTS
                && let Some(oldest) = state.segments.pop_front()
            {
                state.index.retain(|_, (number, _)| *number != oldest.number);
                gone.push(oldest.number);
            }
            (state.segments.back().map_or(0, |last| last.number + 1), gone)
        };
        for number in gone {
            std::fs::remove_file(self.path(number))?;
        }
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(self.path(number))?;
        file.write_all(MARK)?;
        file.write_all(&self.space)?;
        let file = Arc::new(file);
        self.lock().segments.push_back(Segment {
            number,
            file: Arc::clone(&file),
            bytes: HEADER,
        });
        Ok((number, file, HEADER))
    }

    /// Throws everything away: all of it is committed.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn clear(&self) -> anyhow::Result<()> {
        let _files = self.lock_files();
        let segments = {
            let mut state = self.lock();
            state.index.clear();
            std::mem::take(&mut state.segments)
        };
        for segment in segments {
            let path = self.path(segment.number);
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }
}

fn checksum(bytes: &[u8]) -> [u8; 8] {
    qlance_numbers::checksum(bytes).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::{Input, Role};

    fn space(model: &str) -> Space {
        Space {
            provider: "openai".into(),
            model: model.into(),
            dimensions: 4,
            prefix: String::new(),
            normalised: true,
        }
    }

    fn entry(n: u64) -> (Key, Embedding) {
        let key = Key::of(&Input::Text(format!("text {n}").into()), Role::Document);
        (key, vec![n as f32, 1.0, -1.0, 0.5].into())
    }

    #[test]
    fn what_was_paid_for_is_found_again_by_the_next_process() {
        let dir = tempfile::tempdir().expect("a directory");
        let spool = Spool::open(dir.path(), &space("m"), 1 << 20).expect("opened");
        spool.put(&[entry(1), entry(2)]);
        spool.put(&[entry(3)]);
        drop(spool);
        let spool = Spool::open(dir.path(), &space("m"), 1 << 20).expect("opened again");
        assert_eq!(spool.len(), 3);
        for n in 1..=3 {
            let (key, embedding) = entry(n);
            assert_eq!(spool.get(&key), Some(embedding));
        }
        assert_eq!(spool.get(&entry(4).0), None);
        spool.forget(&entry(1).0);
        assert_eq!(spool.get(&entry(1).0), None);
        spool.put(&[entry(5)]);
        assert!(
            spool.get(&entry(5).0).is_some(),
            "written behind what an earlier process wrote"
        );
        spool.clear().expect("cleared");
        assert!(spool.is_empty());
        let left = std::fs::read_dir(dir.path()).expect("read").count();
        assert_eq!(left, 0);
    }

    #[test]
    fn who_looks_for_an_embedding_waits_for_no_disk() {
        let dir = tempfile::tempdir().expect("a directory");
        let spool = Spool::open(dir.path(), &space("m"), 1 << 20).expect("opened");
        spool.put(&[entry(1)]);
        // As long as somebody writes.
        let files = spool.lock_files();
        assert_eq!(spool.get(&entry(1).0), Some(entry(1).1));
        spool.forget(&entry(1).0);
        assert_eq!((spool.get(&entry(1).0), spool.len()), (None, 0));
        drop(files);
    }

    #[test]
    fn another_space_finds_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        Spool::open(dir.path(), &space("m"), 1 << 20)
            .expect("opened")
            .put(&[entry(1)]);
        let other = Spool::open(dir.path(), &space("n"), 1 << 20).expect("opened");
        assert_eq!(other.get(&entry(1).0), None);
    }

    #[test]
    fn it_stays_within_its_bytes_and_keeps_the_newest() {
        let dir = tempfile::tempdir().expect("a directory");
        let spool = Spool::open(dir.path(), &space("m"), 4_096).expect("opened");
        for n in 0..1_000 {
            spool.put(&[entry(n)]);
        }
        let bytes: u64 = std::fs::read_dir(dir.path())
            .expect("read")
            .map(|entry| entry.expect("an entry").metadata().expect("a file").len())
            .sum();
        assert!(bytes <= 4_096 + 4 * (HEADER + 56), "{bytes}");
        assert!(spool.get(&entry(999).0).is_some() && spool.get(&entry(950).0).is_some());
        assert_eq!(spool.get(&entry(0).0), None);
    }

    #[test]
    fn a_torn_record_is_not_believed_and_not_built_upon() {
        let dir = tempfile::tempdir().expect("a directory");
        let spool = Spool::open(dir.path(), &space("m"), 1 << 20).expect("opened");
        spool.put(&[entry(1), entry(2)]);
        drop(spool);
        let path = dir.path().join("spool-0");
        let mut bytes = std::fs::read(&path).expect("read");
        let length = bytes.len();
        bytes[length - 20] ^= 0xff;
        bytes.extend_from_slice(&[7; 30]);
        std::fs::write(&path, bytes).expect("written");
        let spool = Spool::open(dir.path(), &space("m"), 1 << 20).expect("opened again");
        assert!(spool.get(&entry(1).0).is_some());
        assert_eq!(spool.get(&entry(2).0), None, "its checksum is wrong");
        spool.put(&[entry(3)]);
        assert!(spool.get(&entry(3).0).is_some());
    }
}
