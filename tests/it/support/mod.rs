//! What tests set up: an embedded Qdrant with points, an embeddings server that misbehaves on demand, the qlance
//! binary in a directory of its own. Helpers fail with what they saw.

pub(crate) mod dialect_server;
pub(crate) mod embeddings_server;
pub(crate) mod planting;
pub(crate) mod samples;
pub(crate) mod svg;
pub(crate) mod world;
