//! Where a body ends, piece by piece and as it is on the wire.

use std::io;

use bytes::BytesMut;

use super::peer::Peer;

/// Longest line that tells the size of a chunk, and longest trailer.
const LINE_BYTES_MAX: usize = 8 << 10;

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// It has this many bytes.
    Length(u64),
    /// In chunks, each with its size.
    Chunked,
    /// By the end of the connection.
    UntilClose,
}

/// A body that is being read.
#[derive(Debug)]
pub(super) struct Body {
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Left(u64),
    /// A line with a chunk's size comes next.
    Size,
    /// So much is left of a chunk and of the line end behind it.
    Chunk(u64),
    /// Lines up to an empty one.
    Trailer,
    UntilClose,
    Done,
}

impl Body {
    pub(super) fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(bytes) => State::Left(bytes),
            Framing::Chunked => State::Size,
            Framing::UntilClose => State::UntilClose,
        };
        Body { state }
    }

    /// The next bytes of the body, what frames it included; none at its end.
    pub(super) async fn next(&mut self, peer: &mut Peer) -> io::Result<Option<BytesMut>> {
        match self.state {
            State::Done => Ok(None),
            State::UntilClose => {
                if peer.buffered().is_empty() && !peer.fill().await? {
                    self.state = State::Done;
                    return Ok(None);
                }
                Ok(Some(peer.take(usize::MAX)))
            }
            State::Left(left) => {
                let piece = piece(peer, left).await?;
                let left = left - piece.len() as u64;
                self.state = if left == 0 { State::Done } else { State::Left(left) };
                Ok(Some(piece))
            }
            State::Chunk(left) => {
                let piece = piece(peer, left).await?;
                let left = left - piece.len() as u64;
                self.state = if left == 0 { State::Size } else { State::Chunk(left) };
                Ok(Some(piece))
            }
            State::Size => {
                let line = line(peer).await?;
                let size = chunk_size(&line)?;
                // The chunk has a line end of its own behind it.
                self.state = if size == 0 { State::Trailer } else { State::Chunk(size.saturating_add(2)) };
                Ok(Some(line))
            }
            State::Trailer => {
                let line = line(peer).await?;
                if line.as_ref() == b"\r\n" {
                    self.state = State::Done;
                }
                Ok(Some(line))
            }
        }
    }
}

async fn piece(peer: &mut Peer, left: u64) -> io::Result<BytesMut> {
    if peer.buffered().is_empty() {
        peer.fill_or_fail().await?;
    }
    Ok(peer.take(usize::try_from(left).unwrap_or(usize::MAX)))
}

async fn line(peer: &mut Peer) -> io::Result<BytesMut> {
    loop {
        if let Some(at) = peer.buffered().windows(2).position(|window| window == b"\r\n") {
            return Ok(peer.take(at + 2));
        }
        if peer.buffered().len() > LINE_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a chunk's size takes too much room"));
        }
        peer.fill_or_fail().await?;
    }
}

fn chunk_size(line: &[u8]) -> io::Result<u64> {
    let text = std::str::from_utf8(line).unwrap_or_default();
    let size = text.split([';', '\r']).next().unwrap_or_default().trim();
    u64::from_str_radix(size, 16).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// What is read as a body of `sent`, and what is left behind it.
    async fn read(framing: Framing, sent: &[u8]) -> io::Result<(Vec<u8>, Vec<u8>)> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let mut writer = TcpStream::connect(listener.local_addr()?).await?;
        let (reader, _) = listener.accept().await?;
        writer.write_all(sent).await?;
        writer.shutdown().await?;
        let (mut peer, mut body, mut found) = (Peer::new(reader), Body::new(framing), Vec::new());
        while let Some(piece) = body.next(&mut peer).await? {
            found.extend_from_slice(&piece);
        }
        while peer.fill().await? {}
        Ok((found, peer.buffered().to_vec()))
    }

    #[tokio::test]
    async fn a_body_is_taken_as_it_is_and_no_further() {
        let chunked = b"3;x=y\r\nabc\r\n0\r\nt: u\r\n\r\n";
        for (framing, body) in
            [(Framing::Length(0), b"".as_slice()), (Framing::Length(5), b"12345"), (Framing::Chunked, chunked)]
        {
            let sent = [body, b"next"].concat();
            let (found, left) = read(framing, &sent).await.expect("whole");
            assert_eq!((found.as_slice(), left.as_slice()), (body, b"next".as_slice()), "{framing:?}");
        }
        assert_eq!(read(Framing::UntilClose, b"all").await.expect("whole").0, b"all");
    }

    #[tokio::test]
    async fn a_body_that_ends_too_early_or_is_nonsense_is_an_error() {
        assert!(read(Framing::Length(9), b"short").await.is_err());
        assert!(read(Framing::Chunked, b"3\r\nab").await.is_err());
        assert!(read(Framing::Chunked, b"zz\r\n").await.is_err());
    }
}
