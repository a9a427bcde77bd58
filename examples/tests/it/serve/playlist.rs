//! Lists of files: what they name, what is left out, and the streams of a later entry.

use std::fs;
use std::path::PathBuf;

use crate::support::film::{AUDIO, Film, HIGH, LOW, bodies, rest, stream};
use crate::support::samples::samples;
use crate::support::scratch::Scratch;
use mms_asf::objects::{
    AdvancedMutualExclusion, GroupMutualExclusion, StreamBitrate, StreamBitrates,
};
use mms_asf::testing::{self, TestStream};
use mms_asf::{Header, HeaderEditor, guid};
use mms_examples::serve::{Playlist, PlaylistError, PlaylistPlayer, Title, default_streams};
use mms_proto::{Delivery, Features, PlayRequest};

/// A folder with films of one, two and three seconds, and with a file that is none.
fn folder() -> (Scratch, [Film; 3]) {
    let folder = Scratch::new("playlist");
    fs::create_dir(folder.join("sub")).unwrap();
    let films = [1, 2, 3].map(Film::new);
    for (film, name) in films.iter().zip(["one.wmv", "two & a half.wmv", "sub/three.wmv"]) {
        fs::copy(&film.path, folder.join(name)).unwrap();
    }
    fs::write(folder.join("broken.wmv"), b"no film").unwrap();
    (folder, films)
}

