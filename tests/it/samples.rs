//! A pass over real pictures and sounds, as packages ship them for their own tests, and over some that are made here:
//! each is told for what it is, goes as it is to those who take it so, and is converted for the others; half of it is
//! told to be half of it. Whoever changes a decoder, or takes another version of one, learns here what that changed.

mod made;
mod run;
mod table;

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use hound::{SampleFormat, WavReader};
use image::{DynamicImage, ImageFormat, Rgb};
use qlance::embed::Media;
use qlance::embed::media::{Takes, fit, tell};
use qlance::point::{Cause, Failure, Modality};

use crate::support::samples::{hounds, installed};
use table::{FLAC, GIF, Is, JPEG, MPEG, OGG, OPUS, PNG, WAV, WEBP};

/// Pixels of a converted picture's longer side at most.
const SIDE: u32 = 256;
/// Larger than any sample.
const ANY_SIDE: u32 = 16_384;
/// Samples a second that sounds are converted to, unless it is another rate that is looked at.
const RATE: u32 = 16_000;
/// What one sample may take. None takes a second.
const LIMIT: Duration = Duration::from_secs(60);
/// Whoever takes all that goes as it is, and says so of what cannot.
const EVERYTHING: [&str; 13] = [
    PNG,
    JPEG,
    GIF,
    WEBP,
    WAV,
    FLAC,
    MPEG,
    OGG,
    OPUS,
    "image/tiff",
    "image/avif",
    "audio/x-aiff",
    "audio/m4a",
];
/// Endings of files of the types that are listed without exception.
const LISTED: [&str; 12] = [
    "png",
    "jpg",
    "jpeg",
    "gif",
    "webp",
    "wav",
    "flac",
    "mp3",
    "ogg",
    "oga",
    "opus",
    "oggtheora",
];

/// A picture, a sound, or what looks like one.
struct Sample {
    name: String,
    bytes: Arc<[u8]>,
    is: Is,
}

/// All there are on this machine.
async fn samples() -> Vec<Sample> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/embed/media/audio/samples");
    let mut folders = vec![("qlance", own), ("hound", hounds())];
    folders.extend(
        installed()
            .await
            .iter()
            .map(|(package, folder)| (package.name, folder.clone())),
    );
    let mut samples: Vec<Sample> = made::all()
        .into_iter()
        .map(|(name, bytes, is)| Sample {
            name: format!("made here: {name}"),
            bytes: bytes.into(),
            is,
        })
        .collect();
    for (package, folder) in folders {
        let rows = table::of(package);
        let listed = || {
            rows.iter()
                .flat_map(|(names, is)| names.split(' ').map(|name| (name, *is)))
        };
        for name in files(&folder) {
            let ending = name.rsplit('.').next().unwrap_or_default();
            let known = !LISTED.contains(&ending) || listed().any(|(listed, _)| listed == name);
            assert!(known, "{package} is not what it was: nobody knows what {name} is");
        }
        for (name, is) in listed() {
            let bytes = std::fs::read(folder.join(name));
            let bytes = bytes.unwrap_or_else(|error| panic!("{package} is not what it was: {name}: {error}"));
            samples.push(Sample {
                name: format!("{package}: {name}"),
                bytes: bytes.into(),
                is,
            });
        }
    }
    samples
}

/// The names of the files in a folder, without links.
fn files(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.file_name().into_string().expect("a name in UTF-8"))
        .collect()
}

/// Where the samples of a package are, if it could be installed.
async fn folder_of(name: &str) -> Option<&'static PathBuf> {
    let mut all = installed().await.iter();
    all.find_map(|(package, folder)| (package.name == name).then_some(folder))
}

/// Looks at every sample on both cores, and fails with all that was found.
fn look_at(samples: &[Sample], check: fn(&Sample) -> Result<(), String>) {
    let look = |samples: &[Sample]| -> Vec<String> {
        samples
            .iter()
            .filter_map(|sample| Some(format!("{}: {}", sample.name, check(sample).err()?)))
            .collect()
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let (first, second) = samples.split_at(samples.len() / 2);
        let other = scope.spawn(move || look(second));
        let mut wrong = look(first);
        wrong.extend(other.join().expect("no check panics"));
        wrong
    });
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        samples.len(),
        wrong.join("\n")
    );
}

