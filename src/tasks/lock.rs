//! One process a job: a file in the state directory, locked as long as the process lives.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use anyhow::Context as _;

/// The lock; given back when dropped or when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Another process holds the job.
#[derive(Debug, thiserror::Error)]
#[error("another qlance works on this job ({holder}); wait for it, or stop it")]
pub struct Held {
    /// Its pid and start time, as it wrote them.
    pub holder: String,
}

impl Lock {
    /// Takes the lock of a state directory.
    ///
    /// # Errors
    /// [`Held`] by another process, or the directory cannot be written.
    pub fn take(dir: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make the state directory {}", dir.display()))?;
        let path = dir.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.take(200).read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => "it does not say which".to_owned(),
                    said => said.to_owned(),
                };
                return Err(Held { holder }.into());
            }
            Err(std::fs::TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "pid {}, since {}", std::process::id(), jiff::Timestamp::now())?;
        file.sync_data()?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_is_told_who_holds_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = Lock::take(dir.path()).expect("free");
        let error = Lock::take(dir.path()).expect_err("held");
        let held = error.downcast::<Held>().expect("held by another");
        assert!(
            held.holder.contains(&format!("pid {}", std::process::id())),
            "{}",
            held.holder
        );
        drop(first);
        Lock::take(dir.path()).expect("free again");
    }
}