fn list(folder: &Scratch, name: &str, text: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// How many seconds each entry plays, and whether it is the last one.
fn durations(player: &mut PlaylistPlayer) -> Vec<(u64, bool)> {
    let mut found = Vec::new();
    loop {
        let duration = player.title().content().duration().unwrap();
        found.push((duration.as_secs(), player.has_next()));
        if player.next_entry().is_none() {
            return found;
        }
    }
}

const LIST: &str =
    "#EXTM3U\r\n\r\none.wmv\r\n  two & a half.wmv\r\n#sub/no.wmv\r\nsub/three.wmv\r\n";
const ASX: &str = "<ASX Version=\"3.0\">\n<Title>Films</Title>\n\
    <Entry><Ref HREF=\"one.wmv\"/></Entry>\n<entry>\n<ref href='two &amp; a half.wmv' />\n</entry>\n\
    <!-- <entry><ref href=\"broken.wmv\"/></entry> -->\n<entry><ref href=\"sub/three.wmv\"/></entry>\n</ASX>";

#[test]
fn entries_play_one_after_the_other() {
    let (folder, films) = folder();
    for (name, text) in [("list.m3u", LIST), ("list.asx", ASX), ("list", LIST)] {
        for mark in ["", "\u{FEFF}"] {
            let path = list(&folder, name, format!("{mark}{text}").as_bytes());
            let playlist = Playlist::read(&path).unwrap();
            assert_eq!(playlist.entries().len(), 3);
            let mut player = playlist.open();
            assert_eq!(durations(&mut player), [(1, true), (2, true), (3, false)], "{name}");
            assert_eq!(player.skipped(), 0);
            assert_eq!(durations(&mut player), [(3, false)], "the last one stays");
        }
    }
    // Each player has its own place.
    let playlist = Playlist::read(&folder.join("list.m3u")).unwrap();
    let (mut ahead, mut behind) = (playlist.open(), playlist.open());
    ahead.next_entry().unwrap();
    let request = PlayRequest::all([AUDIO, LOW, HIGH].map(stream));
    for (player, film) in [(&mut ahead, &films[1]), (&mut behind, &films[0])] {
        player.title().play(&request);
        assert_eq!(bodies(&rest(player.title())), film.packets);
    }
}

#[test]
fn nobody_seeks_in_a_list() {
    let (folder, _) = folder();
    let playlist = Playlist::read(&list(&folder, "list", LIST.as_bytes())).unwrap();
    let mut player = playlist.open();
    assert_eq!(player.title().content().features(), Features::PLAYLIST);
    let next = player.next_entry().unwrap();
    assert_eq!(next.content().features(), Features::PLAYLIST);
}

#[test]
fn what_does_not_open_is_left_out_and_counted() {
    let (folder, _) = folder();
    let text = "broken.wmv\none.wmv\nmissing.wmv\nbroken.wmv\nsub/three.wmv\nbroken.wmv\n";
    let playlist = Playlist::read(&list(&folder, "list", text.as_bytes())).unwrap();
    let mut player = playlist.open();
    assert_eq!(durations(&mut player), [(1, true), (3, false)]);
    assert_eq!(player.skipped(), 4);
    // An entry that was promised comes, and one that is gone is not promised.
    let mut player = playlist.open();
    fs::remove_file(folder.join("sub/three.wmv")).unwrap();
    assert_eq!(durations(&mut player), [(1, true), (3, false)]);
    assert_eq!(durations(&mut playlist.open()), [(1, false)]);
    fs::remove_file(folder.join("one.wmv")).unwrap();
    drop(player);
    assert_eq!(durations(&mut playlist.open()), [(1, false)], "it was there in the beginning");
}

#[test]
fn lists_that_cannot_be_played() {
    let (folder, _) = folder();
    let error = |text: &[u8]| Playlist::read(&list(&folder, "list", text)).unwrap_err();
    let missing = Playlist::read(&folder.join("missing")).unwrap_err();
    assert!(matches!(missing, PlaylistError::Unreadable { .. }), "{missing}");
    for empty in ["", "\n\n# one.wmv\n", "<asx></asx>", "<asx><ref></asx>", "<asx"] {
        let found = error(empty.as_bytes());
        assert!(matches!(found, PlaylistError::Empty(_)), "{empty}: {found}");
    }
    for (text, at) in [
        ("\n\nmms://host/two.wmv", 3),
        ("http://host/one.wmv", 1),
        ("<asx>\n<entry>\n<ref href=\"MMS://host/a\"/></entry></asx>", 3),
    ] {
        let found = error(text.as_bytes());
        assert!(matches!(found, PlaylistError::NothingOpens { .. }), "{found}");
        let text = found.to_string();
        assert!(text.contains(&format!("can be served: line {at}: ")), "{found}");
        assert!(text.ends_with(": only files can be played"), "{found}");
    }
    let found = error(b"broken.wmv\nmissing.wmv\n").to_string();
    assert!(found.contains("broken.wmv") && found.contains("missing.wmv"), "{found}");
    let many = "broken.wmv\n".repeat(20);
    assert!(error(many.as_bytes()).to_string().contains("and 15 more"));
    assert!(matches!(error(b"caf\xE9.wmv"), PlaylistError::NothingOpens { .. }));
    assert!(matches!(error("x\n".repeat(10_001).as_bytes()), PlaylistError::TooLong { .. }));
    assert!(matches!(error(&vec![b'x'; (1 << 20) + 1]), PlaylistError::TooLong { .. }));
    assert!(matches!(error(&vec![b'\n'; 1 << 20]), PlaylistError::Empty(_)));
}

#[test]
fn entries_as_old_programs_write_them() {
    let (folder, _) = folder();
    fs::copy(folder.join("one.wmv"), folder.join("caf\u{e9} & 1.wmv")).unwrap();
    fs::copy(folder.join("one.wmv"), folder.join("100%25.wmv")).unwrap();
    let address = format!("{}/two & a half.wmv", url::Url::from_file_path(&*folder).unwrap());
    let mut text =
        b"sub\\three.wmv\r\ntwo%20%26%20a%20half.wmv\ncaf\xE9 & 1.wmv\n100%25.wmv\n".to_vec();
    text.extend_from_slice(address.as_bytes());
    text.extend_from_slice(format!("\n{}\n", address.replace(' ', "%20")).as_bytes());
    let playlist = Playlist::read(&list(&folder, "list.m3u", &text)).unwrap();
    assert!(playlist.notes().is_empty(), "{:?}", playlist.notes());
    let played: Vec<_> =
        durations(&mut playlist.open()).into_iter().map(|(seconds, _)| seconds).collect();
    assert_eq!(played, [3, 2, 1, 1, 2, 2]);
    let asx = b"<ASX><Entry><Ref href=\"caf&#xE9; &#38; 1.wmv\"/></Entry></ASX>";
    let playlist = Playlist::read(&list(&folder, "list.asx", asx)).unwrap();
    assert_eq!(durations(&mut playlist.open()), [(1, false)]);
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        let name = std::ffi::OsStr::from_bytes(b"gr\xFCn.wmv");
        fs::copy(folder.join("one.wmv"), folder.join(name)).unwrap();
        let playlist = Playlist::read(&list(&folder, "list", b"gr\xFCn.wmv\n")).unwrap();
        assert_eq!(durations(&mut playlist.open()), [(1, false)]);
    }
}