fn takes(accepts: &[&str], max_side: u32, sample_rate: u32) -> Takes {
    Takes {
        accepts: accepts.iter().map(|mime| (*mime).to_owned()).collect(),
        max_side,
        sample_rate,
        max_pixels: 50_000_000,
        max_duration: Duration::from_secs(600),
    }
}

/// What becomes of bytes: soon, and without a panic.
fn outcome(bytes: &Arc<[u8]>, takes: &Takes) -> Result<Result<Media, Failure>, String> {
    let (sender, receiver) = mpsc::channel();
    let (bytes, takes) = (Arc::clone(bytes), takes.clone());
    thread::spawn(move || {
        // Nobody listens any more where it took too long.
        let _ = sender.send(tell(&bytes, None).and_then(|kind| fit(&bytes, kind, &takes)));
    });
    let outcome = receiver
        .recv_timeout(LIMIT)
        .map_err(|error| format!("no outcome: {error}"))?;
    match &outcome {
        Err(failure) if failure.message.contains("upsets the decoder") => Err(format!("a panic: {failure}")),
        _ => Ok(outcome),
    }
}

fn success(bytes: &Arc<[u8]>, takes: &Takes) -> Result<Media, String> {
    outcome(bytes, takes)?.map_err(|failure| format!("{}: {failure}", failure.cause.as_str()))
}

/// Checks that bytes fail with this cause, and words.
fn fails(bytes: &Arc<[u8]>, takes: &Takes, cause: Cause, says: &str) -> Result<(), String> {
    match outcome(bytes, takes)? {
        Err(failure) if failure.cause == cause && failure.message.contains(says) => Ok(()),
        Err(failure) => Err(format!("{} and not {says:?}: {failure}", failure.cause.as_str())),
        Ok(media) => Err(format!(
            "{} bytes of {} in the place of a failure",
            media.bytes.len(),
            media.mime
        )),
    }
}

/// Checks that bytes are told for what they are, whatever is expected of them.
fn told(bytes: &[u8], mime: &str, modality: Modality) -> Result<(), String> {
    let other = if modality == Modality::Image {
        Modality::Audio
    } else {
        Modality::Image
    };
    for expected in [None, Some(modality)] {
        match tell(bytes, expected) {
            Ok(kind) if (kind.modality, kind.mime) == (modality, mime) => {}
            told => return Err(format!("told to be {told:?}")),
        }
    }
    match tell(bytes, Some(other)) {
        Err(failure) if failure.cause == Cause::MediaMismatch => Ok(()),
        told => Err(format!("told to be {told:?} where the other was expected")),
    }
}

fn as_it_is(sample: &Sample, mime: &str) -> Result<(), String> {
    let media = success(&sample.bytes, &takes(&[mime], ANY_SIDE, RATE))?;
    if media.bytes != sample.bytes || media.mime != mime {
        return Err(format!(
            "{} bytes of {} in the place of itself",
            media.bytes.len(),
            media.mime
        ));
    }
    Ok(())
}

fn check(sample: &Sample) -> Result<(), String> {
    match sample.is {
        Is::Picture(mime, width, height) => {
            told(&sample.bytes, mime, Modality::Image)?;
            as_it_is(sample, mime)?;
            picture(sample, mime, (width, height))
        }
        Is::Sound(mime, rate, channels, seconds) => {
            told(&sample.bytes, mime, Modality::Audio)?;
            as_it_is(sample, mime)?;
            let said = header(mime, &sample.bytes);
            if said.is_some_and(|said| said != (rate, channels)) {
                return Err(format!("its header says {said:?}"));
            }
            sound(sample, mime, (rate, seconds))
        }
        Is::Sealed(mime, says) => {
            told(&sample.bytes, mime, Modality::Audio)?;
            as_it_is(sample, mime)?;
            fails(&sample.bytes, &takes(&[], SIDE, RATE), Cause::MediaUnreadable, says)
        }
        Is::Bad(says) => [&[][..], &EVERYTHING[..]].into_iter().try_for_each(|accepts| {
            let takes = takes(accepts, ANY_SIDE, RATE);
            fails(&sample.bytes, &takes, Cause::MediaUnreadable, says)
        }),
    }
}

