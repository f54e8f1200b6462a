//! `qlance init`.

use clap::{Args, ValueEnum};

/// The answers of the set-up; what is not said is answered as the set-up offers it.
#[derive(Debug, Clone, Default, Args)]
pub struct InitArgs {
    /// Where Qdrant is: its gRPC address, or embedded:DIR; port 6334 of this machine if not said.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The environment variable that holds Qdrant's key; the key itself is never said here.
    #[arg(long, value_name = "NAME")]
    pub api_key_env: Option<String>,
    /// The collection; where there are several and none is named, they are listed and nothing is written.
    #[arg(long, value_name = "NAME")]
    pub collection: Option<String>,
    /// Which of its dense vectors is embedded anew or carried over; "" is the unnamed one.
    #[arg(long, value_name = "NAME")]
    pub vector: Option<String>,
    /// The payload field whose text is embedded; the likeliest one if not said.
    #[arg(long, value_name = "FIELD")]
    pub content: Option<String>,
    /// Where the LanceDB database lies, relative to the configuration.
    #[arg(long, value_name = "URI")]
    pub target: Option<String>,
    /// What the table is called.
    #[arg(long, value_name = "NAME")]
    pub table: Option<String>,
    /// How columns are found; by the fields of a sample if not said.
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<InitProfile>,
    /// Who embeds: MiniLM in process if not said, a server where its address, model or numbers are.
    #[arg(long, value_name = "PROVIDER")]
    pub provider: Option<InitProvider>,
    /// Where the embedder is, up to and with /v1.
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// The embedder's model.
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Numbers that an embedding has.
    #[arg(long, value_name = "N")]
    pub dimensions: Option<String>,
    /// The environment variable that holds the embedder's key; "" if none is needed.
    #[arg(long, value_name = "NAME")]
    pub embed_key_env: Option<String>,
    /// Write over a configuration that is there already.
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// How columns are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InitProfile {
    /// The built-in table of the Choir product.
    Choir,
    /// From a sample of payloads.
    Inferred,
}

/// Who embeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InitProvider {
    /// The in-process model.
    Minilm,
    /// A server that speaks OpenAI's API.
    Openai,
    /// Nobody: Qdrant's vectors are carried over.
    Carry,
}
