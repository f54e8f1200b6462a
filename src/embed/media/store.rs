//! Objects in object stores: only those whose URI begins as `media.allow_stores` says, and only of stores that this
//! build can speak to. Keys for them come from the environment, as the stores' own tools take them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use futures::StreamExt as _;
use object_store::path::Path;
use object_store::{Error, GetOptions, ObjectStore, parse_url_opts};
use tokio::time::timeout;
use url::{Position, Url};

use super::address::{self, Address};
use super::again::{Remote, Trouble};
use super::budget::{Budget, Fetched};
use super::message::{chain, refused, shown, too_many_bytes, unreachable};
use crate::point::Failure;

/// Stores kept open at once.
const MAX_OPEN: usize = 64;
/// What variables of the environment begin with that say how to reach a store.
const VARIABLES: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];

/// Reads objects of the stores that are allowed.
#[derive(Debug)]
pub(super) struct Stores {
    /// Beginnings of URIs, in the form that [`canonical`] gives.
    allowed: Vec<String>,
    open: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
    patience: Duration,
}

impl Stores {
    /// Allows what begins so; an object may take `patience` to come.
    ///
    /// # Errors
    /// An entry is no object store's URI.
    pub(super) fn new(allow: &[String], patience: Duration) -> anyhow::Result<Self> {
        let allowed = allow.iter().map(|entry| {
            let wrong =
                || format!("media.allow_stores: {entry:?} is no object store's URI such as \"s3://bucket/folder/\"");
            let url = match address::parse(entry) {
                Ok(Address::Store(url)) if url.host_str().is_some_and(|host| !host.is_empty()) => url,
                _ => anyhow::bail!(wrong()),
            };
            let mut beginning = canonical(&url).with_context(wrong)?;
            if url.path().ends_with('/') && !beginning.ends_with('/') {
                beginning.push('/');
            }
            Ok(beginning)
        });
        Ok(Self {
            allowed: allowed.collect::<anyhow::Result<_>>()?,
            open: Mutex::default(),
            patience,
        })
    }

    /// Checks that an object may be read. Nothing is asked.
    ///
    /// # Errors
    /// It may not.
    pub(super) fn check(&self, url: &Url) -> Result<(), Failure> {
        let name = shown(url);
        let canonical = canonical(url).map_err(|error| refused(format!("refused {name}: {}", chain(&error))))?;
        if self
            .allowed
            .iter()
            .any(|beginning| canonical.starts_with(beginning.as_str()))
        {
            return Ok(());
        }
        Err(refused(format!(
            "refused {name}: it begins like none of media.allow_stores"
        )))
    }

    /// Reads an object.
    pub(super) async fn fetch(&self, url: &Url, budget: &Budget) -> Result<Fetched, Trouble> {
        self.check(url)?;
        let (store, path) = self.open(url)?;
        read(store.as_ref(), &path, url, self.patience, budget).await
    }

    /// Whether the store of an object answers at all.
    pub(super) async fn answers(&self, url: &Url) -> bool {
        let Ok((store, path)) = self.open(url) else {
            return false;
        };
        let options = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        let answer = timeout(self.patience, store.get_opts(&path, options)).await;
        matches!(answer, Ok(Ok(_) | Err(Error::NotFound { .. })))
    }

