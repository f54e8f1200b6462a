//! Files: what is below the root is read, whatever it is called; what is not is refused however it is spelled, and what
//! is no regular file is not even opened.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use serde_json::{Value, json};

use super::{Case, Good, Stage, first_user, harmless, picture};
use crate::support::dialect_server::Got;
use crate::support::world::World;

/// What stands in a text beside the root.
const NOTE: &str = "the note beside the root is nobody's business";

/// A root with a picture, and what leads out of it.
fn house(base: &Path) {
    let root = base.join("media");
    std::fs::create_dir_all(root.join("below")).expect("a directory");
    std::fs::create_dir_all(base.join("media-too")).expect("a directory");
    std::fs::write(root.join("below/good.png"), picture(2)).expect("written");
    std::fs::write(base.join("outside.png"), picture(3)).expect("written");
    std::fs::write(base.join("media-too/outside.png"), picture(3)).expect("written");
    std::fs::write(base.join("note.txt"), NOTE).expect("written");
    for (to, link) in [
        ("good.png", "below/inside.png"),
        ("../outside.png", "link.png"),
        ("../note.txt", "note.png"),
        ("..", "up"),
        ("/etc/passwd", "passwd.png"),
        ("/dev/zero", "zero.png"),
        ("round.png", "round.png"),
    ] {
        symlink(to, root.join(link)).expect("a link");
    }
    let made = std::process::Command::new("mkfifo").arg(root.join("pipe")).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
}

fn cases(base: &Path) -> Vec<Case> {
    const OUTSIDE: &str = "it lies outside of media.root";
    let (root, base) = (base.join("media").display().to_string(), base.display());
    let outside = |address: &str| Case::refused(address, OUTSIDE);
    let irregular = |address: &str| Case::refused(address, "it is no regular file");
    // Read once the root is the whole disk; what they lead to is the picture beside the root.
    let spelled = [
        format!("{base}/outside.png"),
        format!("file://{base}/outside.png"),
        format!("file://{root}/../outside.png"),
        format!("file://{root}/%2e%2e/outside.png"),
        format!("file://{root}/below/%2E%2E/%2e%2e/outside.png"),
        format!("file://{root}/..%2foutside.png"),
        format!("file://{root}/below%2f..%2F..%2foutside.png"),
        format!("{root}/link.png"),
        format!("{root}/up/outside.png"),
    ];
    let mut cases: Vec<Case> = spelled.iter().map(|address| outside(address).later(true)).collect();
    cases.extend(
        [
            "file:///etc/passwd",
            "FILE:///etc/passwd",
            "file://localhost/etc/passwd",
            "file:/etc/passwd",
            "file:///etc/./passwd",
            "/etc/passwd",
            "/etc/no-such-file",
            "/proc/self/environ",
            "/dev/zero",
            "../outside.png",
            "../note.txt",
            "./../outside.png",
            "below/../../outside.png",
            "../media-too/outside.png",
            "../no-such-file.png",
            "link.png",
            "below/../link.png",
            "note.png",
            "up/outside.png",
            "up/note.txt",
            "passwd.png",
            "zero.png",
        ]
        .map(outside),
    );
    cases.extend(["pipe", "socket", "below", "."].map(irregular));
    cases.extend([
        Case::refused("file://files.example/etc/passwd", "it names another machine's file"),
        Case::refused("below/\u{1b}[31mgood.png", "the address holds control characters"),
        // A path is no URL: nothing is decoded in it.
        Case::unreachable("%2e%2e/outside.png", "cannot open %2e%2e/outside.png"),
        Case::unreachable("..\\outside.png", "cannot open ..\\outside.png"),
        Case::unreachable("round.png", "cannot open round.png"),
        Case::unreachable("below/none.png", "cannot open below/none.png"),
    ]);
    cases
}

/// Whether a case leads to this machine's `/etc/passwd` by nothing but its name.
fn is_list_of_users(case: &Case) -> bool {
    case.address.ends_with("/etc/passwd") && !case.address.contains("files.example")
}

/// The same picture by every way that stays below the root.
fn inside(base: &Path) -> Vec<Good> {
    let root = base.join("media").display().to_string();
    let good = |address: &str| -> Good {
        let payload: Value = json!({"modality": "image", "media_url": address});
        (payload, Got::Image(picture(2)))
    };
    let mut all = harmless();
    all.extend([
        good("below/good.png"),
        good("below/inside.png"),
        good("./below/../below/good.png"),
        good(&format!("{root}/below/good.png")),
        good(&format!("file://{root}/below/%67ood.png")),
    ]);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_outside_of_the_root_is_read() {
    let world = World::empty().await;
    let base = world.path().canonicalize().expect("a directory");
    house(&base);
    let _socket = UnixListener::bind(base.join("media/socket")).expect("a socket");
    let mut stage = Stage::set(world, cases(&base), inside(&base)).await;
    stage.configure("root = \"media\"\n");
    stage.run().await;
    stage.assert_failed(|_| true, 1).await;
    stage.assert_written(|_| false, &Got::Text(String::new())).await;
    stage.assert_only_the_good_were_embedded();
    let user = first_user();
    stage.assert_nowhere(&[&user, NOTE]);

    // With the whole disk for a root the picture beside it may be read, and so may the list of users; but that is no
    // picture, which is said without a word of what it is.
    stage.configure("root = \"/\"\n");
    let ids: Vec<String> = (1..)
        .zip(&stage.cases)
        .filter(|(_, case)| case.later || is_list_of_users(case))
        .map(|(id, _): (u64, _)| id.to_string())
        .collect();
    let mut args = vec!["failures", "retry", "--json"];
    args.extend(ids.iter().map(String::as_str));
    let (code, report) = stage.qlance(&args).await;
    assert_eq!(code, Some(3), "{report}");
    for case in stage.cases.iter_mut().filter(|case| is_list_of_users(case)) {
        case.class = "media_unreadable";
        case.says = "it is a text, not a picture or a sound".into();
    }
    let failed = stage.failures().await;
    let lists = stage
        .cases
        .iter()
        .filter(|case| case.class == "media_unreadable")
        .count();
    let later = stage.cases.iter().filter(|case| case.later).count();
    assert_eq!((failed.len() + later, lists), (stage.cases.len(), 5));
    for (id, case) in (1_u64..).zip(&stage.cases) {
        match failed.get(&id) {
            None => assert!(case.later, "{case:?} came over"),
            Some((class, error, _)) => {
                assert!(!case.later, "{case:?}: {error}");
                assert_eq!(class, case.class, "{case:?}: {error}");
                assert!(error.contains(&case.says), "{case:?}: {error}");
            }
        }
    }
    stage.assert_written(|case| case.later, &Got::Image(picture(3))).await;
    stage.assert_nowhere(&[&user, NOTE]);
}
