//! `[embed.text]`, `[embed.image]`, `[embed.audio]`: who makes the embeddings of each modality, and within which limits.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::point::Modality;

/// One embedder a modality.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EmbedConfigs {
    /// The embedder of texts.
    pub text: EmbedConfig,
    /// The embedder of pictures; left out, there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<EmbedConfig>,
    /// The embedder of sounds; left out, there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<EmbedConfig>,
}

impl EmbedConfigs {
    /// The embedder of a modality, where one is configured.
    pub fn of(&self, modality: Modality) -> Option<&EmbedConfig> {
        match modality {
            Modality::Text => Some(&self.text),
            Modality::Image => self.image.as_ref(),
            Modality::Audio => self.audio.as_ref(),
        }
    }

    /// The modalities that have an embedder, text first, with its configuration.
    pub fn all(&self) -> impl Iterator<Item = (Modality, &EmbedConfig)> {
        Modality::ALL
            .into_iter()
            .filter_map(|modality| Some((modality, self.of(modality)?)))
    }

    /// Whether pictures or sounds are embedded at all.
    pub fn has_media(&self) -> bool {
        self.image.is_some() || self.audio.is_some()
    }
}

/// Who makes the embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Any server that speaks OpenAI's API.
    Openai,
    /// all-MiniLM-L6-v2 in process.
    Minilm,
    /// The demo's teaching aid: a small joint space over words of colour, shape and pitch, computed by a server that
    /// qlance starts on loopback for as long as the command runs. Not a model.
    Teaching,
    /// Nobody: Qdrant's vector is carried over as it is.
    Carry,
}

/// How a server wants its requests; see docs/multimodal.md for which server speaks which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// `input: ["text"]`; texts only.
    #[default]
    Openai,
    /// `input` of texts or `data:` URIs with `modality`, one modality a request.
    Infinity,
    /// `input: [{"text": ..}, {"image": ..}, {"audio": ..}]`.
    TypedInput,
    /// `input: [{"content": [{"type": "image_url", ..}]}]`.
    ContentParts,
    /// `input: ["text", "data:image/png;base64,.."]`.
    DataUri,
    /// `messages` in the place of `input`, one vector a request.
    ChatMessages,
}

/// One embedder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EmbedConfig {
    /// Who makes the embeddings.
    pub provider: Provider,
    /// How the server wants its requests.
    pub dialect: Dialect,
    /// The server's address, up to and with `/v1`.
    pub base_url: String,
    /// The model's name as the server knows it.
    pub model: String,
    /// Numbers an embedding has (1 to 65,536). Asked for where the model allows, and checked on every vector.
    pub dimensions: usize,
    /// Whether `dimensions` is sent with the request. Models of one fixed size refuse it.
    pub send_dimensions: bool,
    /// Whether `encoding_format = "base64"` is sent with the request. Some servers refuse what they do not know.
    pub send_encoding_format: bool,
    /// The environment variable that holds the API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// The file that holds the API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_file: Option<PathBuf>,
    /// Text set before every document before it is embedded.
    pub document_prefix: String,
    /// Text set before every query before it is embedded.
    pub query_prefix: String,
    /// Requests in flight at once (1 to 1,000). The console can move it while the work runs.
    pub max_in_flight: usize,
    /// Inputs a request at most (1 to 2,048, OpenAI's limit).
    pub max_batch_inputs: usize,
    /// Tokens a request at most (1 to 300,000, OpenAI's limit).
    pub max_batch_tokens: usize,
    /// Tokens an input at most; a longer one is a failure of its point. OpenAI's models take 8,192, MiniLM 256.
    pub max_input_tokens: usize,
    /// Tries at one request before the run stops (1 to 20). Waiting for a limit is no try.
    pub max_attempts: u32,
    /// Milliseconds before the second try (1 to 60,000); each further pause is twice as long.
    pub backoff_min_ms: u64,
    /// Milliseconds of the longest pause between tries (1 to 600,000).
    pub backoff_max_ms: u64,
    /// Seconds until one request counts as lost (1 to 3,600).
    pub timeout_seconds: u64,
    /// The price, for the cost on the screen and in the report.
    pub usd_per_million_tokens: f64,
    /// US dollars that the whole job may spend, in all its runs; left out, there is no cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_usd: Option<f64>,
    /// Requests a minute at most (1 to 1,000,000,000); left out, there is no cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Tokens a minute at most (1 to 1,000,000,000); left out, there is no cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// Mebibytes for remembering texts embedded already (0 to 16,384): equal texts are paid for once.
    pub remember_mib: u64,
    /// Mebibytes of disk for embeddings that were paid for and are not committed yet (0 to 16,384): after a kill they are
    /// not paid for again. 0 keeps none; the in-process model needs none.
    pub spool_mib: u64,
    /// What becomes of an input of more than `max_input_tokens`.
    pub too_long: TooLong,
    /// A name for the space of the vectors. Embedders whose spaces have one name and as many dimensions share a column,
    /// whatever their models are called; left out, the model decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub space: Option<String>,
    /// Which named vector of Qdrant the embeddings of this modality are compared with; left out, `source.vector`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare_with: Option<String>,
    /// MIME types of pictures and sounds that the server takes as they are. Others are sent as PNG and as WAV.
    pub accepts: Vec<String>,
    /// Pixels of a picture's longer side at most (16 to 16,384); larger ones are scaled down before they are sent.
    pub max_side: u32,
    /// Samples a second of a sound that is converted (4,000 to 96,000). Speech and sound models want 16,000 or 48,000.
    pub sample_rate: u32,
    /// The model's own `tokenizer.json` (Hugging Face format), for counting tokens of models that qlance does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenizer_file: Option<PathBuf>,
}

