//! The seven screens and their places.

/// The screens there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Screen {
    /// Progress of the migration.
    Migrate,
    /// How far the new embeddings lie from Qdrant's vectors.
    Divergence,
    /// Failed points.
    Failures,
    /// Points of both stores side by side.
    Diff,
    /// Whether the new store may take over.
    Verify,
    /// Search in both stores.
    Search,
    /// What happened.
    Log,
}

impl Screen {
    /// All screens with the digit that shows each.
    pub const ALL: [(Self, char); 7] = [
        (Self::Migrate, '1'),
        (Self::Divergence, '2'),
        (Self::Failures, '3'),
        (Self::Diff, '4'),
        (Self::Verify, '5'),
        (Self::Search, '6'),
        (Self::Log, '7'),
    ];

    /// Its name on the tab.
    pub fn title(self) -> &'static str {
        match self {
            Self::Migrate => "Migrate",
            Self::Divergence => "Divergence",
            Self::Failures => "Failures",
            Self::Diff => "Diff",
            Self::Verify => "Verify",
            Self::Search => "Search",
            Self::Log => "Log",
        }
    }
}
