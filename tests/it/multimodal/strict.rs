//! The two sides of a request: what servers say when they refuse is understood, whatever its shape; and the servers of
//! these tests take what is right and nothing else, or what goes through them would say little.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qlance::config::EmbedConfig;
use qlance::embed::dialect::Shape;
use qlance::embed::openai::OpenAi;
use qlance::embed::teaching::DIMENSIONS;
use qlance::embed::{Embedder as _, Input, Media, RequestError, Role};
use qlance::point::Modality;
use serde_json::{Value, json};

use super::gallery::{drawn, sung};
use crate::support::dialect_server::{DialectServer, Family, Got, Offer, REJECTED, TROUBLE, Why};

fn embedder(server: &DialectServer, family: Family, model: &str) -> OpenAi {
    let config = EmbedConfig {
        base_url: server.base_url(),
        model: model.into(),
        dialect: family.dialect(),
        dimensions: DIMENSIONS,
        send_dimensions: family.knows_dimensions(),
        send_encoding_format: family.knows_encoding_format(),
        ..EmbedConfig::openai()
    };
    OpenAi::new(&config, &Modality::ALL, None).expect("a client")
}

#[tokio::test]
async fn what_every_family_says_when_it_refuses_is_understood() {
    for family in Family::ALL {
        let server = DialectServer::start(Offer::joint(family)).await;
        let ask = async |model: &str, text: &str| {
            let inputs = [Input::Text(text.into())];
            let answer = embedder(&server, family, model).embed(&inputs, Role::Document).await;
            answer.map(|answer| answer.embeddings.len())
        };
        assert!(matches!(ask("omni", "hello").await, Ok(1)), "{family:?}");
        let error = ask("omni", " ").await.expect_err("an empty text");
        assert!(
            matches!(&error, RequestError::Rejected(said) if said.contains("an empty text")),
            "{family:?}: {error}"
        );
        server.reject(Got::Text("evil".into()));
        let error = ask("omni", "evil").await.expect_err("a rejection");
        assert!(
            matches!(&error, RequestError::Rejected(said) if said.contains(REJECTED)),
            "{family:?}: {error}"
        );
        let error = ask("other", "hello").await.expect_err("no such model");
        let names_both = |said: &str| said.contains("only \"omni\"") && said.contains("embed.text.model");
        assert!(
            matches!(&error, RequestError::Fatal(said) if names_both(said)),
            "{family:?}: {error}"
        );
        for status in [401, 429, 500, 502, 503] {
            server.then([Some(status)]);
            let error = ask("omni", "hello").await.expect_err("trouble");
            let understood = match &error {
                RequestError::Fatal(said) => status == 401 && said.contains("api_key_env"),
                RequestError::Throttled { .. } => status == 429,
                RequestError::Outage(_) => status >= 500,
                RequestError::Rejected(_) | RequestError::Protocol(_) => false,
            };
            let said = error.to_string();
            assert!(understood && said.contains(TROUBLE), "{family:?} {status}: {error:?}");
            // The words of the error, not the object that they came in.
            assert!(!said.contains('{'), "{family:?} {status}: {said}");
        }
        server.then([Some(429)]);
        let error = ask("omni", "hello").await.expect_err("a limit");
        let RequestError::Throttled { retry_after, .. } = error else {
            panic!("{family:?}: {error:?}");
        };
        // What comes inside of a success has no header of its own.
        let asked = (family != Family::OpenRouter).then_some(Duration::from_secs(1));
        assert_eq!(retry_after, asked, "{family:?}");
    }
}

/// A request as qlance writes it in the dialect of one family, with the keys beside the inputs that another one wants.
fn request(speaker: Family, listener: Family, inputs: &[Input]) -> Option<Value> {
    let mut body = Shape::of(speaker.dialect()).body(inputs, "").ok()?;
    body.insert("model".into(), json!("omni"));
    if listener.knows_dimensions() {
        body.insert("dimensions".into(), json!(DIMENSIONS));
    }
    if listener.knows_encoding_format() {
        body.insert("encoding_format".into(), json!("base64"));
    }
    Some(Value::Object(body))
}

fn picture(png: Vec<u8>) -> Input {
    Input::Image(Media {
        bytes: png.into(),
        mime: "image/png".into(),
    })
}

