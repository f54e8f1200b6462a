//! The console on a pseudo-terminal: its first frame, its silence, and what it costs the work.

#[path = "../pipeline/media.rs"]
#[allow(dead_code)]
mod media;
#[path = "../pipeline/parts.rs"]
#[allow(dead_code)]
mod parts;
#[path = "../pipeline/servers.rs"]
mod servers;

use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

/// The collection: five times that of the pipeline's bench, because a run of two seconds cannot tell two per cent.
const COLLECTION: &str = "fivefold";
/// Pairs of runs.
const PAIRS: usize = 12;
/// Keys whose answers are timed.
const KEYS: usize = 20;
/// Starts whose first frames are timed.
const STARTS: usize = 5;
/// How often it is looked whether a run has ended: seldom, for looking takes the cores that are measured.
const LOOK: Duration = Duration::from_millis(200);

/// What a run on a terminal showed.
struct Shown {
    first_frame: Duration,
    bytes: Arc<AtomicU64>,
    /// One word for everything that was drawn.
    drawn: Receiver<Instant>,
    screen: Arc<Mutex<vt100::Parser>>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    writer: Box<dyn std::io::Write + Send>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

fn some(count: u16) -> std::num::NonZero<u16> {
    std::num::NonZero::new(count).expect("not zero")
}

/// Starts the console; `played` where somebody wants to look at its screen.
fn open(dir: &Path, played: bool) -> Shown {
    let size = PtySize {
        rows: 60,
        cols: 200,
        ..PtySize::default()
    };
    let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_qlance"));
    command.args(["console", "--yes"]);
    command.env("TERM", "xterm-256color");
    command.cwd(dir);
    let begun = Instant::now();
    let child = pair.slave.spawn_command(command).expect("qlance starts");
    let mut reader = pair.master.try_clone_reader().expect("a reader");
    let bytes = Arc::new(AtomicU64::new(0));
    let screen = Arc::new(Mutex::new(vt100::Parser::new(some(60), some(200), 0)));
    let (seen, parser) = (Arc::clone(&bytes), Arc::clone(&screen));
    let (tell, told) = channel();
    let (tick, drawn) = channel();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        let mut begun = false;
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            let now = Instant::now();
            // Looked for in the bytes: taking the whole screen apart takes longer than drawing it.
            if !begun && buffer[..count].windows(6).any(|bytes| bytes == b"qlance") {
                begun = true;
                let _ = tell.send(now);
            }
            if played {
                parser.lock().expect("a screen").process(&buffer[..count]);
            }
            seen.fetch_add(count as u64, Ordering::Relaxed);
            let _ = tick.send(now);
        }
    });
    let first = told.recv_timeout(Duration::from_secs(30)).expect("a first frame");
    Shown {
        first_frame: first - begun,
        bytes,
        drawn,
        screen,
        child,
        writer: pair.master.take_writer().expect("a writer"),
        _master: pair.master,
    }
}

fn shows(shown: &Shown, text: &str) -> bool {
    let screen = shown.screen.lock().expect("a screen");
    screen.screen().contents().contains(text)
}

fn wait_for(shown: &Shown, text: &str) {
    while !shows(shown, text) {
        std::thread::sleep(LOOK);
    }
}

/// From a key to the moment when the bytes that show its answer arrived.
fn answered(shown: &mut Shown, key: &[u8], text: &str) -> Duration {
    use std::io::Write as _;
    while shown.drawn.try_recv().is_ok() {}
    let begun = Instant::now();
    shown.writer.write_all(key).expect("a key");
    loop {
        let at = shown.drawn.recv_timeout(Duration::from_secs(30)).expect("an answer");
        if shows(shown, text) {
            return at - begun;
        }
    }
}

fn config(dir: &Path, servers: &servers::Servers) {
    let text = format!(
        "[source]\nurl = \"{}\"\ncollection = \"{COLLECTION}\"\n[target]\nuri = \"out.lance\"\ntable = \"messages\"\n\
         [embed.text]\nprovider = \"openai\"\nbase_url = \"{}\"\nmodel = \"m\"\ndimensions = {}\n[pipeline]\nindex = false\n",
        servers.qdrant,
        servers.embeddings,
        parts::size()
    );
    std::fs::write(dir.join("qlance.toml"), text).expect("a configuration");
}

