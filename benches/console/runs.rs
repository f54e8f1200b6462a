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
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

/// Pairs of runs.
const PAIRS: usize = 3;

/// What a run on a terminal showed.
struct Shown {
    first_byte: Duration,
    bytes: Arc<AtomicU64>,
    screen: Arc<Mutex<vt100::Parser>>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    writer: Box<dyn std::io::Write + Send>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

fn some(count: u16) -> std::num::NonZero<u16> {
    std::num::NonZero::new(count).expect("not zero")
}

fn open(dir: &Path) -> Shown {
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
    let (seen, drawn) = (Arc::clone(&bytes), Arc::clone(&screen));
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        let mut begun = false;
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            // Looked for in the bytes: taking the whole screen apart takes longer than drawing it.
            if !begun && buffer[..count].windows(6).any(|bytes| bytes == b"qlance") {
                begun = true;
                let _ = tell.send(Instant::now());
            }
            drawn.lock().expect("a screen").process(&buffer[..count]);
            seen.fetch_add(count as u64, Ordering::Relaxed);
        }
    });
    let first = told.recv_timeout(Duration::from_secs(30)).expect("a first frame");
    Shown {
        first_byte: first - begun,
        bytes,
        screen,
        child,
        writer: pair.master.take_writer().expect("a writer"),
        _master: pair.master,
    }
}

fn wait_for(shown: &Shown, text: &str) {
    while !shown
        .screen
        .lock()
        .expect("a screen")
        .screen()
        .contents()
        .contains(text)
    {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn config(dir: &Path, servers: &servers::Servers) {
    let text = format!(
        "[source]\nurl = \"{}\"\ncollection = \"messages\"\n[target]\nuri = \"out.lance\"\ntable = \"messages\"\n\
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

/// Seconds of work as the run itself reports them, without the start.
fn without_screen(dir: &Path) -> f64 {
    fresh(dir);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_qlance"))
        .args(["run", "--json"])
        .current_dir(dir)
        .stderr(std::process::Stdio::null())
        .output()
        .expect("qlance runs");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    report["seconds"].as_f64().expect("seconds")
}

/// The same with the console; the summary after the screen has the seconds.
fn with_screen(dir: &Path) -> f64 {
    use std::io::Write as _;
    fresh(dir);
    let mut shown = open(dir);
    wait_for(&shown, "RUNNING");
    // Keys while the work runs at full speed: the slowest of ten screens shown.
    let mut slowest = Duration::ZERO;
    for _ in 0..5 {
        for (key, title) in [(b"7", "Log: all"), (b"1", "Points/s")] {
            let begun = Instant::now();
            shown.writer.write_all(key).expect("a key");
            wait_for(&shown, title);
            slowest = slowest.max(begun.elapsed());
        }
    }
    println!("a key is answered on the screen within {slowest:.0?} while the work runs (a frame is 33 ms)");
    wait_for(&shown, "COMPLETE");
    shown.writer.write_all(b"q").expect("a key");
    shown.child.wait().expect("an end");
    std::thread::sleep(Duration::from_millis(200));
    let text = shown
        .screen
        .lock()
        .expect("a screen")
        .screen()
        .contents()
        .replace('\n', " ");
    let seconds = text
        .split("divergent; ")
        .nth(1)
        .and_then(|rest| rest.split(" s,").next());
    seconds
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or_else(|| panic!("no summary: {text}"))
}

/// The process of the servers.
pub(crate) fn serve() {
    tokio::runtime::Runtime::new()
        .expect("a runtime")
        .block_on(servers::serve());
}

/// Prints the figures.
pub(crate) fn measure() {
    let dir = tempfile::tempdir().expect("a directory");
    let servers = servers::Servers::start(dir.path(), &["messages"]);
    let job = dir.path().join("job");
    std::fs::create_dir(&job).expect("a directory");
    config(&job, &servers);

    // The first start reads half a gigabyte of unstripped binary from the disk; after that it is in memory.
    let begun = Instant::now();
    let version = std::process::Command::new(env!("CARGO_BIN_EXE_qlance"))
        .arg("--version")
        .output();
    assert!(version.is_ok_and(|output| output.status.success()));
    println!("\n`qlance --version`, the first time: {:.0?}", begun.elapsed());
    let shown = open(&job);
    println!("first frame {:.0?} after the start (bar: 100 ms)", shown.first_byte);
    wait_for(&shown, "COMPLETE");
    std::thread::sleep(Duration::from_secs(7));
    let before = shown.bytes.load(Ordering::Relaxed);
    std::thread::sleep(Duration::from_secs(5));
    let idle = shown.bytes.load(Ordering::Relaxed) - before;
    println!("an idle console wrote {idle} bytes in 5 s (bar: 0)");
    let mut shown = shown;
    shown.child.kill().expect("killed");

    println!(
        "\n{} points, with and without the console in turns (bar: 2 %)",
        parts::points()
    );
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        without.push(without_screen(&job));
        with.push(with_screen(&job));
        println!(
            "without {:>6.2} s   with {:>6.2} s",
            without.last().copied().unwrap_or_default(),
            with.last().copied().unwrap_or_default()
        );
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let (with, without) = (median(&mut with), median(&mut without));
    println!("medians: the console costs {:+.1} %", (with / without - 1.0) * 100.0);
}