async fn post(server: &DialectServer, body: String) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.post(format!("{}/embeddings", server.base_url()));
    let request = request.header("content-type", "application/json").body(body);
    request.send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn each_server_takes_its_own_dialect_and_no_other() {
    let picture = picture(drawn("red", "square"));
    let sound = Input::Audio(Media {
        bytes: sung(&[440.0], 0.3).into(),
        mime: "audio/wav".into(),
    });
    for listener in Family::ALL {
        let server = DialectServer::start(Offer::joint(listener)).await;
        for speaker in Family::MEDIA {
            for input in [&picture, &sound] {
                let body = request(speaker, listener, std::slice::from_ref(input)).expect("it carries media");
                let status = post(&server, body.to_string()).await;
                let own = speaker == listener;
                assert_eq!(status == 200, own, "{speaker:?} to {listener:?}: {status}");
            }
        }
        // Of texts, two dialects write the same.
        let text = [Input::Text("hello".into())];
        for speaker in Family::ALL {
            let body = request(speaker, listener, &text).expect("it carries texts");
            let alike = |family: Family| match family {
                Family::OpenAi | Family::Tei | Family::LiteLlm => 0,
                other => 1 + Family::ALL.into_iter().take_while(|family| *family != other).count(),
            };
            let status = post(&server, body.to_string()).await;
            assert_eq!(
                status == 200,
                alike(speaker) == alike(listener),
                "{speaker:?} to {listener:?}: {status}"
            );
        }
    }
}

#[tokio::test]
async fn each_server_refuses_what_is_not_quite_right() {
    let png = drawn("red", "square");
    let (whole, half) = (STANDARD.encode(&png), STANDARD.encode(&png[..png.len() / 2]));
    let picture = picture(png);
    for family in Family::MEDIA {
        let server = DialectServer::start(Offer::joint(family)).await;
        let good = request(family, family, std::slice::from_ref(&picture)).expect("a request");
        assert_eq!(post(&server, good.to_string()).await, 200, "{family:?}");
        let text = good.to_string();
        let mut wrong = vec![
            ("no JSON", text[1..].to_owned()),
            ("a list", format!("[{text}]")),
            ("another type", text.replace("image/png", "image/jpeg")),
            ("another kind", text.replace("image/png", "audio/wav")),
            ("a type that is not taken", text.replace("image/png", "image/tiff")),
            ("broken base64", text.replace("base64,", "base64,*")),
            ("not in base64", text.replace(";base64", "")),
            ("half a picture", text.replace(&whole, &half)),
        ];
        if family != Family::LiteLlm {
            // Among texts it is one.
            let address = text.replace("data:image/png;base64,", "https://host.example/");
            wrong.push(("an address", address));
        }
        let mut changed = |what: &'static str, change: &dyn Fn(&mut Value)| {
            let mut body = good.clone();
            change(&mut body);
            wrong.push((what, body.to_string()));
        };
        changed("an unknown key", &|body| body["user"] = json!("me"));
        changed("no model", &|body| {
            drop(body.as_object_mut().and_then(|body| body.remove("model")));
        });
        changed("another format", &|body| body["encoding_format"] = json!("int8"));
        changed("other dimensions", &|body| body["dimensions"] = json!(DIMENSIONS + 1));
        changed("both places", &|body| {
            body["input"] = json!(["hello"]);
            body["messages"] = json!([]);
        });
        let place = if family == Family::Vllm { "messages" } else { "input" };
        changed("no input at all", &|body| body[place] = json!([]));
        changed("no list", &|body| body[place] = body[place][0].clone());
        changed("too many", &|body| body[place] = vec![body[place][0].clone(); 9].into());
        changed("a number", &|body| body[place][0] = json!(7));
        match family {
            Family::Infinity => {
                changed("another modality", &|body| body["modality"] = json!("audio"));
                changed("a modality that there is not", &|body| {
                    body["modality"] = json!("video");
                });
                changed("two modalities", &|body| {
                    if let Some(inputs) = body["input"].as_array_mut() {
                        inputs.push(json!("a text"));
                    }
                });
            }
            Family::Jina => {
                changed("two in one", &|body| body["input"][0]["text"] = json!("a text"));
                changed("the other's name", &|body| {
                    let image = body["input"][0]["image"].clone();
                    body["input"][0] = json!({ "audio": image });
                });
            }
            Family::OpenRouter | Family::Vllm => {
                changed("two parts", &|body| {
                    let part = body[place][0]["content"][0].clone();
                    body[place][0]["content"] = json!([part, part]);
                });
                changed("no type", &|body| body[place][0]["content"][0]["type"] = Value::Null);
                changed("more beside it", &|body| body[place][0]["name"] = json!("me"));
            }
            Family::OpenAi | Family::Tei | Family::LiteLlm => {}
        }
        for (what, body) in wrong {
            let status = post(&server, body).await;
            assert_eq!(status, family.status(Why::Body), "{family:?}: {what}");
        }
        let mut other = good.clone();
        other["model"] = json!("clip");
        assert_eq!(post(&server, other.to_string()).await, 404, "{family:?}");
    }
}
