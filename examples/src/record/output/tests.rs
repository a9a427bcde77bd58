use mms_client::{Cancel, MmsUrl, Target};

use super::*;

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mms-output-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn url(path: &str) -> MmsUrl {
    format!("mms://host/{path}").parse().unwrap()
}

fn named(folder: &Folder, existing: Existing) -> Destination {
    Destination::Named { folder: folder.0.clone(), existing }
}

fn prepared(to: &Destination, path: &str) -> Result<Output, OutputError> {
    to.prepare(&url(path), &Cancel::new(), None)
}

fn names(output: Output) -> Vec<String> {
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    output.into_files().iter().map(name).collect()
}

#[test]
fn running_it_twice_finds_a_free_name() {
    let folder = Folder::new("twice");
    let to = named(&folder, Existing::Refuse);
    for expected in [["clip.wmv", "clip.2.wmv"], ["clip-1.wmv", "clip-1.2.wmv"]] {
        let mut output = prepared(&to, "dir/clip.wmv").unwrap();
        output.next(0, "wmv").unwrap();
        output.next(1, "wmv").unwrap();
        assert_eq!(names(output), expected);
    }
    let mut unnamed = prepared(&to, "").unwrap();
    unnamed.next(0, "wmv").unwrap();
    unnamed.next(1, "wma").unwrap();
    assert_eq!(names(unnamed), ["stream.wmv", "stream.2.wma"]);
}

#[test]
fn an_existing_file_is_refused_replaced_or_resumed() {
    let folder = Folder::new("existing");
    let path = folder.0.join("a.wmv");
    fs::write(&path, b"old").unwrap();
    let to = |existing| Destination::File { path: path.clone(), existing };
    assert!(matches!(prepared(&to(Existing::Refuse), "x"), Err(OutputError::Exists(_))));
    let mut resumed = prepared(&to(Existing::Resume), "x").unwrap();
    assert!(matches!(resumed.next(0, "wmv"), Ok(Target::Resume(_))));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    let mut replaced = prepared(&to(Existing::Replace), "x").unwrap();
    assert!(matches!(replaced.next(0, "wmv"), Ok(Target::Create(_))));
    assert_eq!(fs::read(&path).unwrap(), b"old", "until there is something to put in its place");
    fs::remove_file(&path).unwrap();
    let mut fresh = prepared(&to(Existing::Resume), "x").unwrap();
    assert!(matches!(fresh.next(0, "wmv"), Ok(Target::Resume(_))));
}

#[test]
fn a_folder_is_no_file() {
    let folder = Folder::new("folder");
    for existing in [Existing::Refuse, Existing::Resume, Existing::Replace] {
        let to = Destination::File { path: folder.0.clone(), existing };
        assert!(matches!(prepared(&to, "x"), Err(OutputError::Folder(_))), "{existing:?}");
    }
    fs::create_dir(folder.0.join("x.wmv")).unwrap();
    for existing in [Existing::Resume, Existing::Replace] {
        let mut refused = prepared(&named(&folder, existing), "x.wmv").unwrap();
        assert!(matches!(refused.next(0, "wmv"), Err(OutputError::Folder(_))), "{existing:?}");
    }
    let mut beside = prepared(&named(&folder, Existing::Refuse), "x.wmv").unwrap();
    beside.next(0, "wmv").unwrap();
    assert_eq!(names(beside), ["x-1.wmv"]);
}

#[test]
fn a_missing_folder_is_named_before_anything_is_fetched() {
    let folder = Folder::new("missing");
    let path = folder.0.join("none/a.wmv");
    let to = Destination::File { path, existing: Existing::Refuse };
    assert!(matches!(prepared(&to, "x"), Err(OutputError::NoFolder { .. })));
}

#[test]
fn only_what_was_made_here_and_is_empty_is_discarded() {
    let folder = Folder::new("discard");
    let path = folder.0.join("a.wmv");
    let file = |existing| Destination::File { path: path.clone(), existing };
    for to in [
        file(Existing::Refuse),
        file(Existing::Replace),
        file(Existing::Resume),
        named(&folder, Existing::Refuse),
        named(&folder, Existing::Resume),
    ] {
        let mut empty = prepared(&to, "a.wmv").unwrap();
        empty.next(0, "wmv").unwrap();
        assert!(path.exists());
        empty.discard_empty();
        assert!(!path.exists(), "{to:?}");
        assert!(empty.into_files().is_empty());
    }
    // The second entry of a playlist had nothing in it.
    let mut half = prepared(&file(Existing::Refuse), "x").unwrap();
    half.next(0, "wmv").unwrap();
    fs::write(&path, b"packets").unwrap();
    half.next(1, "wmv").unwrap();
    half.discard_empty();
    assert_eq!(names(half), ["a.wmv"]);
    assert!(!folder.0.join("a.2.wmv").exists());
    for old in [&b""[..], b"old"] {
        fs::write(&path, old).unwrap();
        for to in
            [file(Existing::Replace), file(Existing::Resume), named(&folder, Existing::Resume)]
        {
            let mut kept = prepared(&to, "a.wmv").unwrap();
            kept.next(0, "wmv").unwrap();
            kept.discard_empty();
            assert_eq!(fs::read(&path).unwrap(), old, "{to:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_device_is_written_to_but_not_resumed() {
    let to = |existing| Destination::File { path: PathBuf::from("/dev/null"), existing };
    assert!(matches!(prepared(&to(Existing::Resume), "x"), Err(OutputError::Pipe(_))));
    for existing in [Existing::Refuse, Existing::Replace] {
        let mut output = prepared(&to(existing), "x").unwrap();
        assert!(matches!(output.next(0, "wmv"), Ok(Target::Stream(_))));
        let second = output.next(1, "wmv");
        assert!(matches!(second, Err(OutputError::SecondStream { entry: 2, .. })), "{second:?}");
        assert_eq!(names(output), ["null"]);
    }
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_a_name_that_is_taken() {
    let folder = Folder::new("link");
    std::os::unix::fs::symlink("nowhere", folder.0.join("a.wmv")).unwrap();
    let to = Destination::File { path: folder.0.join("a.wmv"), existing: Existing::Refuse };
    assert!(matches!(prepared(&to, "x"), Err(OutputError::Exists(_))));
    let to = named(&folder, Existing::Refuse);
    let mut beside = prepared(&to, "a.wmv").unwrap();
    beside.next(0, "wmv").unwrap();
    assert_eq!(names(beside), ["a-1.wmv"]);
}

#[test]
fn a_refusal_is_one_line() {
    let path = PathBuf::from("none\nsuch/\u{1b}[2Ja.wmv");
    let to = Destination::File { path, existing: Existing::Refuse };
    let refused = prepared(&to, "x").unwrap_err().to_string();
    let line = "cannot write none?such/?[2Ja.wmv: there is no folder none?such; make it first";
    assert_eq!(refused, line);
}
