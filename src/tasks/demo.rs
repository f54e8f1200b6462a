//! The demo's collection: a seeded, readable chat history in an embedded Qdrant, with what real collections have too:
//! stale vectors, messages without content, odd payloads, inputs that an embedder refuses at first, and here and there a
//! picture or a sound.

mod media;
mod messages;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use qdrant_client::qdrant::{CreateCollectionBuilder, Distance, PointStruct, UpsertPointsBuilder, VectorParamsBuilder};

use crate::config::{Config, EmbedConfig, Provider};
use crate::embed::minilm::MiniLm;
use crate::embed::openai::OpenAi;
use crate::embed::teaching::Teaching;
use crate::embed::{Caller, Embedding, Gateway, Input, Media, Role};
use crate::point::{Modality, Vector, Vectors};
use crate::qdrant::embedded::EmbeddedQdrant;
use crate::qdrant::{Source, wire};

pub use media::{Carried, Piece, carried, file_name, piece};
pub use messages::{Message, is_refused_once, message};

/// The demo's collection.
pub const COLLECTION: &str = "messages";
/// Messages embedded and stored at once.
const CHUNK: u64 = 200;

/// How the configuration of a demo begins: by this it is told from one that is somebody's own.
pub const MARK: &str = "# Written by `qlance demo`";

/// The demo's configuration, which stays in its directory for every other command. It begins with [`MARK`].
pub const CONFIG: &str = r#"# Written by `qlance demo`. Every command works with it: qlance --config qlance.toml failures list
[source]
url = "embedded:qdrant"
collection = "messages"
# Small pages and commits: with some forty messages a second there is more to see.
page_points = 32
ranges = 2

[target]
uri = "choir.lance"
table = "messages"
profile = "choir"
commit_rows = 64
commit_seconds = 1

[media]
root = "media"

[embed.text]
# In process, and for texts only: of pictures and sounds it embeds the captions.
provider = "minilm"

[divergence]
threshold = 0.98
"#;

/// What stands in the place of MiniLM where texts, pictures and sounds share a space.
const JOINT: &str = r#"[embed.text]
# A teaching aid, not a model: a small joint space over words of colour, shape and pitch, computed by a server that
# qlance starts on loopback for as long as a command runs.
provider = "teaching"

# Nothing of their own: they share the server and the space.
[embed.image]
[embed.audio]
"#;

/// Which embedder the demo shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shown {
    /// MiniLM: a real model of texts, which embeds the captions of pictures and sounds.
    #[default]
    Texts,
    /// The teaching aid's joint space of texts, pictures and sounds.
    Joint,
}

impl Shown {
    /// The demo's configuration, which stays in its directory for every other command.
    pub fn config(self) -> String {
        match self {
            Self::Texts => CONFIG.to_owned(),
            Self::Joint => {
                let start = CONFIG.find("[embed.text]").unwrap_or(CONFIG.len());
                let end = CONFIG.find("[divergence]").unwrap_or(CONFIG.len());
                format!("{}{JOINT}\n{}", &CONFIG[..start], &CONFIG[end..])
            }
        }
    }
}

/// Makes the collection and the configuration in `dir`; `progress` hears of (done, all). An unfinished earlier
/// attempt is gone on with: messages are a function of seed and number.
///
/// # Errors
/// The directory cannot be written, or another process holds it.
pub async fn prepare(
    dir: &Path,
    (points, seed): (u64, u64),
    shown: Shown,
    progress: impl Fn(u64, u64),
) -> anyhow::Result<()> {
    let media = dir.join("media");
    std::fs::create_dir_all(&media).with_context(|| format!("cannot make {}", media.display()))?;
    let config_file = dir.join("qlance.toml");
    if !config_file.exists() {
        // Whole or not at all: half a configuration would keep the next start from going on.
        let partial = dir.join("qlance.toml.partial");
        std::fs::write(&partial, shown.config())
            .and_then(|()| std::fs::rename(&partial, &config_file))
            .with_context(|| format!("cannot write {}", config_file.display()))?;
    }
    // What was begun is gone on with, whichever embedder is asked for now.
    let config = Config::load(&config_file)?;
    let qdrant = EmbeddedQdrant::start(&dir.join("qdrant")).await?;
    let result = fill(&qdrant, &config, (points, seed), &media, progress).await;
    qdrant.stop().await?;
    result
}