fn fresh(dir: &Path) {
    for name in ["out.lance", ".qlance"] {
        let _ = std::fs::remove_dir_all(dir.join(name));
    }
}

/// What a run took.
#[derive(Clone, Copy)]
struct Took {
    /// Seconds of work as the run itself reports them, without the start.
    seconds: f64,
    /// Seconds of the processor's that the process had, from its start to its end.
    processor: f64,
    /// Those of them that the console's thread had, where there is a console.
    console: f64,
}

/// Two neighbouring fields of a `stat` of `/proc`, in seconds. Behind the name, which may hold anything, the fields are
/// state, ppid, ..., as the 12th and 13th `utime` and `stime`, as the 14th and 15th `cutime` and `cstime` (proc(5)).
fn seconds_of(stat: &str, field: usize) -> f64 {
    let stat = std::fs::read_to_string(stat).expect("linux tells it");
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let two = fields.skip(field - 1).take(2);
    // sysconf(_SC_CLK_TCK) is 100 on every Linux that there is.
    two.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Seconds of the processor's that the thread of this name had.
fn of_thread(pid: u32, name: &str) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("linux tells it");
    let mut tasks = tasks.map(|task| task.expect("a thread").path());
    let named =
        |task: &std::path::PathBuf| std::fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim() == name);
    let task = tasks.find(named).expect("a thread of this name");
    seconds_of(task.join("stat").to_str().expect("UTF-8"), 12)
}

/// Seconds of the processor's that all children had which are gone by now.
fn of_children() -> f64 {
    seconds_of("/proc/self/stat", 14)
}

fn without_screen(dir: &Path) -> Took {
    fresh(dir);
    let before = of_children();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_qlance"))
        .args(["run", "--json"])
        .current_dir(dir)
        .stderr(std::process::Stdio::null())
        .output()
        .expect("qlance runs");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    Took {
        seconds: report["seconds"].as_f64().expect("seconds"),
        processor: of_children() - before,
        console: 0.0,
    }
}

/// The same with the console, which tells in its event log how long the work took. Its bytes are read and let go: a
/// terminal that plays them would take the processor from the work, and is not what is measured.
fn with_screen(dir: &Path) -> Took {
    use std::io::Write as _;
    fresh(dir);
    let before = of_children();
    let mut shown = open(dir, false);
    let state = dir.join(".qlance");
    loop {
        let log = events(&state).unwrap_or_default();
        assert!(!log.contains(r#""phase":"stopped""#), "the work stopped: {log}");
        if log.contains(r#""phase":"complete""#) {
            break;
        }
        std::thread::sleep(LOOK);
    }
    let pid = shown.child.process_id().expect("a process");
    let console = of_thread(pid, "console");
    shown.writer.write_all(b"q").expect("a key");
    shown.child.wait().expect("an end");
    let log = events(&state).expect("an event log");
    let ended: serde_json::Value = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .rfind(|line: &serde_json::Value| line["event"] == "ended")
        .expect("an end");
    Took {
        seconds: ended["report"]["seconds"].as_f64().expect("seconds"),
        processor: of_children() - before,
        console,
    }
}

/// The event log of the one job.
fn events(state: &Path) -> Option<String> {
    let mut entries = std::fs::read_dir(state).ok()?.filter_map(Result::ok);
    entries.find_map(|entry| std::fs::read_to_string(entry.path().join("events.jsonl")).ok())
}

/// Keys while the work runs at full speed. Moments are drawn so that they fall anywhere between two frames.
fn keys(dir: &Path) {
    fresh(dir);
    let mut shown = open(dir, true);
    wait_for(&shown, "RUNNING");
    let mut took: Vec<Duration> = (0..KEYS)
        .map(|n| {
            std::thread::sleep(Duration::from_millis(40 + (n as u64 * 37) % 100));
            if n % 2 == 0 {
                answered(&mut shown, b"7", "Log: all")
            } else {
                answered(&mut shown, b"1", "Points/s")
            }
        })
        .collect();
    assert!(
        !shows(&shown, "COMPLETE"),
        "the work ran all the while; give it more points"
    );
    took.sort();
    println!(
        "a key is answered on the screen within {:.1?} (median), {:.1?} (the slowest of {KEYS}) while the work runs (a frame is 33 ms)",
        took[KEYS / 2],
        took[KEYS - 1]
    );
    shown.child.kill().expect("killed");
    shown.child.wait().expect("an end");
}

/// The process of the servers.
pub(crate) fn serve() {
    tokio::runtime::Runtime::new()
        .expect("a runtime")
        .block_on(servers::serve());
}

/// A job whose collection the servers have.
fn prepare(dir: &Path) -> (servers::Servers, std::path::PathBuf) {
    let servers = servers::Servers::start(dir, &[COLLECTION]);
    let job = dir.join("job");
    std::fs::create_dir(&job).expect("a directory");
    config(&job, &servers);
    (servers, job)
}

/// Prints what the console costs the work.
pub(crate) fn measure_cost() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_servers, job) = prepare(dir.path());
    cost(&job);
}