/// What becomes of an input that is longer than the model takes. Nothing is ever shortened in silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TooLong {
    /// Its point fails.
    #[default]
    Fail,
    /// The beginning that fits is embedded.
    Truncate,
    /// It is cut into pieces that fit; the embedding is their mean, weighted by their tokens and of length one.
    Chunks,
}

impl Default for EmbedConfig {
    fn default() -> Self {
        Self::minilm()
    }
}

impl EmbedConfig {
    /// The defaults of the in-process model.
    pub fn minilm() -> Self {
        Self {
            provider: Provider::Minilm,
            dialect: Dialect::Openai,
            base_url: String::new(),
            model: "all-MiniLM-L6-v2".into(),
            dimensions: 384,
            send_dimensions: false,
            send_encoding_format: true,
            api_key_env: None,
            api_key_file: None,
            document_prefix: String::new(),
            query_prefix: String::new(),
            max_in_flight: 2,
            max_batch_inputs: 32,
            max_batch_tokens: 8_192,
            max_input_tokens: 256,
            max_attempts: 3,
            backoff_min_ms: 1_000,
            backoff_max_ms: 60_000,
            timeout_seconds: 60,
            usd_per_million_tokens: 0.0,
            budget_usd: None,
            requests_per_minute: None,
            tokens_per_minute: None,
            remember_mib: 32,
            spool_mib: 0,
            too_long: TooLong::Fail,
            space: None,
            compare_with: None,
            accepts: ["image/png", "image/jpeg", "audio/wav"].map(String::from).to_vec(),
            max_side: 1_024,
            sample_rate: 16_000,
            tokenizer_file: None,
        }
    }

    /// The defaults of OpenAI's API.
    pub fn openai() -> Self {
        Self {
            provider: Provider::Openai,
            base_url: "https://api.openai.com/v1".into(),
            model: "text-embedding-3-large".into(),
            dimensions: 1_536,
            send_dimensions: true,
            max_in_flight: 50,
            max_batch_inputs: 100,
            max_batch_tokens: 300_000,
            max_input_tokens: 8_192,
            usd_per_million_tokens: 0.13,
            spool_mib: 256,
            ..Self::minilm()
        }
    }

    /// The defaults of the teaching aid. The address is found out when it is started.
    pub fn teaching() -> Self {
        Self {
            provider: Provider::Teaching,
            dialect: Dialect::TypedInput,
            model: "teaching-joint-space".into(),
            dimensions: 32,
            max_in_flight: 4,
            max_batch_inputs: 16,
            max_input_tokens: 8_192,
            ..Self::minilm()
        }
    }

    /// The defaults for carrying Qdrant's vectors over; the dimension is the collection's.
    pub fn carry() -> Self {
        Self {
            provider: Provider::Carry,
            model: String::new(),
            dimensions: 0,
            ..Self::minilm()
        }
    }
}
