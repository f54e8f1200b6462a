//! What qlance itself is to blame for, as a type: an invariant that does not hold, or a task that panicked. Such a
//! fault stops the run, whatever else could go on; no point is ever blamed for it.

use std::fmt;

/// What must hold at every commit (docs/reliability.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invariant {
    /// Points read = written + failed + skipped, in the table as in the journal.
    Conservation,
    /// Rows of one id range are committed in scroll order, each page from where the cursor is.
    ScrollOrder,
    /// A task ends with a result.
    NoPanic,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conservation => "conservation broken",
            Self::ScrollOrder => "scroll order broken",
            Self::NoPanic => "qlance itself is at fault",
        })
    }
}

/// Why the work of the writer (or any task) ended, kept apart by whose fault it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// The invariant that does not hold; `None` where the system failed (a full disk, a lost connection).
    pub invariant: Option<Invariant>,
    /// What happened, with its chain of causes.
    pub message: String,
}

impl Fault {
    /// An invariant does not hold.
    pub fn broken(invariant: Invariant, message: impl fmt::Display) -> Self {
        Self {
            invariant: Some(invariant),
            message: format!("{invariant}: {message}"),
        }
    }

    /// The system failed.
    pub fn trouble(message: impl fmt::Display) -> Self {
        Self {
            invariant: None,
            message: message.to_string(),
        }
    }

    /// The fault in an error: an invariant stays one under any context that was put around it.
    pub fn of(error: &anyhow::Error) -> Self {
        Self {
            invariant: error
                .chain()
                .find_map(|cause| cause.downcast_ref::<Self>())
                .and_then(|fault| fault.invariant),
            message: format!("{error:#}"),
        }
    }
}

/// Checks that points are neither lost nor doubled.
///
/// # Errors
/// A [`Fault`] with the message, where `holds` is false.
pub fn conserved(holds: bool, message: impl FnOnce() -> String) -> Result<(), Fault> {
    if holds {
        return Ok(());
    }
    Err(Fault::broken(Invariant::Conservation, message()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn an_invariant_is_found_under_its_context() {
        let error = conserved(false, || "3 rows too many".into())
            .context("the commit failed")
            .expect_err("broken");
        let fault = Fault::of(&error);
        assert_eq!(fault.invariant, Some(Invariant::Conservation));
        assert_eq!(fault.message, "the commit failed: conservation broken: 3 rows too many");
        assert_eq!(Fault::of(&anyhow::anyhow!("no space left on device")).invariant, None);
        assert!(conserved(true, String::new).is_ok());
    }
}