/// Checks that a picture becomes a PNG of its size, or smaller and of its shape.
fn picture(sample: &Sample, mime: &str, (width, height): (u32, u32)) -> Result<(), String> {
    for (accepts, side) in [(&[][..], ANY_SIDE), (&[], SIDE), (&[mime][..], SIDE)] {
        let media = success(&sample.bytes, &takes(accepts, side, RATE))?;
        let longer = width.max(height);
        if longer <= side && !accepts.is_empty() {
            // It went as it is.
            continue;
        }
        let size = |picture: &DynamicImage| (picture.width(), picture.height());
        let got = size(&decoded(&media)?);
        let scale = f64::from(longer.min(side)) / f64::from(longer);
        let fits = |got: u32, was: u32| (f64::from(got) - (f64::from(was) * scale).max(1.0)).abs() <= 0.5;
        if !fits(got.0, width) || !fits(got.1, height) || got.0.max(got.1) != longer.min(side) {
            return Err(format!(
                "{got:?} for {width} x {height}, of which a side may have {side}"
            ));
        }
    }
    Ok(())
}

fn decoded(media: &Media) -> Result<DynamicImage, String> {
    if media.mime != PNG {
        return Err(format!("{} in the place of PNG", media.mime));
    }
    image::load_from_memory_with_format(&media.bytes, ImageFormat::Png).map_err(|error| error.to_string())
}

/// Checks that a sound becomes WAV of one channel, 16 bits, the rate that is asked for, and its own length; and that it
/// is counted before that.
fn sound(sample: &Sample, mime: &str, (rate, seconds): (u32, f64)) -> Result<(), String> {
    for to in [RATE, 48_000] {
        let samples = played(&success(&sample.bytes, &takes(&[], SIDE, to))?, to)?.len() as f64;
        let off = (samples / f64::from(to) - seconds).abs();
        if off > (seconds * 0.01).max(0.03) {
            return Err(format!("{samples} samples at {to} Hz for {seconds} s"));
        }
        let reader = (mime == WAV).then(|| WavReader::new(Cursor::new(&sample.bytes[..])));
        if let Some(Ok(reader)) = reader {
            let expected = f64::from(reader.duration()) * f64::from(to) / f64::from(rate);
            if (samples - expected).abs() > 1.0 {
                return Err(format!("{samples} samples at {to} Hz in the place of {expected}"));
            }
        }
    }
    if seconds < 0.1 {
        return Ok(());
    }
    [&[][..], &[mime][..]].into_iter().try_for_each(|accepts| {
        let takes = Takes {
            max_duration: Duration::from_secs_f64(seconds * 0.5),
            ..takes(accepts, SIDE, RATE)
        };
        fails(&sample.bytes, &takes, Cause::MediaTooLarge, "media.max_duration")
    })
}

/// The samples of a WAV file of one channel, 16 bits and this rate.
fn played(media: &Media, rate: u32) -> Result<Vec<f32>, String> {
    let reader = WavReader::new(Cursor::new(&media.bytes[..])).map_err(|error| error.to_string())?;
    let spec = reader.spec();
    let form = (
        spec.channels,
        spec.bits_per_sample,
        spec.sample_format,
        spec.sample_rate,
    );
    if media.mime != WAV || form != (1, 16, SampleFormat::Int, rate) {
        return Err(format!("{} of {spec:?}", media.mime));
    }
    reader
        .into_samples::<i16>()
        .map(|sample| sample.map(f32::from).map_err(|error| error.to_string()))
        .collect()
}

/// Samples a second and channels as a header says them, where that is said in few words.
fn header(mime: &str, bytes: &[u8]) -> Option<(u32, u16)> {
    let at = |place: usize| bytes.get(place..place + 4)?.try_into().ok();
    let find = |mark: &[u8]| bytes.windows(mark.len()).position(|window| window == mark);
    match mime {
        WAV => {
            let spec = WavReader::new(Cursor::new(bytes)).ok()?.spec();
            Some((spec.sample_rate, spec.channels))
        }
        // 20 bits, and one less than there are in 3.
        FLAC => {
            let said = u32::from_be_bytes(at(find(b"fLaC")? + 18)?);
            Some((said >> 12, (said >> 9 & 7) as u16 + 1))
        }
        OGG => {
            let head = find(b"\x01vorbis")?;
            Some((u32::from_le_bytes(at(head + 12)?), u16::from(*bytes.get(head + 11)?)))
        }
        _ => None,
    }
}

