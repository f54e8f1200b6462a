//! `qlance init`: the set-up without a screen. Questions, tries and file are those of the set-up's screen; the answers
//! come from the command line, and what it does not say is answered with what the screen offers.

use std::io::Write as _;
use std::path::Path;

use anyhow::anyhow;
use serde_json::{Value, json};

use super::{print_json, printable, read_or_not};
use crate::app::setup::given::PROVIDERS;
use crate::app::setup::{Next, Setup, Step, Tried, Try};
use crate::cli::{Cli, InitArgs, InitProfile, InitProvider};
use crate::config::template::EmbedderAnswer;
use crate::config::{Config, ConfigError};
use crate::console::setup::{base_of, carry_out, write, write_over};
use crate::tasks::setup::{CollectionChoice, Refusal};

pub(super) async fn run(cli: &Cli, args: &InitArgs) -> anyhow::Result<u8> {
    let mut walk = Walk {
        path: &cli.config,
        args,
        setup: Setup::new(&cli.config),
        collections: Vec::new(),
        tried: Vec::new(),
        notes: Vec::new(),
    };
    let ended = walk.go().await;
    if args.json {
        read_or_not(print_json(&walk.told(&ended)))?;
    } else {
        for note in &walk.notes {
            tell!("qlance: {}", printable(note));
        }
        match &ended {
            Ok(End::Listed) => walk.list()?,
            Ok(End::Written) => tell!(
                "qlance: {} is written; `qlance plan` says what a run would do",
                printable(&cli.config.display().to_string())
            ),
            Err(_) => {}
        }
    }
    ended.map(|_| 0)
}

/// How it ended.
enum End {
    /// The configuration is there.
    Written,
    /// There are several collections, and none was named.
    Listed,
}

/// From question to question.
struct Walk<'a> {
    path: &'a Path,
    args: &'a InitArgs,
    setup: Setup,
    collections: Vec<CollectionChoice>,
    /// What was tried, in its order, as it is printed.
    tried: Vec<Value>,
    /// What was said in vain.
    notes: Vec<String>,
}

