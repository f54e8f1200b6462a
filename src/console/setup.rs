//! The loop of the set-up: keys in, tries out to background tasks, the file written at the end.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyModifiers};
use futures::StreamExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::Looks;
use super::terminal::Screen;
use crate::app::setup::{Next, Setup, Tried, Try};
use crate::config::Config;
use crate::tasks::setup::{self as tasks, PATIENCE};
use crate::ui;

/// Asks until there is a configuration; `false` where the operator left.
///
/// # Errors
/// The terminal cannot be used, or the file cannot be written.
pub async fn run(path: &Path, looks: Looks) -> anyhow::Result<bool> {
    let mut screen = Screen::open(looks.mouse)?;
    let text = ask(&mut screen, looks, path).await;
    screen.close();
    let Some(text) = text? else { return Ok(false) };
    write(path, &text)?;
    Ok(true)
}

/// The directory that relative paths in a configuration are relative to.
pub(crate) fn base_of(path: &Path) -> PathBuf {
    let base = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    base.unwrap_or(Path::new(".")).to_path_buf()
}

/// Writes the file; one that has come there meanwhile is not overwritten.
///
/// # Errors
/// Something is there, or the directory cannot be written.
pub(crate) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fill(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes the file in the place of the one that is there, which stays as it is until the new one is whole. A link stays
/// one.
///
/// # Errors
/// The directory cannot be written.
pub(crate) fn write_over(path: &Path, text: &str) -> anyhow::Result<()> {
    let place = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = std::ffi::OsString::from(".");
    name.push(place.file_name().unwrap_or_default());
    name.push(format!(".{}.partial", std::process::id()));
    let partial = place.with_file_name(name);
    let written = fill(&partial, text).and_then(|()| std::fs::rename(&partial, &place));
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn fill(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

async fn ask(screen: &mut Screen, looks: Looks, path: &Path) -> anyhow::Result<Option<String>> {
    let mut setup = Setup::new(path);
    let mut keys = EventStream::new();
    // An answer belongs to the question that was asked last, or to nobody.
    let mut question = 0_u64;
    let (tell, mut told) = mpsc::channel(4);
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        screen.draw(|frame| ui::setup::draw(frame, &setup, &looks.theme))?;
        let event = tokio::select! {
            _ = hang_up.recv() => return Ok(None),
            _ = terminate.recv() => return Ok(None),
            _ = interrupt.recv() => return Ok(None),
            Some((of, tried)) = told.recv() => {
                if of == question {
                    setup.tried(tried);
                }
                continue;
            }
            event = keys.next() => match event {
                Some(Ok(event)) => event,
                // The terminal is gone.
                Some(Err(_)) | None => return Ok(None),
            },
        };
        match event {
            Event::Key(key) if is_control(key, 'c') => return Ok(None),
            Event::Key(key) if is_control(key, 'z') => {
                // A terminal that cannot be taken again is gone.
                if screen.suspend().await.is_err() {
                    return Ok(None);
                }
                keys = EventStream::new();
            }
            Event::Key(key) => {
                setup.hold(ui::setup::beyond(&setup, screen.area()));
                match setup.key(key) {
                    Next::Stay => {}
                    Next::Leave => return Ok(None),
                    Next::Write(text) => return Ok(Some(text)),
                    Next::Try(what) => {
                        question += 1;
                        let (tell, base, of) = (tell.clone(), base_of(path), question);
                        tokio::spawn(async move {
                            let _ = tell.send((of, carry_out(what, base).await)).await;
                        });
                    }
                }
            }
            Event::Paste(text) => setup.paste(&text),
            _ => {}
        }
    }
}

fn is_control(key: KeyEvent, letter: char) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char(letter)
}

/// Tries an answer; `base` is what relative paths in it are relative to.
pub(crate) async fn carry_out(what: Try, base: PathBuf) -> Tried {
    let late = || tasks::Refusal::Unreachable(format!("no answer within {} s", PATIENCE.as_secs()));
    match what {
        Try::Collections(source) => {
            let tried = tokio::time::timeout(PATIENCE, tasks::collections(&source, &base)).await;
            Tried::Collections(tried.unwrap_or_else(|_| Err(late())))
        }
        Try::Fields(source) => {
            let tried = tokio::time::timeout(PATIENCE, tasks::fields(&source, &base)).await;
            Tried::Fields(tried.unwrap_or_else(|_| Err(late())))
        }
        Try::Target(uri, table) => {
            let tried = tokio::time::timeout(PATIENCE, tasks::target(&uri, &table, &base)).await;
            Tried::Target(tried.unwrap_or_else(|_| Err(late())))
        }
        Try::Server(base_url) => {
            let tried = tokio::time::timeout(PATIENCE, tasks::server(&base_url)).await;
            Tried::Server(tried.unwrap_or_else(|_| Err(late())))
        }
        Try::Embedder(text) => {
            let tried = match Config::parse(&text, "the answers", &base) {
                Ok(config) => tokio::time::timeout(PATIENCE, tasks::embedder(&config))
                    .await
                    .unwrap_or_else(|_| Err(late())),
                Err(error) => Err(error.into()),
            };
            Tried::Embedder(tried)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_written_over_only_where_that_is_asked_for() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("qlance.toml");
        let text = || std::fs::read_to_string(&path).expect("a file");
        write(&path, "one").expect("nothing was there");
        assert!(write(&path, "two").is_err());
        assert_eq!(text(), "one");
        write_over(&path, "three").expect("written over");
        assert_eq!(text(), "three");
        assert_eq!(
            std::fs::read_dir(dir.path()).expect("listed").count(),
            1,
            "nothing else is left"
        );
        assert_eq!(base_of(Path::new("qlance.toml")), Path::new("."));
    }
}
