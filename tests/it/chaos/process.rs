//! The binary as a process: started with what it says going into files, and what it left behind. Kills nobody.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use qlance::point::PointId;
use serde_json::Value;
use tokio::process::{Child, Command};

use super::check::End;
use crate::support::world::said;

/// The binary, in the directory of a round.
pub(crate) struct Binary<'a> {
    qlance: &'a Path,
    dir: PathBuf,
    /// Runs started.
    pub(crate) runs: u32,
}

impl<'a> Binary<'a> {
    /// Whatever is started works in `dir`, with the configuration there.
    pub(crate) fn new(qlance: &'a Path, dir: &Path) -> Self {
        Self {
            qlance,
            dir: dir.to_owned(),
            runs: 0,
        }
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &'a Path {
        self.qlance
    }

    /// The configuration.
    pub(crate) fn config(&self) -> PathBuf {
        self.dir.join("qlance.toml")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.qlance);
        command
            .arg("--config")
            .arg(self.config())
            .current_dir(&self.dir)
            .env_remove("OPENAI_API_KEY")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    fn file_of_run(&self, kind: &str) -> PathBuf {
        self.dir.join(format!("run-{}.{kind}", self.runs))
    }

    /// Starts `run --json`.
    pub(crate) fn start(&mut self) -> Child {
        self.runs += 1;
        let file = |kind: &str| std::fs::File::create(self.file_of_run(kind)).expect("a file for what it says");
        self.command()
            .args(["run", "--json"])
            .stdout(file("json"))
            .stderr(file("txt"))
            .spawn()
            .expect("qlance starts")
    }

    /// What the run that was started last left behind.
    pub(crate) fn end(&self, code: Option<i32>) -> End {
        let text = |kind: &str| std::fs::read_to_string(self.file_of_run(kind)).unwrap_or_default();
        End {
            code,
            report: serde_json::from_str(&text("json")).unwrap_or(Value::Null),
            said: text("txt"),
        }
    }

    /// The ids of the failures in the journal below `state`, as the command line lists them.
    ///
    /// # Errors
    /// They cannot be listed, and what was said.
    pub(crate) async fn failures(&self, state: &Path) -> Result<Vec<PointId>, String> {
        let listing = self
            .command()
            .arg("--state")
            .arg(state)
            .args(["failures", "list", "--json"])
            .output()
            .await;
        let output = listing.map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(said(&output));
        }
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| {
                let row: Value = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
                serde_json::from_value(row["id"].clone()).map_err(|error| format!("{error}: {line}"))
            })
            .collect()
    }
}
