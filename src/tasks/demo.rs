//! The demo's collection: a seeded, readable chat history in an embedded Qdrant, with what real collections have too:
//! stale vectors, messages without content, odd payloads, and inputs that an embedder refuses at first.

mod messages;

use std::path::Path;

use anyhow::Context as _;
use qdrant_client::qdrant::{CreateCollectionBuilder, Distance, PointStruct, UpsertPointsBuilder, VectorParamsBuilder};

use crate::config::{Config, EmbedConfig, SourceConfig};
use crate::embed::minilm::{DIMENSIONS, MiniLm};
use crate::embed::{Caller, Gateway, Input, Role};
use crate::point::{Vector, Vectors};
use crate::qdrant::embedded::EmbeddedQdrant;
use crate::qdrant::{Source, wire};

pub use messages::{Message, is_refused_once, message};

/// The demo's collection.
pub const COLLECTION: &str = "messages";
/// Messages embedded and stored at once.
const CHUNK: u64 = 200;

/// The demo's configuration, which stays in its directory for every other command.
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

[embed.text]
provider = "minilm"

[divergence]
threshold = 0.98
"#;

/// Makes the collection and the configuration in `dir`; `progress` hears of (done, all). An unfinished earlier
/// attempt is gone on with: messages are a function of seed and number.
///
/// # Errors
/// The directory cannot be written, or another process holds it.
pub async fn prepare(dir: &Path, points: u64, seed: u64, progress: impl Fn(u64, u64)) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let config_file = dir.join("qlance.toml");
    if !config_file.exists() {
        std::fs::write(&config_file, CONFIG).with_context(|| format!("cannot write {}", config_file.display()))?;
    }
    let config = Config::parse(CONFIG, "the demo's configuration", dir)?;
    let qdrant = EmbeddedQdrant::start(&dir.join("qdrant")).await?;
    let result = fill(&qdrant, &config.source, points, seed, progress).await;
    qdrant.stop().await?;
    result
}

async fn fill(
    qdrant: &EmbeddedQdrant,
    config: &SourceConfig,
    points: u64,
    seed: u64,
    progress: impl Fn(u64, u64),
) -> anyhow::Result<()> {
    let source = Source::new(&qdrant.url(), config, None)?;
    let client = source.client();
    if !client.collection_exists(COLLECTION).await? {
        let params = VectorParamsBuilder::new(DIMENSIONS as u64, Distance::Cosine);
        client
            .create_collection(CreateCollectionBuilder::new(COLLECTION).vectors_config(params))
            .await?;
    }
    let mut done = source.count().await?;
    if done >= points {
        return Ok(());
    }
    let model = tokio::task::spawn_blocking(|| MiniLm::new(&EmbedConfig::minilm())).await??;
    let gateway = Gateway::new(std::sync::Arc::new(model), &EmbedConfig::minilm());
    // Whole chunks only: an interrupted one is written again, by the same ids.
    done -= done % CHUNK;
    while done < points {
        progress(done, points);
        let chunk: Vec<Message> = (done..(done + CHUNK).min(points)).map(|n| message(seed, n)).collect();
        let inputs: Vec<Input> = chunk
            .iter()
            .map(|message| Input::Text(message.embedded_text.as_str().into()))
            .collect();
        let outcomes = gateway.embed(&inputs, Role::Document, Caller::Operator).await?;
        let mut structs = Vec::with_capacity(chunk.len());
        for (message, outcome) in chunk.into_iter().zip(outcomes) {
            let vectors = Vectors::from([(String::new(), Vector::Dense(outcome?.to_vec()))]);
            structs.push(PointStruct {
                id: Some(wire::id_to(message.id)),
                payload: wire::payload_to(&message.payload),
                vectors: Some(wire::vectors_to(&vectors)),
            });
        }
        done += structs.len() as u64;
        client
            .upsert_points(UpsertPointsBuilder::new(COLLECTION, structs).wait(true))
            .await?;
    }
    progress(points, points);
    Ok(())
}