#[test]
fn an_address_among_the_files_is_left_out() {
    let (folder, _) = folder();
    let text =
        "one.wmv\n\nmms://anna:secret@host/two.wmv\nbroken.wmv\nsub/three.wmv\n#EXTINF:1,x\n";
    let playlist = Playlist::read(&list(&folder, "list", text.as_bytes())).unwrap();
    assert_eq!(durations(&mut playlist.open()), [(1, true), (3, false)]);
    let path = folder.join("list");
    let line = |number| format!("line {number} of {} is left out: ", path.display());
    let [remote, broken, title] = playlist.notes() else { panic!("{:?}", playlist.notes()) };
    assert_eq!(*remote, line(3) + "mms://host/two.wmv: only files can be played");
    assert!(broken.starts_with(&line(4)), "{broken}");
    assert_eq!(*title, line(6) + "#EXTINF: it names no file");
    let text = "<asx><entry><title>a</title></entry>\n<entry><ref href='http://host/a'/></entry>\n\
        <entry><ref href='one.wmv'/></entry></asx>";
    let playlist = Playlist::read(&list(&folder, "list", text.as_bytes())).unwrap();
    assert_eq!(durations(&mut playlist.open()), [(1, false)]);
    let notes = [
        line(1) + "<entry>: it names no file",
        line(2) + "http://host/a: only files can be played",
    ];
    assert_eq!(playlist.notes()[1..], notes);
}

#[test]
fn a_list_that_is_no_text() {
    let (folder, _) = folder();
    let error = Playlist::read(&folder.join("one.wmv")).unwrap_err();
    assert!(matches!(error, PlaylistError::Media(_)), "{error}");
    assert!(
        error.to_string().ends_with("one.wmv is an ASF file, not a list; leave out --playlist")
    );
    let error = Playlist::read(&list(&folder, "list", b"one.wmv\n\x1b[2J\0")).unwrap_err();
    assert!(matches!(error, PlaylistError::Binary(_)), "{error}");
    // Characters of a terminal are in no error.
    let error = Playlist::read(&list(&folder, "list", b"\x1b[2J\x9b2J\n")).unwrap_err();
    assert!(!error.to_string().contains(char::is_control), "{error:?}");
}

#[cfg(unix)]
#[test]
fn a_pipe_as_list_is_not_waited_for() {
    let (folder, _) = folder();
    let pipe = folder.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let error = Playlist::read(&pipe).unwrap_err().to_string();
    assert!(error.contains("it is not a regular file but a pipe"), "{error}");
}

#[test]
fn what_is_not_done_is_said() {
    let (folder, _) = folder();
    let text = "<ASX>\n<TITLE>x</TITLE><Entry><Ref href=\"one.wmv\"/><Duration value=\"9\"/>\n\
        <Ref href=\"broken.wmv\"/></Entry>\n<repeat/><entry><ref href=\"none.wmv\"/></entry></ASX>";
    let path = list(&folder, "list.asx", text.as_bytes());
    let playlist = Playlist::read(&path).unwrap();
    let path = path.display();
    let [ignored, broken, missing] = playlist.notes() else { panic!("{:?}", playlist.notes()) };
    let elements = "title (line 2), duration (line 2), repeat (line 4)";
    assert_eq!(*ignored, format!("{path}: these elements are not honoured: {elements}"));
    assert!(broken.starts_with(&format!("line 3 of {path} is left out: ")), "{broken}");
    assert!(missing.starts_with(&format!("line 4 of {path} is left out: ")), "{missing}");
    assert!(broken.contains("broken.wmv: ") && missing.contains("none.wmv: "));
    let mut many: String = (0..50).map(|n| format!("missing {n}.wmv\n")).collect();
    many.push_str("one.wmv\n");
    let playlist = Playlist::read(&list(&folder, "many", many.as_bytes())).unwrap();
    assert_eq!(playlist.notes().len(), 21);
    assert_eq!(playlist.notes()[20], "30 more files are left out");
}

