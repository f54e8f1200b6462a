//! What is taken and what is refused, in which words; and what is shown of a configuration.

use super::*;
use crate::config::EmbedConfig;

const SHORTEST: &str = "[source]\ncollection = \"m\"\n[target]\nuri = \"d\"\ntable = \"t\"\n";

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, "qlance.toml", Path::new("/base")).map_err(|error| error.to_string())
}

#[test]
fn the_shortest_file_uses_the_in_process_model() {
    let config = parse(SHORTEST).expect("a whole configuration");
    assert_eq!(config.embed.text, EmbedConfig::minilm());
    assert_eq!(config.target_uri(), "/base/d");
}

#[test]
fn defaults_follow_the_provider_and_what_is_shown_parses_back() {
    for (embed, expected) in [
        ("provider = \"openai\"", EmbedConfig::openai()),
        (
            "base_url = \"http://h/v1\"",
            EmbedConfig {
                base_url: "http://h/v1".into(),
                ..EmbedConfig::openai()
            },
        ),
        ("provider = \"carry\"", EmbedConfig::carry()),
    ] {
        let config = parse(&format!("{SHORTEST}[embed.text]\n{embed}\n")).expect("a configuration");
        assert_eq!(config.embed.text, expected, "{embed}");
        assert_eq!(parse(&config.to_toml()).expect("its own TOML"), config);
    }
}

#[test]
fn errors_name_the_field_and_the_way_out() {
    for (text, wanted) in [
        (
            "[source]\ncolection = \"m\"\n[target]\nuri = \"d\"\ntable = \"t\"",
            "did you mean `collection`",
        ),
        (&*format!("{SHORTEST}[embed.text]\napi_key = \"sk\""), "api_key_env"),
        (
            &format!("{SHORTEST}[embed.texts]\nmodel = \"m\""),
            "did you mean `text`",
        ),
        (&format!("{SHORTEST}[divergence]\nthreshold = 98"), "use -1 to 1"),
        (
            &format!("{SHORTEST}[embed.text]\nbudget_usd = -1.0"),
            "embed.text.budget_usd",
        ),
        (
            &format!("{SHORTEST}[embed.text]\nrequests_per_minute = 0"),
            "embed.text.requests_per_minute",
        ),
        (&format!("{SHORTEST}[pipeline]\nin_hand_mib = 1"), "use 8 to 16384"),
        (
            &format!("{SHORTEST}[embed.text]\ndimensions = 1536"),
            "MiniLM gives 384",
        ),
        (
            "[source]\n[target]\nuri = \"d\"\ntable = \"t\"",
            "source.collection: is missing",
        ),
        (
            "[source]\ncollection = \"m\"",
            "target.uri: is missing; say for example uri = \"choir.lance\" in [target]",
        ),
        ("[target]\nuri = \"d\"\ntable = \"t\"", "source.collection: is missing"),
        ("", "`qlance init` writes"),
        (&SHORTEST.replace("\"t\"", "\"a/b\""), "cannot name a table"),
        (
            &SHORTEST.replace("[target]", "url = \"localhost\"\n[target]"),
            "source.url",
        ),
        (
            &SHORTEST.replace("[target]", "url = \"https://me:pass@host\"\n[target]"),
            "source.api_key_env",
        ),
        (
            &SHORTEST.replace("[target]", "url = \"me:pass@host\"\n[target]"),
            "what stands there is no address",
        ),
        (
            &SHORTEST.replace("\"d\"", "\"s3://me:pass@bucket\""),
            "AWS_ACCESS_KEY_ID",
        ),
        (
            &format!("{SHORTEST}[embed.text]\nbase_url = \"http://h/v1?api_key=pass\""),
            "embed.text.api_key_file",
        ),
        (
            &format!("{SHORTEST}[columns]\nn = \"int\""),
            "target.profile = \"inferred\"",
        ),
        (
            &format!("{SHORTEST}profile = \"inferred\"\n[columns]\n\"a.b\" = \"int\""),
            "columns.\"a.b\"",
        ),
        (
            &format!("{SHORTEST}profile = \"inferred\"\n[columns]\nid = \"string\""),
            "can name no column",
        ),
        ("[source\n", "line 1"),
        (&SHORTEST.replace("\"m\"", "7"), "line 2"),
    ] {
        let error = parse(text).expect_err(text);
        assert!(error.contains(wanted), "{text:?} gave {error:?}, not {wanted:?}");
        assert!(!error.contains("pass@") && !error.contains("=pass"), "{error:?}");
    }
}

