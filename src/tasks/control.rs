//! The control door of a running job: a socket in its state directory, through which `qlance live` asks for what a
//! console asks for by keys. One line of JSON in, one out, and the door hangs up.
//!
//! Nobody can hold the work up through it: so many clients at once, each with so many bytes and so long. Only the user
//! that the work belongs to is listened to. What is answered is what the work has confirmed, or that it has not yet.

mod client;
mod words;

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::{COMMAND_ROOM, Phase, Snapshot, TaskCommand};

pub use client::ask;
pub(in crate::tasks) use words::is_no_time;
pub use words::{Answer, Cap, MOST_A_MINUTE, MOST_BATCH_INPUTS, MOST_IN_FLIGHT, Outcome, Request, Standing, Verb, Why};

/// The socket's name in the state directory.
pub const SOCKET: &str = "control.sock";
/// How long the work is given to confirm what was asked; after that it is answered that it has not yet.
pub const CONFIRMS: Duration = Duration::from_secs(10);

/// How long a client may take to ask, and to take its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a question, and of an answer.
const MOST_BYTES: u64 = 64 << 10;
/// Clients at once; a further one waits in the kernel's queue.
const MOST_CLIENTS: usize = 16;
/// How long the last answers may take when the work has ended: the last commit waits behind them.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Bytes of a socket's path: Linux takes 107, others 103.
const LONGEST_PATH: usize = 103;

/// What a client asked, on its way to the supervisor.
pub(in crate::tasks) struct Asked {
    /// What the work is to do, in this order.
    pub(in crate::tasks) commands: Vec<TaskCommand>,
    /// How the work stands once it has been told; or why it does not apply.
    pub(in crate::tasks) done: oneshot::Sender<Result<Snapshot, String>>,
}

/// The supervisor's side of the door.
pub(in crate::tasks) struct Door {
    asked: mpsc::Receiver<Asked>,
    open: Option<Open>,
}

struct Open {
    socket: PathBuf,
    talks: TaskTracker,
    leaving: DropGuard,
}

impl Door {
    /// Opens the door of a job. The caller holds the job's lock: a socket that lies there is of a process that is gone.
    ///
    /// # Errors
    /// No socket can be made there.
    pub(in crate::tasks) fn open(dir: &Path, job: &str, snapshot: watch::Receiver<Snapshot>) -> io::Result<Self> {
        let listener = listen(dir)?;
        let (asks, asked) = mpsc::channel(COMMAND_ROOM);
        let (talks, leaving) = (TaskTracker::new(), CancellationToken::new());
        let line = Line {
            asks,
            snapshot,
            job: job.into(),
        };
        tokio::spawn(serve(listener, line, talks.clone(), leaving.clone()));
        Ok(Self {
            asked,
            open: Some(Open {
                socket: dir.join(SOCKET),
                talks,
                leaving: leaving.drop_guard(),
            }),
        })
    }

    /// A door that nobody comes through.
    pub(in crate::tasks) fn shut() -> Self {
        Self {
            asked: mpsc::channel(1).1,
            open: None,
        }
    }

    /// Waits for somebody to ask something.
    pub(in crate::tasks) async fn next(&mut self) -> Asked {
        match self.asked.recv().await {
            Some(asked) => asked,
            None => std::future::pending().await,
        }
    }

    /// Takes the socket away, and gives whoever waits for an answer a moment to get it. The lock must still be held:
    /// the next process has a socket of the same name.
    pub(in crate::tasks) async fn close(self) {
        let Some(Open { socket, talks, leaving }) = self.open else {
            return;
        };
        if let Err(error) = std::fs::remove_file(&socket) {
            tracing::warn!(%error, "the control socket could not be removed");
        }
        drop(leaving);
        // What was asked and not heard any more is answered by this.
        drop(self.asked);
        talks.close();
        let _ = tokio::time::timeout(LAST_WORDS, talks.wait()).await;
    }
}

/// A path to the socket of a directory that fits into a socket's address, and what must be kept as long as it is used:
/// a path that is too long goes by way of the open directory.
fn address(dir: &Path) -> io::Result<(PathBuf, Option<File>)> {
    let path = dir.join(SOCKET);
    if path.as_os_str().len() <= LONGEST_PATH {
        return Ok((path, None));
    }
    let open = File::open(dir)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", open.as_raw_fd()));
    Ok((path, Some(open)))
}

fn listen(dir: &Path) -> io::Result<UnixListener> {
    let path = dir.join(SOCKET);
    // Anything else than a socket is not ours to remove: then nobody can listen, and the error says so.
    if std::fs::symlink_metadata(&path).is_ok_and(|found| found.file_type().is_socket()) {
        std::fs::remove_file(&path)?;
    }
    let (address, _open) = address(dir)?;
    let listener = UnixListener::bind(address)?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Whether it is the user that the work belongs to, or root: the socket may have been open to others for the moment
/// between its making and its permissions.
fn is_ours(stream: &UnixStream) -> bool {
    let ours = rustix::process::geteuid().as_raw();
    stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == ours || peer.uid() == 0)
}

