//! Pictures and sounds that cannot be embedded, each of another kind: what becomes of it, in which words, and that all
//! others arrive. Payloads are untrusted: what may not be asked is not asked.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qlance::lance::Row;
use qlance::point::{Modality, Point, PointId};
use serde_json::{Value, json};

use super::gallery::{Gallery, data_uri, drawn, sung};
use super::host::MediaHost;
use super::{TABLE, assert_complete, configure_joint, failures, number, unnamed, world_of};
use crate::support::dialect_server::{DialectServer, Family, Got, Offer, REJECTED};
use crate::support::world::{World, rows_of};

/// What becomes of a payload: a row with the vector of this, or a failure of a class whose message says something.
enum Becomes {
    Row(Got),
    Failure(&'static str, String),
}

fn fails(class: &'static str, says: &str) -> Becomes {
    Becomes::Failure(class, says.to_owned())
}

/// A small file that says it is a picture of 60,000 by 60,000 pixels.
fn bomb() -> Vec<u8> {
    let mut bytes = drawn("red", "square");
    // Width and height stand behind the mark, and the length and name of the first chunk.
    bytes[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
    bytes
}

/// A file that is right but for its size.
fn padded(mut bytes: Vec<u8>, length: usize) -> Vec<u8> {
    bytes.resize(length, 0);
    bytes
}

/// What lies at the web server.
fn files() -> HashMap<String, Vec<u8>> {
    let sound = sung(&[440.0], 0.5);
    let file = |name: &str, bytes: Vec<u8>| (name.to_owned(), bytes);
    HashMap::from([
        file("good.png", drawn("blue", "circle")),
        file("sound-called.png", sound.clone()),
        file("text.png", b"<p>Sorry, this picture has moved.</p>".to_vec()),
        file("empty.png", Vec::new()),
        file("large.png", padded(drawn("red", "circle"), (1 << 20) + 1)),
        file("zip.png", b"PK\x03\x04\x14\x00\x00\x00\x08\x00".to_vec()),
    ])
}

/// Payloads and what becomes of each.
fn payloads(host: &MediaHost) -> Vec<(Value, Becomes)> {
    let (url, port) = (host.url(), host.port());
    let (png, wav) = (drawn("green", "square"), sung(&[220.0], 0.5));
    let picture = |address: &str| json!({"modality": "image", "media_url": address, "content": "a caption"});
    let inline = |modality: &str, bytes: &[u8]| json!({"modality": modality, "media": STANDARD.encode(bytes)});
    vec![
        (
            json!({"content": "a good text"}),
            Becomes::Row(Got::Text("a good text".into())),
        ),
        (
            picture(&format!("{url}/good.png")),
            Becomes::Row(Got::Image(drawn("blue", "circle"))),
        ),
        // A name says nothing; only the payload's own word is held against the content.
        (
            json!({"media_url": (format!("{url}/sound-called.png"))}),
            Becomes::Row(Got::Audio(sung(&[440.0], 0.5))),
        ),
        (picture("below/good.png"), Becomes::Row(Got::Image(png.clone()))),
        // It is not there, or whoever has it does not give it.
        (
            picture(&format!("{url}/none.png?sig=SECRET")),
            fails("media_unreachable", "404"),
        ),
        (picture(&format!("{url}/broken.png")), fails("media_unreachable", "503")),
        (picture("below/none.png"), fails("media_unreachable", "below/none.png")),
        // It may not be asked for.
        (
            picture(&format!("http://127.0.0.2:{port}/secret.png")),
            fails("media_refused", "loopback"),
        ),
        (
            picture("http://169.254.169.254/latest/meta-data/"),
            fails("media_refused", "link-local"),
        ),
        (
            picture(&format!("http://user:SECRET@127.0.0.1:{port}/secret.png")),
            fails("media_refused", "a user or a password"),
        ),
        (
            picture("../outside.png"),
            fails("media_refused", "outside of media.root"),
        ),
        (picture("/etc/passwd"), fails("media_refused", "outside of media.root")),
        (picture("ftp://127.0.0.1/good.png"), fails("media_refused", "ftp")),
        // It is more than is let in.
        (picture(&format!("{url}/large.png")), fails("media_too_large", "1 MiB")),
        (inline("image", &bomb()), fails("media_too_large", "60000 x 60000")),
        (
            inline("audio", &sung(&[220.0], 3.0)),
            fails("media_too_large", "media.max_duration"),
        ),
        // It is no picture and no sound, or not all of one.
        (picture(&format!("{url}/text.png")), fails("media_unreadable", "a text")),
        (
            picture(&format!("{url}/empty.png")),
            fails("media_unreadable", "0 bytes"),
        ),
        (picture(&format!("{url}/zip.png")), fails("media_unreadable", "zip")),
        (
            picture(&data_uri(&png[..png.len() / 2])),
            fails("media_unreadable", "cut off"),
        ),
        (
            inline("audio", &wav[..wav.len() / 2]),
            fails("media_unreadable", "cut off"),
        ),
        (
            json!({"modality": "image", "media": "SECRET, and no base64!"}),
            fails("media_unreadable", "base64"),
        ),
        // It is something else than the payload says.
        (
            inline("image", &wav),
            fails("media_mismatch", "says image, but it is audio"),
        ),
        (
            inline("audio", &png),
            fails("media_mismatch", "says audio, but it is image"),
        ),
        // There is none, or the server will not have it.
        (
            json!({"modality": "audio", "content": "a transcript"}),
            fails("no_content", "says audio"),
        ),
        (json!({"content": " \n"}), fails("empty_content", "blank")),
        (
            inline("image", &drawn("purple", "triangle")),
            fails("rejected", REJECTED),
        ),
    ]
}

async fn world(payloads: &[(Value, Becomes)]) -> World {
    let world = world_of(&Gallery::hung().only(|_| false), |_| unnamed(Vec::new())).await;
    let below = world.path().join("media/below");
    std::fs::create_dir_all(&below).expect("a directory");
    std::fs::write(below.join("good.png"), drawn("green", "square")).expect("written");
    std::fs::write(world.path().join("outside.png"), drawn("green", "square")).expect("written");
    let points: Vec<Point> = (1..)
        .zip(payloads)
        .map(|(id, (payload, _))| Point {
            id: PointId::Num(id),
            payload: payload.as_object().cloned().expect("an object"),
            vectors: unnamed(Got::Text(format!("an old vector {id}")).vector(0).expect("a vector")),
        })
        .collect();
    world.upsert(&points).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn each_that_cannot_be_embedded_fails_alone_and_says_why() {
    let server = DialectServer::start(Offer::joint(Family::Jina)).await;
    server.reject(Got::Image(drawn("purple", "triangle")));
    let host = MediaHost::start(files(), None).await;
    let cases = payloads(&host);
    let world = world(&cases).await;
    let media = "allow_private = [\"127.0.0.1\"]\nmax_mib = 1\nmax_duration = \"2s\"\n";
    configure_joint(&world, TABLE, &server, "", &[("media", media)]);
    let good = cases
        .iter()
        .filter(|(_, becomes)| matches!(becomes, Becomes::Row(_)))
        .count();
    assert_complete(&world.run().await, good, cases.len() - good);

    let failed = failures(&world).await;
    let rows = rows_of(&world.path().join("out.lance"), TABLE).await;
    let rows: BTreeMap<u64, Row> = rows.into_iter().map(|row| (number(row.point.id), row)).collect();
    for (id, (payload, becomes)) in (1_u64..).zip(&cases) {
        match becomes {
            Becomes::Row(got) => {
                let row = rows
                    .get(&id)
                    .unwrap_or_else(|| panic!("{payload}: {:?}", failed.get(&id)));
                assert_eq!(Some(&row.point.payload), payload.as_object());
                assert_eq!(row.modality, Some(got.modality()), "{payload}");
                assert_eq!(row.embedding, Some(server.vector_of(got)), "{payload}");
            }
            Becomes::Failure(class, says) => {
                let (found, error) = failed.get(&id).unwrap_or_else(|| panic!("{payload} did not fail"));
                assert_eq!(found, class, "{payload}: {error}");
                assert!(
                    error.contains(says.as_str()),
                    "{payload}: {error:?} does not say {says:?}"
                );
                assert!(!error.contains("SECRET"), "{error}");
            }
        }
    }
    assert_eq!(rows.len() + failed.len(), cases.len());
    let asked: Vec<String> = host.asked().into_iter().map(|(name, _)| name).collect();
    let times = |name: &str| asked.iter().filter(|asked| *asked == name).count();
    // Nothing through another name of this machine or with a password; what is broken is asked for again, what is not
    // there is not.
    assert_eq!(
        (times("secret.png"), times("none.png"), times("broken.png")),
        (0, 1, 3),
        "{asked:?}"
    );
    let sounds = server
        .inputs()
        .into_iter()
        .filter(|got| got.modality() == Modality::Audio);
    assert_eq!(sounds.count(), 1, "what is not fit is not sent");
}
