//! How many tokens a text has: the model's own tokenizer where it is at hand, else an upper bound or an estimate.

/// A number of tokens, and how well it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// As the model counts, or an upper bound that is already small enough.
    Known(usize),
    /// A guess, good for packing but not for refusing.
    Estimated(usize),
}

impl Count {
    /// The number, for packing.
    pub fn get(self) -> usize {
        match self {
            Self::Known(count) | Self::Estimated(count) => count,
        }
    }
}

/// A tokenizer out of a `tokenizer.json`, in Hugging Face's format.
#[derive(Clone)]
pub struct FromFile {
    #[cfg(feature = "minilm")]
    inner: std::sync::Arc<tokenizers::Tokenizer>,
}

/// Special tokens that a template may put around a text, at most.
#[cfg(feature = "minilm")]
const SPECIAL: usize = 16;

impl FromFile {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, or is no tokenizer.
    #[cfg(feature = "minilm")]
    pub fn open(path: &std::path::Path) -> anyhow::Result<Self> {
        let refused = |error: String| {
            anyhow::anyhow!(
                "embed.text.tokenizer_file: {}: {error}; name the model's own tokenizer.json",
                path.display()
            )
        };
        let bytes = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
        let mut inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| refused(error.to_string()))?;
        // Texts are counted whole; what is too long is cut by us, and said.
        inner
            .with_truncation(None)
            .map_err(|error| refused(error.to_string()))?;
        inner.with_padding(None);
        Ok(Self {
            inner: std::sync::Arc::new(inner),
        })
    }

    /// Reads the file.
    ///
    /// # Errors
    /// This build has no tokenizers.
    #[cfg(not(feature = "minilm"))]
    pub fn open(_: &std::path::Path) -> anyhow::Result<Self> {
        anyhow::bail!("embed.text.tokenizer_file: this qlance was built without tokenizers (feature `minilm`)")
    }

    /// Counts; a text of no more bytes than `enough` needs no counting.
    #[cfg(feature = "minilm")]
    pub fn count(&self, text: &str, enough: usize) -> Count {
        if text.len() + SPECIAL <= enough {
            return Count::Known(text.len() + SPECIAL);
        }
        match self.inner.encode_fast(text, true) {
            Ok(encoding) => Count::Known(encoding.len()),
            Err(_) => Count::Estimated(text.len().div_ceil(3)),
        }
    }

    /// Counts.
    #[cfg(not(feature = "minilm"))]
    pub fn count(&self, text: &str, _: usize) -> Count {
        Count::Estimated(text.len().div_ceil(3))
    }
}

/// Which tokenizer fits a model of an OpenAI-compatible server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokenizer {
    /// The BPE table `cl100k_base` of all of OpenAI's embedding models.
    Cl100k,
    /// Not known here.
    Unknown,
}

impl Tokenizer {
    /// By the model's name.
    pub fn of_model(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        if name.starts_with("text-embedding-3-") || name == "text-embedding-ada-002" {
            Self::Cl100k
        } else {
            Self::Unknown
        }
    }

    /// Counts. A byte-level BPE token covers at least one byte, so a text of no more bytes than `enough` needs no
    /// counting: its length in bytes is a good enough bound, and the tokenizer (a few MB/s) stays off the hot path.
    pub fn count(self, text: &str, enough: usize) -> Count {
        match self {
            Self::Cl100k if text.len() <= enough => Count::Known(text.len()),
            Self::Cl100k => Count::Known(tiktoken_rs::cl100k_base_singleton().encode_ordinary(text).len()),
            // Four bytes a token is the usual rule for English; three is on the safe side for packing.
            Self::Unknown => Count::Estimated(text.len().div_ceil(3)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_counted_and_short_ones_bounded() {
        let tokenizer = Tokenizer::of_model("text-embedding-3-large");
        assert_eq!(tokenizer.count("hello world", 8_192), Count::Known(11));
        assert_eq!(tokenizer.count("hello world", 4), Count::Known(2));
        assert_eq!(Tokenizer::of_model("openai/text-embedding-ada-002"), Tokenizer::Cl100k);
        assert_eq!(
            Tokenizer::of_model("bge-m3").count("hello world", 4),
            Count::Estimated(4)
        );
    }
}
