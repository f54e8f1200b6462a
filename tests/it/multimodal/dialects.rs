//! The six dialects: a collection of all three modalities goes through each, and each modality is found by another.

use std::collections::BTreeMap;

use qlance::embed::teaching::DIMENSIONS;
use qlance::point::{Modality, Similarity};
use serde_json::json;

use super::gallery::{Gallery, Piece, data_uri, drawn, sung};
use super::{
    TABLE, assert_arrived, assert_complete, assert_finds, classes, configure, configure_joint, failures, plain,
    refused, retry, search, unnamed, world_of,
};
use crate::support::dialect_server::{DialectServer, Family, Got, Offer};

/// The prompts of `EmbeddingGemma`.
const DOCUMENT: &str = "title: none | text: ";
const QUERY: &str = "task: search result | query: ";

/// All modalities through one server, exactly; then text to picture, text to sound, picture to text, sound to sound.
async fn goes_through(family: Family) {
    let server = DialectServer::start(Offer::joint(family)).await;
    let gallery = Gallery::hung();
    let made = |piece: &Piece| server.vector_of(&piece.got.after(DOCUMENT));
    let world = world_of(&gallery, |piece| unnamed(made(piece))).await;
    let prefixes = format!("document_prefix = \"{DOCUMENT}\"\nquery_prefix = \"{QUERY}\"\n");
    configure_joint(&world, TABLE, &server, &prefixes, &[]);
    let end = world.run().await;
    assert_complete(&end, gallery.len(), 0);
    let recorded = server.recorded();
    let refusals: Vec<&String> = recorded.iter().filter_map(|request| request.refusal.as_ref()).collect();
    assert!(refusals.is_empty(), "{refusals:?}");
    let tokens: u64 = recorded.iter().map(|request| request.tokens).sum();
    let embedding = &end.1["embedding"];
    assert_eq!(
        (&embedding["inputs"], &embedding["requests"], &embedding["tokens"]),
        (&json!(gallery.len()), &json!(recorded.len()), &json!(tokens))
    );
    for got in server.inputs() {
        assert!(
            !matches!(&got, Got::Text(text) if !text.starts_with(DOCUMENT)),
            "{got:?}"
        );
    }
    let rows = assert_arrived(&world, TABLE, &gallery, &[], |piece| ("embedding", made(piece))).await;
    for row in rows {
        let similarity = row.similarity.map(Similarity::get);
        assert!(similarity.is_some_and(|similarity| similarity > 0.9999), "{row:?}");
        assert!(row.others.is_empty(), "{row:?}");
    }

    server.forget();
    let found = search(&world, &["a red circle", "--modality", "image", "-k", "3"]).await;
    assert_finds(&gallery, &found, "red circle", Modality::Image);
    assert_eq!(server.inputs(), [Got::Text(format!("{QUERY}a red circle"))]);
    assert_eq!(
        (&found["space"], &found["columns"]),
        (
            &json!(format!("openai/omni@{DIMENSIONS} prefix {DOCUMENT:?}")),
            &json!(["embedding"])
        )
    );
    let found = search(&world, &["a high tone", "--modality", "audio", "-k", "3"]).await;
    assert_finds(&gallery, &found, "high tone", Modality::Audio);
    server.forget();
    let (picture, sound) = (drawn("yellow", "triangle"), sung(&[1_975.53], 0.6));
    std::fs::write(world.path().join("query.png"), &picture).expect("written");
    std::fs::write(world.path().join("query.wav"), &sound).expect("written");
    let found = search(&world, &["--image", "query.png", "--modality", "text", "-k", "2"]).await;
    assert_finds(&gallery, &found, "yellow triangle", Modality::Text);
    let found = search(&world, &["--audio", "query.wav", "--modality", "audio", "-k", "3"]).await;
    assert_finds(&gallery, &found, "high tone", Modality::Audio);
    // Media go as they are, whatever stands before texts.
    assert_eq!(server.inputs(), [Got::Image(picture), Got::Audio(sound)]);
    // Without a modality all are looked through: the text and the picture of one thing lie side by side.
    let found = search(&world, &["a blue square", "-k", "2"]).await;
    let hits = found["lancedb"]["hits"].as_array().expect("hits");
    let mut kinds: Vec<(&str, &str)> = hits
        .iter()
        .map(|hit| {
            let piece = gallery.get(hit["id"].as_u64().expect("a number"));
            (piece.class.as_str(), piece.got.modality().as_str())
        })
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [("blue square", "image"), ("blue square", "text")], "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn infinity_takes_one_modality_a_request() {
    goes_through(Family::Infinity).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_inputs_say_what_each_is() {
    goes_through(Family::Jina).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_content_go_as_in_a_chat() {
    goes_through(Family::OpenRouter).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_uris_stand_among_texts() {
    goes_through(Family::LiteLlm).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_messages_go_one_by_one() {
    goes_through(Family::Vllm).await;
}

/// Servers of texts get captions in the place of pictures and sounds.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_texts_embeds_captions_instead() {
    const SILENT: u64 = 107;
    let caption = |piece: &Piece| (piece.id != SILENT).then(|| format!("a {}, number {}", piece.class, piece.id));
    let gallery = Gallery::hung().named().captioned(caption);
    let world = world_of(&gallery, plain).await;
    std::fs::write(world.path().join("query.png"), drawn("red", "circle")).expect("written");
    for family in [Family::OpenAi, Family::Tei] {
        let table = family.name();
        let server = DialectServer::start(Offer::joint(family)).await;
        let text = server.config("");
        configure(&world, table, &[("embed.text", text.as_str())]);
        let end = world.run().await;
        assert_complete(&end, gallery.len() - 1, 1);
        assert_eq!(end.1["embedding"]["inputs"], json!(gallery.len() - 1), "{}", end.1);
        let failed = failures(&world).await;
        let (class, error) = &failed[&SILENT];
        assert_eq!((failed.len(), class.as_str()), (1, "no_embedder"));
        assert!(
            error.contains("no embedder for image") && error.contains("content"),
            "{error}"
        );
        assert_arrived(&world, table, &gallery, &[SILENT], |piece| {
            let words = piece.caption.clone().map(Got::Text);
            ("embedding", server.vector_of(words.as_ref().unwrap_or(&piece.got)))
        })
        .await;
        let found = search(&world, &["a red circle", "--modality", "image", "-k", "2"]).await;
        assert_finds(&gallery, &found, "red circle", Modality::Image);
        let said = refused(&world, &["--image", "query.png"]).await;
        assert!(
            said.contains("no embedder of image is configured; add [embed.image]"),
            "{said}"
        );
    }
}

/// Without captions they wait, until somebody takes them: pictures beside the texts, sounds in a column of their own.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_takes_waits_and_comes_over_once_somebody_does() {
    let gallery = Gallery::hung().named().captioned(|piece| Some(piece.class.clone()));
    let world = world_of(&gallery, plain).await;
    let words = DialectServer::start(Offer::joint(Family::Tei)).await;
    let text = words.config("");
    let never = ("media", "media_text = \"never\"\n");
    configure(&world, TABLE, &[("embed.text", text.as_str()), never]);
    let end = world.run().await;
    let media: Vec<u64> = gallery
        .pieces
        .iter()
        .map(|piece| piece.id)
        .filter(|id| *id > 100)
        .collect();
    assert_complete(&end, gallery.len() - media.len(), media.len());
    let expected: BTreeMap<u64, String> = media.iter().map(|id| (*id, "no_embedder".to_owned())).collect();
    assert_eq!(classes(&world).await, expected);
    assert_eq!(
        words.inputs().len(),
        gallery.len() - media.len(),
        "no caption was asked for"
    );
    assert_arrived(&world, TABLE, &gallery, &media, |piece| {
        ("embedding", words.vector_of(&piece.got))
    })
    .await;

    let looks = DialectServer::start(Offer::joint(Family::OpenRouter)).await;
    let ears = DialectServer::start(Offer {
        model: "clap",
        takes: &[Modality::Text, Modality::Audio],
        turn: 5,
        ..Offer::joint(Family::Infinity)
    })
    .await;
    let (image, audio) = (looks.config(""), ears.config(""));
    let sections = [
        ("embed.text", text.as_str()),
        ("embed.image", image.as_str()),
        ("embed.audio", audio.as_str()),
        never,
    ];
    configure(&world, TABLE, &sections);
    assert_eq!(retry(&world).await, 0);
    assert_arrived(&world, TABLE, &gallery, &[], |piece| match piece.got {
        Got::Text(_) => ("embedding", words.vector_of(&piece.got)),
        Got::Image(_) => ("embedding", looks.vector_of(&piece.got)),
        Got::Audio(_) => ("embedding_audio", ears.vector_of(&piece.got)),
    })
    .await;
    let end = world.run().await;
    assert_complete(&end, gallery.len(), 0);
    assert_eq!(end.1["embedding"]["inputs"], json!(0), "nothing is embedded twice");
    let found = search(&world, &["a low tone", "--modality", "audio", "-k", "1"]).await;
    assert_eq!(found["columns"], json!(["embedding_audio"]));
    let first = found["lancedb"]["hits"][0]["id"].as_u64().expect("a sound");
    assert_eq!(gallery.get(first).class, "low tone", "{found}");
}

/// A payload must not be able to pass for a picture where that could be; elsewhere it is a text like any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_looks_like_a_data_uri_never_passes_for_a_picture() {
    let trap = Got::Text(format!("{} as a text", data_uri(&drawn("red", "circle"))));
    let gallery = Gallery::hung().only(|piece| piece.id < 4).and(Piece {
        id: 20,
        class: String::new(),
        got: trap.clone(),
        caption: None,
    });
    let world = world_of(&gallery, plain).await;
    for (family, taken) in [
        (Family::LiteLlm, false),
        (Family::Infinity, true),
        (Family::Jina, true),
        (Family::Vllm, true),
    ] {
        let server = DialectServer::start(Offer::joint(family)).await;
        configure_joint(&world, family.name(), &server, "", &[]);
        let failed: &[u64] = if taken { &[] } else { &[20] };
        assert_complete(&world.run().await, gallery.len() - failed.len(), failed.len());
        let expected: BTreeMap<u64, String> = failed.iter().map(|id| (*id, "rejected".to_owned())).collect();
        assert_eq!(classes(&world).await, expected, "{family:?}");
        assert_eq!(server.inputs().contains(&trap), taken, "{family:?}");
        assert!(
            server.recorded().iter().all(|request| request.status == 200),
            "{family:?}"
        );
        let made = |piece: &Piece| ("embedding", server.vector_of(&piece.got));
        assert_arrived(&world, family.name(), &gallery, failed, made).await;
    }
}
