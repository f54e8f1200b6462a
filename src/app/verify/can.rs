//! What can be done on the screen just now; where it cannot, the words for why not.

use super::{Pane, Run, Stage, Verify};
use crate::point::verdict::Decision;

type Can = Result<(), &'static str>;

impl Verify {
    /// Why what is selected cannot be opened.
    pub(in crate::app) fn can_open(&self) -> Can {
        match self.pane {
            _ if !self.is_known() => Err("nothing was verified yet"),
            Pane::Decision => Err("nothing is selected"),
            _ if self.offenders().is_empty() => Err("this check finds fault with no point"),
            _ => Ok(()),
        }
    }

    /// Why nothing can be repaired, as far as this screen knows.
    pub(in crate::app) fn can_repair(&self) -> Can {
        match &self.found {
            _ if self.is_running() => Err("a verification is running"),
            _ if self.planning => Err("both stores are being gone over for it"),
            None => Err("nothing was verified yet"),
            // What is seen is not what would be repaired.
            Some(_) if self.run.as_ref().is_some_and(Run::has_begun) => Err("go back to the earlier decision first"),
            Some(found) if found.decision == Decision::Go => Err("nothing is wrong"),
            Some(_) if !self.of_this_session => Err("that was verified in an earlier session; verify again first"),
            Some(_) => Ok(()),
        }
    }

    /// Why a repair would do nothing about what the last verification found.
    pub(in crate::app) fn can_be_mended(&self) -> Can {
        if self.mends {
            Ok(())
        } else {
            Err("a repair mends nothing of what was found")
        }
    }

    /// Why there is nothing to stop.
    pub(in crate::app) fn can_stop(&self) -> Can {
        match self.run.as_ref().map(|run| &run.stage) {
            Some(Stage::Asked | Stage::Running) => Ok(()),
            Some(Stage::Stopping) => Err("it is being stopped"),
            Some(Stage::Ended(_)) | None => Err("no verification is running"),
        }
    }

    /// Why no offenders can be exported: those of the last decision are, and never others than are seen.
    pub(in crate::app) fn can_export(&self) -> Can {
        let seen = self.run.as_ref().filter(|run| run.has_begun());
        match (seen.map(Run::is_going), &self.found) {
            (Some(true), _) => Err("a verification is running"),
            (Some(false), Some(_)) => Err("go back to the earlier decision first"),
            (Some(false), None) => Err("the verification did not come to its end"),
            (None, None) => Err("nothing was verified yet"),
            (None, Some(found)) if found.checks.iter().all(|check| check.offenders.shown.is_empty()) => {
                Err("no check finds fault with a point")
            }
            (None, Some(_)) => Ok(()),
        }
    }
}
