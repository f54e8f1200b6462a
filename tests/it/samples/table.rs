//! What each sample is, and what is expected of it. Sizes, rates and lengths are what Pillow and `ffmpeg` make of the
//! files; where they and the file's own header disagree by a few milliseconds, it is the header.

use Is::{Bad, Picture, Sealed, Sound};

/// What a sample is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Is {
    /// A picture: its type, and its width and height as it is seen, upright.
    Picture(&'static str, u32, u32),
    /// A sound: its type, samples a second, channels, and seconds.
    Sound(&'static str, u32, u16, f64),
    /// A sound that nobody can decode here and that goes as it is to those who take it: its type, and what is said to
    /// the others.
    Sealed(&'static str, &'static str),
    /// Nothing that can be embedded, whatever is accepted, and what is said of it.
    Bad(&'static str),
}

pub(super) const PNG: &str = "image/png";
pub(super) const JPEG: &str = "image/jpeg";
pub(super) const GIF: &str = "image/gif";
pub(super) const WEBP: &str = "image/webp";
pub(super) const WAV: &str = "audio/wav";
pub(super) const FLAC: &str = "audio/flac";
pub(super) const MPEG: &str = "audio/mpeg";
pub(super) const OGG: &str = "audio/ogg";
pub(super) const OPUS: &str = "audio/opus";

/// Names of files, with blanks between them, and what they are.
pub(super) type Rows = &'static [(&'static str, Is)];

/// The samples of a package. Of the nine types above all that it has are listed; of others some.
pub(super) fn of(package: &str) -> Rows {
    match package {
        "qlance" => OWN,
        "hound" => HOUND,
        "mutagen" => MUTAGEN,
        "miniaudio" => MINIAUDIO,
        "filetype" => FILETYPE,
        "imagesize" => IMAGESIZE,
        "golang-golang-x-image-dev" => GO_IMAGE,
        "sound-theme-freedesktop" => SOUND_THEME,
        other => panic!("nobody knows what is in {other}"),
    }
}

const NO_OPUS: &str = "Opus has no decoder here";

const OWN: Rows = &[
    ("tone.flac", Sound(FLAC, 44_100, 2, 0.5)),
    ("tone.mp3", Sound(MPEG, 44_100, 1, 0.5)),
    ("tone22.mp3", Sound(MPEG, 22_050, 2, 0.5)),
    ("tone.ogg", Sound(OGG, 48_000, 2, 0.5)),
    ("tone.opus", Sealed(OPUS, NO_OPUS)),
];

/// A few samples each, written down in all the ways that WAV knows, and what broke hound once.
const HOUND: Rows = &[
    (
        "pcmwaveformat-16bit-44100Hz-mono.wav pcmwaveformat-16bit-44100Hz-mono-extra.wav \
         pcmwaveformat-8bit-44100Hz-mono.wav waveformatex-16bit-44100Hz-mono.wav \
         waveformatex-16bit-44100Hz-mono-extra.wav waveformatex-ieeefloat-44100Hz-mono.wav \
         waveformatextensible-ieeefloat-44100Hz-mono.wav",
        Sound(WAV, 44_100, 1, 0.0001),
    ),
    ("pop.wav", Sound(WAV, 44_100, 1, 0.0023)),
    ("waveformatex-16bit-44100Hz-stereo.wav", Sound(WAV, 44_100, 2, 0.0001)),
    ("waveformatex-8bit-11025Hz-mono.wav", Sound(WAV, 11_025, 1, 0.0004)),
    (
        "waveformatextensible-24bit-192kHz-mono.wav",
        Sound(WAV, 192_000, 1, 0.00002),
    ),
    (
        "waveformatextensible-24bit-4byte-48kHz-stereo.wav waveformatextensible-32bit-48kHz-stereo.wav \
         nonstandard-01.wav nonstandard-02.wav",
        Sound(WAV, 48_000, 2, 0.00004),
    ),
    // 24 bits in 4 bytes without a word of it: a decoder would take 3 of them.
    (
        "pcmwaveformat-24bit-4byte-48kHz-stereo.wav",
        Bad("its format makes no sense"),
    ),
    (
        "fuzz/crash-e5471f5b58397287b509db7d026e95f1724454f5.wav",
        Bad("its format makes no sense"),
    ),
    (
        "fuzz/crash-24728523ef4be15c838293b676f6853e73723bf4.wav \
         fuzz/crash-b8447179832529c48f9c6bf17feab6337bbc78ea.wav \
         fuzz/crash-cbd757427cea12bd8a21f86cd8cf74d98ce56bee.wav \
         fuzz/crash-e879de4eb4d206c59e21f0e01def16457af80fdc.wav \
         fuzz/oom-48ae4cd061ff8578ad3f23dc87624bd365cf5216.wav",
        Bad("cut off"),
    ),
];

