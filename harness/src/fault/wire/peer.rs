//! One side of a connection: a socket, and what was read of it and not used yet.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::head::HEAD_BYTES_MAX;

/// Bytes that one read takes.
const READ_BYTES: usize = 16 << 10;

/// One side of a connection.
#[derive(Debug)]
pub(super) struct Peer {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Peer {
    pub(super) fn new(stream: TcpStream) -> Self {
        // Without it every small message waits for a delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        Peer { stream, buffer: BytesMut::new() }
    }

    /// What was read and not used yet.
    pub(super) fn buffered(&self) -> &[u8] {
        &self.buffer
    }

    /// Uses the first `count` bytes of what was read.
    pub(super) fn take(&mut self, count: usize) -> BytesMut {
        self.buffer.split_to(count.min(self.buffer.len()))
    }

    /// Forgets the first `count` bytes of what was read.
    pub(super) fn skip(&mut self, count: usize) {
        self.buffer.advance(count.min(self.buffer.len()));
    }

    /// Reads some more; false at the end. Safe to cancel.
    pub(super) async fn fill(&mut self) -> io::Result<bool> {
        self.buffer.reserve(READ_BYTES);
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }

    /// Reads some more.
    ///
    /// # Errors
    /// The other side has closed.
    pub(super) async fn fill_or_fail(&mut self) -> io::Result<()> {
        if self.fill().await? { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Reads until there is a whole head, and uses it; none when the other side closes before its first byte. Safe to
    /// cancel.
    pub(super) async fn head(&mut self) -> io::Result<Option<BytesMut>> {
        loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                return Ok(Some(self.take(at + 4)));
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a head is too large"));
            }
            if !self.fill().await? {
                return if self.buffer.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Says that nothing more will be written.
    pub(super) async fn close_writing(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Waits until the other side has gone, while nothing is expected of it. A side that speaks out of turn is never seen
    /// to go; whoever waits has a bound of its own.
    pub(super) async fn gone(&self) {
        if matches!(self.stream.peek(&mut [0]).await, Ok(1..)) {
            std::future::pending().await
        }
    }

    /// Closes the connection with a reset instead of an end.
    pub(super) fn reset(self) {
        let _ = self.stream.set_zero_linger();
    }
}
