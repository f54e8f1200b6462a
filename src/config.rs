//! `qlance.toml` and the environment, checked: what comes out of here can be trusted by every other room.
//!
//! Owns the configuration's types, defaults, bounds and error messages, and the state directory's name. Talks to no
//! network. Secrets are read here, once, and never print.

mod address;
mod check;
mod columns;
mod embed;
mod media;
mod secret;
mod shown;
mod span;
pub mod template;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::point::Modality;

pub use address::{refuse_secrets, without_credentials};
pub use check::ConfigError;
pub use columns::can_name_a_column;
pub use embed::{Dialect, EmbedConfig, EmbedConfigs, Provider, TooLong};
pub use media::{MediaConfig, MediaText};
pub use secret::Secret;

/// The whole configuration. Every field has a default but the collection's and the target's names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Where points come from. Left out, the check says what has to stand in it.
    #[serde(default)]
    pub source: SourceConfig,
    /// Where rows go. Left out, the check says what has to stand in it.
    #[serde(default)]
    pub target: TargetConfig,
    /// One embedder a modality.
    #[serde(default)]
    pub embed: EmbedConfigs,
    /// Where pictures and sounds come from, and what is let in.
    #[serde(default)]
    pub media: MediaConfig,
    /// What counts as divergent.
    #[serde(default)]
    pub divergence: DivergenceConfig,
    /// How the work is cut up.
    #[serde(default)]
    pub pipeline: PipelineConfig,
    /// Columns of the `inferred` profile that are not to be inferred: name -> type (`string`, `int`, `float`,
    /// `bool`, `json`, or `extra` to leave the key in the JSON column). The profile `choir` has its own.
    #[serde(default)]
    pub columns: BTreeMap<String, ColumnType>,
    /// Keys of the console: action -> key, or a list of keys. They take the place of the action's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, Keys>,
    /// The directory that relative paths in the file are relative to: the file's own. Not in the file.
    #[serde(skip)]
    pub base_dir: PathBuf,
}

/// Where points come from: a Qdrant server, or the embedded Qdrant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceConfig {
    /// gRPC address, `http://` or `https://`; or `embedded:DIR`, the embedded Qdrant on a directory.
    pub url: String,
    /// The collection to move.
    pub collection: String,
    /// The environment variable that holds the API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// The file that holds the API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_file: Option<PathBuf>,
    /// Which named vector to compare new embeddings with; empty is the unnamed one.
    pub vector: String,
    /// The payload key whose text is embedded.
    pub content: String,
    /// Points a scroll page (1 to 10,000). 500 points of 1,536 numbers are 3 MB: large enough that the round trip
    /// does not count, small enough that several fit in memory.
    pub page_points: u32,
    /// Id ranges scrolled side by side (1 to 64).
    pub ranges: usize,
    /// Seconds until one request to Qdrant counts as lost (1 to 3,600).
    pub timeout_seconds: u64,
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self {
            url: "http://localhost:6334".into(),
            collection: String::new(),
            api_key_env: None,
            api_key_file: None,
            vector: String::new(),
            content: "content".into(),
            page_points: 500,
            ranges: 4,
            timeout_seconds: 60,
        }
    }
}

/// How the table's columns are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The built-in table of the Choir product.
    #[default]
    Choir,
    /// Columns from a sample of payloads, `[columns]` overriding.
    Inferred,
}

/// Where rows go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetConfig {
    /// A directory, or an object store URI that this build supports.
    pub uri: String,
    /// The table's name.
    pub table: String,
    /// How columns are found.
    pub profile: Profile,
    /// Rows a commit at most (1 to 1,000,000). Every commit makes a file.
    pub commit_rows: usize,
    /// Mebibytes a commit at most (1 to 1,024): what bounds memory.
    pub commit_mib: usize,
    /// Seconds between commits at most (1 to 3,600): what bounds how much is embedded again after a kill.
    pub commit_seconds: u64,
    /// Keep Qdrant's compared vector as a column `vector` too. Left out, it is kept where no similarity can be computed
    /// with it: nothing would be left of it otherwise. Other vectors are always kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_source_vector: Option<bool>,
}

impl Default for TargetConfig {
    fn default() -> Self {
        Self {
            uri: String::new(),
            table: String::new(),
            profile: Profile::Choir,
            commit_rows: 20_000,
            commit_mib: 48,
            commit_seconds: 10,
            keep_source_vector: None,
        }
    }
}

/// The type of a column that the operator names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// UTF-8 text.
    String,
    /// Signed 64-bit integer.
    Int,
    /// 64-bit float.
    Float,
    /// Boolean.
    Bool,
    /// Any JSON value.
    Json,
    /// No column: the key stays in `extra`.
    Extra,
}

/// The keys of one action, such as `"r"` or `["ctrl-r", "f5"]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Keys {
    /// One.
    One(String),
    /// Several; an empty list takes the action's keys away.
    Many(Vec<String>),
}

impl Keys {
    /// All of them.
    pub fn list(&self) -> &[String] {
        match self {
            Self::One(key) => std::slice::from_ref(key),
            Self::Many(keys) => keys,
        }
    }
}

/// What counts as divergent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DivergenceConfig {
    /// Similarities below this count as divergent (-1 to 1).
    pub threshold: f64,
    /// Whether Qdrant's vectors and the new embeddings are of one space, so that their cosine means something. Left
    /// out, they are taken to be where their dimensions are equal. Where they are not, neighbours are compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_space: Option<bool>,
}

