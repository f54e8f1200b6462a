//! Vectors of several spaces in one table: each has its column, its server and its key; queries are asked where their
//! answer can be compared, and refused by name where it cannot. And captions beside what they belong to.

use qdrant_client::qdrant::{CreateCollectionBuilder, Distance, VectorParamsBuilder, VectorsConfigBuilder};
use qlance::embed::teaching::DIMENSIONS;
use qlance::point::{Modality, Similarity, Vector, Vectors};
use serde_json::{Value, json};

use super::gallery::{Gallery, Piece, SOUNDS_FROM, drawn, sung};
use super::{
    TABLE, assert_arrived, assert_complete, assert_finds, configure, configure_joint, plain, refused, search, world_of,
};
use crate::support::dialect_server::{DialectServer, Family, Got, Offer};
use crate::support::world::World;

/// Three models of three spaces: of texts, of pictures and texts, of sounds and texts.
struct Three {
    words: DialectServer,
    looks: DialectServer,
    ears: DialectServer,
}

impl Three {
    async fn start() -> Self {
        let offer = |family, model, takes, turn| Offer {
            family,
            model,
            takes,
            turn,
        };
        let infinity = Family::Infinity;
        Self {
            words: DialectServer::start(offer(Family::OpenAi, "words", &[Modality::Text], 3)).await,
            looks: DialectServer::start(offer(infinity, "clip", &[Modality::Text, Modality::Image], 7)).await,
            ears: DialectServer::start(offer(infinity, "clap", &[Modality::Text, Modality::Audio], 13)).await,
        }
    }

    fn of(&self, modality: Modality) -> &DialectServer {
        match modality {
            Modality::Text => &self.words,
            Modality::Image => &self.looks,
            Modality::Audio => &self.ears,
        }
    }

    fn made(&self, piece: &Piece) -> (&'static str, Vec<f32>) {
        let modality = piece.got.modality();
        let column = match modality {
            Modality::Text => "embedding",
            Modality::Image => "embedding_image",
            Modality::Audio => "embedding_audio",
        };
        (column, self.of(modality).vector_of(&piece.got))
    }

    /// Requests to each of them so far.
    fn asked(&self) -> [usize; 3] {
        Modality::ALL.map(|modality| self.of(modality).recorded().len())
    }

    fn configure(&self, world: &World, clip: &str) {
        let text = self
            .words
            .config("query_prefix = \"find: \"\napi_key_file = \"text.key\"\n");
        let image = self
            .looks
            .config("compare_with = \"looks\"\napi_key_file = \"image.key\"\n");
        let audio = self.ears.config("api_key_file = \"audio.key\"\n");
        let image = image.replace("\"clip\"", &format!("\"{clip}\""));
        let sections = [
            ("source", "vector = \"words\"\n"),
            ("embed.text", text.as_str()),
            ("embed.image", image.as_str()),
            ("embed.audio", audio.as_str()),
        ];
        configure(world, TABLE, &sections);
    }
}