/// Silence in every format that carries tags, and files that upset readers of tags. Many were cut off to keep them
/// small.
const MUTAGEN: Rows = &[
    ("image.jpg", Picture(JPEG, 15, 15)),
    (
        "silence-2s-PCM-16000-08-ID3v23.wav silence-2s-PCM-16000-08-notags.wav",
        Sound(WAV, 16_000, 2, 2.0),
    ),
    ("silence-2s-PCM-44100-16-ID3v23.wav", Sound(WAV, 44_100, 2, 2.0)),
    ("no-tags.flac silence-44-s.flac", Sound(FLAC, 44_100, 2, 3.6847)),
    ("106-invalid-streaminfo.flac", Bad("its header does not describe it")),
    (
        "106-short-picture-block-size.flac ooming-header.flac 52-overwritten-metadata.flac \
         52-too-short-block-size.flac flac_application.flac variable-block.flac",
        Bad("cut off"),
    ),
    (
        "97-unknown-23-update.mp3 silence-44-s.mp3 silence-44-s-v1.mp3 audacious-trailing-id32-id31.mp3",
        Sound(MPEG, 44_100, 2, 3.7355),
    ),
    ("bad-TYER-frame.mp3", Sound(MPEG, 44_100, 2, 0.9404)),
    ("lame.mp3 lame-peak.mp3", Sound(MPEG, 44_100, 2, 0.0616)),
    ("no-tags.mp3", Sound(MPEG, 44_100, 2, 0.0552)),
    // One frame of 1,152 samples.
    ("too-short.mp3", Sound(MPEG, 44_100, 2, 0.0261)),
    ("silence-44-s-mpeg2.mp3", Sound(MPEG, 24_000, 2, 3.6847)),
    ("lame397v9short.mp3", Sound(MPEG, 24_000, 2, 0.0095)),
    ("audacious-trailing-id32-apev2.mp3", Sound(MPEG, 16_000, 1, 1.0109)),
    ("silence-44-s-mpeg25.mp3", Sound(MPEG, 12_000, 2, 3.6848)),
    (
        "apev2-lyricsv2.mp3 bad-POPM-frame.mp3 bad-xing.mp3 id3v1v2-combined.mp3 id3v22-test.mp3 vbri.mp3 xing.mp3",
        Bad("cut off"),
    ),
    ("emptyfile.mp3", Bad("0 bytes")),
    ("empty.ogg multipagecomment.ogg", Sound(OGG, 44_100, 2, 3.6847)),
    ("multipage-setup.ogg", Sound(OGG, 44_100, 2, 4.1288)),
    ("example.opus", Sealed(OPUS, NO_OPUS)),
    // Other sounds in Ogg, a film in it, and the beginning of a film.
    (
        "empty.oggflac empty.spx multiplexed.spx",
        Bad("something else than Vorbis"),
    ),
    ("sample.oggtheora sample_bitrate.oggtheora", Bad("video/ogg")),
    ("sample_length.oggtheora", Bad("cut off")),
    // Sounds that nobody decodes here.
    (
        "8k-1ch-1s-silence.aif 8k-4ch-1s-silence.aif 48k-2ch-s16-silence.aif",
        Bad("cannot decode audio/x-aiff"),
    ),
    ("alac.m4a", Bad("cannot decode audio/m4a")),
    // Of these the bytes say that they may be films.
    ("has-tags.m4a no-tags.m4a covr-with-name.m4a", Bad("video/mp4")),
    ("empty.aac", Bad("cannot decode audio/aac")),
    ("adif.aac", Bad("known here; it begins with 41 44 49 46")),
];

