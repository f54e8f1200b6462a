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

impl Answers {
    /// The file, with a word on every line.
    pub fn to_toml(&self) -> String {
        let mut text = String::from(
            "# Made by qlance's set-up. `qlance config` shows every setting with its default.\n\n[source]\n",
        );
        let mut line = |key: &str, value: String, about: &str| {
            let setting = format!("{key} = {value}");
            text.push_str(&format!("{setting:<44} # {about}\n"));
        };
        line("url", quoted(&self.url), "Qdrant's gRPC address, or embedded:DIR");
        line("collection", quoted(&self.collection), "what is moved; it is only read");
        if let Some(env) = &self.source_key_env {
            line("api_key_env", quoted(env), "the variable that holds Qdrant's key");
        }
        line(
            "vector",
            quoted(&self.vector),
            "new embeddings are compared with it; \"\" is the unnamed one",
        );
        line(
            "content",
            quoted(&self.content),
            "the payload field whose text is embedded",
        );
        text.push_str("\n[target]\n");
        let mut line = |key: &str, value: String, about: &str| {
            let setting = format!("{key} = {value}");
            text.push_str(&format!("{setting:<44} # {about}\n"));
        };
        line("uri", quoted(&self.uri), "the LanceDB directory");
        line(
            "table",
            quoted(&self.table),
            "made by qlance; another's is never touched",
        );
        line(
            "profile",
            quoted(self.profile),
            "how columns are found: choir or inferred",
        );
        text.push_str("\n[embed.text]\n");
        let mut line = |key: &str, value: String, about: &str| {
            let setting = format!("{key} = {value}");
            text.push_str(&format!("{setting:<44} # {about}\n"));
        };
        match &self.embedder {
            EmbedderAnswer::Minilm => line("provider", quoted("minilm"), "all-MiniLM-L6-v2 in process: 384 numbers"),
            EmbedderAnswer::Carry => line("provider", quoted("carry"), "vectors go over as they are"),
            EmbedderAnswer::Openai {
                base_url,
                model,
                dimensions,
                api_key_env,
            } => {
                line("provider", quoted("openai"), "any server that speaks OpenAI's API");
                line("base_url", quoted(base_url), "up to and with /v1");
                line("model", quoted(model), "as the server knows it");
                line(
                    "dimensions",
                    dimensions.to_string(),
                    "checked on every vector that comes back",
                );
                if let Some(env) = api_key_env {
                    line("api_key_env", quoted(env), "the variable that holds the key");
                }
                line("max_in_flight", "50".into(), "requests at once; + and - move it live");
                let price = match model.as_str() {
                    "text-embedding-3-large" => "0.13",
                    "text-embedding-3-small" => "0.02",
                    "text-embedding-ada-002" => "0.10",
                    _ => "0.0",
                };
                line(
                    "usd_per_million_tokens",
                    price.into(),
                    "the price, for the cost and the budget",
                );
                if !base_url.contains("api.openai.com") {
                    line(
                        "send_dimensions",
                        "false".into(),
                        "most models have one fixed dimension",
                    );
                }
            }
        }
        text.push_str(
            "\n[divergence]\nthreshold = 0.98                             # below it a new embedding is divergent\n",
        );
        text
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
        for embedder in [EmbedderAnswer::Minilm, EmbedderAnswer::Carry] {
            let config = parse(&Answers {
                embedder: embedder.clone(),
                ..answers.clone()
            })
            .expect("a configuration");
            let carried = embedder == EmbedderAnswer::Carry;
            assert_eq!(config.embed.text.provider == Provider::Carry, carried);
        }
    }
}
