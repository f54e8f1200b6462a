//! What is still open before the new store takes over, and code for opening and asking it: `qlance handover`.
//!
//! Owns the checklist and the code. Knows `tasks`, `journal`, `lance`, `config` and `point`; only `commands` knows it.
//! Reads the stores and the files of the job's state directory, writes nothing, and never holds a secret: keys are
//! named by their variable or file, addresses lose their credentials before they get in here.
//!
//! ```text
//!  job, table, verification.json, comparison.json -> gather -> Facts  -> items  -> the checklist
//!                                                          -> Access -> Code   -> Python, Rust, TypeScript
//! ```

mod address;
mod code;
mod facts;
mod gather;
mod items;

use serde::Serialize;

pub use address::called;
pub use code::{Access, AskedBy, Code, Column, Key, Metric, Server, Tuning};
pub use facts::{Compared, Facts, Indexed, Kept, Verified};
pub use gather::gather;
pub use items::{Item, State, items};

/// What `qlance handover --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Handover {
    /// The checklist in the order in which it is worked off.
    pub items: Vec<Item>,
    /// Code for the new table.
    pub code: Code,
}

impl Handover {
    /// The checklist and the code.
    pub fn of(facts: &Facts, access: &Access) -> Self {
        Self {
            items: items(facts),
            code: Code::of(access),
        }
    }
}
