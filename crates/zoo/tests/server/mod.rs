//! A web server on the loopback address that says what it is told to, once a connection.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

/// What to do with one request.
pub enum Reply {
    /// Send these bytes and close the connection.
    Send(Vec<u8>),
    /// Send these bytes, and then nothing for as long as the server lives.
    Stall(Vec<u8>),
}

/// A server with one reply for each request it expects.
pub struct Server {
    address: SocketAddr,
    thread: JoinHandle<Vec<String>>,
}

impl Server {
    pub fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let replies: Vec<Reply> = replies.into_iter().collect();
        Self { address, thread: thread::spawn(move || serve(&listener, replies)) }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/models", self.address)
    }

    /// The heads of all requests; there are no more after this.
    pub fn requests(self) -> Vec<String> {
        // A visitor without a request ends the wait for requests that never came.
        let _ = TcpStream::connect(self.address);
        self.thread.join().unwrap()
    }
}

fn serve(listener: &TcpListener, replies: Vec<Reply>) -> Vec<String> {
    let mut stalled = Vec::new();
    let mut requests = Vec::new();
    for reply in replies {
        let (mut stream, _) = listener.accept().unwrap();
        match request_head(&stream) {
            head if head.is_empty() => break,
            head => requests.push(head),
        }
        let (Reply::Send(bytes) | Reply::Stall(bytes)) = &reply;
        // A client may hang up before it has everything.
        let _ = stream.write_all(bytes);
        if let Reply::Stall(_) = reply {
            stalled.push(stream);
        }
    }
    requests
}

fn request_head(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    head.join("\n").to_lowercase()
}

/// Any answer, its length announced as `length`.
pub fn answer(status: &str, headers: &[&str], length: usize, body: &[u8]) -> Vec<u8> {
    let mut head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n");
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// The whole file.
pub fn whole(file: &[u8]) -> Reply {
    Reply::Send(answer("200 OK", &[], file.len(), file))
}

/// The first `sent` bytes of the file, which is announced as whole; then the connection drops.
pub fn dropped(file: &[u8], sent: usize) -> Reply {
    Reply::Send(answer("200 OK", &[], file.len(), &file[..sent]))
}

/// The file from byte `first` on.
pub fn rest(file: &[u8], first: usize) -> Reply {
    let range = format!("Content-Range: bytes {first}-{}/{}", file.len() - 1, file.len());
    let body = &file[first..];
    Reply::Send(answer("206 Partial Content", &[&range], body.len(), body))
}

/// An answer without a body worth reading.
pub fn status(status: &str) -> Reply {
    Reply::Send(answer(status, &[], 5, b"sorry"))
}
