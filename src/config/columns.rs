//! Which payload keys can have a column of their own.

/// Names that no payload key can take: such keys stay in `extra`.
const RESERVED: [&str; 10] = [
    "id",
    "embedding",
    "embedding_image",
    "embedding_audio",
    "embedding_caption",
    "media_bytes",
    "modality",
    "original_similarity",
    "extra",
    "vector",
];

/// Whether a payload key can name a column. Lance reads dots and backticks in names as paths; such keys stay in `extra`,
/// as do the names of qlance's own columns.
pub fn can_name_a_column(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 128
        && !RESERVED.contains(&key)
        && !key.starts_with('_')
        && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}
