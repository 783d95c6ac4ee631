//! One proxy: the connections that one node dials to one other.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::Instant;

/// Connections of one proxy; further ones wait to be accepted.
const CONNECTIONS: usize = 256;
/// Bytes that are read at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// Chunks under way in one direction of a connection: enough that a delay does not cost throughput.
const CHUNKS: usize = 256;

/// What a direction does with what is sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flow {
    pub(super) passage: Passage,
    pub(super) delay: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Passage {
    #[default]
    Open,
    /// Bytes are kept back until it is open again.
    Held,
    /// Connections break.
    Refused,
}

/// The connections that one node dials to one other.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) listener: TcpListener,
    pub(super) server: SocketAddr,
    /// From the one who dials.
    pub(super) there: watch::Receiver<Flow>,
    /// To the one who dials.
    pub(super) back: watch::Receiver<Flow>,
}

impl Proxy {
    /// Accepts until the runtime ends.
    pub(super) async fn run(self) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        while let Ok(place) = places.clone().acquire_owned().await {
            // What fails is a connection that was aborted before it was accepted, or files have run out.
            let Ok((dialled, _)) = self.listener.accept().await else { continue };
            let (server, there, back) = (self.server, self.there.clone(), self.back.clone());
            tokio::spawn(async move {
                // Either side may break a connection at any time.
                let _broken = connection(dialled, server, there, back).await;
                drop(place);
            });
        }
    }
}

/// One connection, from its beginning to its end.
async fn connection(
    dialled: TcpStream,
    server: SocketAddr,
    there: watch::Receiver<Flow>,
    back: watch::Receiver<Flow>,
) -> io::Result<()> {
    let held = [&there, &back].into_iter().any(|flow| flow.borrow().passage == Passage::Held);
    let (refused_there, refused_back) = (until(there.clone(), Passage::Refused), until(back.clone(), Passage::Refused));
    let carried = async {
        if held {
            return begun_in_vain(dialled, there, back).await;
        }
        let served = TcpStream::connect(server).await?;
        dialled.set_nodelay(true)?;
        served.set_nodelay(true)?;
        let (from_dialler, to_dialler) = dialled.into_split();
        let (from_server, to_server) = served.into_split();
        tokio::join!(pump(from_dialler, to_server, there), pump(from_server, to_dialler, back));
        Ok(())
    };
    tokio::select! {
        biased;
        _ = refused_there => Ok(()),
        _ = refused_back => Ok(()),
        ended = carried => ended,
    }
}

/// A connection needs both directions to begin. The one who dials waits, and is sent away once it may try again.
async fn begun_in_vain(
    mut dialled: TcpStream,
    there: watch::Receiver<Flow>,
    back: watch::Receiver<Flow>,
) -> io::Result<()> {
    let healed = async {
        until(there, Passage::Open).await?;
        until(back, Passage::Open).await
    };
    let mut nowhere = tokio::io::sink();
    tokio::select! {
        healed = healed => healed,
        given_up = tokio::io::copy(&mut dialled, &mut nowhere) => given_up.map(drop),
    }
}

/// One direction of a connection, until its reader is gone or its end was passed on.
async fn pump(from: impl AsyncRead + Unpin, to: impl AsyncWrite + Unpin, flow: watch::Receiver<Flow>) {
    let (sender, receiver) = mpsc::channel(CHUNKS);
    let taken = async {
        take(from, sender, &flow).await;
        std::future::pending().await
    };
    tokio::select! {
        // A broken connection: the other direction finds out by itself.
        _ = give(receiver, to, flow.clone()) => {}
        () = taken => {}
    }
}

/// A piece of what was sent, and when it is due.
type Chunk = (Instant, Vec<u8>);

/// Reads what is sent, also during a cut, as far as there is room.
async fn take(mut from: impl AsyncRead + Unpin, chunks: mpsc::Sender<Chunk>, flow: &watch::Receiver<Flow>) {
    let mut buffer = vec![0; CHUNK_BYTES];
    // An error is an end: whoever reads gets no more than was sent before.
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let due = Instant::now() + flow.borrow().delay;
        if chunks.send((due, buffer[..length].to_vec())).await.is_err() {
            return;
        }
    }
}

/// Passes on what is due while the direction is open, and the end behind it.
async fn give(
    mut chunks: mpsc::Receiver<Chunk>,
    mut to: impl AsyncWrite + Unpin,
    flow: watch::Receiver<Flow>,
) -> io::Result<()> {
    while let Some((due, chunk)) = chunks.recv().await {
        tokio::time::sleep_until(due).await;
        until(flow.clone(), Passage::Open).await?;
        to.write_all(&chunk).await?;
    }
    until(flow, Passage::Open).await?;
    to.shutdown().await
}

/// Waits for what a direction does.
///
/// # Errors
/// When the links are gone.
async fn until(mut flow: watch::Receiver<Flow>, passage: Passage) -> io::Result<()> {
    let reached = flow.wait_for(|flow| flow.passage == passage).await;
    reached.map(drop).map_err(|_| io::Error::from(io::ErrorKind::ConnectionAborted))
}
