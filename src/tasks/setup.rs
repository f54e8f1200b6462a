//! Trying the answers of the set-up: does Qdrant answer, which collections and fields are there, can the target be
//! written, does the embedder embed. Nothing is kept, nothing is moved.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use crate::config::{Config, ConfigError, Secret, SourceConfig, refuse_secrets};
use crate::embed::{self, Input, Role};
use crate::lance::Target;
use crate::point::{counted, grouped};
#[cfg(feature = "embedded")]
use crate::qdrant::embedded::EmbeddedQdrant;
use crate::qdrant::source::{SourceError, Wanted};
use crate::qdrant::{Source, VectorKind};

/// An answer that is tried longer than this is given up.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Collections that are described at most; the others are only named.
const DESCRIBED: usize = 50;
/// An embedder that is there answers a question without work in this time.
const REACHED_WITHIN: Duration = Duration::from_secs(10);
/// Payloads looked at for their fields.
const SAMPLE: u64 = 200;

/// Why an answer is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Qdrant wants a key.
    NeedsKey(String),
    /// Whoever was asked did not answer, or not as it should: the answer itself may be right.
    Unreachable(String),
    /// The embedder gives another size than it was said to.
    OtherSize {
        /// Both sizes in words.
        why: String,
        /// The one that it gives.
        size: usize,
    },
    /// Anything else, with the way out.
    Because(String),
}

impl Refusal {
    /// Why, with the way out.
    pub fn why(&self) -> &str {
        let (Self::NeedsKey(why) | Self::Unreachable(why) | Self::OtherSize { why, .. } | Self::Because(why)) = self;
        why
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast_ref::<SourceError>() {
            // No file has these settings yet.
            Some(SourceError::Refused { url, message }) => Self::NeedsKey(format!(
                "Qdrant at {url} refuses the key ({message}); name the variable that holds the right one"
            )),
            Some(SourceError::Unreachable { .. }) => {
                let why = format!("{error:#}").replace(", or raise source.timeout_seconds", "");
                Self::Unreachable(why.replace("source.url", "the address"))
            }
            _ if error.is::<ConfigError>() => Self::Because(format!("{error:#}")),
            _ => Self::Unreachable(format!("{error:#}")),
        }
    }
}

/// One collection to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionChoice {
    /// Its name.
    pub name: String,
    /// Points and vectors in words; empty where it was not looked at.
    pub about: String,
    /// Its points, where it was looked at.
    pub points: Option<u64>,
    /// Its dense vectors: name and dimension.
    pub vectors: Vec<(String, usize)>,
}

impl CollectionChoice {
    /// One that was looked at.
    pub fn looked_at(name: String, points: u64, vectors: Vec<(String, usize)>) -> Self {
        Self {
            name,
            about: about(points, &vectors),
            points: Some(points),
            vectors,
        }
    }
}

/// Points and dense vectors in words.
fn about(points: u64, vectors: &[(String, usize)]) -> String {
    let points = counted(points, "point", "points");
    match vectors {
        [] => format!("{points}, no dense vector"),
        [(name, size)] if name.is_empty() => format!("{points} of {}", numbers(*size)),
        named => {
            let each = named
                .iter()
                .map(|(name, size)| format!("{} of {}", called(name), numbers(*size)));
            format!("{points}, {}", each.collect::<Vec<String>>().join(", "))
        }
    }
}

/// What a vector is called where it is spoken of.
pub fn called(vector: &str) -> &str {
    if vector.is_empty() { "(unnamed)" } else { vector }
}

/// How long a vector is, in words.
pub fn numbers(size: usize) -> String {
    counted(size as u64, "number", "numbers")
}

/// What the payloads of a sample hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// The points that were looked at.
    pub points: u64,
    /// The fields that hold texts, the likeliest content first.
    pub fields: Vec<FieldChoice>,
}

/// One payload field to choose as the content.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChoice {
    /// The key.
    pub name: String,
    /// The share of the sampled points that have a text there, 0 to 1.
    pub share: f64,
    /// The mean length of those texts in characters.
    pub mean_chars: f64,
}

/// Where points come from, as far as it was answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceAnswer {
    /// The address.
    pub url: String,
    /// The environment variable that holds the key.
    pub api_key_env: Option<String>,
    /// The collection.
    pub collection: String,
}

struct Opened {
    source: Source,
    #[cfg(feature = "embedded")]
    embedded: Option<EmbeddedQdrant>,
}

