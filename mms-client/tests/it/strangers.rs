//! Redirects and credentials.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use mms_client::{Error, MmsUrl, OpenOptions};
use mms_proto::mmsp::client::RedirectError;
use mms_proto::mmsp::message::{ClientMessage, ReportRedirect, SecurityChallenge, basic_token};
use mms_proto::{HResult, Redirect};

use crate::common::script::{self, Do, honest, opened, say};
use crate::common::{Clip, Host, patient, url};

/// A server that sends everybody there.
fn redirecting(target: Redirect, names: &Arc<Mutex<Vec<String>>>) -> SocketAddr {
    let clip = Clip::new(1);
    let names = Arc::clone(names);
    script::serve(move |_, message| match message {
        ClientMessage::OpenFile(_) => {
            vec![say(ReportRedirect { hr: HResult::OK, target: target.clone() }), Do::Close]
        }
        ClientMessage::Connect(connect) => {
            names.lock().unwrap().push(connect.subscriber.clone());
            honest(&ClientMessage::Connect(connect), &clip, "9.1")
        }
        other => honest(&other, &clip, "9.1"),
    })
}

#[test]
fn a_redirect_is_followed() {
    let clip = Clip::new(5);
    let host = Host::new(clip);
    let names = Arc::default();
    let there = Redirect::Url(format!("mmst://{}/clip.wmv", host.address));
    let first = redirecting(there, &names);
    let session = patient().open(&url(first, "moved.wmv")).unwrap();
    assert_eq!(session.server_address(), host.address.to_string());
    assert_eq!(session.play_all().unwrap().map(Result::unwrap).count(), 5);
    let guid = |name: &str| name.split(';').nth(1).unwrap().to_owned();
    let (before, after) = (names.lock().unwrap(), host.clients.lock().unwrap());
    assert_eq!(guid(&before[0]), guid(&after[0]));
}

