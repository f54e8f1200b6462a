//! The terminal: taken, drawn on in whole frames, and always given back: on leaving, on a panic, on Ctrl-Z.

use std::io::{IsTerminal as _, Stdout, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::style::force_color_output;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal};
use rustix::process::{Signal, getpid, kill_process};
use tokio::signal::unix::{SignalKind, signal};

/// A terminal that belongs to the console as long as this is open.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    open: bool,
    /// Whether the mouse is ours too; else the terminal itself selects and scrolls.
    mouse: bool,
}

/// Whether the terminal is ours just now: it is given back once, whoever comes first, a panic or the end.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether the mouse is: where it was left to the terminal, nothing is said about it at the end either.
static MOUSE_TAKEN: AtomicBool = AtomicBool::new(false);

fn enter(mouse: bool) -> std::io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    or_give_back(take(mouse), &mut stdout())
}

/// Takes the screen and what belongs to it, once the terminal is raw.
fn take(mouse: bool) -> std::io::Result<()> {
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
    if mouse {
        MOUSE_TAKEN.store(true, Ordering::SeqCst);
        execute!(stdout(), EnableMouseCapture)?;
    }
    Ok(())
}

/// What was only half taken is given back: nobody would come for it.
fn or_give_back<T>(taken: std::io::Result<T>, to: &mut impl Write) -> std::io::Result<T> {
    if taken.is_err() {
        give_back(to);
    }
    taken
}

/// Gives the terminal back. Called from the panic hook too, so it must not fail loudly.
fn leave() {
    give_back(&mut stdout());
}

fn give_back(to: &mut impl Write) {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    if MOUSE_TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(to, DisableMouseCapture);
    }
    let _ = execute!(to, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}

impl Screen {
    /// Takes the terminal, and the mouse where that is wanted, and sees to it that a panic gives them back before its
    /// message is printed.
    ///
    /// # Errors
    /// Stdout is no terminal that can be used so.
    pub(super) fn open(mouse: bool) -> anyhow::Result<Self> {
        let earlier = std::panic::take_hook();
        let drawing = std::thread::current().id();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().id() == drawing || !TAKEN.load(Ordering::SeqCst) {
                leave();
                earlier(panic);
            } else {
                // A background task: the screen stays, says what stopped, and the message goes to the log.
                tracing::error!("{panic}");
            }
        }));
        // Which colours there are, the theme says. Left alone, crossterm would drop them where NO_COLOR is set, even if
        // they were asked for, and write a sequence in their place that takes bold and underlined away.
        force_color_output(true);
        enter(mouse)?;
        let terminal = or_give_back(Terminal::new(CrosstermBackend::new(stdout())), &mut stdout())?;
        Ok(Self {
            terminal,
            open: true,
            mouse,
        })
    }

    /// The whole screen.
    pub(super) fn area(&self) -> Rect {
        let size = self.terminal.size().unwrap_or_default();
        Rect::new(0, 0, size.width, size.height)
    }

    /// Draws one frame as one update.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> std::io::Result<()> {
        execute!(stdout(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(draw).map(|_| ());
        execute!(stdout(), EndSynchronizedUpdate)?;
        drawn
    }

    /// Whether the terminal is still there.
    pub(super) fn is_alive(&self) -> bool {
        stdout().is_terminal() && rustix::termios::tcgetattr(stdout()).is_ok()
    }

    /// Gives the terminal back, stops this process, and takes the terminal again after `fg`.
    ///
    /// # Errors
    /// The terminal cannot be taken again.
    pub(super) async fn suspend(&mut self) -> anyhow::Result<()> {
        let mut woken = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        leave();
        // SIGTSTP to oneself is dropped in an orphaned process group; SIGSTOP is not.
        kill_process(getpid(), Signal::STOP)?;
        // It is the process that is stopped, not this thread: without waiting it would take the terminal again before.
        woken.recv().await;
        // It may have been closed meanwhile: crossterm would spin on it.
        anyhow::ensure!(self.is_alive(), "the terminal is gone");
        enter(self.mouse)?;
        let size = self.terminal.size()?;
        // `clear` would ask for the cursor's place, and wait for an answer that the event stream swallows.
        self.terminal.resize(Rect::new(0, 0, size.width, size.height))?;
        Ok(())
    }

    /// Puts a text into the terminal's clipboard (OSC 52).
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn copy(&mut self, text: &str) -> std::io::Result<()> {
        execute!(stdout(), CopyToClipboard::to_clipboard_from(text))?;
        stdout().flush()
    }

    /// Gives the terminal back.
    pub(super) fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            leave();
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_half_taken_is_given_back_once() {
        let said = |taken: std::io::Result<()>| {
            let mut said = Vec::new();
            let _ = or_give_back(taken, &mut said);
            String::from_utf8(said).expect("text")
        };
        let failed = || Err(std::io::Error::other("no size"));
        TAKEN.store(true, Ordering::SeqCst);
        MOUSE_TAKEN.store(true, Ordering::SeqCst);
        assert_eq!(said(Ok(())), "", "it is ours");
        assert!(TAKEN.load(Ordering::SeqCst));
        let back = said(failed());
        for sequence in ["\x1b[?1000l", "\x1b[?2004l", "\x1b[?1049l", "\x1b[?25h"] {
            assert!(back.contains(sequence), "{sequence:?} in {back:?}");
        }
        assert!(!TAKEN.load(Ordering::SeqCst));
        assert_eq!(said(failed()), "", "nothing is left to give back");
    }
}
