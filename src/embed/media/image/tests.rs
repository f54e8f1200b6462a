use ::image::codecs::gif::GifEncoder;
use ::image::codecs::jpeg::JpegEncoder;
use ::image::{Frame, GrayImage, ImageEncoder as _, Luma, Rgb, RgbImage, Rgba, RgbaImage};

use super::super::{fit, tell};
use super::*;
use crate::config::{EmbedConfig, MediaConfig};
use crate::point::{Cause, Modality};

fn takes(accepts: &[&str], max_side: u32) -> Takes {
    let embed = EmbedConfig {
        accepts: accepts.iter().map(|mime| (*mime).to_owned()).collect(),
        max_side,
        ..EmbedConfig::openai()
    };
    let media = MediaConfig {
        max_megapixels: 1,
        ..MediaConfig::default()
    };
    Takes::of(&embed, &media)
}

/// A picture whose left half is red and whose right half is blue.
fn halves(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, _| {
        if x < width / 2 {
            Rgb([255, 0, 0])
        } else {
            Rgb([0, 0, 255])
        }
    })
    .into()
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Arc<[u8]> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("encoded");
    bytes.into_inner().into()
}

fn fitted(bytes: &Arc<[u8]>, takes: &Takes) -> Result<Media, Failure> {
    fit(bytes, tell(bytes, Some(Modality::Image))?, takes)
}

fn decoded(media: &Media) -> DynamicImage {
    assert_eq!(media.mime, "image/png");
    ::image::load_from_memory_with_format(&media.bytes, ImageFormat::Png).expect("a PNG")
}

const FORMATS: [ImageFormat; 4] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP];

#[test]
fn what_is_accepted_and_small_enough_goes_as_it_is() {
    let all = takes(&["image/png", "image/jpeg", "image/gif", "image/webp"], 64);
    for format in FORMATS {
        let bytes = encoded(&halves(64, 48), format);
        let media = fitted(&bytes, &all).expect("fits");
        assert!(Arc::ptr_eq(&media.bytes, &bytes), "{format:?}");
        assert_eq!(media.mime, format.to_mime_type());
    }
}

#[test]
fn what_is_not_accepted_is_sent_as_png() {
    let none = takes(&[], 64);
    for format in FORMATS {
        let picture = decoded(&fitted(&encoded(&halves(64, 48), format), &none).expect("fits")).into_rgb8();
        assert_eq!(picture.dimensions(), (64, 48), "{format:?}");
        let (left, right) = (picture.get_pixel(8, 20), picture.get_pixel(56, 20));
        assert!(
            left[0] > 200 && left[2] < 50 && right[0] < 50 && right[2] > 200,
            "{format:?}: {left:?} {right:?}"
        );
    }
}

#[test]
fn what_is_too_long_is_scaled_and_keeps_its_shape() {
    let takes = takes(&["image/png"], 100);
    for (size, expected) in [
        ((400, 200), (100, 50)),
        ((200, 400), (50, 100)),
        ((900, 1), (100, 1)),
        ((101, 101), (100, 100)),
    ] {
        let picture = decoded(&fitted(&encoded(&halves(size.0, size.1), ImageFormat::Png), &takes).expect("fits"));
        assert_eq!((picture.width(), picture.height()), expected, "{size:?}");
    }
}

#[test]
fn every_kind_of_pixel_becomes_eight_bits_a_channel() {
    let (none, grey) = (takes(&[], 64), GrayImage::from_pixel(8, 8, Luma([128])));
    let clear = RgbaImage::from_pixel(8, 8, Rgba([10, 20, 30, 40]));
    for (picture, alpha) in [
        (DynamicImage::from(grey.clone()), false),
        (DynamicImage::ImageLuma16(DynamicImage::from(grey).into_luma16()), false),
        (DynamicImage::from(clear.clone()), true),
        (DynamicImage::ImageRgba16(DynamicImage::from(clear).into_rgba16()), true),
    ] {
        let fitted = decoded(&fitted(&encoded(&picture, ImageFormat::Png), &none).expect("fits"));
        let expected = if alpha {
            ::image::ColorType::Rgba8
        } else {
            ::image::ColorType::Rgb8
        };
        assert_eq!(fitted.color(), expected);
    }
}

