//! Namespaces of users, mounts, processes, network, IPC and host name.

use std::fs;

use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket};
use nix::unistd::{getegid, geteuid, sethostname};
use rustix::thread::{CapabilitySet, capabilities, configure_capability_in_ambient_set, set_capabilities};
use std::os::fd::AsRawFd;

use super::message::{WallError, step};
use crate::sandbox::Network;

/// Enters new namespaces; the next child is the first process of its own process namespace.
///
/// The user keeps the own id. Within the namespaces the process and its children hold every capability until they drop
/// them.
pub(super) fn enter(network: Network) -> Result<(), WallError> {
    let (user, group) = (geteuid(), getegid());
    let mut all = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    if network == Network::Own {
        all |= CloneFlags::CLONE_NEWNET;
    }
    unshare(all).map_err(step("new namespaces"))?;
    fs::write("/proc/self/setgroups", "deny").map_err(step("fix the groups"))?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1")).map_err(step("map the user"))?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1")).map_err(step("map the group"))?;
    // This name resolves without a network, and tells nothing about the machine.
    sethostname("localhost").map_err(step("set the host name"))?;
    if network == Network::Own {
        raise_loopback().map_err(step("raise the loopback interface"))?;
    }
    keep_capabilities().map_err(step("keep capabilities"))
}

/// Hands the capabilities on to the second stage; an ordinary user's would be lost when it is started.
fn keep_capabilities() -> rustix::io::Result<()> {
    let mut sets = capabilities(None)?;
    sets.inheritable = sets.permitted;
    set_capabilities(None, sets)?;
    for bit in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << bit);
        if sets.permitted.contains(capability) {
            configure_capability_in_ambient_set(capability, true)?;
        }
    }
    Ok(())
}

/// The index of the loopback interface: the first of every network namespace.
const LOOPBACK: u32 = 1;

/// Sets the flag "up" of the loopback interface (rtnetlink(7), RTM_NEWLINK).
fn raise_loopback() -> nix::Result<()> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let link = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)?;
    sendto(link.as_raw_fd(), &raise_request(LOOPBACK), &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut answer = [0; 256];
    let length = recv(link.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    // An NLMSG_ERROR: the header of 16 bytes, then the negative error, 0 for done.
    let error = answer[..length].get(16..20).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    match error {
        Some(0) => Ok(()),
        Some(error) => Err(nix::errno::Errno::from_raw(-error)),
        None => Err(nix::errno::Errno::EBADMSG),
    }
}

/// A `nlmsghdr` and an `ifinfomsg` in the byte order of the machine.
fn raise_request(index: u32) -> Vec<u8> {
    const LENGTH: u32 = 32;
    const RTM_NEWLINK: u16 = 16;
    const NLM_F_REQUEST_AND_ACK: u16 = 1 | 4;
    const IFF_UP: u32 = 1;
    let mut request = Vec::new();
    request.extend(LENGTH.to_ne_bytes());
    request.extend(RTM_NEWLINK.to_ne_bytes());
    request.extend(NLM_F_REQUEST_AND_ACK.to_ne_bytes());
    request.extend([0; 8]); // The number of the message and of the sender.
    request.extend([0; 4]); // Any family, padding, any type.
    request.extend(index.to_ne_bytes());
    request.extend(IFF_UP.to_ne_bytes()); // The flags,
    request.extend(IFF_UP.to_ne_bytes()); // and which of them change.
    request
}