async fn fill(
    qdrant: &EmbeddedQdrant,
    config: &Config,
    (points, seed): (u64, u64),
    media: &Path,
    progress: impl Fn(u64, u64),
) -> anyhow::Result<()> {
    let source = Source::new(&qdrant.url(), &config.source, None)?;
    let client = source.client();
    if !client.collection_exists(COLLECTION).await? {
        let params = VectorParamsBuilder::new(config.embed.text.dimensions as u64, Distance::Cosine);
        client
            .create_collection(CreateCollectionBuilder::new(COLLECTION).vectors_config(params))
            .await?;
    }
    let mut done = source.count().await?;
    if done >= points {
        return Ok(());
    }
    let maker = Maker::new(config).await?;
    // Whole chunks only: an interrupted one is written again, by the same ids.
    done -= done % CHUNK;
    while done < points {
        progress(done, points);
        let numbers = done..(done + CHUNK).min(points);
        let directory = media.to_owned();
        let chunk = tokio::task::spawn_blocking(move || made(seed, numbers, &directory)).await??;
        let vectors = maker.embed(&chunk).await?;
        let structs: Vec<PointStruct> = chunk
            .into_iter()
            .zip(vectors)
            .map(|(message, vector)| PointStruct {
                id: Some(wire::id_to(message.id)),
                payload: wire::payload_to(&message.payload),
                vectors: Some(wire::vectors_to(&Vectors::from([(
                    String::new(),
                    Vector::Dense(vector.to_vec()),
                )]))),
            })
            .collect();
        done += structs.len() as u64;
        client
            .upsert_points(UpsertPointsBuilder::new(COLLECTION, structs).wait(true))
            .await?;
    }
    progress(points, points);
    Ok(())
}

/// Messages of these numbers; those of them that carry their picture or sound as a file have it in the directory.
fn made(seed: u64, numbers: std::ops::Range<u64>, directory: &Path) -> anyhow::Result<Vec<Message>> {
    numbers
        .map(|number| {
            let message = message(seed, number);
            if let Some(piece) = message.piece.as_ref().filter(|_| carried(number) == Carried::File) {
                let path = directory.join(file_name(number));
                std::fs::write(&path, piece.bytes()).with_context(|| format!("cannot write {}", path.display()))?;
            }
            Ok(message)
        })
        .collect()
}

/// Who made the vectors that the collection has from before.
struct Maker {
    gateway: Gateway,
    joint: bool,
    /// Lives as long as it is asked.
    _server: Option<Teaching>,
}

impl Maker {
    async fn new(config: &Config) -> anyhow::Result<Self> {
        if config.embed.text.provider != Provider::Teaching {
            let embed = EmbedConfig::minilm();
            let model = tokio::task::spawn_blocking(|| MiniLm::new(&EmbedConfig::minilm())).await??;
            return Ok(Self {
                gateway: Gateway::new(Arc::new(model), &embed),
                joint: false,
                _server: None,
            });
        }
        let server = Teaching::start().await?;
        let embed = EmbedConfig {
            base_url: server.base_url(),
            ..EmbedConfig::teaching()
        };
        let embedder = OpenAi::new(&embed, &Modality::ALL, None)?;
        Ok(Self {
            gateway: Gateway::new(Arc::new(embedder), &embed),
            joint: true,
            _server: Some(server),
        })
    }

    async fn embed(&self, chunk: &[Message]) -> anyhow::Result<Vec<Embedding>> {
        let input = |message: &Message| match &message.piece {
            Some(piece) if self.joint => {
                let media = Media {
                    bytes: piece.bytes().into(),
                    mime: piece.mime().to_owned(),
                };
                match piece {
                    Piece::Picture { .. } => Input::Image(media),
                    Piece::Sound { .. } => Input::Audio(media),
                }
            }
            _ => Input::Text(message.embedded_text.as_str().into()),
        };
        let inputs: Vec<Input> = chunk.iter().map(input).collect();
        let outcomes = self.gateway.embed(&inputs, Role::Document, Caller::Operator).await?;
        outcomes.into_iter().map(|outcome| Ok(outcome?)).collect()
    }
}
