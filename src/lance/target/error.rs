//! What keeps a job from using its target, in words that say the way out.

use crate::lance::schema::VectorColumn;

/// What keeps a job from using its target. Each says the way out.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The address cannot be opened or written.
    #[error("cannot write to target.uri {uri}: {message}; name a directory that this user can write")]
    Unwritable {
        /// The address.
        uri: String,
        /// Why.
        message: String,
    },
    /// The table belongs to another job or was made by hand.
    #[error(
        "table {table:?} in {uri} was made by {owner}; name another target.table, or take this one over with --adopt"
    )]
    Foreign {
        /// The address.
        uri: String,
        /// The table.
        table: String,
        /// Who made it.
        owner: String,
    },
    /// Another job took the table over since this one last wrote to it.
    #[error(
        "table {table:?} in {uri} was taken over by another job ({other}) since this one last wrote to it; name another \
         target.table, or read everything again and take it back with --adopt"
    )]
    TakenOver {
        /// The address.
        uri: String,
        /// The table.
        table: String,
        /// The job whose commit is the newest.
        other: String,
    },
    /// The table is not there, and the job has written to it.
    #[error(
        "table {table:?} in {uri} is gone, and this job has written to it; bring it back (is its disk mounted?), or start \
         over: remove the job's state in {state}"
    )]
    Gone {
        /// The address.
        uri: String,
        /// The table.
        table: String,
        /// The job's state directory.
        state: String,
    },
    /// The table cannot be taken over.
    #[error("table {table:?} in {uri} cannot be taken over: {message}; name another target.table")]
    Unusable {
        /// The address.
        uri: String,
        /// The table.
        table: String,
        /// Why.
        message: String,
    },
    /// The column holds vectors of another space (invariant 7).
    #[error(
        "the column `{column}` of table {table:?} holds vectors of {held}, the configuration makes {made}; two spaces \
         never share a column: restore the old [embed.*] section, or name another target.table"
    )]
    OtherSpace {
        /// The column.
        column: String,
        /// The table.
        table: String,
        /// The space in the table.
        held: String,
        /// The space of the configuration.
        made: String,
    },
    /// The column keeps another kind of vectors than the collection has by that name.
    #[error(
        "the column `{column}` of table {table:?} keeps the vector {vector:?} as {held}, but in the collection it is \
         {found}; name another target.table"
    )]
    OtherKind {
        /// The column.
        column: String,
        /// The table.
        table: String,
        /// Qdrant's name of the vector.
        vector: String,
        /// What the column holds.
        held: VectorColumn,
        /// What the collection has.
        found: VectorColumn,
    },
}