/// The same music four times; the samples of the first two are the same to the bit.
const MINIAUDIO: Rows = &[
    ("test.wav", Sound(WAV, 22_050, 2, 0.9702)),
    ("test.flac", Sound(FLAC, 22_050, 2, 0.9702)),
    ("test.mp3", Sound(MPEG, 22_050, 2, 10.0161)),
    ("test.ogg", Sound(OGG, 22_050, 2, 10.0161)),
    ("test.m4a", Bad("cannot decode audio/m4a")),
];

const FILETYPE: Rows = &[
    ("sample.jpg", Picture(JPEG, 640, 480)),
    ("sample.png", Picture(PNG, 512, 512)),
    // Twelve frames.
    ("sample.gif", Picture(GIF, 32, 32)),
    ("sample.avif", Bad("cannot decode image/avif")),
    ("sample.heic", Bad("cannot decode image/heif")),
    ("sample.jpx", Bad("cannot decode image/jp2")),
    ("sample.tif", Bad("cannot decode image/tiff")),
    ("sample.m4a", Bad("cannot decode audio/m4a")),
    ("sample.mp4", Bad("neither a picture nor a sound")),
    ("sample.zip", Bad("neither a picture nor a sound")),
];

const IMAGESIZE: Rows = &[
    ("test.jpg", Picture(JPEG, 802, 670)),
    // The same, lying on its side, with a mark that says so.
    ("test-rotated.jpg", Picture(JPEG, 670, 802)),
    ("test.png", Picture(PNG, 802, 670)),
    ("test.gif", Picture(GIF, 802, 670)),
    ("test_vp8x.webp", Picture(WEBP, 200, 1)),
    ("test.svg", Bad("it is a text")),
    ("test_24.bmp", Bad("cannot decode image/bmp")),
    ("test.tiff multipage_tiff_example.tif", Bad("cannot decode image/tiff")),
    ("test.avif", Bad("cannot decode image/avif")),
    ("test.heic", Bad("cannot decode image/heif")),
    ("test.jp2", Bad("cannot decode image/jp2")),
];

/// WebP of every kind, each beside a PNG of the same picture.
const GO_IMAGE: Rows = &[
    (
        "blue-purple-pink-large.lossless.webp blue-purple-pink-large.no-filter.lossy.webp \
         blue-purple-pink-large.normal-filter.lossy.webp blue-purple-pink-large.simple-filter.lossy.webp",
        Picture(WEBP, 600, 400),
    ),
    ("blue-purple-pink-large.png", Picture(PNG, 600, 400)),
    (
        "blue-purple-pink-large.no-filter.lossy.webp.ycbcr.png \
         blue-purple-pink-large.normal-filter.lossy.webp.ycbcr.png \
         blue-purple-pink-large.simple-filter.lossy.webp.ycbcr.png",
        Picture(PNG, 600, 600),
    ),
    (
        "blue-purple-pink.lossless.webp blue-purple-pink.lossy.webp",
        Picture(WEBP, 150, 100),
    ),
    ("blue-purple-pink.png", Picture(PNG, 150, 100)),
    ("blue-purple-pink.lossy.webp.ycbcr.png", Picture(PNG, 150, 150)),
    ("video-001.lossy.webp", Picture(WEBP, 150, 103)),
    ("video-001.png colormap.png", Picture(PNG, 150, 103)),
    ("video-001.lossy.webp.ycbcr.png", Picture(PNG, 150, 155)),
    (
        "yellow_rose.lossless.webp yellow_rose.lossy.webp yellow_rose.lossy-with-alpha.webp",
        Picture(WEBP, 400, 301),
    ),
    ("yellow_rose.png", Picture(PNG, 400, 301)),
    ("yellow_rose.lossy.webp.ycbcr.png", Picture(PNG, 400, 452)),
    ("yellow_rose.lossy-with-alpha.webp.nycbcra.png", Picture(PNG, 400, 753)),
    ("yellow_rose-small.png yellow_rose-small-v5.png", Picture(PNG, 16, 12)),
    ("tux.lossless.webp", Picture(WEBP, 386, 395)),
    ("tux.png", Picture(PNG, 386, 395)),
    (
        "gopher-doc.1bpp.lossless.webp gopher-doc.2bpp.lossless.webp gopher-doc.4bpp.lossless.webp \
         gopher-doc.8bpp.lossless.webp",
        Picture(WEBP, 75, 100),
    ),
    (
        "gopher-doc.1bpp.png gopher-doc.2bpp.png gopher-doc.4bpp.png gopher-doc.8bpp.png go-turns-two-up-ab.png \
         go-turns-two-up-bl.png go-turns-two-up-cr.png go-turns-two-up-nn.png",
        Picture(PNG, 75, 100),
    ),
    (
        "go-turns-two-down-ab.png go-turns-two-down-bl.png go-turns-two-down-cr.png go-turns-two-down-nn.png \
         go-turns-two-rotate-ab.png go-turns-two-rotate-bl.png go-turns-two-rotate-cr.png go-turns-two-rotate-nn.png \
         tux-rotate-ab.png tux-rotate-bl.png tux-rotate-cr.png tux-rotate-nn.png testpattern.png",
        Picture(PNG, 100, 100),
    ),
    ("go-turns-two-280x360.jpeg", Picture(JPEG, 280, 360)),
    ("go-turns-two-14x18.png", Picture(PNG, 14, 18)),
    ("bw-gopher.png", Picture(PNG, 153, 55)),
    ("video-001.bmp yellow_rose-small-v5.bmp", Bad("cannot decode image/bmp")),
    (
        "video-001-16bit.tiff bw-gopher_ccittGroup4.tiff",
        Bad("cannot decode image/tiff"),
    ),
];

