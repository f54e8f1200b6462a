//! The commands that put queries to the stores: `search`, `evaluate`, `compare`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// A modality on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModalityArg {
    /// Written words.
    Text,
    /// Still pictures.
    Image,
    /// Sounds.
    Audio,
}

impl From<ModalityArg> for crate::point::Modality {
    fn from(modality: ModalityArg) -> Self {
        match modality {
            ModalityArg::Text => Self::Text,
            ModalityArg::Image => Self::Image,
            ModalityArg::Audio => Self::Audio,
        }
    }
}

/// What to search for.
#[derive(Debug, Clone, Args)]
pub struct SearchArgs {
    /// The text.
    #[arg(value_name = "QUERY", conflicts_with_all = ["image", "audio"])]
    pub query: Option<String>,
    /// A picture in the place of a text.
    #[arg(long, value_name = "FILE", conflicts_with = "audio")]
    pub image: Option<PathBuf>,
    /// A sound in the place of a text.
    #[arg(long, value_name = "FILE")]
    pub audio: Option<PathBuf>,
    /// Results at most.
    #[arg(short = 'k', long = "count", value_name = "N", default_value_t = 10, value_parser = count_of_results)]
    pub count: usize,
    /// Only what is made of this.
    #[arg(long, value_name = "KIND")]
    pub modality: Option<ModalityArg>,
    /// Only points whose payload meets this, such as `thread_id = 'x' AND n > 5`.
    #[arg(long = "where", value_name = "CONDITION")]
    pub condition: Option<String>,
    /// By keywords in the content, not by vector.
    #[arg(long, conflicts_with = "hybrid")]
    pub keyword: bool,
    /// By keywords and by vector, fused by their ranks.
    #[arg(long)]
    pub hybrid: bool,
    /// Compare with every vector instead of asking the indexes.
    #[arg(long)]
    pub exact: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// How to evaluate.
#[derive(Debug, Clone, Args)]
pub struct EvaluateArgs {
    /// A query set: JSON lines of query (or image, or audio) and relevant ids. Left out, queries are made from pairs that
    /// the collection holds: captions with their pictures and sounds, messages with their threads.
    #[arg(long, value_name = "FILE")]
    pub queries: Option<PathBuf>,
    /// Queries for each pair of modalities at most, where they are made from the collection.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub sample: usize,
    /// The payload field that says which points belong together.
    #[arg(long, value_name = "FIELD", default_value = "thread_id")]
    pub thread: String,
    /// What is drawn at random is drawn by this seed.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// How to measure both stores.
#[derive(Debug, Clone, Args)]
pub struct CompareArgs {
    /// Queries, drawn from the rows' own vectors.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub queries: u64,
    /// Results of each.
    #[arg(short = 'k', long = "count", value_name = "N", default_value_t = 10, value_parser = count_of_results)]
    pub count: usize,
    /// Queries in flight at once, for queries a second.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 4, 16])]
    pub concurrency: Vec<usize>,
    /// Try LanceDB's index settings, and print the cheapest that reaches --recall as code.
    #[arg(long)]
    pub sweep: bool,
    /// The recall@k that the sweep looks for.
    #[arg(long, value_name = "SHARE", default_value_t = 0.95)]
    pub recall: f64,
    /// What is drawn at random is drawn by this seed.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

fn count_of_results(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1_000) => Ok(count),
        _ => Err("use 1 to 1000".into()),
    }
}