impl Opened {
    #[cfg_attr(
        not(feature = "embedded"),
        allow(clippy::unused_async, reason = "with the feature it waits")
    )]
    async fn open(answer: &SourceAnswer, base: &Path) -> anyhow::Result<Self> {
        refuse_secrets("source.url", &answer.url)?;
        let config = SourceConfig {
            url: answer.url.clone(),
            collection: answer.collection.clone(),
            api_key_env: answer.api_key_env.clone(),
            timeout_seconds: 10,
            ranges: 1,
            ..SourceConfig::default()
        };
        let key = Secret::find("source", config.api_key_env.as_deref(), None)?;
        #[cfg(feature = "embedded")]
        {
            let embedded = match answer.url.strip_prefix("embedded:") {
                Some(dir) if !base.join(dir).is_dir() => {
                    anyhow::bail!("{} is no directory", base.join(dir).display())
                }
                Some(dir) => Some(EmbeddedQdrant::start(&base.join(dir)).await?),
                None => None,
            };
            let url = embedded
                .as_ref()
                .map_or_else(|| answer.url.clone(), EmbeddedQdrant::url);
            let source = Source::new(&url, &config, key.as_ref())?;
            Ok(Self { source, embedded })
        }
        #[cfg(not(feature = "embedded"))]
        {
            let _ = base;
            anyhow::ensure!(
                !answer.url.starts_with("embedded:"),
                "this qlance was built without the embedded Qdrant (feature `embedded`)"
            );
            let source = Source::new(&answer.url, &config, key.as_ref())?;
            Ok(Self { source })
        }
    }

    #[cfg_attr(
        not(feature = "embedded"),
        allow(clippy::unused_async, reason = "with the feature it waits")
    )]
    async fn close(self) -> anyhow::Result<()> {
        drop(self.source);
        #[cfg(feature = "embedded")]
        if let Some(embedded) = self.embedded {
            embedded.stop().await?;
        }
        Ok(())
    }
}

/// The collections there are.
///
/// # Errors
/// Qdrant does not answer, wants a key, or has none.
pub async fn collections(answer: &SourceAnswer, base: &Path) -> Result<Vec<CollectionChoice>, Refusal> {
    let opened = Opened::open(answer, base).await?;
    let found = list(&opened.source).await;
    opened.close().await?;
    let found = found?;
    if found.is_empty() {
        return Err(Refusal::Because("Qdrant answers, but it has no collections".into()));
    }
    Ok(found)
}

async fn list(source: &Source) -> anyhow::Result<Vec<CollectionChoice>> {
    let mut choices = Vec::new();
    for (place, name) in source.collections().await?.into_iter().enumerate() {
        if place < DESCRIBED
            && let Ok(facts) = source.of(&name).facts().await
        {
            let dense = facts.vectors.into_iter().filter_map(|(name, kind)| match kind {
                VectorKind::Dense { size, .. } => Some((name, size)),
                _ => None,
            });
            choices.push(CollectionChoice::looked_at(name, facts.points, dense.collect()));
        } else {
            choices.push(CollectionChoice {
                name,
                about: String::new(),
                points: None,
                vectors: Vec::new(),
            });
        }
    }
    Ok(choices)
}

/// The payload fields that hold texts, the likeliest content first.
///
/// # Errors
/// Qdrant does not answer.
pub async fn fields(answer: &SourceAnswer, base: &Path) -> Result<Sampled, Refusal> {
    let opened = Opened::open(answer, base).await?;
    let sample = opened.source.sample(SAMPLE, Wanted::Payloads).await;
    opened.close().await?;
    let sample = sample.map_err(anyhow::Error::from)?;
    let mut found: std::collections::BTreeMap<String, (u64, u64)> = std::collections::BTreeMap::new();
    let points = sample.len() as u64;
    for point in sample.into_iter().flatten() {
        for (key, value) in point.payload {
            if let Value::String(text) = value
                && !text.trim().is_empty()
            {
                let entry = found.entry(key).or_default();
                entry.0 += 1;
                entry.1 += text.chars().count() as u64;
            }
        }
    }
    let mut fields: Vec<FieldChoice> = found
        .into_iter()
        .map(|(name, (count, chars))| FieldChoice {
            name,
            share: count as f64 / points as f64,
            mean_chars: chars as f64 / count as f64,
        })
        .collect();
    // A content is long and nearly everywhere; an id or a date is short.
    fields.sort_by(|a, b| (b.share * b.mean_chars).total_cmp(&(a.share * a.mean_chars)));
    fields.truncate(100);
    Ok(Sampled { points, fields })
}

