//! When an action applies, and the words for why it does not; and while what is open the footer names it.

use crate::app::App;
use crate::app::divergence::{Asked, Pane};
use crate::app::screen::Screen;
use crate::app::{diff, verify};
use crate::journal::{Filter, State};
use crate::tasks::search::How;
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
    stays(app)?;
    match app.phase {
        Phase::Ready => Ok(()),
        Phase::Connecting => Err("the plan is not worked out yet"),
        _ => Err("it has begun already"),
    }
}

/// Nothing begins any more once qlance is being left.
fn stays(app: &App) -> When {
    require(!app.leaving, "qlance is being left")
}

/// What was asked to stop is not asked once more: that it goes on without the screen could not be promised any longer.
pub(super) fn can_quit(app: &App) -> When {
    require(!app.leaving, "qlance is being left; Ctrl-C stops at once")
}

pub(super) fn can_pause(app: &App) -> When {
    stays(app)?;
    match app.phase {
        Phase::Running | Phase::Paused | Phase::Pausing | Phase::Stopped(_) => Ok(()),
        Phase::Connecting => Err("not connected yet"),
        Phase::Ready => Err("it has not begun; it is started on Migrate"),
        Phase::Stopping => Err("it is stopping"),
        Phase::Finishing(_) => Err("no point is left to move; the table is being finished"),
        Phase::Comparing | Phase::CatchingUp => Err("it is complete; both stores are being compared"),
        Phase::Complete => Err("it is complete"),
        Phase::Failed(_) => Err("it could not begin"),
    }
}

pub(super) fn can_catch_up(app: &App) -> When {
    stays(app)?;
    require(app.phase == Phase::Complete, "it is not complete yet")?;
    require(!app.verify.is_running(), "a verification is running")?;
    is_quiet(app)
}

pub(super) fn waits(app: &App) -> When {
    match &app.snapshot.waiting {
        Some(waiting) if waiting.ends_on_a_try() => Ok(()),
        Some(waiting) if waiting.cap.is_some() => Err("your own cap holds it back, and can be moved"),
        _ => Err("nothing is waited for"),
    }
}

/// What is set holds whatever the work is at: for a run, a retry, and all that begins later.
pub(super) fn has_embedder(app: &App) -> When {
    is_open(app)?;
    require(
        app.snapshot.settings.in_flight > 0,
        "vectors are carried over; nothing is embedded",
    )
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

/// On Divergence the keys may go to the bins: what is selected in the list beside them was not looked at.
fn in_points(app: &App) -> When {
    let in_bins = app.screen == Screen::Divergence && app.divergence.pane == Pane::Bins;
    require(!in_bins, "Tab to the points first")
}

pub(super) fn has_divergent(app: &App) -> When {
    in_points(app)?;
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
    has_divergent(app)?;
    require(!app.divergence.lacks_source_vector(), "Qdrant has no vector")
}

pub(super) fn can_measure(app: &App) -> When {
    is_open(app)?;
    require(app.has_points(), "no points in the table yet")?;
    let is_under_way = app.divergence.agreement == Asked::Waiting;
    require(!is_under_way, "they are being compared already")
}

pub(super) fn has_bin(app: &App) -> When {
    require(app.divergence.chosen_bin().is_some(), "no bin is selected")
}

pub(super) fn is_zoomed(app: &App) -> When {
    require(app.divergence.is_zoomed(), "there are no wider bins")
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
        Phase::Complete => app.verify.can_be_mended(),
        // What broke off over somebody else's rows cannot go on before they are taken over, whatever else was found.
        Phase::Stopped(StopReason::Broken(_)) => Ok(()),
        _ => Err("the migration has not come to its end"),
    }
}

pub(super) fn has_offenders(app: &App) -> When {
    is_open(app)?;
    app.verify.can_export()
}

/// Whether there is a list or a text to move in.
pub(super) fn can_move(app: &App) -> When {
    let leads = match app.screen {
        Screen::Migrate => app.plan.is_some() && app.phase == Phase::Ready,
        Screen::Diff => has_pair(app) || !app.diff.list().is_empty(),
        Screen::Verify => app.verify.is_known(),
        Screen::Search => !app.search.hits(app.search.pane).is_empty(),
        Screen::Divergence | Screen::Failures | Screen::Log => true,
    };
    require(leads, "there is no list here")
}

/// Whether Left and Right lead anywhere.
pub(super) fn can_move_sideways(app: &App) -> When {
    let leads = match app.screen {
        Screen::Divergence => app.divergence.pane != Pane::Detail,
        Screen::Diff => has_pair(app),
        Screen::Verify => {
            let is_beside = matches!(app.verify.pane, verify::Pane::Detail | verify::Pane::Offenders);
            is_beside && !app.verify.offenders().is_empty()
        }
        Screen::Search => has_panes(app),
        Screen::Migrate | Screen::Failures | Screen::Log => false,
    };
    require(leads, "nothing is beside it")
}