/// EXIF that says: turn by 90 degrees, clockwise.
fn turned() -> Vec<u8> {
    let mut exif = b"MM\0*\0\0\0\x08\0\x01".to_vec();
    exif.extend_from_slice(b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
    exif
}

#[test]
fn a_picture_that_is_converted_is_turned_upright() {
    let picture = halves(64, 32).into_rgb8();
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 95);
    encoder.set_exif_metadata(turned()).expect("EXIF");
    encoder
        .write_image(&picture, 64, 32, ::image::ExtendedColorType::Rgb8)
        .expect("encoded");
    let bytes: Arc<[u8]> = bytes.into();
    let upright = decoded(&fitted(&bytes, &takes(&[], 64)).expect("fits")).into_rgb8();
    assert_eq!(upright.dimensions(), (32, 64));
    // What was left is on top.
    assert!(upright.get_pixel(16, 8)[0] > 200 && upright.get_pixel(16, 56)[2] > 200);
    let as_it_is = fitted(&bytes, &takes(&["image/jpeg"], 64)).expect("fits");
    assert!(Arc::ptr_eq(&as_it_is.bytes, &bytes));
}

#[test]
fn what_is_cut_off_anywhere_is_unreadable_even_if_it_is_accepted() {
    let all = takes(&["image/png", "image/jpeg", "image/gif", "image/webp"], 4_096);
    let noise = RgbImage::from_fn(60, 40, |x, y| {
        Rgb([(x * 7 + y * 13) as u8, (x * y) as u8, (x ^ y) as u8])
    });
    for format in FORMATS {
        let whole = encoded(&noise.clone().into(), format);
        assert!(fitted(&whole, &all).is_ok(), "{format:?}");
        for missing in [1, 2, 12, 100, whole.len() / 2, whole.len() - 40] {
            let cut: Arc<[u8]> = whole[..whole.len() - missing].into();
            let failure = fitted(&cut, &all).expect_err("cut off");
            assert_eq!(
                failure.cause,
                Cause::MediaUnreadable,
                "{format:?} less {missing}: {}",
                failure.message
            );
        }
    }
}

#[test]
fn the_second_frame_counts_too_where_a_moving_picture_is_cut_off() {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for _ in 0..2 {
        encoder
            .encode_frame(Frame::new(halves(20, 20).into_rgba8()))
            .expect("a frame");
    }
    drop(encoder);
    let gif = takes(&["image/gif"], 64);
    assert!(fitted(&bytes.clone().into(), &gif).is_ok());
    bytes.truncate(bytes.len() - 10);
    assert_eq!(
        fitted(&bytes.into(), &gif).expect_err("cut off").cause,
        Cause::MediaUnreadable
    );
}

#[test]
fn what_unpacks_to_more_than_is_let_in_is_refused_by_its_header() {
    let mut png = encoded(&halves(8, 8), ImageFormat::Png).to_vec();
    png[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    // Nothing but the header: there is nothing to decode, and nothing is.
    let bare = png[..33].to_vec();
    let mut gif = encoded(&halves(8, 8), ImageFormat::Gif).to_vec();
    gif[6..10].copy_from_slice(&[0xff; 4]);
    let jpeg = b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01".to_vec();
    let wide = encoded(&halves(70_000, 1), ImageFormat::Png).to_vec();
    // Just as many as are let in, and one line more.
    let most = encoded(&halves(1_000, 1_001), ImageFormat::Png).to_vec();
    for bytes in [png, bare, gif, jpeg, wide, most] {
        let bytes: Arc<[u8]> = bytes.into();
        let failure = fitted(&bytes, &takes(&["image/png", "image/gif", "image/jpeg"], 4_096)).expect_err("a bomb");
        assert_eq!(failure.cause, Cause::MediaTooLarge, "{}", failure.message);
    }
    assert!(fitted(&encoded(&halves(1_000, 1_000), ImageFormat::Png), &takes(&[], 10)).is_ok());
}

#[test]
fn garbage_behind_a_good_beginning_is_unreadable() {
    let all = takes(&["image/png", "image/gif", "image/webp"], 4_096);
    for format in [ImageFormat::Gif, ImageFormat::WebP] {
        let mut bytes = encoded(&halves(40, 40), format).to_vec();
        let end = bytes.len();
        bytes[16..end.min(60)].fill(0x5a);
        let failure = fitted(&bytes.into(), &all).expect_err("garbage");
        assert_eq!(failure.cause, Cause::MediaUnreadable, "{format:?}: {}", failure.message);
    }
    // Complete by its chunks, but their content is something else.
    let mut png = encoded(&halves(40, 40), ImageFormat::Png).to_vec();
    let data = png.windows(4).position(|name| name == b"IDAT").expect("pixels") + 4;
    png[data..data + 8].fill(0x5a);
    let failure = fitted(&png.into(), &all).expect_err("garbage");
    assert_eq!(failure.cause, Cause::MediaUnreadable, "{}", failure.message);
}

#[test]
fn what_has_no_decoder_is_named() {
    let heic: Arc<[u8]> = Arc::from(*b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic");
    let failure = fitted(&heic, &takes(&["image/heif"], 64)).expect_err("no decoder");
    assert_eq!(failure.cause, Cause::MediaUnreadable);
    assert!(failure.message.contains("image/heif"), "{}", failure.message);
}