/// Whether a table can be made at the target.
///
/// # Errors
/// It cannot be written, or a table of this name is there already.
pub async fn target(uri: &str, table: &str, base: &Path) -> Result<(), Refusal> {
    refuse_secrets("target.uri", uri)?;
    let address = if uri.contains("://") {
        uri.to_owned()
    } else {
        let joined = base.join(uri);
        std::path::absolute(&joined).unwrap_or(joined).display().to_string()
    };
    let mut target = Target::connect(&address, table, true)
        .await
        .map_err(anyhow::Error::from)?;
    match target.open().await? {
        None => Ok(()),
        Some(_) => Err(Refusal::Because(format!(
            "a table {table:?} is there already; name another one"
        ))),
    }
}

/// Whether anybody answers at the embedder's address. Nothing is paid for: model, numbers and key are tried later.
///
/// # Errors
/// Nobody answers there.
pub async fn server(base_url: &str) -> Result<(), Refusal> {
    refuse_secrets("embed.text.base_url", base_url)?;
    let reached = embed::openai::reach(base_url, REACHED_WITHIN).await;
    reached.map_err(|error| Refusal::Unreachable(format!("{error}; is it running, and is that its address?")))
}

/// Embeds one word, and answers the numbers it gave.
///
/// # Errors
/// The key is missing, the server does not answer, or it answers another dimension.
pub async fn embedder(config: &Config) -> Result<usize, Refusal> {
    let making = config.clone();
    let made =
        tokio::task::spawn_blocking(move || embed::embedders(&making, |modality| Ok(making.embed_key(modality)?)));
    let made = made.await.context("the embedder cannot be made")??;
    let Some(embed::Made { embedder, .. }) = made.into_iter().next() else {
        return Ok(0);
    };
    let answer = embedder.embed(&[Input::Text("hello".into())], Role::Document).await;
    let answer = answer.map_err(|error| Refusal::Unreachable(error.to_string()))?;
    let first = answer.embeddings.into_iter().next();
    match first {
        Some(Ok(vector)) if vector.len() == config.embed.text.dimensions => Ok(vector.len()),
        Some(Ok(vector)) => {
            let (size, said) = (vector.len(), config.embed.text.dimensions);
            let why = format!(
                "it answers with {}, not {}; go on with {size}",
                numbers(size),
                grouped(said as u64)
            );
            Err(Refusal::OtherSize { why, size })
        }
        Some(Err(problem)) => Err(Refusal::Because(problem)),
        None => Err(Refusal::Because("it answers with no embedding".into())),
    }
}

impl From<ConfigError> for Refusal {
    fn from(error: ConfigError) -> Self {
        Self::Because(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_collection_in_a_few_words() {
        for (points, vectors, told) in [
            (20_000, &[("", 1_536)][..], "20,000 points of 1,536 numbers"),
            (1, &[("", 1)], "1 point of 1 number"),
            (0, &[("title", 384)], "0 points, title of 384 numbers"),
            (
                2,
                &[("", 8), ("title", 1_024)],
                "2 points, (unnamed) of 8 numbers, title of 1,024 numbers",
            ),
            (3, &[], "3 points, no dense vector"),
        ] {
            let vectors = vectors.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect();
            let choice = CollectionChoice::looked_at("messages".into(), points, vectors);
            assert_eq!((choice.about.as_str(), choice.points), (told, Some(points)));
        }
    }

    #[tokio::test]
    async fn whoever_answers_is_there_and_whoever_does_not_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let url = format!("http://{address}/v1/");
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut asked = [0; 1_024];
            let read = stream.read(&mut asked).await.expect("a request");
            let refusal = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(refusal).await.expect("an answer");
            String::from_utf8_lossy(&asked[..read]).to_lowercase()
        });
        assert_eq!(server(&url).await, Ok(()), "a server that wants a key is a server");
        let asked = answering.await.expect("a request");
        assert!(asked.starts_with("get /v1/models "), "{asked}");
        assert!(!asked.contains("authorization"), "{asked}");
        // Its port is free again.
        let refused = server(&url).await;
        assert!(
            matches!(&refused, Err(Refusal::Unreachable(why)) if why.contains("cannot connect to the embedder")),
            "{refused:?}"
        );
        let refused = server(&format!("http://me:sk-hidden@{address}/v1")).await;
        let Err(Refusal::Because(why)) = &refused else {
            panic!("a password is refused before it is sent: {refused:?}")
        };
        assert!(
            why.starts_with("embed.text.base_url") && !why.contains("hidden"),
            "{why}"
        );
    }
}