/// Checks what becomes of the beginning of a sample.
fn check_beginnings(sample: &Sample) -> Result<(), String> {
    for percent in [30, 70] {
        let length = sample.bytes.len() * percent / 100;
        let beginning: Arc<[u8]> = sample.bytes[..length].into();
        for accepts in [&[][..], &EVERYTHING[..]] {
            let outcome = outcome(&beginning, &takes(accepts, ANY_SIDE, RATE))?;
            let readable = match &outcome {
                Ok(_) => true,
                Err(failure) if failure.cause == Cause::MediaUnreadable => false,
                Err(failure) => return Err(format!("at {percent} %: {}: {failure}", failure.cause.as_str())),
            };
            let expected = match sample.is {
                // Frame follows frame, and not every file says how many there are.
                Is::Sound(MPEG, ..) | Is::Bad(_) => None,
                // What is behind the samples is nobody's business.
                Is::Sound(WAV, ..) => Some(end_of_samples(&sample.bytes) <= length),
                Is::Picture(..) | Is::Sound(..) | Is::Sealed(..) => Some(false),
            };
            if expected.is_some_and(|expected| expected != readable) {
                return Err(format!(
                    "at {percent} % with {} types accepted: {outcome:?}",
                    accepts.len()
                ));
            }
        }
    }
    Ok(())
}