/// The settings that a text has under a section, said or as comments.
fn named(text: &str, section: &str) -> Vec<String> {
    let header = format!("[{section}]");
    text.lines()
        .skip_while(|line| *line != header)
        .skip(1)
        .take_while(|line| !line.starts_with('[') && !line.starts_with("# ["))
        .filter_map(|line| line.trim_start_matches("# ").split_once(" = "))
        .map(|(key, _)| key.to_owned())
        .collect()
}

#[test]
fn what_is_shown_names_every_setting_and_parses_back() {
    let media = "[embed.text]\nbase_url = \"http://h/v1\"\nmodel = \"m\"\ndialect = \"infinity\"\nbudget_usd = 2.0\n\
                 [embed.image]\n[embed.audio]\nmodel = \"n\"\nbase_url = \"http://h/v1\"\ndialect = \"data_uri\"\n\
                 [media]\nroot = \"here\"\n[keys]\nretry = [\"F5\", \"r\"]\n";
    for text in [
        SHORTEST.to_owned(),
        format!("{SHORTEST}profile = \"inferred\"\nkeep_source_vector = false\n[columns]\n\"two-words\" = \"int\"\n"),
        format!("{SHORTEST}{media}"),
    ] {
        let config = parse(&text).expect("a configuration");
        let shown = config.to_toml();
        assert_eq!(parse(&shown).expect("its own TOML"), config, "{shown}");
        for (section, keys) in known_keys() {
            let keys = keys.as_table().expect("a section");
            let sections: Vec<(String, &toml::Table)> = if section == "embed" {
                keys.iter()
                    .map(|(modality, keys)| (format!("embed.{modality}"), keys.as_table().expect("a section")))
                    .collect()
            } else {
                vec![(section.clone(), keys)]
            };
            for (section, keys) in sections {
                if shown.contains(&format!("# [{section}]")) {
                    continue;
                }
                assert!(
                    shown.lines().any(|line| line == format!("[{section}]")),
                    "{section}: {shown}"
                );
                let named = named(&shown, &section);
                for key in keys.keys() {
                    assert!(named.contains(key), "{section}.{key} is not in {shown}");
                }
            }
        }
    }
}

#[test]
fn what_is_shown_as_a_comment_could_be_said() {
    let shown = parse(SHORTEST).expect("a configuration").to_toml();
    let said: Vec<&str> = shown
        .lines()
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|rest| !rest.starts_with('['))
                .unwrap_or(line)
        })
        // The choir profile has its own columns.
        .filter(|line| !line.starts_with("score = "))
        .collect();
    let config = parse(&said.join("\n")).expect("a configuration");
    assert_eq!(config.embed.text.budget_usd, Some(5.0));
    assert_eq!(config.divergence.same_space, Some(true));
    assert_eq!(config.target.keep_source_vector, Some(true));
}

#[test]
fn one_source_and_target_are_one_job_whatever_else_changes() {
    let one = parse(SHORTEST).expect("a configuration");
    let other = parse(&format!("{SHORTEST}[divergence]\nthreshold = 0.5")).expect("a configuration");
    assert_eq!(one.job(None), other.job(None));
    assert!(one.job(None).dir.starts_with("/base/.qlance"));
    let elsewhere = parse(&SHORTEST.replace("\"t\"", "\"t2\"")).expect("a configuration");
    assert_ne!(one.job(None).id, elsewhere.job(None).id);
}
