//! What a decoder is given to read: a header made here, and a part of the bytes behind it. No copy of the bytes is
//! made.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};

/// A header and a part of bytes, read from the front once.
struct Source {
    head: io::Cursor<Vec<u8>>,
    bytes: Arc<[u8]>,
    rest: Range<usize>,
}

/// Makes a stream of a header and a part of bytes, as far as that is there.
pub(super) fn stream(head: Vec<u8>, bytes: &Arc<[u8]>, part: Range<usize>) -> MediaSourceStream {
    let end = part.end.min(bytes.len());
    let source = Source {
        head: io::Cursor::new(head),
        bytes: Arc::clone(bytes),
        rest: part.start.min(end)..end,
    };
    MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default())
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.head.read(buffer)?;
        if read > 0 {
            return Ok(read);
        }
        let read = self.rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&self.bytes[self.rest.start..self.rest.start + read]);
        self.rest.start += read;
        Ok(read)
    }
}

impl Seek for Source {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl MediaSource for Source {
    fn is_seekable(&self) -> bool {
        false
    }

    fn byte_len(&self) -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_comes_first_and_then_the_part() {
        let bytes: Arc<[u8]> = Arc::from(*b"0123456789");
        for (part, expected) in [(2..5, "head234"), (8..50, "head89"), (20..30, "head"), (3..3, "head")] {
            let mut read = String::new();
            stream(b"head".to_vec(), &bytes, part)
                .read_to_string(&mut read)
                .expect("read");
            assert_eq!(read, expected);
        }
    }
}
