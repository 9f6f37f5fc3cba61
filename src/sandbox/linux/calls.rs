//! seccomp: system calls that no build and no test needs, and that would let a command out or reach deep into the kernel.
//!
//! It is a list of what is denied. Everything else is left to the other walls.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use super::message::{WallError, step};
use crate::sandbox::{Level, Network};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Denied whatever the arguments.
const DENIED: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];

/// Denied on machines that have them.
#[cfg(target_arch = "x86_64")]
const DENIED_HERE: &[i64] = &[libc::SYS_ioperm, libc::SYS_iopl, libc::SYS_kexec_file_load, libc::SYS_uselib];
/// kexec_file_load, which not every C library names (asm-generic/unistd.h).
#[cfg(not(target_arch = "x86_64"))]
const DENIED_HERE: &[i64] = &[294];

/// The calls of the x32 interface that have numbers of their own and that would be denied (kernel, syscall_64.tbl):
/// ptrace, kexec_load, process_vm_readv, process_vm_writev. All others are the usual numbers with [`X32`] set.
const X32_NUMBERS: &[i64] = &[521, 528, 539, 540];
const X32: i64 = 0x4000_0000;

/// Personalities that only report another machine, as containers are usually allowed: Linux, the 16-bit user id
/// interface, 32 bits, and the question which one is set.
const PERSONALITIES: &[u64] = &[0, 0x8, 0x20000, 0x20008, 0xffff_ffff];

/// TIOCSTI and TIOCLINUX (asm-generic/ioctls.h), which type into a terminal or paste into it.
const TERMINAL_INPUT: &[u64] = &[0x5412, 0x541C];

/// Flags of clone that make a namespace.
const NAMESPACE_FLAGS: &[i32] = &[
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// Denies calls to the calling thread and its children; for good. Without a process namespace `helpers` are the
/// processes that they must not end.
pub(super) fn restrict(walls: (Level, Network), helpers: [i32; 2]) -> Result<(), WallError> {
    let refused = program(denied(walls, helpers)?, libc::EPERM)?;
    // The library falls back to the older call, whose flags can be looked at.
    let unknown = program([(libc::SYS_clone3, Vec::new())].into(), libc::ENOSYS)?;
    for filter in [refused, unknown] {
        seccompiler::apply_filter(&filter).map_err(step("seccomp"))?;
    }
    Ok(())
}

fn program(rules: Rules, error: i32) -> Result<BpfProgram, WallError> {
    let machine = TargetArch::try_from(std::env::consts::ARCH).map_err(step("seccomp"))?;
    let answer = SeccompAction::Errno(error.unsigned_abs());
    let rules = with_x32(rules);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, machine).map_err(step("seccomp"))?;
    filter.try_into().map_err(step("seccomp"))
}

/// Repeats the rules for the x32 interface, which a kernel for x86_64 may offer too.
fn with_x32(rules: Rules) -> Rules {
    if std::env::consts::ARCH != "x86_64" {
        return rules;
    }
    let again: Vec<_> = rules.iter().map(|(number, rule)| (number | X32, rule.clone())).collect();
    rules.into_iter().chain(again).chain(X32_NUMBERS.iter().map(|number| (number | X32, Vec::new()))).collect()
}

fn denied((level, network): (Level, Network), helpers: [i32; 2]) -> Result<Rules, WallError> {
    let mut rules: Rules = DENIED.iter().chain(DENIED_HERE).map(|number| (*number, Vec::new())).collect();
    let clone = NAMESPACE_FLAGS.iter().map(|flag| all(&[masked(0, flag.unsigned_abs().into())]));
    rules.insert(libc::SYS_clone, clone.collect::<Result<_, _>>()?);
    let known = PERSONALITIES.iter().map(|value| differs(0, *value)).collect::<Vec<_>>();
    rules.insert(libc::SYS_personality, vec![all(&known)?]);
    rules.insert(
        libc::SYS_ioctl,
        TERMINAL_INPUT.iter().map(|number| all(&[equals(1, *number)])).collect::<Result<_, _>>()?,
    );
    rules.insert(libc::SYS_socket, sockets(level, network)?);
    rules.insert(libc::SYS_socketpair, vec![all(&[differs(0, family(libc::AF_UNIX))])?]);
    if level == Level::Landlock {
        if network == Network::Own {
            rules.insert(libc::SYS_connect, Vec::new());
        }
        rules.extend(protect(helpers)?);
    }
    Ok(rules)
}

