//! One process a job, and one a table: a file in the state directory and one beside the table, locked as long as the
//! process lives.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use anyhow::Context as _;

/// The lock; given back when dropped or when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    files: Vec<File>,
}

/// Another process holds the job, or its table.
#[derive(Debug, thiserror::Error)]
#[error("another qlance {what} ({holder}); wait for it, or stop it")]
pub struct Held {
    /// What it does.
    pub what: &'static str,
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
        let file = locked(&dir.join("lock"), "works on this job")?;
        Ok(Self { files: vec![file] })
    }

    /// Takes the lock of a table in a local directory as well: another state directory, or another job that takes the
    /// table over, is another lock. The file lies beside the table; LanceDB looks at names that end in `.lance` only.
    ///
    /// # Errors
    /// [`Held`] by another process, or the directory cannot be written.
    pub fn take_table(&mut self, dir: &Path, table: &str) -> anyhow::Result<()> {
        let what = "writes to this table, for another job or with another state directory";
        match locked(&dir.join(format!(".{table}.qlance-lock")), what) {
            Ok(file) => self.files.push(file),
            Err(error) if is_unsupported(&error) => {
                tracing::warn!(error = %format!("{error:#}"), "the table's file system has no locks");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Who holds the lock of a state directory just now, as it wrote itself down; `None` where nobody does.
pub fn holder(dir: &Path) -> Option<String> {
    let file = File::open(dir.join("lock")).ok()?;
    let mut said = String::new();
    (&file).take(200).read_to_string(&mut said).ok()?;
    let said = said.trim();
    let pid: i32 = said.strip_prefix("pid ")?.split(',').next()?.parse().ok()?;
    // The lock is tried only where the process that is named lives: whoever begins just now must not find it taken.
    rustix::process::test_kill_process(rustix::process::Pid::from_raw(pid.max(0))?).ok()?;
    let is_held = matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock));
    is_held.then(|| said.to_owned())
}

fn is_unsupported(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::Unsupported)
}

/// Locks a file, and writes into it who holds it.
fn locked(path: &Path, what: &'static str) -> anyhow::Result<File> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
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
            return Err(Held { what, holder }.into());
        }
        Err(std::fs::TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "pid {}, since {}", std::process::id(), jiff::Timestamp::now())?;
    file.sync_data()?;
    Ok(file)
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
        assert_eq!(holder(dir.path()), Some(held.holder));
        drop(first);
        assert_eq!(holder(dir.path()), None);
        Lock::take(dir.path()).expect("free again");
    }

    #[test]
    fn a_table_has_one_writer_whatever_the_state_directory() {
        let dir = tempfile::tempdir().expect("a directory");
        let take = |state: &str, table: &str| {
            let mut lock = Lock::take(&dir.path().join(state))?;
            lock.take_table(dir.path(), table)?;
            anyhow::Ok(lock)
        };
        let first = take("a", "messages").expect("free");
        let error = take("b", "messages").expect_err("held").to_string();
        assert!(
            error.contains("writes to this table") && error.contains("pid "),
            "{error}"
        );
        let _other = take("b", "others").expect("another table");
        drop(first);
        take("c", "messages").expect("free again");
    }
}
