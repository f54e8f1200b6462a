//! When an action applies, and the words for why it does not; and while what is open the footer names it.

use crate::app::App;
use crate::app::divergence::{Asked, Pane};
use crate::app::screen::Screen;
use crate::app::{diff, verify};
use crate::journal::State;
use crate::tasks::{Phase, StopReason};

type When = Result<(), &'static str>;

fn require(condition: bool, why: &'static str) -> When {
    if condition { Ok(()) } else { Err(why) }
}

pub(super) fn always(_: &App) -> When {
    Ok(())
}

pub(super) fn is_open(app: &App) -> When {
    require(app.facts.is_some(), "the job is not open yet")
}

pub(super) fn is_ready(app: &App) -> When {
    match app.phase {
        Phase::Ready => Ok(()),
        Phase::Connecting => Err("the plan is not worked out yet"),
        _ => Err("it has begun already"),
    }
}

pub(super) fn can_pause(app: &App) -> When {
    match app.phase {
        Phase::Running | Phase::Paused | Phase::Pausing | Phase::Stopped(_) => Ok(()),
        Phase::Connecting => Err("not connected yet"),
        Phase::Ready => Err("it has not begun; it is started on Migrate"),
        Phase::Stopping => Err("it is stopping"),
        Phase::Finishing(_) => Err("all points are over; the table is being finished"),
        Phase::Comparing | Phase::CatchingUp => Err("it is complete; both stores are being compared"),
        Phase::Complete => Err("it is complete"),
        Phase::Failed(_) => Err("it could not begin"),
    }
}

pub(super) fn can_catch_up(app: &App) -> When {
    require(app.phase == Phase::Complete, "it is not complete yet")
}

pub(super) fn waits(app: &App) -> When {
    let waits = app
        .snapshot
        .waiting
        .as_ref()
        .is_some_and(|waiting| waiting.left.is_some());
    require(waits, "nothing is waited for")
}

pub(super) fn has_embedder(app: &App) -> When {
    is_open(app)?;
    require(
        app.snapshot.settings.in_flight > 0,
        "vectors are carried over; nothing is embedded",
    )
}

pub(super) fn embeds(app: &App) -> When {
    match app.phase {
        Phase::Running | Phase::Paused | Phase::Pausing | Phase::Ready => has_embedder(app),
        _ => Err("nothing is running"),
    }
}

/// Whether a single chosen failure stands as it must; of several the work sorts out those that do.
fn stands(app: &App, fit: impl Fn(State) -> When) -> When {
    require(app.failures.has_chosen(), "no failed point is selected")?;
    app.failures.only_chosen().map_or(Ok(()), fit)
}

/// Whether a failed point waits for the operator.
fn is_failed(state: State) -> When {
    match state {
        State::Failed => Ok(()),
        State::Retrying => Err("it is being retried"),
        State::Skipped => Err("skipped; undo the skip first"),
        State::Recovered => Err("it is in the table already"),
    }
}

pub(super) fn can_retry(app: &App) -> When {
    can_make_rows_anew(app)?;
    stands(app, is_failed)
}

pub(super) fn can_skip(app: &App) -> When {
    stands(app, is_failed)
}

pub(super) fn can_unskip(app: &App) -> When {
    stands(app, |state| require(state == State::Skipped, "not skipped"))
}

pub(super) fn has_failures(app: &App) -> When {
    can_make_rows_anew(app)?;
    require(app.failures.is_current(), "the journal is being read")?;
    require(app.failures.retryable() > 0, "there are no failures to retry")
}

pub(super) fn can_edit(app: &App) -> When {
    is_open(app)?;
    require(
        app.snapshot.settings.in_flight > 0,
        "vectors are carried over; nothing is embedded",
    )?;
    can_make_rows_anew(app)?;
    let Some(row) = app.failures.selected() else {
        return Err("no failed point is selected");
    };
    is_failed(app.failures.standing(row))?;
    require(!app.failures.is_unreadable(row.id), "its payload cannot be read")
}

pub(super) fn has_divergent(app: &App) -> When {
    require(!app.divergence.chosen().is_empty(), "no point is selected")
}

pub(super) fn can_embed_again(app: &App) -> When {
    require(
        app.snapshot.settings.in_flight > 0,
        "vectors are carried over; nothing is embedded",
    )?;
    can_make_rows_anew(app)?;
    has_divergent(app)
}

/// Catching up writes rows that it has read before: what is decided in between would be lost, and what a retry brings
/// over would be new to it.
fn can_make_rows_anew(app: &App) -> When {
    match app.phase {
        Phase::Comparing => Err("both stores are being compared"),
        Phase::CatchingUp => Err("both stores are being brought together"),
        _ => Ok(()),
    }
}

pub(super) fn can_keep(app: &App) -> When {
    let comparable = app.facts.as_ref().is_some_and(|facts| facts.comparable.is_ok());
    require(comparable, "Qdrant's vectors are of another space than this column")?;
    can_make_rows_anew(app)?;
    has_divergent(app)
}

