//! `[media]`: where the pictures and sounds of points come from, and what is let in. Payloads are untrusted, so everything
//! that is not allowed here is refused.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::span;

/// What is done with the caption or transcript of a picture or a sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaText {
    /// It is embedded instead where the modality has no embedder.
    #[default]
    Fallback,
    /// It is embedded as well.
    Also,
    /// It is never embedded.
    Never,
}

/// Where media come from, and what is let in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MediaConfig {
    /// The payload key that holds an address: `http(s)://`, `data:`, a path below `root`, or an object store's URI.
    pub url_key: String,
    /// The payload key that holds the bytes themselves, in base64.
    pub inline_key: String,
    /// What is done with the caption or transcript.
    pub media_text: MediaText,
    /// Keep the bytes as they were found in a blob column `media` of the table.
    pub store_media: bool,
    /// The directory that paths in payloads are relative to and may not leave. Left out, no local file is opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// Hosts, addresses and networks that may be asked although they are loopback, private or link-local, such as
    /// `"media.internal"`, `"10.1.2.3"` or `"10.0.0.0/8"`.
    pub allow_private: Vec<String>,
    /// Beginnings of object store URIs that may be read, such as `"s3://bucket/messages/"`. Empty allows none.
    pub allow_stores: Vec<String>,
    /// Mebibytes one picture or sound may have (1 to 1,024).
    pub max_mib: u64,
    /// Millions of pixels one picture may have when decoded (1 to 1,000).
    pub max_megapixels: u64,
    /// How long one sound may be, such as `"10m"`.
    #[serde(with = "span")]
    pub max_duration: Duration,
    /// Redirects that are followed (0 to 10); each one's target is checked like the first address.
    pub max_redirects: usize,
    /// Seconds until one picture or sound counts as out of reach (1 to 600).
    pub timeout_seconds: u64,
    /// Pictures and sounds loaded at once (1 to 256).
    pub max_in_flight: usize,
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self {
            url_key: "media_url".into(),
            inline_key: "media".into(),
            media_text: MediaText::Fallback,
            store_media: false,
            root: None,
            allow_private: Vec::new(),
            allow_stores: Vec::new(),
            max_mib: 20,
            max_megapixels: 50,
            max_duration: Duration::from_secs(600),
            max_redirects: 3,
            timeout_seconds: 30,
            max_in_flight: 16,
        }
    }
}
