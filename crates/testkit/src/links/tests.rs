//! The links alone, with servers that answer what they are sent.

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::*;
use crate::PATIENCE;

/// How long nothing must arrive to be taken for cut off. Too short makes a test pass by mistake, never fail.
const SILENCE: Duration = Duration::from_millis(150);

/// Servers 1, 2 and 3, each of which sends back what it gets.
async fn echoes() -> Links {
    let mut servers = BTreeMap::new();
    for id in 1..=3 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        servers.insert(id, listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = socket.split();
                    let _closed = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
    }
    Links::between(&servers).unwrap()
}

async fn dial(links: &Links, from: u64, to: u64) -> TcpStream {
    TcpStream::connect(links.address(from, to)).await.unwrap()
}

/// Sends a byte and waits for its echo.
async fn answers(socket: &mut TcpStream) -> bool {
    socket.write_all(b"x").await.is_ok() && comes_back(socket).await
}

async fn comes_back(socket: &mut TcpStream) -> bool {
    let mut byte = [0];
    matches!(timeout(PATIENCE, socket.read(&mut byte)).await.unwrap(), Ok(1)) && byte == *b"x"
}

async fn is_silent(socket: &mut TcpStream) -> bool {
    timeout(SILENCE, socket.read(&mut [0])).await.is_err()
}

/// Whether a new connection works.
async fn works(links: &Links, from: u64, to: u64) -> bool {
    answers(&mut dial(links, from, to).await).await
}

#[tokio::test]
async fn a_cut_direction_holds_what_is_sent_and_heals_with_it() {
    let links = echoes().await;
    let mut socket = dial(&links, 1, 2).await;
    assert!(answers(&mut socket).await);

    // What 1 sends, and on another day what 2 answers.
    for (from, to) in [(1, 2), (2, 1)] {
        links.cut(from, to);
        socket.write_all(b"x").await.unwrap();
        assert!(is_silent(&mut socket).await, "{from} to {to}");
        links.heal(from, to);
        assert!(comes_back(&mut socket).await);
        assert!(answers(&mut socket).await);
    }
    // The pair's other connection, dialled by 2, has the same two directions.
    let mut other = dial(&links, 2, 1).await;
    assert!(answers(&mut other).await);
    links.cut(1, 2);
    other.write_all(b"x").await.unwrap();
    assert!(is_silent(&mut other).await);
    links.heal_all();
    assert!(comes_back(&mut other).await);
}

#[tokio::test]
async fn one_way_is_one_way() {
    // A server that reports what it has heard and says something by itself.
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let unused = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let servers = BTreeMap::from([(1, unused.local_addr().unwrap()), (2, listener.local_addr().unwrap())]);
    let links = Links::between(&servers).unwrap();
    let mut dialler = dial(&links, 1, 2).await;
    let (mut server, _) = listener.accept().await.unwrap();

    links.cut(1, 2);
    dialler.write_all(b"x").await.unwrap();
    server.write_all(b"x").await.unwrap();
    assert!(comes_back(&mut dialler).await, "2 still speaks to 1");
    assert!(is_silent(&mut server).await, "1 does not speak to 2");
    // Nor does the end of the connection arrive, before it is healed.
    drop(dialler);
    assert!(is_silent(&mut server).await);
    links.heal(1, 2);
    let mut rest = Vec::new();
    timeout(PATIENCE, server.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert_eq!(rest, b"x");
}

#[tokio::test]
async fn a_connection_that_is_dialled_during_a_cut_does_not_come_about() {
    let links = echoes().await;
    for (from, to) in [(1, 2), (2, 1)] {
        links.cut(from, to);
        let mut begun = dial(&links, 1, 2).await;
        begun.write_all(b"x").await.unwrap();
        assert!(is_silent(&mut begun).await);
        links.heal(from, to);
        // It is sent away to dial again, and nothing that it sent has arrived.
        assert!(!matches!(timeout(PATIENCE, begun.read(&mut [0])).await.unwrap(), Ok(1..)));
        assert!(works(&links, 1, 2).await);
    }
}

#[tokio::test]
async fn groups_speak_among_themselves_only() {
    let links = echoes().await;
    let open_are = async |open: &[Direction]| {
        for (from, to) in [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)] {
            let mut socket = dial(&links, from, to).await;
            if open.contains(&(from, to)) {
                assert!(answers(&mut socket).await, "{from} to {to}");
            } else {
                socket.write_all(b"x").await.unwrap();
                assert!(is_silent(&mut socket).await, "{from} to {to}");
            }
        }
    };
    links.partition(&[&[1], &[2, 3]]);
    open_are(&[(2, 3), (3, 2)]).await;
    links.heal_all();
    open_are(&[(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)]).await;
    links.isolate(2);
    open_are(&[(1, 3), (3, 1)]).await;
    links.cut_both(3, 1);
    open_are(&[]).await;
}

#[tokio::test]
async fn a_delay_lets_all_arrive_later_and_in_order() {
    const DELAY: Duration = Duration::from_millis(100);
    const BYTES: usize = 1 << 20;
    let links = echoes().await;
    links.delay(1, 2, DELAY);
    let mut socket = dial(&links, 1, 2).await;
    let began = Instant::now();
    assert!(answers(&mut socket).await);
    assert!(began.elapsed() >= DELAY);

    let sent: Vec<u8> = (0..BYTES).map(|number| u8::try_from(number % 251).unwrap()).collect();
    let (mut read, mut write) = socket.into_split();
    let expected = sent.clone();
    let writer = tokio::spawn(async move { write.write_all(&sent).await });
    let mut seen = vec![0; BYTES];
    timeout(PATIENCE, read.read_exact(&mut seen)).await.unwrap().unwrap();
    writer.await.unwrap().unwrap();
    assert!(seen == expected);
}

#[tokio::test]
async fn a_refused_link_breaks_connections() {
    let links = echoes().await;
    let (mut one, mut other) = (dial(&links, 1, 2).await, dial(&links, 2, 1).await);
    assert!(answers(&mut one).await && answers(&mut other).await);
    links.refuse(1, 2);
    assert!(!answers(&mut one).await && !answers(&mut other).await);
    assert!(!works(&links, 1, 2).await && works(&links, 1, 3).await);
    links.heal_all();
    assert!(works(&links, 1, 2).await && works(&links, 2, 1).await);
}

#[tokio::test]
#[should_panic(expected = "there is no link from 1 to 4")]
async fn an_unknown_link_cannot_be_cut() {
    echoes().await.cut(1, 4);
}
