//! The gateways of a job: one for every embedder, and which modality goes through which.
//!
//! What the operator sets (requests at once, inputs a request, caps a minute, pause) holds for each of them; money comes
//! out of one budget. None of them is there where Qdrant's vectors are carried over.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::gate::Caller;
use super::gateway::{Gateway, Usage};
use super::spool::Spool;
use super::{Made, Space};
use crate::config::Provider;
use crate::patience::Outage;
use crate::point::Modality;

/// The gateways of a job.
#[derive(Clone, Default)]
pub struct Gateways {
    /// That of texts first.
    all: Vec<Arc<Gateway>>,
    /// For each of [`Modality::ALL`], its place in `all`.
    places: [Option<usize>; 3],
}

impl Gateways {
    /// One gateway for texts alone.
    pub fn of_texts(gateway: Arc<Gateway>) -> Self {
        Self {
            all: vec![gateway],
            places: [Some(0), None, None],
        }
    }

    /// A gateway before each embedder, with patience for its outages, and a spool below `spools` where what it makes is
    /// paid for.
    ///
    /// # Errors
    /// A spool cannot be opened.
    pub fn open(made: Vec<Made>, patience: Duration, spools: Option<&Path>) -> anyhow::Result<Self> {
        let mut gateways = Self::default();
        for Made {
            modalities,
            config,
            embedder,
        } in made
        {
            let space = embedder.capabilities().space.clone();
            let mut gateway = Gateway::new(embedder, &config).with_patience(patience);
            if let Some(first) = gateways.all.first() {
                gateway = gateway.with_budget_of(first, config.usd_per_million_tokens);
            }
            let keeps = config.spool_mib > 0 && config.provider == Provider::Openai;
            if let Some(spools) = spools.filter(|_| keeps) {
                // The first one's lies where it lay before there were several.
                let dir = match gateways.all.len() {
                    0 => spools.to_owned(),
                    n => spools.join(n.to_string()),
                };
                gateway.keep_in(Spool::open(&dir, &space, config.spool_mib << 20)?);
            }
            for modality in modalities {
                gateways.places[modality as usize] = Some(gateways.all.len());
            }
            gateways.all.push(Arc::new(gateway));
        }
        Ok(gateways)
    }

    /// Whether nothing is embedded: Qdrant's vectors are carried over.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The gateway of texts, whose settings the screen shows; `None` where nothing is embedded.
    pub fn main(&self) -> Option<&Arc<Gateway>> {
        self.all.first()
    }

    /// The gateway of a modality, where it has an embedder.
    pub fn of(&self, modality: Modality) -> Option<&Arc<Gateway>> {
        self.all.get(self.places[modality as usize]?)
    }

    /// The space of a modality's embeddings, where it has an embedder.
    pub fn space_of(&self, modality: Modality) -> Option<&Space> {
        Some(&self.of(modality)?.embedder().capabilities().space)
    }

    /// Each of them once, with its first modality.
    pub fn each(&self) -> impl Iterator<Item = (Modality, &Arc<Gateway>)> {
        self.all.iter().enumerate().filter_map(|(place, gateway)| {
            let modality = Modality::ALL
                .into_iter()
                .find(|m| self.places[*m as usize] == Some(place))?;
            Some((modality, gateway))
        })
    }

    /// What was asked of all embedders so far.
    pub fn usage(&self) -> Usage {
        self.all
            .iter()
            .map(|gateway| gateway.usage())
            .fold(Usage::default(), |sum, usage| sum + usage)
    }

    /// US dollars spent, by earlier runs too.
    pub fn spent(&self) -> f64 {
        self.main().map_or(0.0, |gateway| gateway.budget().spent())
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> usize {
        self.all.iter().map(|gateway| gateway.gate().in_flight()).sum()
    }

    /// Requests in flight for a caller.
    pub fn in_flight_of(&self, caller: Caller) -> usize {
        self.all.iter().map(|gateway| gateway.gate().in_flight_of(caller)).sum()
    }

    /// The outage of an embedder, if there is one.
    pub fn outage(&self) -> Option<Outage> {
        self.all.iter().find_map(|gateway| gateway.outage())
    }

    /// The embedders of these modalities, for messages.
    pub fn spaces(&self) -> String {
        let mut names: Vec<String> = Vec::new();
        for (modality, gateway) in self.each() {
            let space = &gateway.embedder().capabilities().space;
            names.push(if self.all.len() == 1 {
                space.to_string()
            } else {
                format!("{}: {space}", modality.as_str())
            });
        }
        names.join(", ")
    }
}
