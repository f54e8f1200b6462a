//! Real pictures and sounds: packages that ship free samples, installed once into the build's directory by the ordinary
//! clients of their registries, pinned to a version and a checksum. None of them is committed. Owns where they lie and
//! how they come there; what is in them is the tests' business.
//!
//! A machine without these clients or without a network has fewer samples and no failure: one loud line says which are
//! missing and why. Crate hound's samples and the repository's own are always there.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures::future::join_all;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// How long one command may take. A registry that answers at all is done in seconds.
const LIMIT: Duration = Duration::from_secs(180);
/// Characters of what a command said that are shown.
const MOST_SAID: usize = 300;

/// Who has a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Registry {
    /// Python's, asked with pip: the source distribution, which has the tests' samples. To hand it out, pip runs its
    /// build script, after the checksum has been compared.
    Python,
    /// Debian's, asked with apt. Nothing of the machine's own state is touched.
    Debian,
}

/// A package that ships samples.
#[derive(Debug)]
pub(crate) struct Package {
    /// Its name in its registry.
    pub(crate) name: &'static str,
    version: &'static str,
    sha256: &'static str,
    registry: Registry,
    /// The folder of the samples in it.
    folder: &'static str,
}

/// All of them, some 8 MB.
static PACKAGES: [Package; 6] = [
    Package {
        name: "mutagen",
        version: "1.48.1",
        sha256: "8f95637ab9f6f305cec6bd1294e197debe207998e3e068596563c74f86b0a173",
        registry: Registry::Python,
        folder: "tests/data",
    },
    Package {
        name: "miniaudio",
        version: "1.71",
        sha256: "ff51e2887bb673e2e757752b586b3dc924d59aa5fbcae9bbc45f4a111bd3262b",
        registry: Registry::Python,
        folder: "tests/audio",
    },
    Package {
        name: "filetype",
        version: "1.2.0",
        sha256: "66b56cd6474bf41d8c54660347d37afcc3f7d1970648de365c102ef77548aadb",
        registry: Registry::Python,
        folder: "tests/fixtures",
    },
    Package {
        name: "imagesize",
        version: "2.0.1",
        sha256: "b2ba6a4dea487a7ebcd53248d3476aca449d30db12a2dde5e0c5ca9624fd77e5",
        registry: Registry::Python,
        folder: "test/images",
    },
    Package {
        name: "golang-golang-x-image-dev",
        version: "0.5.0-1",
        sha256: "f0920a91f9184bcd579af7bfba72266a65ff0b1b9b5a73cd3ffeb03d6b271e9b",
        registry: Registry::Debian,
        folder: "usr/share/gocode/src/golang.org/x/image/testdata",
    },
    Package {
        name: "sound-theme-freedesktop",
        version: "0.8-2",
        sha256: "135cc4893ba590d428577bc3bf42df756a165c05a2a43f84311ad7db779a70ea",
        registry: Registry::Debian,
        folder: "usr/share/sounds/freedesktop/stereo",
    },
];

/// The packages that could be installed, each with the folder of its samples. They are installed once in a build's
/// directory; a second process finds them there.
pub(crate) async fn installed() -> &'static [(&'static Package, PathBuf)] {
    static INSTALLED: OnceCell<Vec<(&'static Package, PathBuf)>> = OnceCell::const_new();
    INSTALLED
        .get_or_init(|| async {
            let mut there = Vec::new();
            let mut missing = Vec::new();
            let all = PACKAGES
                .iter()
                .map(|package| async move { (package, package.install().await) });
            for (package, outcome) in join_all(all).await {
                match outcome {
                    Ok(folder) => there.push((package, folder)),
                    Err(why) => missing.push(format!("{} {} ({why})", package.name, package.version)),
                }
            }
            if !missing.is_empty() {
                shout(&format!(
                    "SAMPLES NOT INSTALLED, and so not checked: {}",
                    missing.join("; ")
                ));
            }
            there
        })
        .await
}

/// The folder of crate hound's samples. Cargo has unpacked the crate, because qlance depends on it.
pub(crate) fn hounds() -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let sources = home.expect("a home directory").join("registry/src");
    let registries = std::fs::read_dir(&sources).unwrap_or_else(|error| panic!("{}: {error}", sources.display()));
    registries
        .filter_map(|registry| Some(registry.ok()?.path().join("hound-3.5.1/testsamples")))
        .find(|folder| folder.is_dir())
        .unwrap_or_else(|| panic!("hound 3.5.1 is not among the crates in {}", sources.display()))
}

/// Says something past the test runner, which keeps what passing tests print to itself.
fn shout(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "\n{line}\n");
}

