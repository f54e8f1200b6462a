//! The other side of the door: one question to the process that works on a job.

use std::io;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::{Answer, CONFIRMS, MOST_BYTES, PATIENCE, Request, SOCKET, address};

/// Asks the process that works on the job of a state directory; `None` where none does, or where it has no door.
///
/// # Errors
/// There is a door, and no answer comes out of it.
pub async fn ask(dir: &Path, request: &Request) -> anyhow::Result<Option<Answer>> {
    let place = dir.join(SOCKET);
    let connected = match address(dir) {
        Ok((path, _open)) => UnixStream::connect(path).await,
        Err(error) => Err(error),
    };
    let mut stream = match connected {
        Ok(stream) => stream,
        // A process that was killed leaves its socket behind, and nobody listens there.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error).with_context(|| format!("nothing can be asked at {}", place.display())),
    };
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    let talk = async {
        stream.write_all(&line).await?;
        let mut text = Vec::new();
        stream.take(MOST_BYTES).read_to_end(&mut text).await?;
        io::Result::Ok(text)
    };
    let text = tokio::time::timeout(CONFIRMS + 2 * PATIENCE, talk)
        .await
        .context("the qlance that is at work does not answer; it may be stopped (SIGSTOP) or stuck")?
        // In words: a broken pipe that is kept as such would be taken for a reader of stdout that has seen enough.
        .map_err(|error| anyhow!("the qlance that is at work hung up at {}: {error}", place.display()))?;
    anyhow::ensure!(
        !text.is_empty(),
        "the qlance that is at work hung up without an answer; it is ending"
    );
    let answer = serde_json::from_slice(&text).context("its answer cannot be read; it may be of another version")?;
    Ok(Some(answer))
}