/// Prints the figures.
pub(crate) fn measure() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_servers, job) = prepare(dir.path());

    let mut starts = Vec::new();
    for _ in 0..STARTS {
        fresh(&job);
        let mut shown = open(&job, true);
        starts.push(shown.first_frame);
        shown.child.kill().expect("killed");
        shown.child.wait().expect("an end");
    }
    // The first start reads a binary of hundreds of megabytes from the disk, where it is not in memory.
    print!("\nfirst frame {:.0?} after the first start", starts[0]);
    starts.sort();
    println!(", {:.0?} in the median of {STARTS} (bar: 100 ms)", starts[STARTS / 2]);
    fresh(&job);
    let mut shown = open(&job, true);
    wait_for(&shown, "COMPLETE");
    std::thread::sleep(Duration::from_secs(7));
    let before = shown.bytes.load(Ordering::Relaxed);
    std::thread::sleep(Duration::from_secs(5));
    let idle = shown.bytes.load(Ordering::Relaxed) - before;
    println!("an idle console wrote {idle} bytes in 5 s (bar: 0)");
    shown.child.kill().expect("killed");
    shown.child.wait().expect("an end");
    keys(&job);

    cost(&job);
}

/// What the console costs the work, in pairs of runs.
fn cost(job: &Path) {
    println!(
        "\n{} points, with and without the console in turns (bar: 2 %)",
        servers::count_of(COLLECTION)
    );
    let mut pairs: Vec<(Took, Took)> = Vec::new();
    for pair in 0..PAIRS {
        // Who is first finds the machine as the last pair left it.
        let (without, with) = if pair % 2 == 0 {
            let without = without_screen(job);
            (without, with_screen(job))
        } else {
            let with = with_screen(job);
            (without_screen(job), with)
        };
        println!(
            "without {:>6.2} s ({:>6.2} of the processor's)   with {:>6.2} s ({:>6.2})",
            without.seconds, without.processor, with.seconds, with.processor
        );
        pairs.push((without, with));
    }
    let of_console: f64 = pairs.iter().map(|(_, with)| with.console).sum();
    let of_all: f64 = pairs.iter().map(|(_, with)| with.processor).sum();
    println!(
        "the console's own thread took {:.2} % of the processor's time that its runs took",
        of_console / of_all * 100.0
    );
    for (what, of) in [
        ("seconds", (|took| took.seconds) as fn(&Took) -> f64),
        ("seconds of the processor's", |took| took.processor),
    ] {
        let mut more: Vec<f64> = pairs
            .iter()
            .map(|(without, with)| of(with) / of(without) - 1.0)
            .collect();
        more.sort_by(f64::total_cmp);
        let percent = |place: usize| more[place] * 100.0;
        println!(
            "{what}: the console costs {:+.1} % in the median pair, {:+.1} to {:+.1} % in the middle half",
            f64::midpoint(percent((PAIRS - 1) / 2), percent(PAIRS / 2)),
            percent(PAIRS / 4),
            percent(PAIRS - 1 - PAIRS / 4)
        );
    }
}
