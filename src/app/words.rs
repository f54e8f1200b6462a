//! Numbers with their nouns, as the whole house writes them.

pub(super) use crate::tasks::words::{counted, points, rows};
