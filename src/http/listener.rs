//! Connections as the server takes them: small messages leave at once, and nobody is waited for for ever.
//!
//! A connection costs memory and a descriptor for as long as it is there, so each wait for its client has an end:
//!
//! - The first bytes must come within `SLOW_CLIENT_SECONDS`, and each head of a request within two and a half times that.
//!   A connection that is kept for a next request waits as long, which is longer than most proxies keep theirs.
//! - Bodies have their own measure, see [`bodies`](super::bodies).
//! - An answer that nobody reads would be held for ever: the operating system keeps what it has taken, and whoever writes
//!   waits. So a write that could not go on for `SLOW_CLIENT_SECONDS` fails, which drops the connection and all that was
//!   behind it. A stream loses nothing by that: it is resumed from the last cursor the client has read.
//! - A client that is gone without a word is found by the system, which asks after it, and over HTTP/2 by pings.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::ConnectInfo;
use axum::serve::Listener;
use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Layer;

/// What tells the versions of HTTP apart has this many bytes, and the shortest request has hardly fewer.
const FIRST_BYTES: usize = 24;
/// After how long a quiet connection is asked whether somebody is there, and how often then.
const ASK_AFTER: Duration = Duration::from_secs(60);
const ASK_EVERY: Duration = Duration::from_secs(15);

/// Serves a router, which learns the addresses of its clients, until `stopping` is cancelled and the last connection has
/// ended.
pub async fn serve(
    mut listener: TcpListener,
    router: Router,
    patience: Duration,
    stopping: CancellationToken,
) -> io::Result<()> {
    let (server, connections) = (server(patience), TaskTracker::new());
    loop {
        let (stream, peer) = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = Listener::accept(&mut listener) => accepted,
        };
        if let Err(error) = prepare(&stream, patience) {
            tracing::debug!(%error, "A connection is not as it should be");
        }
        let connection = Connection::new(stream, patience);
        let conversation = converse(
            server.clone(),
            connection,
            peer,
            router.clone(),
            stopping.clone(),
        );
        connections.spawn(conversation);
    }
    drop(listener);
    connections.close();
    connections.wait().await;
    Ok(())
}

/// HTTP as it is spoken here, with an end to each wait.
fn server(patience: Duration) -> Builder<TokioExecutor> {
    let mut server = Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience * 5 / 2);
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(patience)
        .keep_alive_timeout(patience)
        // sockets over HTTP/2
        .enable_connect_protocol();
    server
}

/// Has small messages leave at once, and clients looked after that are gone.
fn prepare(stream: &TcpStream, patience: Duration) -> io::Result<()> {
    // an event is small: it must not wait for the one before to be acknowledged
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let asking = TcpKeepalive::new()
        .with_time(ASK_AFTER)
        .with_interval(ASK_EVERY);
    socket.set_tcp_keepalive(&asking)?;
    // what was sent and is not even acknowledged; whoever reads nothing has been cut by then
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(patience * 2))?;
    Ok(())
}

/// Answers what comes over a connection, to its end. When the server stops, what has begun is the last.
async fn converse(
    server: Builder<TokioExecutor>,
    connection: Connection,
    peer: SocketAddr,
    router: Router,
    stopping: CancellationToken,
) {
    let service = TowerToHyperService::new(Extension(ConnectInfo(peer)).layer(router));
    let conversation = server.serve_connection_with_upgrades(TokioIo::new(connection), service);
    let mut conversation = pin!(conversation);
    let ended = tokio::select! {
        ended = conversation.as_mut() => ended,
        () = stopping.cancelled() => {
            conversation.as_mut().graceful_shutdown();
            conversation.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "A connection broke off");
    }
}

/// A connection whose client is waited for, and not for ever.
struct Connection {
    stream: TcpStream,
    patience: Duration,
    /// How many of the first bytes have not come yet.
    missing: usize,
    /// Until when they may come.
    opening: Option<Pin<Box<Sleep>>>,
    /// Until when the client may take what is to be written; only while it takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    fn new(stream: TcpStream, patience: Duration) -> Self {
        Self {
            stream,
            patience,
            missing: FIRST_BYTES,
            opening: None,
            stalled: None,
        }
    }

    fn written(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        match wait(&mut self.stalled, self.patience, cx) {
            Poll::Ready(()) => {
                tracing::debug!("A client that stopped reading was cut");
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Waits for `patience` from the first time that it is asked.
fn wait(until: &mut Option<Pin<Box<Sleep>>>, patience: Duration, cx: &mut Context<'_>) -> Poll<()> {
    let until = until.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
    until.as_mut().poll(cx)
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.missing == 0 {
            return outcome;
        }
        let this = &mut *self;
        match outcome {
            Poll::Ready(outcome) => {
                let came = buffer.filled().len() - before;
                this.missing = this.missing.saturating_sub(came);
                if this.missing == 0 {
                    this.opening = None;
                }
                Poll::Ready(outcome)
            }
            Poll::Pending => {
                let opening = wait(&mut this.opening, this.patience, cx);
                opening.map(|()| Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.written(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_asks_after_clients_that_are_gone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (_client, accepted) = tokio::join!(client, listener.accept());
        let (stream, _) = accepted.unwrap();
        prepare(&stream, Duration::from_secs(30)).unwrap();
        let socket = SockRef::from(&stream);
        assert!(stream.nodelay().unwrap() && socket.keepalive().unwrap());
        #[cfg(target_os = "linux")]
        assert_eq!(
            socket.tcp_user_timeout().unwrap(),
            Some(Duration::from_secs(60))
        );
    }
}