const SOUND_THEME: Rows = &[
    ("phone-outgoing-busy.oga", Sound(OGG, 8_000, 1, 2.8847)),
    ("phone-outgoing-calling.oga", Sound(OGG, 8_000, 1, 1.1881)),
    ("service-login.oga", Sound(OGG, 22_050, 2, 2.1799)),
    ("service-logout.oga", Sound(OGG, 22_050, 2, 1.7658)),
    ("suspend-error.oga", Sound(OGG, 44_100, 1, 1.1920)),
    ("audio-volume-change.oga", Sound(OGG, 44_100, 2, 0.0668)),
    ("bell.oga", Sound(OGG, 44_100, 2, 0.1395)),
    ("complete.oga", Sound(OGG, 44_100, 2, 1.0889)),
    ("device-added.oga device-removed.oga", Sound(OGG, 44_100, 2, 0.2234)),
    ("dialog-information.oga", Sound(OGG, 44_100, 2, 0.0606)),
    ("dialog-warning.oga", Sound(OGG, 44_100, 2, 0.4991)),
    ("message.oga", Sound(OGG, 44_100, 2, 0.3113)),
    ("phone-incoming-call.oga", Sound(OGG, 44_100, 2, 1.4636)),
    ("trash-empty.oga", Sound(OGG, 44_100, 2, 1.1250)),
    ("audio-channel-front-center.oga", Sound(OGG, 48_000, 1, 1.4280)),
    ("audio-channel-front-left.oga", Sound(OGG, 48_000, 1, 1.4800)),
    ("audio-channel-front-right.oga", Sound(OGG, 48_000, 1, 1.5307)),
    ("audio-channel-rear-center.oga", Sound(OGG, 48_000, 1, 1.3547)),
    ("audio-channel-rear-left.oga", Sound(OGG, 48_000, 1, 1.3127)),
    ("audio-channel-rear-right.oga", Sound(OGG, 48_000, 1, 1.5254)),
    ("audio-channel-side-left.oga", Sound(OGG, 48_000, 1, 1.4044)),
    ("audio-channel-side-right.oga", Sound(OGG, 48_000, 1, 1.3534)),
    ("audio-test-signal.oga", Sound(OGG, 48_000, 1, 1.4079)),
    ("alarm-clock-elapsed.oga", Sound(OGG, 48_000, 2, 6.1277)),
    ("message-new-instant.oga", Sound(OGG, 48_000, 2, 1.0254)),
    ("camera-shutter.oga", Sound(OGG, 96_000, 2, 0.8722)),
];
