//! Where the work stands, in one word for the screen.

use crate::lance::index::Step;

/// Why a run stopped early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// The operator wished it.
    ByOperator,
    /// Nothing was to be moved in this session, and the job had not come to its end before.
    NotAsked,
    /// The budget is used up; raising it goes on.
    Budget(String),
    /// Something failed that no single point is to blame for.
    Trouble(String),
    /// An invariant does not hold: qlance's own fault, or somebody else's hand in the table. Nothing more is written.
    Broken(String),
}

impl std::fmt::Display for StopReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ByOperator => f.write_str("stopped by the operator"),
            Self::NotAsked => f.write_str("no points were to be moved in this session"),
            Self::Budget(reason) | Self::Trouble(reason) | Self::Broken(reason) => f.write_str(reason),
        }
    }
}

/// Where the work stands. What the screen shows as done is one of these, never a key that was pressed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Phase {
    /// Asking source, target and embedder.
    #[default]
    Connecting,
    /// All is open and nothing moves yet: the plan waits for the operator.
    Ready,
    /// Moving points.
    Running,
    /// Pause was asked for; requests are still in flight.
    Pausing,
    /// Nothing is in flight.
    Paused,
    /// Stop was asked for; what is embedded is being committed.
    Stopping,
    /// All points are across; the table is being finished.
    Finishing(Step),
    /// Going over both stores once more, to see what differs.
    Comparing,
    /// Bringing over what differs.
    CatchingUp,
    /// Done.
    Complete,
    /// Stopped early; can be resumed.
    Stopped(StopReason),
    /// Could not begin.
    Failed(String),
}

impl Phase {
    /// The word on the screen.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Connecting => "CONNECTING",
            Self::Ready => "READY",
            Self::Running => "RUNNING",
            Self::Pausing => "PAUSING",
            Self::Paused => "PAUSED",
            Self::Stopping => "STOPPING",
            Self::Finishing(_) => "FINISHING",
            Self::Comparing => "COMPARING",
            Self::CatchingUp => "CATCHING UP",
            Self::Complete => "COMPLETE",
            Self::Stopped(_) => "STOPPED",
            Self::Failed(_) => "FAILED",
        }
    }

    /// Whether points are on their way, so that quitting needs a question.
    pub fn is_working(&self) -> bool {
        matches!(
            self,
            Self::Running
                | Self::Pausing
                | Self::Paused
                | Self::Stopping
                | Self::Finishing(_)
                | Self::Comparing
                | Self::CatchingUp
        )
    }
}