/// Only unix sockets, the internet and questions about the own network (netlink, route); no raw sockets, no sockets of
/// the machine such as vsock, which network namespaces do not keep apart.
///
/// Without a network namespace not the internet either, and no datagrams: they can be sent to any unix socket. With the
/// machine's network it is the unix sockets that are missing: those of the machine's daemons would be there too.
fn sockets(level: Level, network: Network) -> Result<Vec<SeccompRule>, WallError> {
    let mut families = vec![libc::AF_NETLINK];
    if network == Network::Own {
        families.push(libc::AF_UNIX);
    }
    if level == Level::Namespaces || network == Network::Machine {
        families.extend([libc::AF_INET, libc::AF_INET6]);
    }
    let others: Vec<_> = families.into_iter().map(|it| differs(0, family(it))).collect();
    let mut rules = vec![all(&others)?, all(&[equals(0, family(libc::AF_NETLINK)), differs(2, 0)])?];
    for internet in [libc::AF_INET, libc::AF_INET6] {
        rules.push(all(&[equals(0, family(internet)), kind(libc::SOCK_RAW)])?);
    }
    if level == Level::Landlock {
        rules.push(all(&[equals(0, family(libc::AF_UNIX)), kind(libc::SOCK_DGRAM)])?);
    }
    Ok(rules)
}

/// Landlock denies signals to the outside only since Linux 6.12; the processes that clean up must stay in any case.
fn protect(helpers: [i32; 2]) -> Result<Rules, WallError> {
    // Negative numbers are process groups, -1 is every process; the register holds 32 bits.
    let [warden, init] = helpers;
    let targets = [warden, -warden, init, -1].map(|target| u64::from(target.cast_unsigned()));
    let each = |index: u8| targets.iter().map(|target| all(&[equals(index, *target)])).collect::<Result<Vec<_>, _>>();
    let mut rules = Rules::new();
    for number in [
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_tgkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
        libc::SYS_pidfd_open,
    ] {
        rules.insert(number, each(0)?);
    }
    rules.insert(libc::SYS_prlimit64, vec![all(&[differs(0, 0)])?]);
    Ok(rules)
}

fn family(family: i32) -> u64 {
    u64::from(family.unsigned_abs())
}

/// The kind of a socket without its flags.
fn kind(kind: i32) -> (u8, SeccompCmpOp, u64) {
    (1, SeccompCmpOp::MaskedEq(0xf), u64::from(kind.unsigned_abs()))
}

fn equals(index: u8, value: u64) -> (u8, SeccompCmpOp, u64) {
    (index, SeccompCmpOp::Eq, value)
}

fn differs(index: u8, value: u64) -> (u8, SeccompCmpOp, u64) {
    (index, SeccompCmpOp::Ne, value)
}

fn masked(index: u8, flag: u64) -> (u8, SeccompCmpOp, u64) {
    (index, SeccompCmpOp::MaskedEq(flag), flag)
}

/// Makes a rule that holds when all `conditions` do; each looks at the lower 32 bits of an argument.
fn all(conditions: &[(u8, SeccompCmpOp, u64)]) -> Result<SeccompRule, WallError> {
    let each = conditions.iter().map(|(index, operator, value)| {
        SeccompCondition::new(*index, SeccompCmpArgLen::Dword, operator.clone(), *value)
    });
    let each = each.collect::<Result<Vec<_>, _>>().map_err(step("seccomp"))?;
    SeccompRule::new(each).map_err(step("seccomp"))
}