impl Walk<'_> {
    async fn go(&mut self) -> anyhow::Result<End> {
        refuse_contradictions(self.args)?;
        if self.args.collection.is_some() {
            self.refuse_another()?;
        }
        loop {
            let step = self.setup.step;
            match step {
                Step::Collection if self.args.collection.is_none() && self.collections.len() > 1 => {
                    return Ok(End::Listed);
                }
                Step::Collection => self.refuse_another()?,
                // A guess would send a key that was meant for somebody else.
                Step::SourceKey if self.args.api_key_env.is_none() => {
                    return Err(usage(format!(
                        "--api-key-env: Qdrant at {} wants a key; name the environment variable that holds it",
                        self.setup.answers.url
                    )));
                }
                Step::Review => self.settle_unasked()?,
                _ => {}
            }
            let next = match given(self.args, step) {
                Some(answer) => self.setup.give(answer),
                None => self.setup.accept(),
            };
            match next {
                Next::Try(what) => self.carry_out(step, what).await?,
                Next::Write(text) => {
                    Config::parse(&text, "the answers", &base_of(self.path))?;
                    if self.args.force {
                        write_over(self.path, &text)?;
                    } else {
                        write(self.path, &text)?;
                    }
                    return Ok(End::Written);
                }
                Next::Stay if self.setup.step != step => {}
                Next::Stay | Next::Leave => {
                    let why = self.setup.error.as_deref().unwrap_or("this is no answer");
                    return Err(usage(format!("{}: {why}", option(step))));
                }
            }
        }
    }

    /// Tries an answer and hands on what came of it.
    async fn carry_out(&mut self, step: Step, what: Try) -> anyhow::Result<()> {
        let of = match (&what, step) {
            (Try::Embedder(_), Step::EmbedKey) => "--base-url, --model, --dimensions and --embed-key-env",
            _ => option(step),
        };
        let tried = carry_out(what, base_of(self.path)).await;
        self.tried.push(row(&tried));
        let unreachable = matches!(tried.refusal(), Some(Refusal::Unreachable(_)));
        let refused = !matches!(tried.refusal(), None | Some(Refusal::NeedsKey(_)));
        if let Tried::Collections(Ok(found)) = &tried {
            self.collections.clone_from(found);
        }
        self.setup.tried(tried);
        // On the screen what is refused may be asked for again; here it was said once.
        if self.setup.step != step && !refused {
            // Answered, or Qdrant wants a key, which is the next question.
            return Ok(());
        }
        let why = self.setup.error.as_deref().unwrap_or("this cannot be tried");
        Err(match (unreachable, step) {
            // The name was fit: it is its place that cannot be used.
            (true, Step::Table) => anyhow!("--target: {why}"),
            (true, _) => anyhow!("{of}: {why}"),
            (false, _) => usage(format!("{of}: {why}")),
        })
    }

    /// A configuration that is there is somebody's work.
    fn refuse_another(&self) -> anyhow::Result<()> {
        if self.args.force || !self.path.exists() {
            return Ok(());
        }
        Err(usage(format!(
            "{} is there already; name another file with --config, or write over it with --force",
            self.path.display()
        )))
    }

    /// What was said although nobody asked: taken, told, or refused where it cannot be so.
    fn settle_unasked(&mut self) -> anyhow::Result<()> {
        if self.args.api_key_env.is_some() && !self.setup.has_passed(Step::SourceKey) {
            let note = "--api-key-env is not in the configuration: Qdrant answers without a key";
            self.notes.push(note.to_owned());
        }
        if let Some(vector) = self
            .args
            .vector
            .as_deref()
            .filter(|_| !self.setup.has_passed(Step::Vector))
        {
            let answers = &mut self.setup.answers;
            let chosen = self.collections.iter().find(|found| found.name == answers.collection);
            if chosen.is_some_and(|found| found.points.is_none()) {
                // Nobody looked which there are.
                vector.clone_into(&mut answers.vector);
            } else if chosen.is_some_and(|found| found.vectors.is_empty()) {
                return Err(usage(
                    "--vector: the collection has no dense vector; leave it out".to_owned(),
                ));
            } else if vector != answers.vector {
                return Err(usage(format!(
                    "--vector: there is no {vector:?}; the only dense vector is {:?}",
                    answers.vector
                )));
            }
        }
        if !self.setup.has_passed(Step::Embedder) && given(self.args, Step::Embedder).is_some_and(|who| who != "carry")
        {
            return Err(usage(
                "--provider: no sampled point holds a text that could be embedded; say carry, or leave it out"
                    .to_owned(),
            ));
        }
        if let Some(profile) = self.args.profile {
            self.setup.answers.profile = match profile {
                InitProfile::Choir => "choir",
                InitProfile::Inferred => "inferred",
            };
        }
        Ok(())
    }

    /// Prints the collections.
    fn list(&self) -> anyhow::Result<()> {
        let mut stdout = std::io::stdout();
        for CollectionChoice { name, about, .. } in &self.collections {
            writeln!(
                stdout,
                "{}",
                printable(&format!("{name}  {about}")).replace('\n', " ").trim_end()
            )?;
        }
        tell!("qlance: nothing is written; name one with --collection");
        Ok(())
    }

    /// The object that is printed.
    fn told(&self, ended: &anyhow::Result<End>) -> Value {
        let status = match ended {
            Ok(End::Written) => "written",
            Ok(End::Listed) => "listed",
            Err(_) => "error",
        };
        let collections: Vec<Value> = self.collections.iter().map(collection).collect();
        let mut told = json!({
            "status": status, "config": self.path.display().to_string(), "collections": collections,
            "tried": self.tried, "notes": self.notes
        });
        match ended {
            Ok(End::Written) => {
                let answers = &self.setup.answers;
                let provider = match answers.embedder {
                    EmbedderAnswer::Minilm => PROVIDERS[0],
                    EmbedderAnswer::Openai { .. } => PROVIDERS[1],
                    EmbedderAnswer::Carry => PROVIDERS[2],
                };
                told["answers"] = json!({
                    "collection": answers.collection, "vector": answers.vector, "content": answers.content,
                    "target": answers.uri, "table": answers.table, "profile": answers.profile, "provider": provider
                });
            }
            Ok(End::Listed) => {}
            Err(error) => told["error"] = format!("{error:#}").into(),
        }
        told
    }
}

