//! The probe inside the walls: tries what must fail and what must work, and prints what it found.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use serde::{Deserialize, Serialize};

use crate::sandbox::Level;

/// The argument that starts the probe; the next one is an [`Order`] as JSON.
pub(in crate::sandbox) const SELFTEST: &str = "selftest";

/// What the probe tries.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Order {
    /// The walls that are in force.
    pub(in crate::sandbox) level: Level,
    /// A folder outside of the walls, with a file `canary` and a unix socket `socket` that somebody listens to.
    pub(in crate::sandbox) outside: PathBuf,
    /// A folder within.
    pub(in crate::sandbox) inside: PathBuf,
    /// A port of the machine's loopback that somebody listens to.
    pub(in crate::sandbox) port: u16,
    /// An abstract unix socket that somebody listens to.
    pub(in crate::sandbox) abstract_name: String,
    /// The process that started the sandbox, and its command line.
    pub(in crate::sandbox) parent: u32,
    /// The bytes of /proc/ID/cmdline of `parent`, lossy.
    pub(in crate::sandbox) parent_arguments: String,
}

/// Tries everything and prints a JSON object: name of the wall -> whether it holds.
pub(super) fn run(order: &str) -> u8 {
    let Ok(order) = serde_json::from_str::<Order>(order) else { return 2 };
    let results: serde_json::Map<String, serde_json::Value> =
        checks(&order).into_iter().map(|(name, holds)| (name.to_owned(), holds.into())).collect();
    let text = serde_json::Value::from(results).to_string();
    u8::from(std::io::stdout().write_all(text.as_bytes()).is_err())
}

fn checks(order: &Order) -> Vec<(&'static str, bool)> {
    let mut checks = vec![
        ("files outside cannot be written", fs::write(order.outside.join("canary"), "changed").is_err()),
        ("files outside cannot be made", fs::write(order.outside.join("new"), "new").is_err()),
        ("files outside cannot be read", fs::read(order.outside.join("canary")).is_err()),
        ("the work tree can be written", can_write(&order.inside)),
        ("the network cannot be reached", !can_connect(order.port)),
        ("unix sockets outside cannot be reached", UnixStream::connect(order.outside.join("socket")).is_err()),
        ("abstract sockets outside cannot be reached", !can_connect_abstract(&order.abstract_name)),
        ("the parent is hidden", is_hidden(order)),
        ("system calls are denied", unshare(CloneFlags::CLONE_NEWUTS).is_err()),
    ];
    if order.level == Level::Namespaces {
        checks.push(("the own loopback works", has_loopback()));
    }
    checks
}

fn can_write(folder: &Path) -> bool {
    let file = folder.join("written");
    fs::write(&file, "text").is_ok() && fs::read(&file).is_ok_and(|text| text == b"text")
}

/// No listener answers within this time, or the way is closed at once.
const CONNECT: Duration = Duration::from_millis(200);

fn can_connect(port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), CONNECT).is_ok()
}

fn can_connect_abstract(name: &str) -> bool {
    UnixAddr::from_abstract_name(name).and_then(|address| UnixStream::connect_addr(&address)).is_ok()
}

/// In a process namespace the id may belong to another process; its arguments tell.
fn is_hidden(order: &Order) -> bool {
    let folder = PathBuf::from(format!("/proc/{}", order.parent));
    let arguments = fs::read(folder.join("cmdline")).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let is_another = arguments.as_ref().is_ok_and(|arguments| *arguments != order.parent_arguments);
    is_another
        || (arguments.is_err()
            && fs::read(folder.join("environ")).is_err()
            && fs::File::open(folder.join("mem")).is_err())
}

fn has_loopback() -> bool {
    let pair = TcpListener::bind("127.0.0.1:0").and_then(|listener| {
        let address = listener.local_addr()?;
        TcpStream::connect_timeout(&address, CONNECT)?;
        listener.accept()
    });
    pair.is_ok()
}
