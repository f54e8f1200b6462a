//! What the parts of a picture file say, without decoding it: how large the picture is, and whether the file goes on to
//! its end. Decoders are lenient about a missing end, and show what is left as if it were all. Pure.

use ::image::ImageFormat;

use super::super::message::unreadable;
use crate::point::Failure;

/// Width and height as the header tells them, where that is told in few words.
pub(super) fn size(format: ImageFormat, bytes: &[u8]) -> Option<(u32, u32)> {
    match format {
        ImageFormat::Png => Some((be32(bytes, 16)?, be32(bytes, 20)?)),
        ImageFormat::Gif => Some((le16(bytes, 6)?, le16(bytes, 8)?)),
        ImageFormat::Jpeg => Jpeg::walk(bytes).size,
        _ => None,
    }
}

/// Checks that a file goes on to its end.
///
/// # Errors
/// It does not.
pub(super) fn check_whole(format: ImageFormat, bytes: &[u8]) -> Result<(), Failure> {
    let whole = match format {
        ImageFormat::Png => png(bytes),
        ImageFormat::Gif => gif(bytes),
        ImageFormat::Jpeg => Jpeg::walk(bytes).whole,
        ImageFormat::WebP => webp(bytes),
        _ => true,
    };
    if whole {
        return Ok(());
    }
    Err(unreadable(
        "cannot decode the picture: it is cut off, the file ends before the picture does",
    ))
}

/// Chunks up to the one that ends the picture.
fn png(bytes: &[u8]) -> bool {
    let mut at = 8;
    while let (Some(length), Some(name)) = (be32(bytes, at), bytes.get(at + 4..at + 8)) {
        // Length, name, content, checksum.
        let end = at + 12 + length as usize;
        if end > bytes.len() {
            return false;
        }
        if name == b"IEND" {
            return true;
        }
        at = end;
    }
    false
}

/// The container's length, and chunks that fill it.
fn webp(bytes: &[u8]) -> bool {
    let Some(end) = le32(bytes, 4).map(|length| 8 + length as usize) else {
        return false;
    };
    if end > bytes.len() {
        return false;
    }
    let mut at = 12;
    while at + 8 <= end {
        let Some(length) = le32(bytes, at + 4) else {
            return false;
        };
        at += 8 + length as usize;
        if at > end {
            return false;
        }
        at += (length % 2) as usize;
    }
    at > 12
}

/// Blocks up to the trailer.
fn gif(bytes: &[u8]) -> bool {
    let table = |packed: u8| -> usize { if packed & 0x80 == 0 { 0 } else { 3 << ((packed & 7) + 1) } };
    let Some(&packed) = bytes.get(10) else { return false };
    let mut at = 13 + table(packed);
    loop {
        match bytes.get(at) {
            // An extension: its label, and its blocks.
            Some(0x21) => at += 2,
            // A frame: place, size, its table, the size of its codes, and its blocks.
            Some(0x2c) => match bytes.get(at + 9) {
                Some(&packed) => at += 11 + table(packed),
                None => return false,
            },
            Some(0x3b) => return true,
            Some(_) | None => return false,
        }
        loop {
            match bytes.get(at) {
                Some(0) => break,
                Some(&length) => at += 1 + usize::from(length),
                None => return false,
            }
        }
        at += 1;
    }
}

/// What the markers of a JPEG file say.
struct Jpeg {
    size: Option<(u32, u32)>,
    whole: bool,
}

impl Jpeg {
    fn walk(bytes: &[u8]) -> Self {
        let mut seen = Self {
            size: None,
            whole: false,
        };
        let mut at = 2;
        let mut scanned = false;
        loop {
            // Between markers stand the codes of a scan, in which 0xff is followed by 0 or by a restart marker.
            let Some(ahead) = bytes
                .get(at..)
                .and_then(|rest| rest.iter().position(|byte| *byte == 0xff))
            else {
                return seen;
            };
            at += ahead + 1;
            let Some(&marker) = bytes.get(at) else { return seen };
            match marker {
                // Filled up: the marker is still to come.
                0xff => continue,
                0x00 | 0x01 | 0xd0..=0xd8 => {}
                0xd9 => {
                    seen.whole = scanned;
                    return seen;
                }
                _ => {
                    let Some(length) = be16(bytes, at + 1) else { return seen };
                    // Start of frame: precision, height, width.
                    if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) && seen.size.is_none() {
                        seen.size = be16(bytes, at + 6).zip(be16(bytes, at + 4));
                    }
                    scanned |= marker == 0xda;
                    at += length as usize;
                }
            }
            at += 1;
        }
    }
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn be16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u16::from_be_bytes(part(bytes, at)?).into())
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(part(bytes, at)?))
}

fn le16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u16::from_le_bytes(part(bytes, at)?).into())
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(part(bytes, at)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FORMATS: [ImageFormat; 4] = [ImageFormat::Png, ImageFormat::Gif, ImageFormat::Jpeg, ImageFormat::WebP];

    #[test]
    fn a_jpeg_is_walked_through_fillers_restarts_and_scans() {
        let file = [
            &b"\xff\xd8\xff\xe0\x00\x04\xff\xd9"[..], // a segment whose content looks like the end
            b"\xff\xff\xff\xc2\x00\x08\x08\x00\x10\x00\x20\x01",
            b"\xff\xda\x00\x02codes\xff\x00codes\xff\xd3codes",
            b"\xff\xda\x00\x02more\xff\x00",
            b"\xff\xd9trailing",
        ]
        .concat();
        assert_eq!(size(ImageFormat::Jpeg, &file), Some((0x20, 0x10)));
        assert!(check_whole(ImageFormat::Jpeg, &file).is_ok());
        let end = file.len() - b"trailing".len() - 1;
        assert!(check_whole(ImageFormat::Jpeg, &file[..end]).is_err());
        assert!(
            check_whole(ImageFormat::Jpeg, b"\xff\xd8\xff\xd9").is_err(),
            "no scan at all"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_upset_it(bytes in proptest::collection::vec(prop_oneof![Just(0xff_u8), any::<u8>()], 0..200)) {
            for format in FORMATS {
                let _ = (size(format, &bytes), check_whole(format, &bytes));
            }
        }
    }
}
