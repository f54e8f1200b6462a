//! A commented `qlance.toml` from a few answers.

/// The answers of the set-up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answers {
    /// Qdrant's address.
    pub url: String,
    /// The environment variable that holds Qdrant's key.
    pub source_key_env: Option<String>,
    /// The collection.
    pub collection: String,
    /// The vector to compare with.
    pub vector: String,
    /// The payload key whose text is embedded.
    pub content: String,
    /// The database.
    pub uri: String,
    /// The table.
    pub table: String,
    /// `choir` or `inferred`.
    pub profile: &'static str,
    /// The embedder.
    pub embedder: EmbedderAnswer,
}

/// Who embeds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum EmbedderAnswer {
    /// The in-process model.
    #[default]
    Minilm,
    /// A server that speaks OpenAI's API.
    Openai {
        /// Its address.
        base_url: String,
        /// The model.
        model: String,
        /// Numbers an embedding has.
        dimensions: usize,
        /// The environment variable that holds the key.
        api_key_env: Option<String>,
    },
    /// Nobody: vectors are carried over.
    Carry,
}

/// A text as a TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Adds a setting, under a comment that says what it is. The comment has its own line: beside a long value it would
/// be out of sight.
fn add(text: &mut String, key: &str, value: &str, about: &str) {
    text.push_str(&format!("# {about}\n{key} = {value}\n"));
}

impl Answers {
    /// The file, with a word over every setting.
    pub fn to_toml(&self) -> String {
        let mut text = String::from(
            "# Made by qlance's set-up.\n# `qlance config` shows every setting with its default.\n\n[source]\n",
        );
        self.add_source(&mut text);
        text.push_str("\n[target]\n");
        add(&mut text, "uri", &quoted(&self.uri), "the LanceDB directory");
        let about = "made by qlance; another's is never touched";
        add(&mut text, "table", &quoted(&self.table), about);
        let about = "how columns are found: choir or inferred";
        add(&mut text, "profile", &quoted(self.profile), about);
        text.push_str("\n[embed.text]\n");
        self.embedder.add_to(&mut text);
        // Where nothing is embedded there is nothing to compare.
        if self.embedder != EmbedderAnswer::Carry {
            text.push_str("\n[divergence]\n");
            add(&mut text, "threshold", "0.98", "below it a new embedding is divergent");
        }
        text
    }

    fn add_source(&self, text: &mut String) {
        let about = "Qdrant's gRPC address, or embedded:DIR";
        add(text, "url", &quoted(&self.url), about);
        let about = "what is moved; it is only read";
        add(text, "collection", &quoted(&self.collection), about);
        if let Some(env) = &self.source_key_env {
            add(
                text,
                "api_key_env",
                &quoted(env),
                "the variable that holds Qdrant's key",
            );
        }
        let about = match self.embedder {
            EmbedderAnswer::Carry => "it goes over as it is; \"\" is the unnamed one",
            _ => "new embeddings are compared with it; \"\" is the unnamed one",
        };
        add(text, "vector", &quoted(&self.vector), about);
        // Where no field holds a text, there is none to name.
        if !self.content.is_empty() {
            let about = "the payload field whose text is embedded";
            add(text, "content", &quoted(&self.content), about);
        }
    }
}

impl EmbedderAnswer {
    fn add_to(&self, text: &mut String) {
        let (base_url, model, dimensions, api_key_env) = match self {
            Self::Minilm => {
                let about = "all-MiniLM-L6-v2 in process: 384 numbers";
                return add(text, "provider", &quoted("minilm"), about);
            }
            Self::Carry => return add(text, "provider", &quoted("carry"), "vectors go over as they are"),
            Self::Openai {
                base_url,
                model,
                dimensions,
                api_key_env,
            } => (base_url, model, dimensions, api_key_env),
        };
        add(
            text,
            "provider",
            &quoted("openai"),
            "any server that speaks OpenAI's API",
        );
        add(text, "base_url", &quoted(base_url), "up to and with /v1");
        add(text, "model", &quoted(model), "as the server knows it");
        let about = "checked on every vector that comes back";
        add(text, "dimensions", &dimensions.to_string(), about);
        if let Some(env) = api_key_env {
            add(text, "api_key_env", &quoted(env), "the variable that holds the key");
        }
        add(text, "max_in_flight", "50", "requests at once; + and - move it live");
        let price = match model.as_str() {
            "text-embedding-3-large" => "0.13",
            "text-embedding-3-small" => "0.02",
            "text-embedding-ada-002" => "0.10",
            _ => "0.0",
        };
        let about = "the price, for the cost and the budget";
        add(text, "usd_per_million_tokens", price, about);
        if model == "text-embedding-ada-002" {
            add(text, "send_dimensions", "false", "this model has one fixed dimension");
        } else if !base_url.contains("api.openai.com") {
            add(text, "send_dimensions", "false", "most models have one fixed dimension");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Provider};
    use std::path::Path;

    #[test]
    fn what_is_written_is_what_was_answered() {
        let answers = Answers {
            url: "http://localhost:6334".into(),
            source_key_env: Some("QDRANT_API_KEY".into()),
            collection: "odd \"name\"".into(),
            vector: String::new(),
            content: "text".into(),
            uri: "out.lance".into(),
            table: "messages".into(),
            profile: "inferred",
            embedder: EmbedderAnswer::Openai {
                base_url: "http://localhost:8000/v1".into(),
                model: "m".into(),
                dimensions: 768,
                api_key_env: Some("KEY".into()),
            },
        };
        let parse = |answers: &Answers| Config::parse(&answers.to_toml(), "qlance.toml", Path::new("/base"));
        let config = parse(&answers).expect("a configuration");
        assert_eq!(config.source.collection, "odd \"name\"");
        assert_eq!(
            (config.embed.text.dimensions, config.embed.text.send_dimensions),
            (768, false)
        );
        // Every setting has its word, and none is too long for the narrowest screen in common use.
        let file = answers.to_toml();
        let lines: Vec<&str> = file.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[1].contains(" = ")) {
            assert!(pair[0].starts_with("# "), "{pair:?}");
        }
        assert!(lines.iter().all(|line| line.len() <= 78), "{file}");
        for embedder in [EmbedderAnswer::Minilm, EmbedderAnswer::Carry] {
            let answers = Answers {
                embedder: embedder.clone(),
                ..answers.clone()
            };
            let config = parse(&answers).expect("a configuration");
            let carried = embedder == EmbedderAnswer::Carry;
            assert_eq!(config.embed.text.provider == Provider::Carry, carried);
            assert_eq!(!answers.to_toml().contains("[divergence]"), carried);
        }
    }

    #[test]
    fn a_dimension_is_sent_only_to_models_that_take_one() {
        for (model, sent) in [
            ("text-embedding-3-large", true),
            ("text-embedding-3-small", true),
            ("text-embedding-ada-002", false),
        ] {
            let mut text = String::new();
            let embedder = EmbedderAnswer::Openai {
                base_url: "https://api.openai.com/v1".into(),
                model: model.into(),
                dimensions: 1_536,
                api_key_env: None,
            };
            embedder.add_to(&mut text);
            assert_eq!(!text.contains("send_dimensions = false"), sent, "{text}");
        }
    }
}
