//! The event loop of the console: terminal, signals and the work's channels become messages; effects become commands,
//! escape sequences and the end. Draws when something changed, at most thirty times a second.

mod ages;
mod outbox;
mod pace;
pub mod setup;
mod terminal;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{Event, EventStream};
use futures::StreamExt as _;
use ratatui::layout::Rect;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::app::{App, Effect, Message};
use crate::cli::ColorWhen;
use crate::commands::{Headless, tell};
use crate::config::{Config, ConfigError};
use crate::metrics::{self, Endpoint};
use crate::tasks::supervisor::{self, Lines, Orders};
use crate::tasks::{COMMAND_ROOM, EVENT_ROOM, Level, RunReport, Snapshot, TaskCommand, TaskEvent};
use crate::ui;
use crate::ui::theme::Theme;

use outbox::Outbox;
use pace::Pace;
use terminal::Screen;

/// How often it is looked at whether time itself has changed what is seen: a flash that ends, an age that grows.
const TICK: Duration = Duration::from_secs(1);
/// When the terminal is gone the work gets this long for its last commit.
const LAST_WORDS: Duration = Duration::from_millis(1_900);

/// Colours and characters, as the operator wants them, and whether the mouse is used.
#[derive(Debug, Clone, Copy)]
pub struct Looks {
    theme: Theme,
    mouse: bool,
}

impl Looks {
    /// From the command line and the environment.
    pub fn choose(color: ColorWhen, ascii: bool, mouse: bool) -> Self {
        let color = match color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        Self {
            theme: Theme {
                color,
                ascii,
                covered: false,
            },
            mouse,
        }
    }
}

/// How the loop ended.
enum Left {
    /// The work has ended.
    Ended,
    /// The operator left the work running.
    Detached,
    /// At once.
    Aborted,
    /// The terminal went away.
    HungUp,
}

struct Console {
    app: App,
    theme: Theme,
    outbox: Outbox,
    events: mpsc::Receiver<TaskEvent>,
    snapshot: watch::Receiver<Snapshot>,
}

/// Shows the console until it is left; answers the exit code. Metrics are served as long, where an endpoint listens.
///
/// # Errors
/// The terminal cannot be used.
pub async fn run(config: Arc<Config>, orders: Orders, looks: Looks, endpoint: Option<Endpoint>) -> anyhow::Result<u8> {
    let (commands, inbox) = mpsc::channel(COMMAND_ROOM);
    let (told, events) = mpsc::channel(EVENT_ROOM);
    let (published, snapshot) = watch::channel(Snapshot::default());
    let state = orders.options.state.as_deref();
    let (events, _serving) = metrics::observe(&config, state, endpoint, events, &snapshot);
    let lines = Lines {
        commands: inbox,
        events: told,
        snapshot: published,
    };
    let app = App::new(&config, Instant::now()).map_err(|error| ConfigError::Keys(error.to_string()))?;
    let console = Console {
        app,
        theme: looks.theme,
        outbox: Outbox::new(commands),
        events,
        snapshot,
    };
    let (opened, is_open) = oneshot::channel();
    let (told, left) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("console".into())
        .spawn(move || serve_apart(console, looks.mouse, opened, told))?;
    if let Ok(opened) = is_open.await {
        opened?;
        let work = tokio::spawn(supervisor::run(config, orders, lines));
        if let Ok((console, left)) = left.await {
            return finish(console, work, left?).await;
        }
    }
    match thread.join() {
        // Its message was printed by the hook already.
        Err(panic) => std::panic::resume_unwind(panic),
        Ok(()) => anyhow::bail!("the console ended without a word"),
    }
}

/// Serves the screen on a thread with a runtime of its own: the workers' clock stands still while each of them is busy
/// with points, and a key must be answered in the next frame all the same.
fn serve_apart(
    mut console: Console,
    mouse: bool,
    opened: oneshot::Sender<anyhow::Result<()>>,
    told: oneshot::Sender<(Console, anyhow::Result<Left>)>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let made = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| Ok((runtime, Screen::open(mouse)?)));
    match made {
        Err(error) => drop(opened.send(Err(error))),
        Ok((runtime, mut screen)) => {
            let _ = opened.send(Ok(()));
            let left = runtime.block_on(console.serve(&mut screen));
            screen.close();
            let _ = told.send((console, left));
        }
    }
}

async fn finish(console: Console, work: JoinHandle<RunReport>, left: Left) -> anyhow::Result<u8> {
    let headless = Headless { json: false };
    match left {
        Left::Aborted => {
            tell!("qlance: stopped at once; the job can be resumed");
            Ok(130)
        }
        Left::HungUp => {
            let told = console.outbox.end_with(TaskCommand::Quit);
            // Nobody reads what happens any more, but when nothing more comes the event log is written.
            let mut events = console.events;
            let end = async {
                tokio::join!(told, async { while events.recv().await.is_some() {} });
                work.await
            };
            let _ = tokio::time::timeout(LAST_WORDS, end).await;
            Ok(5)
        }
        Left::Ended => {
            drop(console.events);
            let report = work.await?;
            headless.summary(&report);
            Ok(report.exit_code())
        }
        Left::Detached => {
            let commands = console.outbox.sender();
            tokio::spawn(console.outbox.end_with(TaskCommand::EndWhenDone));
            let report = headless
                .follow(commands, console.events, console.snapshot, work)
                .await?;
            Ok(report.exit_code())
        }
    }
}