#[test]
fn redirects_come_to_an_end() {
    let names = Arc::default();
    let proxy = redirecting(Redirect::Url("mms://[::1]:1/x".into()), &names);
    // It sends back to itself for ever, by way of a proxy.
    let again = redirecting(Redirect::Proxy(Some(proxy.to_string())), &names);
    let error = patient().max_redirects(0).open(&url(again, "x")).unwrap_err();
    assert!(
        matches!(&error, Error::Redirect { source: RedirectError::TooMany(0), .. }),
        "{error:?}"
    );
    let wrong = redirecting(Redirect::Url("file:///etc/passwd".into()), &names);
    let error = patient().open(&url(wrong, "x")).unwrap_err();
    assert!(
        matches!(&error, Error::Redirect { source: RedirectError::Scheme(_), .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("file:///etc/passwd"), "{error}");
}

/// A server that wants to know who asks, and whom it believes.
fn guarded(tokens: &Arc<Mutex<Vec<Bytes>>>, challenge: &[u8]) -> SocketAddr {
    let clip = Clip::new(2);
    let tokens = Arc::clone(tokens);
    let token = Bytes::copy_from_slice(challenge);
    script::serve(move |_, message| {
        let challenge =
            |incarnation| say(SecurityChallenge { incarnation, cookie: 5, token: token.clone() });
        match message {
            ClientMessage::OpenFile(open) => vec![challenge(open.incarnation)],
            ClientMessage::SecurityResponse(response) => {
                assert_eq!(response.cookie, 5);
                tokens.lock().unwrap().push(response.token.clone());
                if response.token == basic_token("me", "secret") {
                    vec![opened(response.incarnation, &clip)]
                } else {
                    vec![challenge(response.incarnation)]
                }
            }
            other => honest(&other, &clip, "9.1"),
        }
    })
}

fn realm() -> Vec<u8> {
    "realm=\"The cellar\"\0".encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn with_user(address: SocketAddr, user: &str) -> MmsUrl {
    MmsUrl::parse(&format!("mms://{user}@{address}/clip.wmv")).unwrap()
}

#[test]
fn a_password_needs_permission() {
    let tokens = Arc::default();
    let server = guarded(&tokens, &realm());
    let plain = url(server, "clip.wmv");
    let allowed = patient().allow_clear_text(true);
    let open = |options: &OpenOptions, url: &MmsUrl| options.open(url).map(|_| ()).unwrap_err();

    let error = open(&allowed, &plain);
    assert!(matches!(&error, Error::CredentialsNeeded { .. }), "{error:?}");
    assert!(error.to_string().ends_with("are needed for \"The cellar\""), "{error}");
    let error = open(&patient().credentials("me", "secret"), &plain);
    assert!(matches!(error, Error::ClearText { .. }), "{error:?}");
    // A password in the address is no permission.
    let error = open(&patient(), &with_user(server, "me:secret"));
    assert!(matches!(error, Error::ClearText { .. }), "{error:?}");
    assert!(tokens.lock().unwrap().is_empty());

    let error = open(&allowed, &with_user(server, "me:wrong"));
    let unauthorized = mms_proto::Error::Unauthorized;
    assert!(
        matches!(&error, Error::Protocol { source, .. } if *source == unauthorized),
        "{error:?}"
    );
    assert_eq!(tokens.lock().unwrap().len(), 1);
    allowed.open(&with_user(server, "me:secret")).unwrap();
    // What is said explicitly counts.
    allowed.clone().credentials("me", "secret").open(&with_user(server, "x:y")).unwrap();
    let shown = format!("{:?}", allowed.credentials("me", "secret"));
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn ntlm_is_named() {
    let server = guarded(&Arc::default(), &[0, 0]);
    let error = patient().allow_clear_text(true).credentials("me", "secret");
    let error = error.open(&url(server, "x")).unwrap_err();
    assert!(error.to_string().contains("Ntlm"), "{error}");
}

#[test]
fn credentials_do_not_follow_redirects() {
    // MMSP-C-121: the stranger asks, and is told nothing, in no message at all.
    let tokens = Arc::default();
    let stranger = guarded(&tokens, &realm());
    let names = Arc::default();
    let home = redirecting(Redirect::Url(format!("mms://{stranger}/x")), &names);
    let options = patient().allow_clear_text(true).credentials("me", "secret");
    let error = options.open(&url(home, "x")).unwrap_err();
    assert!(matches!(&error, Error::CredentialsNeeded { .. }), "{error:?}");
    assert!(error.to_string().starts_with(&stranger.to_string()), "{error}");
    assert!(tokens.lock().unwrap().is_empty());
    // Nor in another message, nor those of an earlier session.
    let clip = Clip::new(1);
    let (stranger, told) = watched(move |message| honest(message, &clip, "9.1"));
    let home = redirecting(Redirect::Url(format!("mms://{stranger}/x")), &names);
    let token = basic_token("me", "secret");
    let cached = token.clone();
    let options = options.configure_mmsp(|config| config.cached_token = cached);
    options.open(&url(home, "x")).unwrap().close().unwrap();
    let (read, _) = told.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(read.iter().any(|message| matches!(message, ClientMessage::OpenFile(_))));
    let mut bytes = BytesMut::new();
    read.iter().for_each(|message| message.encode(&mut bytes));
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(!holds(&token[..token.len() - 1]) && !holds(b"secret"), "{read:?}");
}

/// A server that answers each message with `answer`, never closes, and tells what it read and that
/// the client has closed, and when.
fn watched(
    answer: impl Fn(&ClientMessage) -> Vec<Do> + Send + 'static,
) -> (SocketAddr, mpsc::Receiver<(Vec<ClientMessage>, Instant)>) {
    let (tell, told) = mpsc::channel();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut read = Vec::new();
            script::talk(socket.unwrap(), |message| {
                let steps = answer(&message);
                read.push(message);
                steps
            });
            if tell.send((read, Instant::now())).is_err() {
                return;
            }
        }
    });
    (address, told)
}

#[test]
fn a_redirect_closes_one_connection_and_opens_another() {
    // MMSP-C-032: the server that redirects closes nothing.
    let clip = Clip::new(2);
    let host = Host::new(clip.clone());
    let there = Redirect::Url(format!("mmst://{}/clip.wmv", host.address));
    let (first, told) = watched(move |message| match message {
        ClientMessage::OpenFile(_) => {
            vec![say(ReportRedirect { hr: HResult::OK, target: there.clone() })]
        }
        other => honest(other, &clip, "9.1"),
    });
    let session = patient().open(&url(first, "moved.wmv")).unwrap();
    let opened = Instant::now();
    let (read, closed) = told.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(closed <= opened + Duration::from_secs(1), "closed while the next one is open");
    assert!(matches!(read.last(), Some(ClientMessage::OpenFile(_))), "{read:?}");
    assert_eq!(host.clients.lock().unwrap().len(), 1, "Connect again");
    assert_eq!(session.play_all().unwrap().map(Result::unwrap).count(), 2);
}

#[test]
fn a_redirect_to_a_proxy_is_followed() {
    // MMSP-C-033: by URL and by address alone; the proxy is asked for the same file.
    let host = Host::new(Clip::new(3));
    for proxy in [format!("mms://{}", host.address), host.address.to_string()] {
        let first = redirecting(Redirect::Proxy(Some(proxy.clone())), &Arc::default());
        let session = patient().open(&url(first, "clip.wmv")).unwrap();
        assert_eq!(session.server_address(), host.address.to_string(), "{proxy}");
        assert_eq!(session.play_all().unwrap().map(Result::unwrap).count(), 3);
        let named = host.clients.lock().unwrap().pop().unwrap();
        assert!(named.ends_with(&format!("Host: {first}")), "{named}");
    }
}

#[test]
fn the_connection_is_closed_behind_the_goodbye() {
    // MMSP-C-103: by close and by drop; the server closes nothing.
    for drops in [false, true] {
        let clip = Clip::new(2);
        let (address, told) = watched(move |message| honest(message, &clip, "9.1"));
        let session = patient().open(&url(address, "clip.wmv")).unwrap();
        if drops {
            drop(session);
        } else {
            session.close().unwrap();
        }
        let (read, _) = told.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(matches!(read.last(), Some(ClientMessage::CloseFile(_))), "{read:?}");
    }
}
