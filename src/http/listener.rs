//! Connections as the server takes them: small messages leave at once, and who stops reading is cut.
//!
//! An answer that nobody reads would be held for ever otherwise: the operating system keeps what it has taken, and whoever
//! writes waits. So a write that could not go on for `SLOW_CLIENT_SECONDS` fails, which drops the connection and all
//! that was behind it. A stream loses nothing by that: it is resumed from the last cursor the client has read.

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::ConnectInfo;
use axum::serve::{IncomingStream, Listener};
use axum::{Extension, Router};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use tower::{Layer, service_fn};

/// Takes connections that wait for their clients this long.
struct Patient {
    listener: TcpListener,
    patience: Duration,
}

impl Listener for Patient {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        // an event is small: it must not wait for the one before to be acknowledged
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "A connection sends small messages late");
        }
        let connection = Connection {
            stream,
            patience: self.patience,
            stalled: None,
        };
        (connection, peer)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// Serves a router, which learns the addresses of its clients, until `stopping` is cancelled and the last connection has
/// ended.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    patience: Duration,
    stopping: CancellationToken,
) -> io::Result<()> {
    let connected = service_fn(move |incoming: IncomingStream<'_, Patient>| {
        let address = ConnectInfo(*incoming.remote_addr());
        ready(Ok::<_, Infallible>(
            Extension(address).layer(router.clone()),
        ))
    });
    axum::serve(Patient { listener, patience }, connected)
        .with_graceful_shutdown(stopping.cancelled_owned())
        .await
}

/// A connection whose client is waited for, and not for ever.
struct Connection {
    stream: TcpStream,
    patience: Duration,
    /// Until when the client may take what is to be written; only while it takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    fn written(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let patience = self.patience;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        match stalled.as_mut().poll(cx) {
            Poll::Ready(()) => {
                tracing::debug!("A client that stopped reading was cut");
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
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