/// A collection with a vector of words and one of looks: texts have the first, pictures the second.
async fn world_of_two_vectors(gallery: &Gallery, three: &Three) -> World {
    let world = World::empty().await;
    let mut vectors = VectorsConfigBuilder::default();
    for name in ["words", "looks"] {
        vectors.add_named_vector_params(name, VectorParamsBuilder::new(DIMENSIONS as u64, Distance::Cosine));
    }
    world
        .source()
        .client()
        .create_collection(CreateCollectionBuilder::new("messages").vectors_config(vectors))
        .await
        .expect("a collection");
    let old = |piece: &Piece| {
        let name = match piece.got {
            Got::Text(_) => "words",
            Got::Image(_) | Got::Audio(_) => "looks",
        };
        Vectors::from([(name.to_owned(), Vector::Dense(three.made(piece).1))])
    };
    world.upsert(&gallery.points(&world.path().join("media"), old)).await;
    for name in ["text", "image", "audio"] {
        let key = format!("sk-of-{name}-0123456789\n");
        std::fs::write(world.path().join(format!("{name}.key")), key).expect("written");
    }
    std::fs::write(world.path().join("query.png"), drawn("green", "circle")).expect("written");
    std::fs::write(world.path().join("query.wav"), sung(&[155.56], 0.6)).expect("written");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn each_space_has_its_column_its_server_and_its_key() {
    let three = Three::start().await;
    let gallery = Gallery::hung();
    let world = world_of_two_vectors(&gallery, &three).await;
    three.configure(&world, "clip");
    let end = world.run().await;
    assert_complete(&end, gallery.len(), 0);
    assert_eq!(end.1["embedding"]["inputs"], json!(gallery.len()), "{}", end.1);
    let rows = assert_arrived(&world, TABLE, &gallery, &[], |piece| three.made(piece)).await;
    for row in rows {
        assert!(row.others.is_empty(), "{row:?}");
        // Sounds have no vector of words to be compared with.
        let similarity = row.similarity.map(Similarity::get);
        let alike = similarity.map(|similarity| similarity > 0.9999);
        let compared = (row.modality != Some(Modality::Audio)).then_some(true);
        assert_eq!(alike, compared, "{} {similarity:?}", row.point.id);
    }
    for modality in Modality::ALL {
        let key = Some(format!("Bearer sk-of-{}-0123456789", modality.as_str()));
        let recorded = three.of(modality).recorded();
        let own = recorded.iter().all(|request| request.authorization == key);
        assert!(own && !recorded.is_empty(), "{modality:?}");
        let mut inputs = recorded.iter().flat_map(|request| &request.inputs);
        assert!(inputs.all(|got| got.modality() == modality), "{modality:?}");
    }

    // Words that are to find pictures are asked of the model that knows both.
    three.looks.forget();
    let before = three.asked();
    let found = search(&world, &["a green circle", "--modality", "image", "-k", "3"]).await;
    assert_finds(&gallery, &found, "green circle", Modality::Image);
    assert_eq!(
        (&found["space"], &found["columns"]),
        (&json!(format!("openai/clip@{DIMENSIONS}")), &json!(["embedding_image"]))
    );
    assert_eq!(three.looks.inputs(), [Got::Text("a green circle".into())]);
    let [words, looks, ears] = before;
    assert_eq!(three.asked(), [words, looks + 1, ears]);
    let found = search(&world, &["a low tone", "--modality", "audio", "-k", "1"]).await;
    assert_eq!(found["columns"], json!(["embedding_audio"]));
    let first = found["lancedb"]["hits"][0]["id"].as_u64().expect("a sound");
    assert_eq!(gallery.get(first).class, "low tone", "{found}");
    assert_eq!(three.asked(), [words, looks + 1, ears + 1]);
    // Words that are to find whatever there is find words, in their own space.
    let found = search(&world, &["a green circle", "-k", "1"]).await;
    assert_finds(&gallery, &found, "green circle", Modality::Text);
    assert_eq!(found["columns"], json!(["embedding"]));
    assert_eq!(
        three.words.inputs().last(),
        Some(&Got::Text("find: a green circle".into()))
    );
    for (file, modality, class) in [
        ("query.png", "image", "green circle"),
        ("query.wav", "audio", "low tone"),
    ] {
        let kind = format!("--{modality}");
        let found = search(&world, &[&kind, file, "-k", "1"]).await;
        let first = found["lancedb"]["hits"][0]["id"].as_u64().expect("a hit");
        assert_eq!(gallery.get(first).class, class, "{found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_of_another_space_is_refused_by_name() {
    let three = Three::start().await;
    let gallery = Gallery::hung().only(|piece| piece.id % 100 < 4);
    let world = world_of_two_vectors(&gallery, &three).await;
    three.configure(&world, "clip");
    assert_complete(&world.run().await, gallery.len(), 0);
    let before = three.asked();
    for (kind, file, own, find, column, held) in [
        ("--image", "query.png", "clip", "audio", "embedding_audio", "clap"),
        ("--image", "query.png", "clip", "text", "embedding", "words"),
        ("--audio", "query.wav", "clap", "image", "embedding_image", "clip"),
        ("--audio", "query.wav", "clap", "text", "embedding", "words"),
    ] {
        let said = refused(&world, &[kind, file, "--modality", find]).await;
        let expected = format!(
            "the query would be a vector of openai/{own}@{DIMENSIONS}, but column \"{column}\", where {find} is found, \
             holds vectors of openai/{held}@{DIMENSIONS}: two spaces are never compared"
        );
        assert!(said.contains(&expected), "{said}");
    }
    assert_eq!(three.asked(), before, "nothing was asked");
    // Another model behind the same column: neither searched nor written to.
    three.configure(&world, "clip-2");
    for command in [&["search", "a green circle", "--modality", "image"][..], &["run"]] {
        let output = world.qlance(command).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        let expected = format!(
            "the column `embedding_image` of table \"{TABLE}\" holds vectors of openai/clip@{DIMENSIONS}, the \
             configuration makes openai/clip-2@{DIMENSIONS}; two spaces never share a column"
        );
        assert!(said.contains(&expected), "{said}");
    }
    assert_eq!(three.asked(), before, "nothing was asked");
}

/// A model that in truth takes no texts: the query is refused in its server's own words, and nothing else happens.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_its_server_does_not_take_is_refused_in_its_words() {
    let words = DialectServer::start(Offer::joint(Family::Tei)).await;
    let deaf = Offer {
        model: "looks-only",
        takes: &[Modality::Image],
        turn: 9,
        ..Offer::joint(Family::Jina)
    };
    let looks = DialectServer::start(deaf).await;
    let gallery = Gallery::hung().only(|piece| piece.id < 120 && piece.id % 100 < 6);
    let world = world_of(&gallery, plain).await;
    let (text, image) = (words.config(""), looks.config(""));
    configure(
        &world,
        TABLE,
        &[("embed.text", text.as_str()), ("embed.image", image.as_str())],
    );
    assert_complete(&world.run().await, gallery.len(), 0);
    let said = refused(&world, &["a red circle", "--modality", "image"]).await;
    assert!(said.contains("looks-only takes no text"), "{said}");
    std::fs::write(world.path().join("query.png"), drawn("red", "circle")).expect("written");
    let found = search(&world, &["--image", "query.png", "--modality", "image", "-k", "1"]).await;
    let first = found["lancedb"]["hits"][0]["id"].as_u64().expect("a picture");
    assert_eq!(gallery.get(first).class, "red circle", "{found}");
}

/// What somebody wrote beside every other picture and sound: of something that no picture shows.
fn caption(piece: &Piece) -> Option<String> {
    piece
        .id
        .is_multiple_of(2)
        .then(|| format!("a black star, drawn for number {}", piece.id))
}

/// The pictures that have one.
fn captioned(gallery: &Gallery) -> Vec<u64> {
    let pictures = gallery.pieces.iter().filter(|piece| piece.id < SOUNDS_FROM);
    pictures
        .filter(|piece| piece.caption.is_some())
        .map(|piece| piece.id)
        .collect()
}

/// What LanceDB found, in the order of ids.
fn ids(found: &Value) -> Vec<u64> {
    let hits = found["lancedb"]["hits"].as_array().expect("hits");
    let mut ids: Vec<u64> = hits.iter().filter_map(|hit| hit["id"].as_u64()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_are_embedded_as_well_and_find_what_they_belong_to() {
    let server = DialectServer::start(Offer::joint(Family::Jina)).await;
    let gallery = Gallery::hung().captioned(caption);
    let world = world_of(&gallery, plain).await;
    let also = ("media", "media_text = \"also\"\n");
    configure_joint(&world, TABLE, &server, "document_prefix = \"text: \"\n", &[also]);
    let end = world.run().await;
    assert_complete(&end, gallery.len(), 0);
    let captions = gallery.pieces.iter().filter(|piece| piece.caption.is_some()).count();
    assert_eq!(
        end.1["embedding"]["inputs"],
        json!(gallery.len() + captions),
        "{}",
        end.1
    );
    let made = |got: &Got| server.vector_of(&got.after("text: "));
    let rows = assert_arrived(&world, TABLE, &gallery, &[], |piece| ("embedding", made(&piece.got))).await;
    for (row, piece) in rows.iter().zip(&gallery.pieces) {
        let caption = piece.caption.clone().map(Got::Text);
        let expected = caption.map(|caption| ("embedding_caption".to_owned(), made(&caption)));
        assert_eq!(row.others, expected.into_iter().collect::<Vec<_>>(), "{}", piece.id);
    }
    let found = search(&world, &["a black star", "--modality", "image", "-k", "9"]).await;
    assert_eq!(found["columns"], json!(["embedding", "embedding_caption"]));
    assert_eq!(ids(&found), captioned(&gallery), "{found}");
    // By what they show they are found all the same, and each of them once.
    let found = search(&world, &["a red square", "--modality", "image", "-k", "18"]).await;
    assert_eq!(ids(&found).len(), 18, "{found}");
    assert_finds(&gallery, &found, "red square", Modality::Image);
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_of_pictures_of_another_space_lie_among_the_texts() {
    let words = DialectServer::start(Offer::joint(Family::OpenAi)).await;
    let offer = Offer {
        model: "clip",
        turn: 7,
        ..Offer::joint(Family::LiteLlm)
    };
    let looks = DialectServer::start(offer).await;
    let gallery = Gallery::hung().only(|piece| piece.id < SOUNDS_FROM).captioned(caption);
    let world = world_of(&gallery, plain).await;
    let (text, image) = (words.config(""), looks.config(""));
    let sections = [
        ("embed.text", text.as_str()),
        ("embed.image", image.as_str()),
        ("media", "media_text = \"also\"\n"),
    ];
    configure(&world, TABLE, &sections);
    assert_complete(&world.run().await, gallery.len(), 0);
    let rows = assert_arrived(&world, TABLE, &gallery, &[], |piece| match piece.got {
        Got::Text(_) => ("embedding", words.vector_of(&piece.got)),
        Got::Image(_) | Got::Audio(_) => ("embedding_image", looks.vector_of(&piece.got)),
    })
    .await;
    for (row, piece) in rows.iter().zip(&gallery.pieces) {
        let caption = piece.caption.clone().map(Got::Text);
        let expected = caption.map(|caption| ("embedding".to_owned(), words.vector_of(&caption)));
        assert_eq!(row.others, expected.into_iter().collect::<Vec<_>>(), "{}", piece.id);
    }
    // Words find texts and captions in one column.
    let found = search(&world, &["a black star", "-k", "9"]).await;
    assert_eq!(found["columns"], json!(["embedding"]));
    assert_eq!(ids(&found), captioned(&gallery), "{found}");
}
