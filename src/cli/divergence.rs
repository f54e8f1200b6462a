//! `qlance divergence`.

use clap::Subcommand;

/// What to do with rows that diverge.
#[derive(Debug, Subcommand)]
pub enum DivergenceCommand {
    /// The histogram: counts by similarity, finer near 1, and how many lie below the threshold.
    Histogram {
        /// Count those below this similarity; the configured threshold if nothing is said.
        #[arg(long, value_name = "COSINE", allow_hyphen_values = true)]
        threshold: Option<f64>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List rows, worst first. Where the two spaces cannot be compared, all rows by id, unless a similarity is named.
    List {
        /// Only from this similarity on, to 0.0005.
        #[arg(long, value_name = "COSINE", allow_hyphen_values = true)]
        from: Option<f32>,
        /// Only below this similarity, to 0.0005; the configured threshold if nothing is said. 2 takes in 1.
        #[arg(long, value_name = "COSINE", allow_hyphen_values = true)]
        below: Option<f32>,
        /// Rows at most.
        #[arg(long, default_value_t = 100)]
        limit: u64,
        /// Print JSON lines.
        #[arg(long)]
        json: bool,
    },
    /// Show one point with both vectors and its nearest neighbours in both stores.
    Show {
        /// The point's id.
        id: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Embed points again.
    EmbedAgain {
        /// Point ids.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Put Qdrant's vector in the place of the new embedding.
    Keep {
        /// Point ids.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// The new embedding is right as it is.
    Accept {
        /// Point ids.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Why.
        #[arg(long)]
        note: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Compare the ten nearest neighbours of a random sample in both stores.
    Neighbours {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}