impl Console {
    async fn serve(&mut self, screen: &mut Screen) -> anyhow::Result<Left> {
        let mut keys = EventStream::new();
        let mut hang_up = signal(SignalKind::hangup())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut ticks = tokio::time::interval(TICK);
        let mut pace = Pace::new(Instant::now());
        let size = screen.area();
        let resized = Message::Resized {
            columns: size.width,
            rows: size.height,
        };
        self.take(resized, screen, &mut keys).await?;
        let mut changed = true;
        let mut drawn = Instant::now();
        // Whether the operator waits for the frame.
        let mut urgent = false;
        loop {
            let message = tokio::select! {
                biased;
                _ = hang_up.recv() => return Ok(Left::HungUp),
                () = self.outbox.pass_on(), if self.outbox.is_waiting() => continue,
                () = tokio::time::sleep_until(pace.next(urgent).into()), if changed => {
                    if self.app.screen == crate::app::Screen::Log {
                        crate::fault::panic_if_asked("drawing");
                    }
                    if screen.draw(|frame| ui::draw(frame, &self.app, &self.theme)).is_err() {
                        return Ok(Left::HungUp);
                    }
                    drawn = Instant::now();
                    pace.drawn(drawn);
                    (changed, urgent) = (false, false);
                    continue;
                }
                key = keys.next() => match key {
                    Some(Ok(event)) => match message_of(&self.app, screen.area(), event) {
                        Some(message) => message,
                        None => continue,
                    },
                    // The terminal is gone: crossterm would answer the same for ever.
                    Some(Err(_)) | None => return Ok(Left::HungUp),
                },
                event = self.events.recv() => match event {
                    Some(event) => Message::Event(event),
                    None => return Ok(Left::Ended),
                },
                _ = terminate.recv() => Message::StopAsked,
                _ = interrupt.recv() => Message::StopAsked,
                result = self.snapshot.changed() => {
                    if result.is_err() {
                        // The events that are still on their way come first.
                        while let Some(event) = self.events.recv().await {
                            self.app.update(Message::Event(event), Instant::now());
                        }
                        return Ok(Left::Ended);
                    }
                    let snapshot = self.snapshot.borrow_and_update().clone();
                    Message::Snapshot(Box::new(snapshot))
                }
                _ = ticks.tick() => {
                    if !screen.is_alive() {
                        return Ok(Left::HungUp);
                    }
                    let (before, now) = (self.app.flash.is_some(), Instant::now());
                    if let Some(left) = self.take(Message::Tick, screen, &mut keys).await? {
                        return Ok(left);
                    }
                    changed |= before != self.app.flash.is_some();
                    changed |= ages::grew(ages::are_shown(&self.app), drawn, now);
                    continue;
                }
            };
            let message = if self.outbox.refuses(&message) {
                let text = "too much waits for the work already; this key was not taken";
                Message::Event(TaskEvent::Noted(Level::Warn, text.into()))
            } else {
                message
            };
            changed = true;
            urgent |= matches!(
                message,
                Message::Key(_) | Message::Mouse(_) | Message::Paste(_) | Message::Resized { .. }
            );
            // Where a text ends only the layout of this size knows.
            if matches!(message, Message::Key(_) | Message::Mouse(_)) {
                let reach = ui::reach::reach(&self.app, screen.area());
                self.take(Message::Reach(reach), screen, &mut keys).await?;
            }
            if let Some(left) = self.take(message, screen, &mut keys).await? {
                return Ok(left);
            }
            // Whatever else has come meanwhile belongs to the same frame.
            while let Ok(event) = self.events.try_recv() {
                if let Some(left) = self.take(Message::Event(event), screen, &mut keys).await? {
                    return Ok(left);
                }
            }
        }
    }

    async fn take(
        &mut self,
        message: Message,
        screen: &mut Screen,
        keys: &mut EventStream,
    ) -> anyhow::Result<Option<Left>> {
        let mut effects = VecDeque::from(self.app.update(message, Instant::now()));
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Send(command) => {
                    if self.outbox.send(command) {
                        let busy =
                            "the work is behind with what it was asked; this follows as soon as it can".to_owned();
                        let event = TaskEvent::Noted(Level::Warn, busy);
                        effects.extend(self.app.update(Message::Event(event), Instant::now()));
                    }
                }
                // The loop goes on until the work has ended, so that the last commits can be seen.
                Effect::Leave => {}
                Effect::Detach => return Ok(Some(Left::Detached)),
                Effect::Abort => return Ok(Some(Left::Aborted)),
                Effect::Suspend => {
                    // A terminal that cannot be written to is gone.
                    if screen.suspend().await.is_err() {
                        return Ok(Some(Left::HungUp));
                    }
                    *keys = EventStream::new();
                }
                Effect::Copy(text) => {
                    if screen.copy(&text).is_err() {
                        return Ok(Some(Left::HungUp));
                    }
                }
            }
        }
        Ok(None)
    }
}

fn message_of(app: &App, area: Rect, event: Event) -> Option<Message> {
    match event {
        Event::Mouse(event) => ui::hit::hit(app, area, event).map(Message::Mouse),
        Event::Key(key) => Some(Message::Key(key)),
        Event::Paste(text) => Some(Message::Paste(text)),
        Event::Resize(columns, rows) => Some(Message::Resized { columns, rows }),
        Event::FocusGained | Event::FocusLost => None,
    }
}
