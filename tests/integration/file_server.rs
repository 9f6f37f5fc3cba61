//! A server of files on loopback that can be as bad as servers are.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// What one request gets.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// The file, from where it is asked for.
    Serve(Vec<u8>),
    /// The whole file, wherever it is asked for.
    Whole(Vec<u8>),
    /// The file, from where it is asked for, until so many bytes of it were sent; then the connection ends.
    Cut(Vec<u8>, usize),
    /// The same, from its start.
    WholeCut(Vec<u8>, usize),
    /// So many bytes of the file, and then nothing for ever.
    Hang(Vec<u8>, usize),
    /// An answer without a file.
    Status(&'static str),
    /// A page, as a captive portal shows it.
    Page(String),
}

/// A request: its path, and where it wants the file to begin.
pub(crate) type Asked = (String, Option<usize>);

/// The server; it lives as long as the test.
#[derive(Clone)]
pub(crate) struct FileServer {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    gate: Arc<(Mutex<bool>, Condvar)>,
}

impl FileServer {
    /// Answers requests in turn, and with the last answer for ever.
    pub(crate) fn with(acts: Vec<Act>) -> Self {
        Self::answering(move |index, _| acts[index.min(acts.len() - 1)].clone())
    }

    /// Answers by the request's number and its path.
    pub(crate) fn answering(act: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let server = Self { address, asked: Arc::default(), gate: Arc::new((Mutex::new(true), Condvar::new())) };
        let (own, act) = (server.clone(), Arc::new(act));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (own, act) = (own.clone(), Arc::clone(&act));
                // A client that goes away is part of the tests.
                std::thread::spawn(move || drop(own.answer(&stream, &*act)));
            }
        });
        server
    }

    /// Returns the address of a file.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.address)
    }

    /// Returns what was asked for so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("not poisoned").clone()
    }

    /// Lets requests wait for an answer, or go on.
    pub(crate) fn set_open(&self, open: bool) {
        *self.gate.0.lock().expect("not poisoned") = open;
        self.gate.1.notify_all();
    }

    fn answer(&self, stream: &TcpStream, act: &dyn Fn(usize, &str) -> Act) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream).lines();
        let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut from = None;
        for line in lines {
            let line = line?.to_lowercase();
            if line.is_empty() {
                break;
            }
            let start = line.strip_prefix("range: bytes=").and_then(|range| range.strip_suffix('-'));
            from = start.and_then(|start| start.parse().ok()).or(from);
        }
        let index = {
            let mut asked = self.asked.lock().expect("not poisoned");
            asked.push((path.clone(), from));
            asked.len() - 1
        };
        let open = self.gate.0.lock().expect("not poisoned");
        drop(self.gate.1.wait_while(open, |open| !*open).expect("not poisoned"));
        reply(stream, act(index, &path), from)
    }
}

fn reply(mut stream: &TcpStream, act: Act, from: Option<usize>) -> std::io::Result<()> {
    let (file, from, end) = match act {
        Act::Status(status) => {
            return write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
        Act::Page(page) => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close";
            return write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{page}", page.len());
        }
        Act::Serve(file) => (file.clone(), from, file.len()),
        Act::Whole(file) => (file.clone(), None, file.len()),
        Act::Cut(file, end) | Act::Hang(file, end) if from.is_some_and(|from| from >= end) => (file, from, end),
        Act::Cut(file, end) => (file, from, end),
        Act::WholeCut(file, end) => (file, None, end),
        Act::Hang(file, end) => {
            send(stream, &file, from, end)?;
            std::thread::sleep(std::time::Duration::from_secs(600));
            return Ok(());
        }
    };
    send(stream, &file, from, end)
}

fn send(mut stream: &TcpStream, file: &[u8], from: Option<usize>, end: usize) -> std::io::Result<()> {
    let start = from.unwrap_or(0);
    let head = match from {
        Some(from) if from >= file.len() => {
            return write!(
                stream,
                "HTTP/1.1 416 Range Not Satisfiable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
        }
        Some(from) => format!("206 Partial Content\r\ncontent-range: bytes {from}-{}/{}", file.len() - 1, file.len()),
        None => "200 OK".to_owned(),
    };
    write!(stream, "HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", file.len() - start)?;
    stream.write_all(&file[start..end.max(start)])?;
    stream.flush()
}