fn end_of_samples(wav: &[u8]) -> usize {
    let data = wav.windows(4).position(|window| window == b"data").expect("samples");
    let length = wav[data + 4..data + 8].try_into().map(u32::from_le_bytes);
    data + 8 + length.expect("four bytes") as usize
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_is_told_and_goes_as_it_is_or_converted() {
    look_at(&samples().await, check);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_beginning_of_a_sample_is_told_to_be_no_more() {
    look_at(&samples().await, check_beginnings);
}

/// A picture as it is converted, without a change of its size.
fn pixels(bytes: &[u8]) -> image::RgbaImage {
    let media = success(&bytes.into(), &takes(&[], ANY_SIDE, RATE)).expect("a picture");
    decoded(&media).expect("a PNG").into_rgba8()
}

/// How far two pictures of one size are apart, in the mean of all numbers of places that can be seen.
fn distance(a: &image::RgbaImage, b: &image::RgbaImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let seen = a.pixels().zip(b.pixels()).filter(|(a, b)| a[3] > 0 && b[3] > 0);
    let apart: Vec<f64> = seen
        .flat_map(|(a, b)| [0, 1, 2].map(|channel| f64::from(a[channel].abs_diff(b[channel]))))
        .collect();
    apart.iter().sum::<f64>() / apart.len() as f64
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_converted_looks_like_its_original() {
    let original = made::shades(60, 40);
    for (format, most) in [
        (ImageFormat::Png, 0.0),
        (ImageFormat::WebP, 0.0),
        (ImageFormat::Jpeg, 8.0),
        (ImageFormat::Gif, 8.0),
    ] {
        let apart = distance(&pixels(&made::encoded(&original, format)), &original.to_rgba8());
        assert!(apart <= most, "{format:?} is off by {apart}");
    }
    let Some(folder) = folder_of("golang-golang-x-image-dev").await else {
        return;
    };
    let of = |name: &str| pixels(&std::fs::read(folder.join(name)).expect("a sample"));
    for (name, kind, most) in [
        ("tux", "lossless", 0.0),
        ("yellow_rose", "lossless", 0.0),
        ("blue-purple-pink", "lossless", 0.0),
        ("blue-purple-pink-large", "lossless", 0.0),
        ("gopher-doc.1bpp", "lossless", 0.0),
        ("gopher-doc.2bpp", "lossless", 0.0),
        ("gopher-doc.4bpp", "lossless", 0.0),
        ("gopher-doc.8bpp", "lossless", 0.0),
        ("video-001", "lossy", 8.0),
        ("blue-purple-pink", "lossy", 8.0),
        ("blue-purple-pink-large", "no-filter.lossy", 8.0),
        ("blue-purple-pink-large", "simple-filter.lossy", 8.0),
        ("blue-purple-pink-large", "normal-filter.lossy", 8.0),
        ("yellow_rose", "lossy-with-alpha", 8.0),
    ] {
        let (png, webp) = (of(&format!("{name}.png")), of(&format!("{name}.{kind}.webp")));
        let apart = distance(&png, &webp);
        assert!(apart <= most, "{name}.{kind}.webp is off by {apart}");
    }
}

/// A sound as it is converted.
fn heard(bytes: &[u8]) -> Vec<f32> {
    let media = success(&bytes.into(), &takes(&[], SIDE, RATE)).expect("a sound");
    played(&media, RATE).expect("a WAV file")
}

/// How much two sounds are alike: 1 where one is the other, louder or not.
fn likeness(a: &[f32], b: &[f32]) -> f32 {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    product(a, b) / (product(a, a) * product(b, b)).sqrt()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_converted_sounds_like_its_original() {
    let expected: Vec<f32> = (0..RATE / 4)
        .map(|sample| (sample as f32 * made::PITCH * std::f32::consts::TAU / RATE as f32).sin())
        .collect();
    for (rate, channels, bits) in [(8_000, 1, 8), (16_000, 1, 16), (44_100, 2, 24), (96_000, 6, 32)] {
        let like = likeness(&heard(&made::tone(rate, channels, bits)), &expected);
        assert!(like > 0.98, "{rate} Hz, {channels} channels, {bits} bits: {like}");
    }
    let Some(folder) = folder_of("miniaudio").await else {
        return;
    };
    let of = |name: &str| heard(&std::fs::read(folder.join(name)).expect("a sample"));
    assert_eq!(of("test.flac"), of("test.wav"), "without loss");
    let like = likeness(&of("test.mp3"), &of("test.ogg"));
    assert!(like > 0.9, "two encodings of one music are alike to {like}");
}

#[test]
fn rare_kinds_are_converted_or_refused_in_clear_words() {
    let loud: Vec<u8> = (0..8_000).map(|at| if at / 8 % 2 == 0 { 0x8f } else { 0x0f }).collect();
    let doubles: Vec<u8> = (0..8_000)
        .flat_map(|at| (f64::from(at) * 0.3).sin().to_le_bytes())
        .collect();
    let blocks = [0; 256 * 16];
    let (ulaw, alaw) = (made::wav(7, 8, 1, &[0, 0], &loud), made::wav(6, 8, 1, &[0, 0], &loud));
    for (name, bytes) in [
        ("mu-law", ulaw.clone()),
        ("A-law", alaw),
        ("floats of 64 bits", made::wav(3, 64, 8, &[0, 0], &doubles)),
    ] {
        let samples = heard(&bytes);
        assert_eq!(samples.len(), RATE as usize, "{name}: a second");
        assert!(
            samples.iter().any(|sample| sample.abs() > 1_000.0),
            "{name} is not silent"
        );
    }
    let frames = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/embed/media/audio/samples/tone.mp3"
    ));
    let big_endian = [b"RIFX", &ulaw[4..]].concat();
    for (name, bytes, says) in [
        (
            "IMA ADPCM",
            made::wav(0x11, 4, 256, b"\x02\0\xf9\x01", &blocks),
            "cannot decode",
        ),
        (
            "MS ADPCM",
            made::wav(2, 4, 256, b"\x04\0\xf4\x01\0\0", &blocks),
            "cannot decode",
        ),
        (
            "MP3 in WAV",
            made::wav(
                0x55,
                0,
                1,
                b"\x0c\0\x01\0\x02\0\0\0\xa1\x01\x01\0\x71\x05",
                &frames.expect("a sample"),
            ),
            "cannot decode",
        ),
        ("the highest byte first", big_endian, "neither a picture nor a sound"),
    ] {
        for accepts in [&[][..], &[WAV][..]] {
            let outcome = fails(
                &bytes[..].into(),
                &takes(accepts, SIDE, RATE),
                Cause::MediaUnreadable,
                says,
            );
            outcome.unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        }
    }
    // Half of each ink, black among them: a quarter of the light is left.
    let inks = pixels(&made::four_inks());
    assert_eq!(inks.dimensions(), (8, 8));
    for pixel in inks.pixels() {
        let [red, green, blue, alpha] = pixel.0;
        assert!(
            [red, green, blue].iter().all(|light| (56..=72).contains(light)) && alpha == 255,
            "{pixel:?}"
        );
    }
    // Of a moving picture, the first.
    let still = DynamicImage::from(pixels(&made::moving())).into_rgb8();
    let Rgb([red, _, blue]) = *still.get_pixel(20, 15);
    assert!(red > 200 && blue < 50, "red {red}, blue {blue}");
}
