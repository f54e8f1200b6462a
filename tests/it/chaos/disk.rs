//! A file system that fills, and is given room again: a small tmpfs in a mount namespace of its own, or, where none may be
//! made, a bound on the size of every file. Needs bash, coreutils and util-linux, and says so where they do not do.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::process::Command;

use super::check::End;
use crate::support::world::said;

/// How a disk is made small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Means {
    /// tmpfs, by root.
    Mount,
    /// tmpfs, by root of a user namespace.
    UserMount,
    /// `RLIMIT_FSIZE`, with the signal ignored: a write beyond it fails as on a full disk, though by another name.
    FileSize,
}

/// Of `$2`: whether a mount can be made and can grow.
const TRY_MOUNT: &str = r#"
mount -t tmpfs -o size=64k qlance-chaos "$2" && mount -o remount,size=1m "$2"
"#;

/// Of `$2`: whether a file is kept from growing.
const TRY_FILE_SIZE: &str = r#"
trap '' XFSZ; ulimit -f 4 || exit 1
head -c 65536 /dev/zero >"$2/probe" 2>/dev/null
[ "$(stat -c %s "$2/probe")" -lt 65536 ]
"#;

/// Three runs: with too little room, with enough, and once more. A tmpfs ends with its namespace, so what is on it is
/// copied out.
const SCRIPT: &str = r#"
set -u
means=$1 room=$2 out=$3 kib=$4 qlance=$5 config=$6
run() {
  timeout -s KILL 60 "$qlance" --config "$config" --state "$room/state" run --json \
    >"$out/$1.json" 2>"$out/$1.txt" </dev/null
  echo $? >"$out/$1.code"
}
if [ "$means" = file-size ]; then
  # A commit is one file and the rest are others: a bound on each must be smaller than one on all of them.
  (trap '' XFSZ; ulimit -f "$((kib / 2))" || exit 1; run first) || exit 1
else
  mount -t tmpfs -o "size=${kib}k" qlance-chaos "$room" || exit 1
  run first
  mount -o remount,size=512m "$room" || exit 1
fi
run second
run third
cp -a "$room/." "$out/copy/"
"#;

/// The runs on a disk that filled.
pub(crate) struct Filled {
    /// With too little room.
    pub(crate) first: End,
    /// With room.
    pub(crate) second: End,
    /// Once more.
    pub(crate) third: End,
    /// What was on the disk.
    pub(crate) copy: PathBuf,
}

impl Means {
    /// The first that works here.
    ///
    /// # Errors
    /// None does, and why.
    pub(crate) async fn find(dir: &Path) -> Result<Self, String> {
        let mut lacking = Vec::new();
        for means in [Self::Mount, Self::UserMount, Self::FileSize] {
            let script = match means {
                Self::FileSize => TRY_FILE_SIZE,
                _ => TRY_MOUNT,
            };
            let room = dir.join(means.as_str());
            std::fs::create_dir_all(&room).expect("a directory");
            match means.bash(script).arg(&room).output().await {
                Ok(output) if output.status.success() => return Ok(means),
                Ok(output) => lacking.push(format!("{}: {}", means.as_str(), said(&output))),
                Err(error) => lacking.push(format!("{}: {error}", means.as_str())),
            }
        }
        Err(lacking.join("; "))
    }

    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Mount => "mount",
            Self::UserMount => "user-mount",
            Self::FileSize => "file-size",
        }
    }

    /// Bash with a script, in the namespace that it needs; `$1` is the word for it.
    fn bash(self, script: &str) -> Command {
        let namespace: &[&str] = match self {
            Self::Mount => &["unshare", "--mount"],
            Self::UserMount => &["unshare", "--user", "--map-root-user", "--mount"],
            Self::FileSize => &[],
        };
        let mut words = namespace.iter().chain(&["bash"]);
        let mut command = Command::new(words.next().unwrap_or(&"bash"));
        command
            .args(words)
            .args(["-c", script, "chaos", self.as_str()])
            .stdin(Stdio::null())
            .env_remove("OPENAI_API_KEY")
            .kill_on_drop(true);
        command
    }

    /// Runs a job whose table and state lie in `dir/room`.
    ///
    /// # Errors
    /// The disk could not be made, and what was said.
    pub(crate) async fn fill(self, dir: &Path, kib: u64, qlance: &Path, config: &Path) -> Result<Filled, String> {
        let (room, copy) = (dir.join("room"), dir.join("copy"));
        for path in [&room, &copy] {
            std::fs::create_dir_all(path).expect("a directory");
        }
        let output: Output = self
            .bash(SCRIPT)
            .arg(&room)
            .arg(dir)
            .arg(kib.to_string())
            .args([qlance, config])
            .output()
            .await
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(said(&output));
        }
        Ok(Filled {
            first: end_of(dir, "first"),
            second: end_of(dir, "second"),
            third: end_of(dir, "third"),
            copy,
        })
    }
}

/// What a run of the script left behind.
fn end_of(dir: &Path, run: &str) -> End {
    let text = |kind: &str| std::fs::read_to_string(dir.join(format!("{run}.{kind}"))).unwrap_or_default();
    End {
        code: text("code").trim().parse().ok(),
        report: serde_json::from_str(&text("json")).unwrap_or(Value::Null),
        said: text("txt"),
    }
}
