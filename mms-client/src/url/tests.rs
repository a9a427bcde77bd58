use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> MmsUrl {
    MmsUrl::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[test]
fn reads_good_addresses() {
    // MMSP-C-002
    for (text, scheme, host, port, explicit, wire_path) in [
        ("mms://host/a.wmv", Scheme::Mms, "host", 1755, false, "a.wmv"),
        ("mmst://host/a.wmv", Scheme::Mmst, "host", 1755, false, "a.wmv"),
        ("MMS://Host.Example/A.wmv", Scheme::Mms, "host.example", 1755, false, "A.wmv"),
        (" \t mms://host/a.wmv\r\n", Scheme::Mms, "host", 1755, false, "a.wmv"),
        ("mms://host", Scheme::Mms, "host", 1755, false, ""),
        ("mms://host/", Scheme::Mms, "host", 1755, false, ""),
        ("mms://host:1755/x", Scheme::Mms, "host", 1755, true, "x"),
        ("mms://host:/x", Scheme::Mms, "host", 1755, false, "x"),
        ("mms://host:80/x", Scheme::Mms, "host", 80, true, "x"),
        ("mms://host:1/x", Scheme::Mms, "host", 1, true, "x"),
        ("mms://host:65535/x", Scheme::Mms, "host", 65535, true, "x"),
        ("mms://127.0.0.1:1756/x", Scheme::Mms, "127.0.0.1", 1756, true, "x"),
        ("mms://[::1]/x", Scheme::Mms, "::1", 1755, false, "x"),
        ("mms://[2001:DB8::1]:99/x", Scheme::Mms, "2001:db8::1", 99, true, "x"),
        ("mms://my_host/x", Scheme::Mms, "my_host", 1755, false, "x"),
        ("mms://bücher.example/x", Scheme::Mms, "xn--bcher-kva.example", 1755, false, "x"),
        ("mms://b%C3%BCcher.example/x", Scheme::Mms, "xn--bcher-kva.example", 1755, false, "x"),
        ("mms://host?a=b", Scheme::Mms, "host", 1755, false, "?a=b"),
        ("mms://u:p@host:7/x", Scheme::Mms, "host", 7, true, "x"),
    ] {
        let url = parse(text);
        assert_eq!(
            (url.scheme(), url.host(), url.port(), url.port_is_explicit(), url.wire_path()),
            (scheme, host, port, explicit, wire_path),
            "{text:?}"
        );
    }
}

#[test]
fn wire_path_is_decoded_and_query_is_not() {
    // MMSP-C-029, MMSP-C-030
    for (rest, want) in [
        ("/dir/a.wmv", "dir/a.wmv"),
        ("//dir/a.wmv", "/dir/a.wmv"),
        ("/a b.wmv", "a b.wmv"),
        ("/a%20b.wmv", "a b.wmv"),
        ("/%C3%9Cbung.wmv", "Übung.wmv"),
        ("/Übung 日本.wmv", "Übung 日本.wmv"),
        ("/100%.wmv", "100%.wmv"),
        ("/100%zz.wmv", "100%zz.wmv"),
        ("/%2541", "%41"),
        ("/caf%E9.wmv", "caf%E9.wmv"),
        ("/é%E9%20.wmv", "é%E9%20.wmv"),
        ("/a.wmv?t=%20&u=a b", "a.wmv?t=%20&u=a b"),
        ("/a%3Fb.wmv?x", "a?b.wmv?x"),
        ("/a.wmv?x=1?y=/2", "a.wmv?x=1?y=/2"),
        ("/a.wmv?", "a.wmv?"),
        ("/a.wmv?x=%00", "a.wmv?x=%00"),
        ("/a.wmv#t=30", "a.wmv"),
        ("/a.wmv?x#t=30", "a.wmv?x"),
        ("/a%23b.wmv", "a#b.wmv"),
        ("/a/../b", "a/../b"),
        ("/a/..%2f..%2fb", "a/../../b"),
        ("/a\\b", "a\\b"),
        ("/a@b:c", "a@b:c"),
        ("/mms://x/y", "mms://x/y"),
    ] {
        assert_eq!(parse(&format!("mms://host{rest}")).wire_path(), want, "{rest:?}");
    }
}

#[test]
fn user_info_is_decoded() {
    for (authority, user, password) in [
        ("h", None, None),
        ("@h", None, None),
        ("me@h", Some("me"), None),
        ("me:@h", Some("me"), None),
        ("me:secret@h", Some("me"), Some("secret")),
        ("m%40e:s%3A%2F@h", Some("m@e"), Some("s:/")),
        ("me:p@ss@h", Some("me"), Some("p@ss")),
        ("me:a:b@h", Some("me"), Some("a:b")),
        ("mé:pä ss@h", Some("mé"), Some("pä ss")),
        (":secret@h", None, Some("secret")),
        ("DOM\\me:x@h", Some("DOM\\me"), Some("x")),
    ] {
        let url = parse(&format!("mms://{authority}/x"));
        assert_eq!((url.host(), url.user(), url.password()), ("h", user, password), "{authority}");
    }
}

#[test]
fn says_what_is_wrong() {
    let unsupported = |scheme: &str| UrlError::UnsupportedScheme { scheme: scheme.into() };
    let wrong = |scheme: &str| UrlError::WrongScheme { scheme: scheme.into() };
    let bad_host = |host: &str| UrlError::BadHost { host: host.into() };
    let control = |code| UrlError::ControlCharacter { code };
    for (text, want) in [
        ("", UrlError::MissingScheme),
        ("host/a.wmv", UrlError::MissingScheme),
        ("host:1755/a.wmv", UrlError::MissingScheme),
        ("mms:host/a.wmv", UrlError::MissingScheme),
        ("mms:/host/a.wmv", UrlError::MissingScheme),
        ("://host", UrlError::MissingScheme),
        ("host/?u=mms://x", UrlError::MissingScheme),
        ("MMSU://host/x", unsupported("mmsu")),
        ("mmsh://host/x", unsupported("mmsh")),
        ("http://host/x", unsupported("http")),
        ("https://host/x", wrong("https")),
        ("RTSP://host/x", wrong("rtsp")),
        ("file:///etc/passwd", wrong("file")),
        ("mms://", UrlError::MissingHost),
        ("mms:///x", UrlError::MissingHost),
        ("mms://?x", UrlError::MissingHost),
        ("mms://:80/x", UrlError::MissingHost),
        ("mms://me:secret@/x", UrlError::MissingHost),
        ("mms://ho st/x", bad_host("ho st")),
        ("mms://me:secret@ho st/x", bad_host("ho st")),
        ("mms://host\\x", bad_host("host\\x")),
        ("mms://ho%00st/x", bad_host("ho%00st")),
        ("mms://ho%2Fst/x", bad_host("ho%2Fst")),
        ("mms://1.2.3.999/x", bad_host("1.2.3.999")),
        ("mms://[::g]/x", bad_host("[::g]")),
        ("mms://[::1/x", bad_host("[::1")),
        ("mms://[fe80::1%25eth0]/x", UrlError::ZoneId),
        ("mms://[fe80::1%eth0]/x", UrlError::ZoneId),
        ("mms://host:0/x", UrlError::BadPort),
        ("mms://host:65536/x", UrlError::BadPort),
        ("mms://host:-1/x", UrlError::BadPort),
        ("mms://host:abc/x", UrlError::BadPort),
        ("mms://::1/x", UrlError::MissingBrackets),
        ("mms://2001:db8::1", UrlError::MissingBrackets),
        ("mms://2001:db8::1::/x", UrlError::BadPort),
        ("mms://host/a%00b", control(0)),
        ("mms://host/a%0D%0Ab", control(13)),
        ("mms://host/a%C2%85b", control(0x85)),
        ("mms://host/a\nb", control(10)),
        ("mms://host/a\u{1b}[2J", control(27)),
        ("mms://ho\tst/a", control(9)),
        ("mms://me:%0A@host/a", control(10)),
        ("mms://me:%FF@host/a", UrlError::BadUserInfo),
    ] {
        assert_eq!(MmsUrl::parse(text), Err(want), "{text:?}");
    }
}

#[test]
fn refuses_very_long_addresses() {
    let longest = format!("mms://h/{}", "a".repeat(MAX_URL_BYTES - 8));
    assert_eq!(parse(&longest).wire_path().len(), MAX_URL_BYTES - 8);
    let error = MmsUrl::parse(&format!("{longest}a"));
    assert_eq!(error, Err(UrlError::TooLong { bytes: MAX_URL_BYTES + 1 }));
    let scheme = MmsUrl::parse(&format!("{}://h", "x".repeat(4000)));
    assert_eq!(scheme, Err(UrlError::WrongScheme { scheme: "x".repeat(32) }));
}

#[test]
fn error_texts_are_printable_and_keep_secrets() {
    for text in [
        "mms://me:secret@ho\u{202e}st/x",
        "mms://me:secret@host:x/",
        "mms://me:sec/ret@host",
        "mms://me:secret%00@host",
        "https://me:secret@host",
        "me:secret://x",
    ] {
        let error = MmsUrl::parse(text).unwrap_err().to_string();
        assert!(!error.contains("sec"), "{error}");
        assert!(!error.contains('\u{202e}'), "{error}");
    }
}

#[test]
fn display_hides_the_password_and_parses_again() {
    for (text, want) in [
        ("MMS://Host", "mms://host"),
        ("mms://me:secret@host:1755/a b.wmv?t=1#f", "mms://me@host:1755/a%20b.wmv?t=1"),
        ("mms://m e:secret@[::1]/Ü\u{202e}", "mms://m%20e@[::1]/%C3%9C%E2%80%AE"),
        ("mms://:secret@host/100%", "mms://host/100%"),
        ("mms://host/caf%E9", "mms://host/caf%E9"),
    ] {
        let url = parse(text);
        assert_eq!(url.to_string(), want);
        assert_eq!(parse(want).wire_path(), url.wire_path());
        assert!(!format!("{url:?}").contains("secret"), "{url:?}");
    }
}

#[test]
fn a_redirect_path_is_literal() {
    let url = MmsUrl::parse_redirect("mms://host:8/dir/50%41 #1.wmv?x=%20");
    let url = url.unwrap();
    assert_eq!(url.wire_path(), "dir/50%41 #1.wmv?x=%20");
    assert_eq!(url.file_name().as_deref(), Some("50%41 #1.wmv"));
    assert_eq!(url.to_string(), "mms://host:8/dir/50%2541%20%231.wmv?x=%20");
    assert_eq!(parse(&url.to_string()).wire_path(), url.wire_path());
    let bad_host = MmsUrl::parse_redirect("mms://host#1");
    assert_eq!(bad_host, Err(UrlError::BadHost { host: "host#1".into() }));
    let unsupported = MmsUrl::parse_redirect("mmsu://host/x");
    assert_eq!(unsupported, Err(UrlError::UnsupportedScheme { scheme: "mmsu".into() }));
}

#[test]
fn file_name_comes_from_the_decoded_path_only() {
    for (rest, want) in [
        ("", None),
        ("/", None),
        ("/?a/b.wmv", None),
        ("/dir/My%20Song.wma?x=/y.exe", Some("My Song.wma")),
        ("/dir/", Some("dir")),
        ("/a/..%2f..", None),
        ("/a/..%2fb", Some("b")),
        ("/a%5C..%5Cboot.ini", Some("boot.ini")),
        ("/C%3A", Some("C_")),
        ("/%2e%2e", None),
        ("/caf%E9.wmv", Some("caf%E9.wmv")),
        ("/a%3Fb.wmv", Some("a_b.wmv")),
    ] {
        assert_eq!(parse(&format!("mms://host{rest}")).file_name().as_deref(), want, "{rest:?}");
    }
}

fn check(url: &MmsUrl) -> Result<(), TestCaseError> {
    prop_assert!(url.port() > 0 && !url.host().is_empty());
    prop_assert!(!url.wire_path().contains('\0'));
    let shown = url.to_string();
    prop_assert!(shown.bytes().all(|b| b.is_ascii_graphic()), "{shown}");
    // Encoding may make a text near the limit too long; nothing else may stop it.
    if shown.len() <= MAX_URL_BYTES {
        let again = MmsUrl::parse(&shown);
        prop_assert!(again.is_ok_and(|again| again.host() == url.host()), "{shown}");
    }
    if let Some(name) = url.file_name() {
        prop_assert!(!name.is_empty() && name.len() <= 200 && !name.starts_with(['.', '-']));
        prop_assert!(!name.contains(['/', '\\', ':']) && !name.contains(char::is_control));
        // Already safe: doing it again changes nothing, except a prefixed name that just fits.
        prop_assert!(name.len() == 200 || file_name::from_path(&name).as_ref() == Some(&name));
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = MmsUrl::parse(&text);
        let _ = MmsUrl::parse_redirect(&text);
    }

    #[test]
    fn any_rest_is_safe(rest in any::<String>(), long in 1_usize..40) {
        for text in [format!("mms://{rest}"), format!("mms://host/{}", rest.repeat(long))] {
            for url in [MmsUrl::parse(&text), MmsUrl::parse_redirect(&text)].into_iter().flatten() {
                check(&url)?;
            }
        }
    }

    #[test]
    fn url_like_text_is_safe(
        text in "mmst?://([a-z%:]{0,6}@)?[a-zA-Z0-9.%\\[\\]:é-]{1,12}(:[0-9]{1,6})?(/(\\PC|%[0-9a-fA-F]{2}|[./\\\\% -]){0,60})?"
    ) {
        for url in [MmsUrl::parse(&text), MmsUrl::parse_redirect(&text)].into_iter().flatten() {
            check(&url)?;
        }
    }

    #[test]
    fn typed_and_encoded_paths_agree(path in "[^#?%\\p{Cc}]{0,40}[^#?%\\p{Cc}\\s]") {
        let encoded = utf8_percent_encode(&path, NON_ALPHANUMERIC).to_string();
        for rest in [&path, &encoded] {
            let url = parse(&format!("mms://h/{rest}"));
            prop_assert_eq!(url.wire_path(), &path);
        }
    }
}