/// Two streams with sound and two with pictures, and one with commands.
fn header(rates: &[(u8, u32)]) -> Header {
    let streams = [
        TestStream::Audio(1),
        TestStream::Audio(2),
        TestStream::Video(3),
        TestStream::Video(4),
        TestStream::Command(5),
    ];
    let header = Header::parse(&testing::header(500, 1, &streams)).unwrap();
    let mut bitrates = StreamBitrates::default();
    bitrates.records.extend(rates.iter().map(|&(number, rate)| StreamBitrate::new(number, rate)));
    let mut editor = HeaderEditor::new(&header);
    editor.set(&bitrates).unwrap();
    editor.finish().unwrap()
}

/// The streams that are played; the others are named as well.
fn chosen(header: &Header, bandwidth: Option<u32>) -> Vec<u8> {
    let selections = default_streams(header, bandwidth);
    assert_eq!(selections.len(), header.streams().len());
    let full = selections.iter().filter(|selection| selection.delivery == Delivery::Full);
    full.map(|selection| selection.stream.get()).collect()
}

#[test]
fn the_link_chooses_among_bit_rates() {
    // MMSP-S-074
    let header = header(&[(1, 20_000), (2, 60_000), (3, 100_000), (4, 300_000), (5, 1_000)]);
    for (bandwidth, streams) in [
        (None, [2, 4, 5]),
        (Some(361_000), [2, 4, 5]),
        (Some(360_999), [1, 4, 5]),
        (Some(321_000), [1, 4, 5]),
        (Some(320_999), [2, 3, 5]),
        (Some(161_000), [2, 3, 5]),
        (Some(160_999), [1, 3, 5]),
        (Some(28_800), [1, 3, 5]),
        (Some(0), [1, 3, 5]),
    ] {
        assert_eq!(chosen(&header, bandwidth), streams, "{bandwidth:?}");
    }
}

#[test]
fn without_rates_the_first_streams_are_played() {
    // MMSP-S-074
    let header = header(&[]);
    assert_eq!(chosen(&header, None), [1, 3, 5]);
    assert_eq!(chosen(&header, Some(28_800)), [1, 3, 5]);
    let sound = Header::parse(&testing::header(500, 1, &[TestStream::Audio(7)])).unwrap();
    assert_eq!(chosen(&sound, Some(1)), [7], "one stream is better than none");
    let nothing = Header::parse(&testing::header(500, 1, &[])).unwrap();
    assert!(chosen(&nothing, Some(1)).is_empty());
}

#[test]
fn of_several_languages_the_first_is_played() {
    // MMSP-S-074
    let header = header(&[(1, 20_000), (2, 60_000), (3, 100_000), (4, 300_000)]);
    let mut editor = HeaderEditor::new(&header);
    editor.add(&AdvancedMutualExclusion::new(guid::MUTEX_LANGUAGE, vec![1, 2, 500])).unwrap();
    let languages = editor.finish().unwrap();
    assert_eq!(chosen(&languages, None), [1, 4, 5]);
    let mut editor = HeaderEditor::new(&header);
    let groups = vec![vec![1, 3], vec![2, 4, 500]];
    editor.add(&GroupMutualExclusion::new(guid::MUTEX_LANGUAGE, groups)).unwrap();
    assert_eq!(chosen(&editor.finish().unwrap(), None), [1, 3, 5]);
    let mut editor = HeaderEditor::new(&header);
    editor.add(&AdvancedMutualExclusion::new(guid::MUTEX_BITRATE, vec![1, 2])).unwrap();
    assert_eq!(chosen(&editor.finish().unwrap(), None), [2, 4, 5]);
}

#[test]
fn the_streams_of_real_files() {
    // MMSP-S-074
    for path in samples() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let expected: &[(Option<u32>, &[u8])] = match name.split('-').take(2).collect::<Vec<_>>()[..]
        {
            ["mbr", "1999"] => &[(None, &[1, 2]), (Some(20_000), &[1, 4]), (Some(1), &[1, 4])],
            ["mbr", "2x"] => &[(None, &[1]), (Some(1), &[2])],
            ["multilang", _] => &[(None, &[1])],
            _ => continue,
        };
        let title = Title::open(&path).unwrap();
        for &(bandwidth, streams) in expected {
            let full = chosen(title.header(), bandwidth);
            assert_eq!(full, streams, "{name} at {bandwidth:?}");
        }
    }
}