/// Whether nothing is under way that reads or writes both stores.
fn is_quiet(app: &App) -> When {
    match app.phase {
        Phase::Ready | Phase::Complete | Phase::Stopped(_) => {}
        Phase::Connecting => return Err("not connected yet"),
        Phase::Running | Phase::Pausing | Phase::Paused | Phase::Stopping => {
            return Err("points are still being moved");
        }
        Phase::Finishing(_) => return Err("the table is still being finished"),
        Phase::Comparing => return Err("both stores are being compared"),
        Phase::CatchingUp => return Err("both stores are being brought together"),
        Phase::Failed(_) => return Err("it could not begin"),
    }
    let at_rest = app.failures.retrying() == 0 && !app.divergence.is_at_work();
    require(at_rest, "points are being tried again")
}

pub(super) fn can_verify(app: &App) -> When {
    is_open(app)?;
    require(!app.verify.is_running(), "a verification is running")?;
    is_quiet(app)
}

pub(super) fn can_stop_verifying(app: &App) -> When {
    app.verify.can_stop()
}

pub(super) fn can_repair(app: &App) -> When {
    is_open(app)?;
    app.verify.can_repair()?;
    is_quiet(app)?;
    match app.phase {
        // What broke off over somebody else's rows cannot go on before they are taken over.
        Phase::Complete | Phase::Stopped(StopReason::Broken(_)) => Ok(()),
        _ => Err("the migration has not come to its end"),
    }
}

pub(super) fn has_offenders(app: &App) -> When {
    is_open(app)?;
    require(app.verify.found().is_some(), "nothing was verified yet")?;
    require(app.verify.has_offenders(), "no check finds fault with a point")
}

pub(super) fn has_record(app: &App) -> When {
    require(app.diff.record.is_some(), "no pair is open")
}

pub(super) fn has_selected(app: &App) -> When {
    require(app.selected_id().is_some(), "nothing is selected")
}

pub(super) fn can_open(app: &App) -> When {
    match app.screen {
        Screen::Divergence => require(app.divergence.can_open(), "nothing is selected"),
        Screen::Verify => app.verify.can_open(),
        // Without a result it begins a query.
        Screen::Search => is_open(app),
        _ => has_selected(app),
    }
}

// --- what the footer names

pub(super) fn never(_: &App) -> bool {
    false
}

pub(super) fn ever(_: &App) -> bool {
    true
}

/// Pausing holds everywhere, and is named where the work is.
pub(super) fn on_migrate(app: &App) -> bool {
    app.screen == Screen::Migrate
}

/// Whether what was opened has the keys.
pub(super) fn in_detail(app: &App) -> bool {
    match app.screen {
        Screen::Divergence => app.divergence.pane == Pane::Detail,
        Screen::Failures => app.failures.is_in_detail(),
        Screen::Diff => app.diff.pane == diff::Pane::Record,
        _ => false,
    }
}

/// Whether there is something for `Enter` that is not open already.
pub(super) fn can_be_opened(app: &App) -> bool {
    let is_listed = app.screen != Screen::Divergence || app.divergence.error().is_some() || has_rows(app);
    let selected = app.failures.selected().filter(|_| app.screen == Screen::Failures);
    let is_opened = selected.is_some_and(|row| app.failures.is_opened(row.id));
    is_listed && !is_opened && !in_detail(app)
}

/// Whether the keys go to a list.
pub(super) fn in_list(app: &App) -> bool {
    !in_detail(app)
}

/// Whether the chosen failure is one that was given up.
pub(super) fn is_skipped(app: &App) -> bool {
    app.failures.only_chosen() == Some(State::Skipped)
}

/// Whether `Esc` closes something that was opened.
pub(super) fn in_what_is_open(app: &App) -> bool {
    match app.screen {
        Screen::Divergence => app.divergence.detail != Asked::No,
        Screen::Failures => app.failures.detail.is_some() || app.failures.opening().is_some(),
        Screen::Diff => has_pair(app) || app.diff.error.is_some() || app.diff.reading().is_some(),
        Screen::Verify => app.verify.pane != verify::Pane::Checks,
        Screen::Migrate | Screen::Search | Screen::Log => false,
    }
}

/// Whether the keys can go to another pane.
pub(super) fn has_panes(app: &App) -> bool {
    match app.screen {
        Screen::Divergence => app.divergence.has_panes(),
        Screen::Failures => app.failures.detail.is_some(),
        Screen::Diff => app.diff.has_panes(),
        Screen::Verify => app.verify.is_known(),
        Screen::Search => app.search.answer().is_some(),
        Screen::Migrate | Screen::Log => false,
    }
}

/// Whether there are rows that the threshold divides.
pub(super) fn has_similarities(app: &App) -> bool {
    compares(app) && has_rows(app) && !in_detail(app)
}

/// Whether neighbours are all that can be compared: there is no similarity, of this column or yet.
pub(super) fn has_only_neighbours(app: &App) -> bool {
    !(in_detail(app) || compares(app) && has_rows(app))
}

fn compares(app: &App) -> bool {
    app.facts.as_ref().is_none_or(|facts| facts.comparable.is_ok())
}

fn has_rows(app: &App) -> bool {
    app.divergence.total().is_some_and(|total| total > 0)
}

pub(super) fn has_pair(app: &App) -> bool {
    app.diff.record.is_some()
}

pub(super) fn in_no_pair(app: &App) -> bool {
    !in_detail(app)
}

/// Whether the checks as a whole are looked at, and not one of them.
pub(super) fn in_no_check(app: &App) -> bool {
    matches!(app.verify.pane, verify::Pane::Checks | verify::Pane::Decision)
}