async fn serve(listener: UnixListener, line: Line, talks: TaskTracker, leaving: CancellationToken) {
    let places = Arc::new(Semaphore::new(MOST_CLIENTS));
    loop {
        let next = async {
            // The place first: what has none is not accepted.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = leaving.cancelled() => return,
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) if is_ours(&stream) => {
                let (line, leaving) = (line.clone(), leaving.clone());
                talks.spawn(async move {
                    line.talk(stream, leaving).await;
                    drop(place);
                });
            }
            Ok(_) => tracing::warn!("another user knocked at the control socket"),
            Err(error) => {
                tracing::warn!(%error, "nobody can be let in at the control socket");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// What a client is connected with.
#[derive(Clone)]
struct Line {
    asks: mpsc::Sender<Asked>,
    snapshot: watch::Receiver<Snapshot>,
    job: Arc<str>,
}

impl Line {
    /// One question, one answer.
    async fn talk(&self, mut stream: UnixStream, leaving: CancellationToken) {
        let (from, mut to) = stream.split();
        let asked = tokio::select! {
            () = leaving.cancelled() => return,
            asked = tokio::time::timeout(PATIENCE, read_line(from)) => asked,
        };
        // Whoever hangs, or is gone, gets no answer.
        let Ok(Ok(text)) = asked else { return };
        let answer = match text.len() as u64 {
            0 => return,
            bytes if bytes > MOST_BYTES => Answer::error(format!("a question has {MOST_BYTES} bytes at most")),
            _ => self.answer(&text).await,
        };
        let Ok(mut text) = serde_json::to_vec(&answer) else {
            return;
        };
        text.push(b'\n');
        let _ = tokio::time::timeout(PATIENCE, to.write_all(&text)).await;
    }

    async fn answer(&self, line: &[u8]) -> Answer {
        let asked = Request::read(line).and_then(|request| Ok((request.ask, request.commands()?)));
        match asked {
            Err(why) => Answer::error(why),
            Ok((_, commands)) if commands.is_empty() => self.say(Outcome::Confirmed, None, &self.latest()),
            Ok((ask, commands)) => {
                tracing::info!(?commands, "asked through the control socket");
                let confirmed = tokio::time::timeout(CONFIRMS, self.ask(ask, commands)).await;
                confirmed.unwrap_or_else(|_| {
                    let why = "it was asked, and the work has not confirmed it yet; see `qlance live status`";
                    self.say(Outcome::Unconfirmed, Some(why.to_owned()), &self.latest())
                })
            }
        }
    }

    /// Asks the work, and waits until it says that it is so.
    async fn ask(&self, ask: Verb, commands: Vec<TaskCommand>) -> Answer {
        let (done, told) = oneshot::channel();
        let _ = self.asks.send(Asked { commands, done }).await;
        let now = match told.await {
            Ok(Ok(now)) => now,
            Ok(Err(why)) => return self.say(Outcome::Refused, Some(why), &self.latest()),
            // It ended before it came to this.
            Err(_) if ask == Verb::Stop => self.latest(),
            Err(_) => {
                let why = "the work has ended meanwhile".to_owned();
                return self.say(Outcome::Refused, Some(why), &self.latest());
            }
        };
        let now = match ask {
            Verb::Pause => self.once(|phase| *phase != Phase::Pausing).await,
            Verb::Stop => self.once(|phase| !phase.is_working()).await,
            Verb::Status | Verb::Resume | Verb::TryNow | Verb::Set => now,
        };
        let is_so = match ask {
            Verb::Pause => now.phase == Phase::Paused,
            Verb::Resume => now.phase == Phase::Running,
            Verb::Stop => !now.phase.is_working(),
            Verb::Status | Verb::TryNow | Verb::Set => true,
        };
        if is_so {
            return self.say(Outcome::Confirmed, None, &now);
        }
        // Somebody else, or the last point, was faster.
        let why = is_no_time(&now.phase).to_owned();
        self.say(Outcome::Refused, Some(why), &now)
    }

    /// How the work stands once its phase is so; how it stood last where it ends before.
    async fn once(&self, so: fn(&Phase) -> bool) -> Snapshot {
        let mut snapshot = self.snapshot.clone();
        let found = snapshot.wait_for(|snapshot| so(&snapshot.phase)).await;
        match found.map(|found| found.clone()) {
            Ok(found) => found,
            Err(_) => self.latest(),
        }
    }

    fn latest(&self) -> Snapshot {
        self.snapshot.borrow().clone()
    }

    fn say(&self, outcome: Outcome, message: Option<String>, snapshot: &Snapshot) -> Answer {
        Answer {
            outcome,
            message,
            job: Some(Standing::of(&self.job, snapshot)),
        }
    }
}

/// A line, or more bytes than a question may have; nothing where nothing came.
async fn read_line(from: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(from.take(MOST_BYTES + 1))
        .read_until(b'\n', &mut line)
        .await?;
    Ok(line)
}

#[cfg(test)]
mod tests;
