//! Points with pictures of some 200 kB each: loading and decoding alone, embedding alone, and the whole pipeline, whose
//! time is to be nearer to the longer of the two than to their sum.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream;
use image::{ImageFormat, RgbImage};
use qlance::config::{Config, Dialect, MediaConfig};
use qlance::embed::media::{self, Loader, Takes, Where};
use qlance::embed::{Caller, Input, Role};
use qlance::point::Modality;

use super::parts::{bench_dir, gateway_of, pipeline_with, text};

/// Points with a picture.
pub(crate) const PICTURES: u64 = 2_000;
/// Pixels of a side: noise of three bytes a pixel, which no PNG can make smaller, is some 200 kB.
const SIDE: u32 = 258;

/// The address of a point's picture, below the root.
pub(crate) fn name(n: u64) -> String {
    format!("{n}.png")
}

/// Draws the pictures, each of its own noise: equal ones would be embedded once.
pub(crate) fn draw(dir: &Path) {
    let root = dir.join("pictures");
    std::fs::create_dir_all(&root).expect("a directory");
    for n in 0..PICTURES {
        let mut state = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let noise = (0..SIDE * SIDE * 3).map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        });
        let picture = RgbImage::from_raw(SIDE, SIDE, noise.collect()).expect("as many bytes as pixels want");
        picture
            .save_with_format(root.join(name(n)), ImageFormat::Png)
            .expect("a picture");
    }
}

fn root() -> PathBuf {
    bench_dir().join("pictures")
}

fn media_config() -> MediaConfig {
    MediaConfig {
        root: Some(root()),
        ..MediaConfig::default()
    }
}

/// Every picture fetched and decoded, sixteen at once, as the pipeline does, and then let go.
pub(crate) async fn load() -> (u64, Instant) {
    let config = media_config();
    let loader = Loader::new(&config, &bench_dir(), Duration::ZERO, 32).expect("a loader");
    let takes = Takes::of(&gateway_of(Dialect::TypedInput).0, &config);
    let begun = Instant::now();
    let loaded = stream::iter(0..PICTURES)
        .map(|n| {
            let (loader, takes) = (loader.clone(), takes.clone());
            async move {
                let name = name(n);
                let fetched = loader.fetch(Where::Address(&name)).await.expect("fetched");
                let bytes = Arc::clone(&fetched.bytes);
                tokio::task::spawn_blocking(move || {
                    let kind = media::tell(&bytes, Some(Modality::Image)).expect("a picture");
                    media::fit(&bytes, kind, &takes).expect("decoded")
                })
                .await
                .expect("no panic")
            }
        })
        .buffer_unordered(16);
    (loaded.count().await as u64, begun)
}

/// Every picture embedded; what is sent lies ready.
pub(crate) async fn embed() -> (u64, Instant) {
    let (_, gateway) = gateway_of(Dialect::TypedInput);
    let bytes: Vec<u8> = std::fs::read(root().join(name(0))).expect("a picture");
    let begun = Instant::now();
    let done = stream::iter(0..PICTURES / 16)
        .map(|request| {
            let (gateway, bytes) = (Arc::clone(&gateway), bytes.clone());
            async move {
                // Each its own content, made where it is sent: all of them together would not fit the bound.
                let inputs: Vec<Input> = (0..16)
                    .map(|n| {
                        let mut own = bytes.clone();
                        own.extend_from_slice(&(request * 16 + n).to_le_bytes());
                        Input::Image(qlance::embed::Media {
                            bytes: own.into(),
                            mime: "image/png".into(),
                        })
                    })
                    .collect();
                gateway
                    .embed(&inputs, Role::Document, Caller::Migration)
                    .await
                    .expect("an answer")
                    .len() as u64
            }
        })
        .buffer_unordered(8)
        .fold(0, |sum, count| async move { sum + count })
        .await;
    (done, begun)
}

/// The whole pipeline on the collection of pictures.
pub(crate) async fn whole() -> u64 {
    let dir = bench_dir().join("media");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("a directory");
    let toml = format!(
        "[source]\nurl = \"{}\"\ncollection = \"pictures\"\n[target]\nuri = \"out.lance\"\ntable = \"t\"\n\
         [embed.text]\nprovider = \"openai\"\nbase_url = \"{}\"\ndimensions = {}\ndialect = \"typed_input\"\n\
         max_batch_inputs = 16\n[embed.image]\n[media]\nroot = \"{}\"\n[pipeline]\nindex = false\n",
        text("QLANCE_BENCH_QDRANT"),
        text("QLANCE_BENCH_EMBEDDINGS"),
        super::parts::size(),
        root().display()
    );
    pipeline_with(
        Arc::new(Config::parse(&toml, "bench", &dir).expect("a configuration")),
        PICTURES,
    )
    .await
}
