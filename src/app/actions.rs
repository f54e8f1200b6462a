//! The one registry of actions: name, keys, texts, where each applies and why not just now. The keymap, the footer, the
//! help, the palette and the README's table are made from it.

mod commands;
mod table;
mod when;

use super::App;
use super::screen::Screen;

pub use table::ACTIONS;

/// A way through a list or a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// One up.
    Up,
    /// One down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first.
    Top,
    /// To the last.
    Bottom,
    /// To the left.
    Left,
    /// To the right.
    Right,
}

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionId {
    /// Leave.
    Quit,
    /// Open help.
    Help,
    /// Open the palette.
    Palette,
    /// Give the terminal back until `fg`.
    Suspend,
    /// Show a screen.
    Show(Screen),
    /// The next pane.
    NextPane,
    /// The previous pane.
    PreviousPane,
    /// Begin to move points.
    Start,
    /// Pause or go on.
    PauseOrResume,
    /// Make the next try now.
    TryNow,
    /// Go over both stores once more.
    CatchUp,
    /// More requests in flight.
    Faster,
    /// Fewer requests in flight.
    Slower,
    /// Inputs a request.
    BatchInputs,
    /// Requests a minute.
    RequestsPerMinute,
    /// Tokens a minute.
    TokensPerMinute,
    /// Money for the job.
    Budget,
    /// Move in a list.
    Move(Motion),
    /// Open what is selected.
    Open,
    /// One step back.
    Back,
    /// Filter the list.
    Filter,
    /// Another order of the list.
    Sort,
    /// Mark what is selected.
    Mark,
    /// Retry the marked, or the selected.
    Retry,
    /// Retry all that the filter shows.
    RetryAll,
    /// Edit the content and retry.
    Edit,
    /// Give up the marked, or the selected.
    Skip,
    /// Take a skip back.
    Unskip,
    /// Write the failures to a file.
    Export,
    /// Copy the id.
    CopyId,
    /// Copy a field.
    CopyField,
    /// Linear or logarithmic counts.
    Scale,
    /// Look into a bin.
    ZoomIn,
    /// Back to wider bins.
    ZoomOut,
    /// Move the threshold by so many thousandths.
    Threshold(i8),
    /// Embed rows again.
    EmbedAgain,
    /// Keep Qdrant's vector.
    KeepSourceVector,
    /// Accept rows as they are.
    Accept,
    /// Compare the neighbours of a sample.
    MeasureAgreement,
    /// Open the point in Diff.
    ShowDiff,
    /// Another sample of pairs.
    Sample,
    /// A pair by its id.
    PairById,
    /// The next difference.
    NextDifference,
    /// The previous difference.
    PreviousDifference,
    /// Fold equal fields.
    Fold,
    /// Wrap long texts.
    Wrap,
    /// Verify everything.
    Verify,
    /// Verify the payloads and vectors of a sample.
    VerifySample,
    /// Stop the verification that is under way.
    StopVerifying,
    /// Bring together what a verification found apart.
    Repair,
    /// Write the points that a verification finds fault with to a file.
    ExportOffenders,
    /// Type a query.
    Query,
    /// What is found must be made of this.
    Find,
    /// By vector, by keywords, or by both.
    SearchHow,
    /// Exactly, or through the indexes.
    SearchExactly,
    /// Type a condition.
    Condition,
    /// Which lines of the log are shown.
    LogLevel,
}

impl ActionId {
    /// Whether it only leads from place to place, and nothing is lost where it leads nowhere.
    pub(super) fn is_way(self) -> bool {
        matches!(self, Self::Move(_) | Self::NextPane | Self::PreviousPane | Self::Back)
    }
}

/// One row of the registry.
#[derive(Debug)]
pub struct Action {
    /// What it is.
    pub id: ActionId,
    /// Its name in kebab-case, as `[keys]` and the palette know it.
    pub name: &'static str,
    /// Its own keys.
    pub keys: &'static [&'static str],
    /// A word or two for the footer.
    pub short: &'static str,
    /// One of them, where the footer has no room for all.
    pub brief: &'static str,
    /// A sentence for help, as [`Action::sentence`] ends it.
    pub long: &'static str,
    /// The screens it belongs to; none is everywhere.
    pub screens: &'static [Screen],
    /// Whether the footer shows it just now, where it applies: what is open decides which keys are named.
    pub in_footer: fn(&App) -> bool,
    /// Whether it asks before it acts.
    pub dangerous: bool,
    /// Why it does not apply just now.
    pub available: fn(&App) -> Result<(), &'static str>,
    /// The commands that do the same without a screen, behind `qlance`; none where it only moves or shows something.
    pub commands: &'static [&'static str],
}

impl Action {
    const fn new(
        id: ActionId,
        name: &'static str,
        keys: &'static [&'static str],
        short: &'static str,
        long: &'static str,
    ) -> Self {
        Self {
            id,
            name,
            keys,
            short,
            brief: short,
            long,
            screens: &[],
            in_footer: when::never,
            dangerous: false,
            available: when::always,
            commands: commands::of(id),
        }
    }

    const fn on(mut self, screens: &'static [Screen]) -> Self {
        self.screens = screens;
        self
    }

    const fn briefly(mut self, brief: &'static str) -> Self {
        self.brief = brief;
        self
    }

    const fn in_footer(self) -> Self {
        self.in_footer_while(when::ever)
    }

    const fn in_footer_while(mut self, shown: fn(&App) -> bool) -> Self {
        self.in_footer = shown;
        self
    }

    const fn dangerous(mut self) -> Self {
        self.dangerous = true;
        self
    }

    const fn when(mut self, available: fn(&App) -> Result<(), &'static str>) -> Self {
        self.available = available;
        self
    }

    /// The screens it belongs to, in words; "all screens" where it is everywhere.
    pub fn where_it_is(&self) -> String {
        match self.screens {
            [] => "all screens".to_owned(),
            [screens @ .., last] if !screens.is_empty() => {
                let first: Vec<&str> = screens.iter().map(|screen| screen.title()).collect();
                format!("{} and {}", first.join(", "), last.title())
            }
            [screen, ..] => screen.title().to_owned(),
        }
    }

    /// Its sentence. That it asks first is said where the sentence itself does not say when it asks.
    pub fn sentence(&self) -> String {
        let mut words = self.long.split(|c: char| !c.is_alphabetic());
        let says = words.any(|word| ["ask", "asks", "Asks"].contains(&word));
        let asks = if self.dangerous && !says { " Asks first." } else { "" };
        format!("{}{asks}", self.long)
    }

    /// The same on a screen where it does something of its own.
    pub fn sentence_on(&self, screen: Screen) -> String {
        match (self.id, screen) {
            (ActionId::Back, Screen::Log) => "Back to the newest line.".to_owned(),
            (ActionId::Open, Screen::Search) => "Open the selected result; without one, type a query.".to_owned(),
            (ActionId::Open, Screen::Divergence) => {
                "Open the selected point; from the bins, go to the points.".to_owned()
            }
            _ => self.sentence(),
        }
    }

    /// Whether it can be called on a screen at all.
    pub fn applies_to(&self, screen: Screen) -> bool {
        self.screens.is_empty() || self.screens.contains(&screen)
    }
}

/// The actions of a screen, in the registry's order.
pub fn on(screen: Screen) -> impl Iterator<Item = &'static Action> {
    ACTIONS.iter().filter(move |action| action.applies_to(screen))
}