impl Default for DivergenceConfig {
    fn default() -> Self {
        Self {
            threshold: 0.98,
            same_space: None,
        }
    }
}

/// How the work is cut up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PipelineConfig {
    /// Mebibytes of points in hand at most, from scroll to commit (8 to 16,384). The rest of the process comes on
    /// top: the writer's buffers, the model, the libraries.
    pub in_hand_mib: usize,
    /// Build indexes and compact the table after the last point.
    pub index: bool,
    /// How long an outage of Qdrant or of the embedder is waited out before the run stops, such as `"90s"`, `"30m"` or
    /// `"12h"` (at most 7 days). A run that stopped can be resumed.
    #[serde(with = "span")]
    pub outage_patience: Duration,
}

impl Default for PipelineConfig {
    fn default() -> Self {
        Self {
            in_hand_mib: 48,
            index: true,
            outage_patience: Duration::from_secs(30 * 60),
        }
    }
}

/// What identifies a job and where its state lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The name of the state directory: collection, table, and a digest of the full addresses.
    pub id: String,
    /// `<state>/<id>/`.
    pub dir: PathBuf,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Says which file, which field and what would be right.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        let base = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Self::parse(&text, &path.display().to_string(), base.unwrap_or(Path::new(".")))
    }

    /// Checks the text of a configuration. `origin` names it in errors; relative paths are relative to `base_dir`.
    ///
    /// # Errors
    /// Says which field and what would be right.
    pub fn parse(text: &str, origin: &str, base_dir: &Path) -> Result<Self, ConfigError> {
        check::parse(text, origin, base_dir)
    }

    /// Checks the bounds of every field again, after something was set from elsewhere.
    ///
    /// # Errors
    /// Says which field and what would be right.
    pub fn check(&self) -> Result<(), ConfigError> {
        check::check(self)
    }

    /// The whole configuration as TOML: every setting with its value, those that have none as comments.
    pub fn to_toml(&self) -> String {
        shown::text(self).unwrap_or_else(|error| format!("# cannot be shown: {error}"))
    }

    /// A path of the file, made absolute against the file's directory.
    pub fn resolve(&self, path: &str) -> PathBuf {
        let joined = self.base_dir.join(path);
        std::path::absolute(&joined).unwrap_or(joined)
    }

    /// The directory of the embedded Qdrant, where the source is one.
    pub fn embedded_dir(&self) -> Option<PathBuf> {
        self.source.url.strip_prefix("embedded:").map(|dir| self.resolve(dir))
    }

    /// The target's address: an absolute directory, or the URI as it is.
    pub fn target_uri(&self) -> String {
        if self.target.uri.contains("://") {
            return self.target.uri.clone();
        }
        self.resolve(&self.target.uri).display().to_string()
    }

    /// The job this configuration describes. The same source and target are the same job, whatever else changes.
    pub fn job(&self, state: Option<&Path>) -> Job {
        let source = self
            .embedded_dir()
            .map_or_else(|| self.source.url.clone(), |dir| dir.display().to_string());
        let identity = [
            source.as_str(),
            &self.source.collection,
            &self.target_uri(),
            &self.target.table,
        ]
        .join("\n");
        let digest = blake3::hash(identity.as_bytes()).to_hex();
        let plain = |name: &str| -> String {
            name.chars()
                .take(40)
                .map(|c| {
                    if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
                        c
                    } else {
                        '_'
                    }
                })
                .collect()
        };
        let id = format!(
            "{}-to-{}-{}",
            plain(&self.source.collection),
            plain(&self.target.table),
            &digest[..8]
        );
        let state = state.map_or_else(|| self.resolve(".qlance"), Path::to_path_buf);
        Job {
            dir: state.join(&id),
            id,
        }
    }

    /// The named vector of Qdrant that embeddings of a modality are compared with.
    pub fn compare_with(&self, modality: Modality) -> &str {
        let own = self.embed.of(modality).and_then(|embed| embed.compare_with.as_deref());
        own.unwrap_or(&self.source.vector)
    }

    /// Whether new embeddings of any modality are compared with this vector of Qdrant.
    pub fn is_compared(&self, vector: &str) -> bool {
        self.embed
            .all()
            .any(|(modality, _)| self.compare_with(modality) == vector)
    }

    /// The key for Qdrant, where one is configured.
    ///
    /// # Errors
    /// The variable is not set or the file cannot be read.
    pub fn source_key(&self) -> Result<Option<Secret>, ConfigError> {
        let source = &self.source;
        Secret::find(
            "source",
            source.api_key_env.as_deref(),
            source.api_key_file.as_ref().map(|path| self.base_dir.join(path)),
        )
    }

    /// The key of a modality's embedder, where one is configured.
    ///
    /// # Errors
    /// The variable is not set or the file cannot be read.
    pub fn embed_key(&self, modality: Modality) -> Result<Option<Secret>, ConfigError> {
        let Some(embed) = self.embed.of(modality) else {
            return Ok(None);
        };
        Secret::find(
            match modality {
                Modality::Text => "embed.text",
                Modality::Image => "embed.image",
                Modality::Audio => "embed.audio",
            },
            embed.api_key_env.as_deref(),
            embed.api_key_file.as_ref().map(|path| self.base_dir.join(path)),
        )
    }
}