fn usage(text: String) -> anyhow::Error {
    ConfigError::Usage(text).into()
}

/// A collection as it is printed.
fn collection(choice: &CollectionChoice) -> Value {
    let vectors: Vec<Value> = choice
        .vectors
        .iter()
        .map(|(name, dimensions)| json!({"name": name, "dimensions": dimensions}))
        .collect();
    json!({"name": choice.name, "points": choice.points, "vectors": vectors})
}

/// What was tried as it is printed.
fn row(tried: &Tried) -> Value {
    let (what, found) = match tried {
        Tried::Collections(Ok(found)) => ("source", json!(found.len())),
        Tried::Collections(Err(_)) => ("source", Value::Null),
        Tried::Fields(Ok(found)) => ("fields", json!(found.fields.len())),
        Tried::Fields(Err(_)) => ("fields", Value::Null),
        Tried::Target(_) => ("target", Value::Null),
        Tried::Server(_) => ("server", Value::Null),
        Tried::Embedder(Ok(numbers)) => ("embedder", json!(numbers)),
        Tried::Embedder(Err(_)) => ("embedder", Value::Null),
    };
    match tried.refusal() {
        None => json!({"what": what, "ok": true, "found": found}),
        Some(refusal) => json!({"what": what, "ok": false, "error": refusal.why()}),
    }
}

/// Whether anything is said that only a server needs.
fn names_a_server(args: &InitArgs) -> bool {
    [&args.base_url, &args.model, &args.dimensions, &args.embed_key_env]
        .iter()
        .any(|option| option.is_some())
}

fn refuse_contradictions(args: &InitArgs) -> anyhow::Result<()> {
    let other = args.provider.filter(|provider| *provider != InitProvider::Openai);
    if other.is_some() && names_a_server(args) {
        return Err(usage(
            "--provider: only openai has --base-url, --model, --dimensions and --embed-key-env; leave them out, or say \
             --provider openai"
                .to_owned(),
        ));
    }
    Ok(())
}

/// What the command line answers to a question.
fn given(args: &InitArgs, step: Step) -> Option<&str> {
    match step {
        Step::Url => args.url.as_deref(),
        Step::SourceKey => args.api_key_env.as_deref(),
        Step::Collection => args.collection.as_deref(),
        Step::Vector => args.vector.as_deref(),
        Step::Content => args.content.as_deref(),
        Step::Uri => args.target.as_deref(),
        Step::Table => args.table.as_deref(),
        Step::Embedder => match args.provider {
            Some(InitProvider::Minilm) => Some(PROVIDERS[0]),
            Some(InitProvider::Openai) => Some(PROVIDERS[1]),
            Some(InitProvider::Carry) => Some(PROVIDERS[2]),
            None => names_a_server(args).then_some(PROVIDERS[1]),
        },
        Step::BaseUrl => args.base_url.as_deref(),
        Step::Model => args.model.as_deref(),
        Step::Dimensions => args.dimensions.as_deref(),
        Step::EmbedKey => args.embed_key_env.as_deref(),
        Step::Review => None,
    }
}

/// The option that answers a question.
fn option(step: Step) -> &'static str {
    match step {
        Step::Url => "--url",
        Step::SourceKey => "--api-key-env",
        Step::Collection => "--collection",
        Step::Vector => "--vector",
        Step::Content => "--content",
        Step::Uri => "--target",
        Step::Table => "--table",
        Step::Embedder => "--provider",
        Step::BaseUrl => "--base-url",
        Step::Model => "--model",
        Step::Dimensions => "--dimensions",
        Step::EmbedKey => "--embed-key-env",
        Step::Review => "--config",
    }
}