impl Package {
    /// The folder of its samples, after it has been installed if need be. It appears whole or not at all.
    async fn install(&self) -> Result<PathBuf, String> {
        // Cargo's directory for tests lies in the build's, wherever that is.
        let build = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
        let samples = build.ok_or("the build has no directory")?.join("samples");
        let place = samples.join(format!("{}-{}", self.name, self.version));
        if !place.is_dir() {
            std::fs::create_dir_all(&samples).map_err(|error| format!("{}: {error}", samples.display()))?;
            let partial = tempfile::Builder::new().prefix(".partial-").tempdir_in(&samples);
            let partial = partial.map_err(|error| format!("{}: {error}", samples.display()))?;
            let whole = partial.path().join("whole");
            std::fs::create_dir(&whole).map_err(|error| format!("{}: {error}", whole.display()))?;
            match self.registry {
                Registry::Python => self.fetch_from_python(partial.path(), &whole).await?,
                Registry::Debian => self.fetch_from_debian(partial.path(), &whole).await?,
            }
            match std::fs::rename(&whole, &place) {
                Ok(()) => {}
                // Another process was faster.
                Err(_) if place.is_dir() => {}
                Err(error) => return Err(format!("{}: {error}", place.display())),
            }
        }
        let folder = place.join(self.folder);
        if !folder.is_dir() {
            return Err(format!("it has no folder {}", self.folder));
        }
        Ok(folder)
    }

    async fn fetch_from_python(&self, room: &Path, whole: &Path) -> Result<(), String> {
        let (fetched, wanted) = (room.join("fetched"), room.join("wanted"));
        let line = format!("{}=={} --hash=sha256:{}\n", self.name, self.version, self.sha256);
        std::fs::write(&wanted, line).map_err(|error| format!("{}: {error}", wanted.display()))?;
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
        ])
        .args(["--no-deps", "--no-binary", ":all:", "--require-hashes"])
        .args(["--retries", "1", "--timeout", "30"])
        .arg("--dest")
        .arg(&fetched)
        .arg("--requirement")
        .arg(&wanted);
        run(&mut pip).await?;
        let archive = only_file(&fetched)?;
        let mut tar = Command::new("tar");
        tar.arg("-xf")
            .arg(archive)
            .arg("--strip-components=1")
            .arg("-C")
            .arg(whole);
        run(&mut tar).await.map(drop)
    }

    async fn fetch_from_debian(&self, room: &Path, whole: &Path) -> Result<(), String> {
        let fetched = room.join("fetched");
        std::fs::create_dir(&fetched).map_err(|error| format!("{}: {error}", fetched.display()))?;
        if let Err(why) = self.download(&fetched, &[]).await {
            let known = run(Command::new("apt-cache").args(["policy", self.name])).await?;
            if known.contains("Candidate:") {
                // This machine's lists name another version, or the very one and it did not come.
                return Err(why);
            }
            // A new machine has no lists. They are fetched beside the package, so that nobody has to be root.
            let lists = format!("Dir::State::lists={}", room.join("lists").display());
            let cache = format!("Dir::Cache={}", room.join("cache").display());
            for folder in ["lists/partial", "cache/archives/partial"] {
                std::fs::create_dir_all(room.join(folder)).map_err(|error| format!("{folder}: {error}"))?;
            }
            let private = ["-o", &lists, "-o", &cache];
            run(Command::new("apt-get").args(private).args(["--quiet=2", "update"])).await?;
            self.download(&fetched, &private).await?;
        }
        let archive = only_file(&fetched)?;
        let sum = run(Command::new("sha256sum").arg(&archive)).await?;
        if sum.split_whitespace().next() != Some(self.sha256) {
            return Err(format!("its checksum is another: {}", sum.trim()));
        }
        run(Command::new("dpkg-deb").arg("-x").arg(archive).arg(whole))
            .await
            .map(drop)
    }

    async fn download(&self, fetched: &Path, options: &[&str]) -> Result<(), String> {
        let wanted = format!("{}={}", self.name, self.version);
        let mut apt = Command::new("apt-get");
        apt.args(options)
            .args(["--quiet=2", "download", &wanted])
            .current_dir(fetched);
        run(&mut apt).await.map(drop)
    }
}

/// Runs a command to its end; what it printed, or in one line why it failed.
async fn run(command: &mut Command) -> Result<String, String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = match tokio::time::timeout(LIMIT, output).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(format!("{name}: {error}")),
        Err(_) => return Err(format!("{name}: not done in {} s", LIMIT.as_secs())),
    };
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    // The first error is the cause, the last line often a hint.
    let telling = lines()
        .find(|line| line.starts_with('E'))
        .or_else(|| lines().next_back());
    let said: String = telling.unwrap_or("no word of why").chars().take(MOST_SAID).collect();
    Err(format!("{name}: {said}"))
}

fn only_file(folder: &Path) -> Result<PathBuf, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    match <[PathBuf; 1]>::try_from(files) {
        Ok([file]) => Ok(file),
        Err(files) => Err(format!("{} files came in the place of one", files.len())),
    }
}