    /// The store of an object, opened once for all of its objects, and the object's place in it.
    fn open(&self, url: &Url) -> Result<(Arc<dyn ObjectStore>, Path), Failure> {
        let name = shown(url);
        let path =
            Path::from_url_path(url.path()).map_err(|error| refused(format!("refused {name}: {}", chain(&error))))?;
        let key = url[..Position::BeforePath].to_owned();
        if let Some(store) = self.lock().get(&key) {
            return Ok((Arc::clone(store), path));
        }
        let (store, _) = parse_url_opts(url, variables()).map_err(|error| match error {
            Error::Generic { store: "parse_url", .. } => refused(format!(
                "refused {name}: this build of qlance has no support for {}://; it is the feature {} of object_store",
                url.scheme(),
                feature(url.scheme())
            )),
            other => unreachable(format!("cannot open the store of {name}: {}", chain(&other))),
        })?;
        let store: Arc<dyn ObjectStore> = Arc::from(store);
        let mut open = self.lock();
        if open.len() >= MAX_OPEN {
            open.clear();
        }
        open.insert(key, Arc::clone(&store));
        Ok((store, path))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<dyn ObjectStore>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads an object of a store.
async fn read(
    store: &dyn ObjectStore,
    path: &Path,
    url: &Url,
    patience: Duration,
    budget: &Budget,
) -> Result<Fetched, Trouble> {
    let what = shown(url);
    let late = || moment(url, format!("nothing came in {} s", patience.as_secs()));
    let found = timeout(patience, store.get_opts(path, GetOptions::default())).await;
    let found = found.map_err(|_| late())?.map_err(|error| judge(url, &error))?;
    let size = found.meta.size;
    let share = budget.take(&what, Some(size)).await?;
    let mut bytes = Vec::with_capacity(size as usize);
    let mut stream = found.into_stream();
    let whole = async {
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| judge(url, &error))?;
            if (bytes.len() + chunk.len()) as u64 > size {
                return Err(too_many_bytes(&what, None, budget.max_bytes()).into());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok::<(), Trouble>(())
    };
    timeout(patience, whole).await.map_err(|_| late())??;
    if bytes.len() as u64 != size {
        return Err(moment(url, format!("{} of {size} bytes came", bytes.len())));
    }
    Ok(Fetched::new(bytes, share))
}

/// What an error of a store says: something about this object, or about the moment.
fn judge(url: &Url, error: &Error) -> Trouble {
    let name = shown(url);
    match error {
        Error::NotFound { .. } => unreachable(format!("cannot fetch {name}: there is no such object")).into(),
        Error::InvalidPath { .. } => refused(format!("refused {name}: {}", chain(error))).into(),
        // Our keys may have run out: what was given before is asked for once more, then one knows.
        other => moment(url, chain(other)),
    }
}

fn moment(url: &Url, message: String) -> Trouble {
    Trouble::Moment {
        at: Box::new(Remote::Store(url.clone())),
        message,
        pause: None,
    }
}

/// Store, container and key, with nothing encoded and nothing that leads back up.
fn canonical(url: &Url) -> Result<String, object_store::path::Error> {
    let path = Path::from_url_path(url.path())?;
    Ok(format!("{}/{path}", &url[..Position::BeforePath]))
}

/// The feature that brings a scheme.
fn feature(scheme: &str) -> &'static str {
    match scheme {
        "s3" | "s3a" => "\"aws\"",
        "gs" => "\"gcp\"",
        _ => "\"azure\"",
    }
}

/// What the environment says of stores.
fn variables() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(key, _)| VARIABLES.iter().any(|beginning| key.starts_with(beginning)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::Cause;
    use object_store::memory::InMemory;

    fn stores(allow: &[&str]) -> anyhow::Result<Stores> {
        let allow: Vec<String> = allow.iter().map(|entry| (*entry).to_owned()).collect();
        Stores::new(&allow, Duration::from_secs(5))
    }

    fn url(text: &str) -> Url {
        match address::parse(text) {
            Ok(Address::Store(url)) => url,
            other => panic!("{text} is {other:?}"),
        }
    }

    #[test]
    fn only_what_begins_as_it_is_allowed_is_read_however_it_is_spelled() {
        let stores = stores(&["s3://bucket/a/", "gs://whole", "s3://other/img"]).expect("good entries");
        for (text, allowed) in [
            ("s3://bucket/a/b.png", true),
            ("s3://bucket/a/b/c.png", true),
            ("s3://bucket/a/x/../b.png", true),
            ("s3://bucket/a/../b.png", false),
            ("s3://bucket/a/%2e%2e/b.png", false),
            ("s3://bucket/a/..%2fb.png", false),
            ("s3://bucket/%61/b.png", true),
            ("s3://bucket/b/a/b.png", false),
            ("s3://bucket/ab.png", false),
            ("s3://bucket-too/a/b.png", false),
            ("s3://bucket@evil/a/b.png", false),
            ("s3a://bucket/a/b.png", false),
            ("gs://whole/any/thing", true),
            ("gs://whole-not/any", false),
            ("s3://other/img-7.png", true),
            ("s3://other/im", false),
        ] {
            let checked = stores.check(&url(text));
            assert_eq!(checked.is_ok(), allowed, "{text}");
        }
        let failure = stores.check(&url("s3://bucket/a//b")).expect_err("an empty part");
        assert_eq!(failure.cause, Cause::MediaRefused);
    }

    #[test]
    fn entries_that_are_no_stores_are_named() {
        for entry in ["", "/srv", "http://host/", "file:///a", "s3://", "bucket/a"] {
            let error = stores(&[entry]).expect_err(entry);
            assert!(error.to_string().contains("media.allow_stores"), "{error}");
        }
    }

    #[test]
    fn what_is_refused_to_our_keys_is_no_fault_of_the_object() {
        fn source() -> Box<dyn std::error::Error + Send + Sync> {
            "403".into()
        }
        let url = url("s3://bucket/a");
        let path = || "a".to_owned();
        for error in [
            Error::PermissionDenied {
                path: path(),
                source: source(),
            },
            Error::Unauthenticated {
                path: path(),
                source: source(),
            },
        ] {
            assert!(matches!(judge(&url, &error), Trouble::Moment { .. }), "{error}");
        }
        let gone = Error::NotFound {
            path: path(),
            source: source(),
        };
        assert!(matches!(judge(&url, &gone), Trouble::Failed(_)));
    }

    async fn of_memory(key: &str, max_mib: u64) -> Result<Fetched, Trouble> {
        let store = InMemory::new();
        for (key, bytes) in [("a/b", vec![7_u8; 3]), ("a/large", vec![0; (1 << 20) + 1])] {
            let place = Path::from(key);
            let put = store.put_opts(&place, bytes.into(), object_store::PutOptions::default());
            put.await.expect("put");
        }
        let url = url(&format!("s3://bucket/{key}"));
        let budget = Budget::new(max_mib, max_mib);
        read(&store, &Path::from(key), &url, Duration::from_secs(5), &budget).await
    }

    #[tokio::test]
    async fn objects_are_read_within_their_bounds() {
        assert_eq!(*of_memory("a/b", 1).await.expect("there").bytes, [7; 3]);
        for (key, cause) in [("a/none", Cause::MediaUnreachable), ("a/large", Cause::MediaTooLarge)] {
            match of_memory(key, 1).await {
                Err(Trouble::Failed(failure)) => assert_eq!(failure.cause, cause, "{}", failure.message),
                other => panic!("{key}: {other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_store_that_this_build_lacks_is_a_refusal_that_says_so() {
        let stores = stores(&["gs://bucket"]).expect("good entries");
        match stores.fetch(&url("gs://bucket/a.png"), &Budget::new(1, 1)).await {
            Err(Trouble::Failed(failure)) if failure.cause == Cause::MediaRefused => {
                assert!(failure.message.contains("\"gcp\""), "{}", failure.message);
            }
            // Built with it, and without keys.
            Err(Trouble::Failed(failure)) => assert_eq!(failure.cause, Cause::MediaUnreachable),
            other => assert!(matches!(other, Err(Trouble::Moment { .. })), "{other:?}"),
        }
    }
}