pub(super) fn can_change_panes(app: &App) -> When {
    require(has_panes(app), "there is no other pane")
}

/// Whether `Esc` leads anywhere on a screen.
pub(super) fn can_go_back(app: &App) -> When {
    let leads = match app.screen {
        Screen::Migrate => return Err("nothing is opened here"),
        Screen::Log => return require(app.log.back > 0, "it is selected already"),
        Screen::Divergence => app.divergence.can_go_back(),
        Screen::Failures => {
            let is_narrowed = app.failures.filter() != Filter::default();
            in_what_is_open(app) || is_narrowed || app.failures.marked() > 0
        }
        Screen::Diff => in_what_is_open(app) || app.came_from.is_some(),
        Screen::Verify => {
            let has_ended = app.verify.run().is_some_and(|run| !run.is_going());
            in_what_is_open(app) || has_ended
        }
        Screen::Search => app.search.can_go_back(),
    };
    require(leads, "there is no step back")
}

pub(super) fn has_record(app: &App) -> When {
    require(app.diff.record.is_some(), "no pair is open")
}

pub(super) fn has_difference(app: &App) -> When {
    has_record(app)?;
    require(app.diff.differing() > 0, "no field differs")
}

pub(super) fn has_equal(app: &App) -> When {
    has_record(app)?;
    require(app.diff.equal() > 0, "no field is equal")
}

pub(super) fn can_wrap(app: &App) -> When {
    has_record(app)?;
    require(app.diff.shown(0).is_some(), "no field to wrap")
}

pub(super) fn has_selected(app: &App) -> When {
    in_points(app)?;
    require(app.selected_id().is_some(), "nothing is selected")
}

pub(super) fn can_open(app: &App) -> When {
    match app.screen {
        Screen::Divergence => require(app.divergence.can_open(), "nothing is selected"),
        Screen::Diff => require(app.diff.can_open(), "nothing is selected"),
        Screen::Verify => app.verify.can_open(),
        // Without a result it begins a query.
        Screen::Search => is_open(app),
        _ => has_selected(app),
    }
}

/// Whether there is a choice of how it is searched.
pub(super) fn can_choose_how(app: &App) -> When {
    require(app.search.embeds(), "vectors are carried over; nobody embeds a query")
}

/// Whether vectors are compared, exactly or not.
pub(super) fn can_be_exact(app: &App) -> When {
    require(
        app.search.how() != How::Keyword,
        "not by keywords: only vectors are compared exactly",
    )
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

/// Whether there is something for `Enter` that is not open already, or being read. In the bins it only goes to the
/// points, as Tab does.
pub(super) fn can_be_opened(app: &App) -> bool {
    let is_listed = match app.screen {
        Screen::Divergence => app.divergence.error().is_some() || in_points(app).is_ok() && has_rows(app),
        Screen::Search => has_selected(app).is_ok(),
        _ => true,
    };
    let selected = app.failures.selected().filter(|_| app.screen == Screen::Failures);
    // What could not be read is opened once more.
    let is_opened = selected.is_some_and(|row| {
        let is_here = app.failures.is_opened(row.id) && !app.failures.is_unreadable(row.id);
        is_here || app.failures.opening() == Some(row.id)
    });
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

/// Whether `Esc` closes something that was opened, or takes back what was asked.
pub(super) fn in_what_is_open(app: &App) -> bool {
    match app.screen {
        Screen::Divergence => app.divergence.detail != Asked::No,
        Screen::Failures => app.failures.detail.is_some() || app.failures.opening().is_some(),
        Screen::Diff => has_pair(app) || app.diff.error.is_some() || app.diff.reading().is_some(),
        Screen::Verify => app.verify.pane != verify::Pane::Checks,
        Screen::Search => app.search.can_go_back(),
        Screen::Migrate | Screen::Log => false,
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

/// Whether there are rows that the threshold divides, whichever of them are listed.
pub(super) fn has_similarities(app: &App) -> bool {
    is_compared(app) && !in_detail(app)
}

/// Whether the keys go to bins that are drawn.
pub(super) fn in_bins(app: &App) -> bool {
    is_compared(app) && app.divergence.pane == Pane::Bins
}

/// Whether neighbours are all that can be compared (there is no similarity, of this column or yet), and the keys go to
/// where that is said: among the points it would crowd out what can be done to them.
pub(super) fn has_only_neighbours(app: &App) -> bool {
    app.divergence.pane == Pane::Bins && !is_compared(app)
}

fn is_compared(app: &App) -> bool {
    let compares = app.facts.as_ref().is_none_or(|facts| facts.comparable.is_ok());
    compares && app.snapshot.similarities.compared() > 0
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
