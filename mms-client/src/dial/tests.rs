use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::Mutex;

use super::*;

/// Ends a test that would otherwise hang; never reached when the code works.
const SAFETY: Duration = Duration::from_secs(20);

type Resolve = Box<dyn Fn() -> io::Result<Vec<SocketAddr>> + Send + Sync>;
type Connect = Box<dyn Fn(SocketAddr, Duration) -> io::Result<TcpStream> + Send + Sync>;

struct Fake {
    resolve: Resolve,
    connect: Connect,
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

impl Network for Fake {
    fn resolve(&self, _host: &str, _port: u16) -> io::Result<Vec<SocketAddr>> {
        (self.resolve)()
    }

    fn connect(&self, address: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        assert!(address.ip().is_loopback());
        (self.connect)(address, timeout)
    }
}

fn dialer(
    connect_timeout: Duration,
    resolve: impl Fn() -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    connect: impl Fn(SocketAddr, Duration) -> io::Result<TcpStream> + Send + Sync + 'static,
) -> Dialer {
    let network = Fake { resolve: Box::new(resolve), connect: Box::new(connect) };
    Dialer { connect_timeout, network: Arc::new(network) }
}

fn system_connect(address: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    System.connect(address, timeout)
}

fn never_connect(address: SocketAddr, _timeout: Duration) -> io::Result<TcpStream> {
    panic!("nothing should connect to {address}")
}

/// A point where a fake system call waits until the test lets it go on by dropping the sender.
fn gate() -> (Sender<()>, impl Fn() + Send + Sync) {
    let (open, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    (open, move || {
        let _ = wait.lock().unwrap().recv_timeout(SAFETY);
    })
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn local6(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv6Addr::LOCALHOST, port))
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(local(0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn exchange(mut client: TcpStream, listener: &TcpListener) {
    assert!(client.nodelay().unwrap());
    let (mut server, _) = listener.accept().unwrap();
    server.write_all(b"hello").unwrap();
    client.set_read_timeout(Some(SAFETY)).unwrap();
    let mut got = [0; 5];
    client.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"hello");
}

#[test]
fn connects_over_ipv4() {
    let (listener, address) = listen();
    let client = Dialer::new(SAFETY).dial("127.0.0.1", address.port(), &Cancel::new()).unwrap();
    exchange(client, &listener);
}

#[test]
fn connects_over_ipv6() {
    let Ok(listener) = TcpListener::bind(local6(0)) else {
        mms_tests::skip("this machine has no IPv6 loopback address");
        return;
    };
    let port = listener.local_addr().unwrap().port();
    let client = Dialer::new(SAFETY).dial("::1", port, &Cancel::new()).unwrap();
    exchange(client, &listener);
}

#[test]
fn works_through_the_trait() {
    let (listener, address) = listen();
    let dial: Box<dyn Dial> = Box::new(Dialer::default());
    exchange(dial.dial("127.0.0.1", address.port(), &Cancel::new()).unwrap(), &listener);
}

#[test]
fn the_next_address_answers_when_the_first_refuses() {
    let (busy, busy_address) = listen();
    // The port of a connected socket is taken, yet nobody listens on it.
    let holder = TcpStream::connect(busy_address).unwrap();
    let closed = holder.local_addr().unwrap();
    let (listener, open) = listen();
    let dialer = dialer(SAFETY, move || Ok(vec![closed, open]), system_connect);
    exchange(dialer.dial("two.example", 1755, &Cancel::new()).unwrap(), &listener);
    drop((busy, holder));
}

#[test]
fn every_refusal_is_kept() {
    let dialer = dialer(
        SAFETY,
        || Ok(vec![local(1), local(2), local6(3)]),
        |_, _| Err(io::ErrorKind::ConnectionRefused.into()),
    );
    let error = dialer.dial("three.example", 1755, &Cancel::new()).unwrap_err();
    let DialError::Connect { host, port: 1755, attempts } = error else { panic!("{error}") };
    assert_eq!(host, "three.example");
    let addresses: Vec<_> = attempts.iter().map(|(address, _)| *address).collect();
    assert_eq!(addresses, [local(1), local6(3), local(2)]);
    assert!(attempts.iter().all(|(_, e)| e.kind() == io::ErrorKind::ConnectionRefused));
}

#[test]
fn lookup_failures_are_told_apart() {
    let failing = dialer(SAFETY, || Err(io::Error::other("no such name")), never_connect);
    let error = failing.dial("nowhere.example", 1755, &Cancel::new()).unwrap_err();
    assert!(matches!(&error, DialError::Resolve { host, .. } if host == "nowhere.example"));
    let source = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(source.as_deref(), Some("no such name"));

    let empty = dialer(SAFETY, || Ok(Vec::new()), never_connect);
    let error = empty.dial("empty.example", 1755, &Cancel::new()).unwrap_err();
    assert!(matches!(error, DialError::NoAddress { host } if host == "empty.example"));
}

#[test]
fn a_hostile_name_is_an_error() {
    // A NUL never reaches the system's resolver.
    let error = Dialer::new(SAFETY).dial("a\0b", 1755, &Cancel::new()).unwrap_err();
    assert!(matches!(error, DialError::Resolve { .. }), "{error}");
}

#[test]
fn time_runs_out_while_resolving() {
    let (_open, wait) = gate();
    let resolve = move || {
        wait();
        Ok(Vec::new())
    };
    let dialer = dialer(Duration::from_millis(30), resolve, never_connect);
    let error = dialer.dial("slow.example", 1755, &Cancel::new()).unwrap_err();
    assert!(matches!(error, DialError::TimedOut { phase: DialPhase::Resolve, .. }), "{error}");
}

#[test]
fn time_runs_out_while_connecting() {
    let (_open, wait) = gate();
    let connect = move |address: SocketAddr, _| {
        if address.port() == 2 {
            wait();
        }
        Err(io::ErrorKind::ConnectionRefused.into())
    };
    let dialer = dialer(Duration::from_secs(1), || Ok(vec![local(1), local(2)]), connect);
    let error = dialer.dial("hole.example", 1755, &Cancel::new()).unwrap_err();
    let DialError::TimedOut { phase: DialPhase::Connect, attempts, after, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(attempts.len(), 1);
    assert!(after >= Duration::from_secs(1));
}

#[test]
fn a_time_out_of_the_last_address_is_a_time_out() {
    let connect = |_, _| Err(io::ErrorKind::TimedOut.into());
    let dialer = dialer(SAFETY, || Ok(vec![local(1)]), connect);
    let error = dialer.dial("hole.example", 1755, &Cancel::new()).unwrap_err();
    assert!(matches!(error, DialError::TimedOut { phase: DialPhase::Connect, .. }), "{error}");
}

#[test]
fn no_time_at_all_is_a_time_out() {
    let (_open, wait) = gate();
    let resolve = move || {
        wait();
        Ok(Vec::new())
    };
    let dialer = dialer(Duration::ZERO, resolve, never_connect);
    let error = dialer.dial("x.example", 1755, &Cancel::new()).unwrap_err();
    assert!(matches!(error, DialError::TimedOut { .. }), "{error}");
    assert_eq!(Dialer::new(Duration::MAX).connect_timeout(), LONGEST_TIMEOUT);
}

#[test]
fn every_address_gets_a_fair_share_of_the_time() {
    let (shares, seen) = mpsc::channel();
    let shares = Mutex::new(shares);
    let connect = move |_, share| {
        shares.lock().unwrap().send(share).unwrap();
        Err(io::ErrorKind::ConnectionRefused.into())
    };
    let timeout = Duration::from_secs(60);
    let dialer = dialer(timeout, || Ok(vec![local(1), local(2), local(3)]), connect);
    let _ = dialer.dial("three.example", 1755, &Cancel::new()).unwrap_err();
    let shares: Vec<Duration> = seen.try_iter().collect();
    let limits = [timeout / 3, timeout / 2, timeout];
    assert_eq!(shares.len(), limits.len());
    for (share, limit) in shares.into_iter().zip(limits) {
        assert!(!share.is_zero() && share <= limit, "{share:?} of {limit:?}");
    }
}

#[test]
fn cancelled_before_the_dial() {
    let cancel = Cancel::new();
    cancel.cancel();
    let dialer = dialer(SAFETY, || panic!("nothing should be resolved"), never_connect);
    let error = dialer.dial("x.example", 1755, &cancel).unwrap_err();
    assert!(matches!(error, DialError::Cancelled));
}

/// Dials on a thread, cancels once `entered` reports, and hands back the error.
fn cancel_when(entered: &Receiver<()>, dialer: Dialer) -> DialError {
    let cancel = Cancel::new();
    let theirs = cancel.clone();
    let thread = thread::spawn(move || dialer.dial("x.example", 1755, &theirs).map(drop));
    entered.recv_timeout(SAFETY).unwrap();
    cancel.cancel();
    thread.join().unwrap().unwrap_err()
}

#[test]
fn cancelled_while_resolving() {
    let (open, wait) = gate();
    let (enter, entered) = mpsc::channel();
    let (leave, left) = mpsc::channel();
    let (enter, leave) = (Mutex::new(enter), Mutex::new(leave));
    let resolve = move || {
        enter.lock().unwrap().send(()).unwrap();
        wait();
        leave.lock().unwrap().send(()).unwrap();
        Ok(vec![local(1)])
    };
    let error = cancel_when(&entered, dialer(SAFETY * 3, resolve, never_connect));
    assert!(matches!(error, DialError::Cancelled), "{error}");
    // The lookup ends after its caller has left, and nothing is connected then.
    drop(open);
    left.recv_timeout(SAFETY).unwrap();
}

#[test]
fn cancelled_while_connecting_closes_a_late_socket() {
    let (listener, address) = listen();
    let (open, wait) = gate();
    let (enter, entered) = mpsc::channel();
    let enter = Mutex::new(enter);
    let connect = move |address, timeout| {
        enter.lock().unwrap().send(()).unwrap();
        wait();
        system_connect(address, timeout)
    };
    let dialer = dialer(SAFETY * 3, move || Ok(vec![address, address]), connect);
    let error = cancel_when(&entered, dialer);
    assert!(matches!(error, DialError::Cancelled), "{error}");
    drop(open);
    let (mut late, _) = listener.accept().unwrap();
    late.set_read_timeout(Some(SAFETY)).unwrap();
    assert_eq!(late.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_used_dialer_leaves_nothing_registered() {
    let (listener, address) = listen();
    let cancel = Cancel::new();
    let client = Dialer::new(SAFETY).dial("127.0.0.1", address.port(), &cancel).unwrap();
    cancel.cancel();
    // The caller did not register this socket, so it still works.
    exchange(client, &listener);
}

#[test]
fn a_further_connection_leads_to_the_same_address() {
    let (listener, address) = listen();
    let lookup = || panic!("the address is known");
    let dialer = dialer(SAFETY, lookup, system_connect);
    let client = dialer.dial_again("media.example", 1, address, &Cancel::new()).unwrap();
    exchange(client, &listener);
}
