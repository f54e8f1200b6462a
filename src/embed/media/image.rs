//! Pictures: checked to be whole and within bounds, decoded, and brought into the form that a model takes.

mod shape;

use std::io::Cursor;
use std::sync::Arc;

use ::image::imageops::FilterType;
use ::image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits};

use super::kind::Kind;
use super::message::{chain, too_large, unreadable};
use super::{Media, Takes};
use crate::point::Failure;

/// Pixels that one side may have: more is no picture, and scaling would take memory for whole lines.
const MAX_SIDE: u32 = 65_535;
/// Bytes of memory a pixel may take while it is decoded: two for each of four channels.
const BYTES_A_PIXEL: u64 = 8;
/// Bytes of memory for what else a picture brings along.
const BYTES_BESIDE: u64 = 32 << 20;

/// Brings a picture into the form that a model takes: as it is where that is accepted and small enough, else scaled,
/// turned upright, and as PNG. Of a moving picture that is converted, the first frame.
pub(super) fn fit(bytes: &Arc<[u8]>, kind: Kind, takes: &Takes) -> Result<Media, Failure> {
    let format = match kind.mime {
        "image/png" => ImageFormat::Png,
        "image/jpeg" => ImageFormat::Jpeg,
        "image/gif" => ImageFormat::Gif,
        "image/webp" => ImageFormat::WebP,
        other => {
            return Err(unreadable(format!(
                "cannot decode {other}: PNG, JPEG, GIF and WebP pictures can be decoded here"
            )));
        }
    };
    // From the header, before anything is decoded: a few bytes can stand for gigabytes.
    if let Some((width, height)) = shape::size(format, bytes) {
        check_size(width, height, takes)?;
    }
    shape::check_whole(format, bytes)?;
    let mut reader = ImageReader::with_format(Cursor::new(&bytes[..]), format);
    reader.limits(limits(takes));
    let mut decoder = reader.into_decoder().map_err(|error| undecodable(kind, &error))?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, takes)?;
    // A mark that cannot be read turns nothing.
    let orientation = decoder.orientation().ok();
    let decoded = DynamicImage::from_decoder(decoder).map_err(|error| undecodable(kind, &error))?;
    if takes.as_it_is(kind) && width.max(height) <= takes.max_side {
        return Ok(Media {
            bytes: Arc::clone(bytes),
            mime: kind.mime.to_owned(),
        });
    }
    let mut fitted = if width.max(height) > takes.max_side {
        decoded.resize(takes.max_side, takes.max_side, FilterType::Triangle)
    } else {
        decoded
    };
    if let Some(orientation) = orientation {
        fitted.apply_orientation(orientation);
    }
    let fitted = if fitted.color().has_alpha() {
        DynamicImage::ImageRgba8(fitted.into_rgba8())
    } else {
        DynamicImage::ImageRgb8(fitted.into_rgb8())
    };
    let mut png = Cursor::new(Vec::new());
    fitted
        .write_to(&mut png, ImageFormat::Png)
        .map_err(|error| unreadable(format!("cannot encode the picture as PNG: {}", chain(&error))))?;
    Ok(Media {
        bytes: png.into_inner().into(),
        mime: "image/png".to_owned(),
    })
}

fn limits(takes: &Takes) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(
        takes
            .max_pixels
            .saturating_mul(BYTES_A_PIXEL)
            .saturating_add(BYTES_BESIDE),
    );
    limits
}

fn check_size(width: u32, height: u32, takes: &Takes) -> Result<(), Failure> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(unreadable(format!(
            "cannot decode the picture: it has {width} x {height} pixels"
        )));
    }
    if pixels > takes.max_pixels {
        return Err(too_large(format!(
            "the picture is too large: {width} x {height} pixels; media.max_megapixels lets in {} million",
            takes.max_pixels / 1_000_000
        )));
    }
    if width.max(height) > MAX_SIDE {
        return Err(too_large(format!(
            "the picture is too large: {width} x {height} pixels; a side may have {MAX_SIDE}"
        )));
    }
    Ok(())
}

fn undecodable(kind: Kind, error: &ImageError) -> Failure {
    let message = format!("cannot decode the picture ({}): {}", kind.mime, chain(error));
    match error {
        ImageError::Limits(_) => too_large(message),
        _ => unreadable(message),
    }
}

#[cfg(test)]
mod tests;
