//! Commands behind walls, as a hostile and as an honest test suite would use them.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests read the environment, start themselves and tell what they skip"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use prentice::sandbox::{
    Command, Exit, Finished, HostEnvironment, Level, Limits, LinuxSandbox, Network, Sandbox, SandboxError, Unconfined,
    detect, probe,
};
use tokio_util::sync::CancellationToken;

const HELPER: &str = env!("CARGO_BIN_EXE_prentice");
const CANARY: &str = "canary-5f1c";

/// A work tree, a scratch folder, and a home with secrets outside of both.
struct Bench {
    folder: tempfile::TempDir,
    level: Level,
    limits: Limits,
}

impl Bench {
    fn new(level: Level) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["tree", "scratch", "home/.ssh", "home/.cargo/registry"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        for name in ["home/.netrc", "home/.ssh/id", "home/.cargo/credentials.toml"] {
            fs::write(folder.path().join(name), CANARY).unwrap();
        }
        Self { folder, level, limits: Limits { wall: Duration::from_secs(60), ..Limits::default() } }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn host(&self) -> HostEnvironment {
        let mut variables: BTreeMap<String, String> = BTreeMap::new();
        for name in ["PATH", "PYENV_ROOT"] {
            variables.extend(std::env::var(name).map(|value| (name.to_owned(), value)));
        }
        // The python of the machine may be a shim below the real home.
        if let Some(pyenv) = std::env::home_dir().map(|home| home.join(".pyenv")).filter(|folder| folder.is_dir()) {
            variables.entry("PYENV_ROOT".to_owned()).or_insert(pyenv.display().to_string());
        }
        variables.insert("HOME".to_owned(), self.path("home").display().to_string());
        variables.insert("GITHUB_TOKEN".to_owned(), CANARY.to_owned());
        HostEnvironment::new(variables)
    }

    fn command(&self, argv: &[&str]) -> Command {
        Command {
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            directory: self.path("tree"),
            work_tree: self.path("tree"),
            scratch: self.path("scratch"),
            readable: Vec::new(),
            links: Vec::new(),
            network: Network::Own,
            environment: BTreeMap::new(),
            limits: self.limits,
        }
    }

    fn sandbox(&self) -> Box<dyn Sandbox> {
        match self.level {
            Level::Off => Box::new(Unconfined::new(self.host(), HELPER.into())),
            level => Box::new(LinuxSandbox::new(self.host(), HELPER.into(), level)),
        }
    }

    async fn run(&self, argv: &[&str]) -> Finished {
        self.sandbox().run(&self.command(argv), &CancellationToken::new()).await.unwrap()
    }

    async fn shell(&self, script: &str) -> Finished {
        self.run(&["sh", "-c", script]).await
    }

    async fn check(&self, script: &str, exit: Exit, output: &str) {
        let finished = self.shell(script).await;
        assert_eq!((finished.exit, finished.output.as_str()), (exit, output), "{:?}: {script}", self.level);
    }

    /// Runs a Python program that must print `yes`.
    async fn python(&self, program: &str) {
        let finished = self.run(&["python3", "-c", program]).await;
        assert_eq!((finished.exit, finished.output.as_str()), (Exit::Code(0), "yes\n"), "{:?}: {program}", self.level);
    }

    /// Makes a pipe in the work tree whose writers tell whether they are alive: as long as one is, there is no end.
    fn pipe(&self) -> File {
        let place = self.path("tree/pipe");
        nix::unistd::mkfifo(&place, nix::sys::stat::Mode::S_IRWXU).unwrap();
        File::options().read(true).custom_flags(nix::libc::O_NONBLOCK).open(place).unwrap()
    }
}

/// Reads what is in the pipe; fails when a process still holds it open.
fn read_to_the_end(mut pipe: File, level: Level) -> String {
    let mut text = String::new();
    let result = pipe.read_to_string(&mut text);
    assert!(result.is_ok(), "{level:?}: a process is alive after {text:?}: {result:?}");
    text
}

async fn holds(level: Level) -> bool {
    if level == Level::Off {
        return true;
    }
    let host = HostEnvironment::new(std::env::vars().collect());
    let found = probe(&host, Path::new(HELPER), level).await;
    if !found.holds() {
        eprintln!("skipped: {level:?}: {}", found.failed.join(", "));
    }
    found.holds()
}

/// Returns a bench for each of the levels that this machine offers.
async fn benches(levels: &[Level]) -> Vec<Bench> {
    let mut benches = Vec::new();
    for &level in levels {
        if holds(level).await {
            benches.push(Bench::new(level));
        }
    }
    benches
}

const WALLS: &[Level] = &[Level::Namespaces, Level::Landlock];
const ALL: &[Level] = &[Level::Namespaces, Level::Landlock, Level::Off];

fn has_python() -> bool {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join("python3").is_file());
    if !found {
        eprintln!("skipped: there is no python3");
    }
    found
}

#[tokio::test]
async fn a_level_that_holds_is_found_or_the_way_out_is_told() {
    match detect(&Bench::new(Level::Off).host(), Path::new(HELPER)).await {
        Ok(found) => assert!(found.probes.last().unwrap().holds() && found.sandbox.level() != Level::Off),
        Err(error) => assert!(error.to_string().contains("namespaces: "), "{error}"),
    }
}

#[tokio::test]
async fn a_level_whose_helper_is_missing_does_not_hold() {
    let host = Bench::new(Level::Off).host();
    for helper in ["/nowhere/prentice", "/bin/true"] {
        assert!(!probe(&host, Path::new(helper), Level::Namespaces).await.holds(), "{helper}");
        assert!(detect(&host, Path::new(helper)).await.is_err(), "{helper}");
    }
}

#[tokio::test]
async fn the_end_of_a_command_is_told() {
    for bench in benches(ALL).await {
        bench.check("echo out; echo err >&2; exit 7", Exit::Code(7), "out\nerr\n").await;
        bench.check("kill -9 $$", Exit::Signal(9), "").await;
        bench.check("printf 'a\\377b'; cat", Exit::Code(0), "a\u{fffd}b").await;
        bench.check("pwd -P > here; test \"$(cat here)\" = \"$(pwd -P)\"", Exit::Code(0), "").await;
        let missing = bench.sandbox().run(&bench.command(&["no-such-program"]), &CancellationToken::new()).await;
        assert!(matches!(missing, Err(SandboxError::ProgramNotFound { .. })), "{missing:?}");
        fs::write(bench.path("tree/script"), "#!/no/such/interpreter\n").unwrap();
        let script = bench.shell("chmod +x script && ./script").await;
        assert_ne!(script.exit, Exit::Code(0));
        let direct = bench.sandbox().run(&bench.command(&["./script"]), &CancellationToken::new()).await;
        assert!(matches!(direct, Err(SandboxError::Failed { .. })), "{direct:?}");
    }
}

#[tokio::test]
async fn too_much_output_loses_its_middle() {
    for mut bench in benches(ALL).await {
        bench.limits.output_bytes = 8;
        let expected = "begi\n[100003 bytes of output were dropped here]\nend\n";
        bench.check("printf begin; head -c 100001 /dev/zero; printf 'nend\n'", Exit::Code(0), expected).await;
    }
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended_with_everything_below_it() {
    for mut bench in benches(ALL).await {
        let pipe = bench.pipe();
        bench.limits.wall = Duration::from_millis(700);
        let finished = bench.shell("exec 3>pipe; echo started >&3; sleep 1000 & sleep 1000").await;
        assert_eq!(finished.exit, Exit::TimedOut);
        assert!(finished.elapsed < Duration::from_secs(4), "{:?}: {:?}", bench.level, finished.elapsed);
        assert_eq!(read_to_the_end(pipe, bench.level), "started\n");
    }
}

#[tokio::test]
async fn a_command_is_asked_before_it_is_killed() {
    for mut bench in benches(ALL).await {
        bench.limits.wall = Duration::from_millis(700);
        let script = "trap 'echo asked; exit 0' TERM; sleep 1000 & wait";
        bench.check(script, Exit::TimedOut, "asked\n").await;
        let deaf = bench.shell("trap '' TERM; echo deaf; while :; do sleep 1000; done").await;
        assert_eq!((deaf.exit, deaf.output.as_str()), (Exit::TimedOut, "deaf\n"));
    }
}

#[tokio::test]
async fn a_cancelled_command_is_ended() {
    for bench in benches(ALL).await {
        let (pipe, cancel) = (bench.pipe(), CancellationToken::new());
        let (sandbox, command) =
            (bench.sandbox(), bench.command(&["sh", "-c", "exec 3>pipe; echo started; sleep 1000"]));
        let canceller = async {
            // The end of the shell's start is when it opened the pipe for writing.
            let place = bench.path("tree/pipe");
            let _ = tokio::task::spawn_blocking(move || fs::read(place)).await;
        };
        let started = async {
            let place = bench.path("tree/pipe");
            let opened = tokio::task::spawn_blocking(move || File::open(place).is_ok()).await;
            assert!(opened.unwrap());
            cancel.cancel();
        };
        let (result, (), ()) = tokio::join!(sandbox.run(&command, &cancel), started, canceller);
        assert!(matches!(result, Err(SandboxError::Cancelled)), "{:?}: {result:?}", bench.level);
        read_to_the_end(pipe, bench.level);
        let again = bench.sandbox().run(&bench.command(&["true"]), &cancel).await;
        assert!(matches!(again, Err(SandboxError::Cancelled)), "{again:?}");
    }
}

#[tokio::test]
async fn what_goes_on_in_the_background_ends_with_the_command() {
    for bench in benches(ALL).await {
        let pipe = bench.pipe();
        let script = "exec 3>pipe; echo started >&3; sleep 1000 & \
                      setsid sh -c 'sleep 1000 & trap : TERM; sleep 1000' >/dev/null 2>&1 & \
                      (setsid sleep 1000 >/dev/null 2>&1 &) ; sleep 0.3";
        let finished = bench.shell(script).await;
        assert_eq!(finished.exit, Exit::Code(0));
        assert_eq!(read_to_the_end(pipe, bench.level), "started\n");
    }
}

#[tokio::test]
async fn the_command_cannot_end_those_who_watch_it() {
    for bench in benches(WALLS).await {
        let pipe = bench.pipe();
        let script = "exec 3>pipe; (setsid sleep 1000 &); trap : TERM; kill -9 $PPID 2>/dev/null; \
                      kill -TERM 0; kill -9 -1 2>/dev/null; exit 5";
        let finished = bench.shell(script).await;
        assert_eq!(finished.exit, Exit::Code(5), "{:?}", bench.level);
        read_to_the_end(pipe, bench.level);
    }
}

/// The process that the next test kills; by itself it shows that the same command ends when it is not killed.
#[tokio::test]
async fn a_supervisor_waits_for_its_command() {
    let (level, tree) = match std::env::var("PRENTICE_TEST_SUPERVISOR") {
        Ok(text) => {
            let (level, tree) = text.split_once(' ').unwrap();
            (serde_json::from_str(level).unwrap(), Some(PathBuf::from(tree)))
        }
        Err(_) => (Level::Off, None),
    };
    let bench = Bench::new(level);
    let script =
        if tree.is_some() { "exec 3>pipe; echo started >&3; (setsid sleep 1000 &); sleep 1000" } else { "exit 4" };
    let mut command = bench.command(&["sh", "-c", script]);
    for place in [&mut command.work_tree, &mut command.directory] {
        *place = tree.clone().unwrap_or_else(|| place.clone());
    }
    let finished = bench.sandbox().run(&command, &CancellationToken::new()).await.unwrap();
    assert_eq!(finished.exit, Exit::Code(4));
}

#[tokio::test]
async fn nothing_outlives_a_supervisor_that_is_killed() {
    for bench in benches(ALL).await {
        let place = bench.path("tree/pipe");
        drop(bench.pipe());
        let order = format!("{} {}", serde_json::to_string(&bench.level).unwrap(), bench.path("tree").display());
        let mut supervisor = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sandbox::a_supervisor_waits_for_its_command"])
            .env("PRENTICE_TEST_SUPERVISOR", order)
            // It cannot remove its own folder when it is killed.
            .env("TMPDIR", bench.folder.path())
            .spawn()
            .unwrap();
        let waiting = tokio::task::spawn_blocking(move || {
            let mut pipe = File::open(place).unwrap();
            let mut started = [0; 8];
            pipe.read_exact(&mut started).unwrap();
            (pipe, started)
        });
        let (mut pipe, started) = waiting.await.unwrap();
        assert_eq!(&started, b"started\n");
        supervisor.kill().await.unwrap();
        let end = tokio::task::spawn_blocking(move || pipe.read(&mut [0; 1]).unwrap());
        let end = tokio::time::timeout(Duration::from_secs(10), end).await;
        assert_eq!(end.expect("a process outlived the supervisor").unwrap(), 0, "{:?}", bench.level);
    }
}

#[tokio::test]
async fn secrets_of_the_environment_and_the_home_are_not_visible() {
    for bench in benches(WALLS).await {
        let home = bench.path("home");
        let places = format!(
            "env; cat /proc/self/environ /proc/$PPID/environ /proc/{0}/environ /proc/*/environ /proc/*/cmdline {1}/.netrc \
             {1}/.ssh/id {1}/.cargo/credentials.toml /etc/shadow; ls -laR {1} ~/.. $TMPDIR $CARGO_HOME",
            std::process::id(),
            home.display()
        );
        let finished = bench.shell(&format!("({places}) 2>&1; true")).await;
        assert_eq!(finished.exit, Exit::Code(0));
        assert!(finished.output.contains("CI=true"), "{}", finished.output);
        for secret in [CANARY, "GITHUB_TOKEN", "root:", "sandbox::secrets"] {
            assert!(!finished.output.contains(secret), "{:?} shows {secret}: {}", bench.level, finished.output);
        }
    }
}

#[tokio::test]
async fn inherited_descriptors_are_closed() {
    for bench in benches(ALL).await {
        let secret = File::open(bench.path("home/.netrc")).unwrap();
        // Unlike the file itself, its duplicate would be inherited.
        let duplicate = nix::fcntl::fcntl(&secret, nix::fcntl::FcntlArg::F_DUPFD(9)).unwrap();
        let finished = bench.shell(&format!("cat <&{duplicate}")).await;
        nix::unistd::close(duplicate).unwrap();
        assert!(finished.exit != Exit::Code(0) && !finished.output.contains(CANARY), "{:?}: {finished:?}", bench.level);
    }
}

#[tokio::test]
async fn nothing_outside_can_be_written() {
    for bench in benches(WALLS).await {
        fs::create_dir(bench.path("outside")).unwrap();
        fs::write(bench.path("outside/file"), "kept").unwrap();
        let outside = bench.path("outside");
        let script = format!(
            "cd {}; echo x > file; echo x >> file; : > file; truncate -s 0 file; rm file; mv file moved; ln -s x link; \
             mkdir folder; mknod pipe p; ln -s $PWD ~/out; echo x > ~/out/file; mv ~/out/file ~/; ln file ~/hard; \
             echo x > ~/hard; cp file /usr/bin/prentice-test; true",
            outside.display()
        );
        bench.shell(&format!("({script}) 2>/dev/null")).await;
        assert_eq!(fs::read_to_string(bench.path("outside/file")).unwrap(), "kept", "{:?}", bench.level);
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1, "{:?}", bench.level);
        assert!(!Path::new("/usr/bin/prentice-test").exists());
    }
}

#[tokio::test]
async fn modes_outside_cannot_be_changed_where_the_view_is_built() {
    for bench in benches(&[Level::Namespaces]).await {
        fs::create_dir(bench.path("shared")).unwrap();
        fs::write(bench.path("shared/file"), "text").unwrap();
        let mut command = bench.command(&["sh", "-c", "cat $0/file; chmod 777 $0/file 2>/dev/null || echo denied"]);
        command.argv.push(bench.path("shared").display().to_string());
        command.readable.push(bench.path("shared"));
        let finished = bench.sandbox().run(&command, &CancellationToken::new()).await.unwrap();
        assert_eq!(finished.output, "textdenied\n");
    }
}

#[tokio::test]
async fn a_link_left_in_the_scratch_folder_opens_nothing_to_the_next_command() {
    for bench in benches(WALLS).await {
        fs::create_dir(bench.path("outside")).unwrap();
        let script = format!("mv $HOME/../tmp $HOME/../old; ln -s {} $HOME/../tmp", bench.path("outside").display());
        bench.check(&script, Exit::Code(0), "").await;
        let command = bench.command(&["sh", "-c", "echo x > $TMPDIR/file"]);
        let next = bench.sandbox().run(&command, &CancellationToken::new()).await;
        assert!(!next.is_ok_and(|finished| finished.exit.is_success()), "{:?}", bench.level);
        assert_eq!(fs::read_dir(bench.path("outside")).unwrap().count(), 0, "{:?}", bench.level);
    }
}

#[tokio::test]
async fn a_command_has_a_place_for_temporary_files() {
    for bench in benches(ALL).await {
        bench.check("echo a > $TMPDIR/a && echo b > ~/b && cat $TMPDIR/a ~/b", Exit::Code(0), "a\nb\n").await;
        assert!(bench.path("scratch/tmp/a").exists() && bench.path("scratch/home/b").exists());
    }
    for bench in benches(&[Level::Namespaces]).await {
        bench.check("echo a > /tmp/a && cat $TMPDIR/a /var/tmp/a", Exit::Code(0), "a\na\n").await;
    }
}

#[tokio::test]
async fn a_program_that_is_a_link_opens_nothing_outside() {
    for bench in benches(WALLS).await {
        let secret = bench.path("home/tool");
        fs::write(&secret, format!("#!/bin/sh\necho {CANARY}\n")).unwrap();
        fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink(&secret, bench.path("tree/tool")).unwrap();
        let result = bench.sandbox().run(&bench.command(&["./tool"]), &CancellationToken::new()).await;
        assert!(matches!(result, Err(SandboxError::Failed { .. })), "{:?}: {result:?}", bench.level);
    }
}

#[tokio::test]
async fn folders_may_be_named_by_a_link() {
    for bench in benches(ALL).await {
        std::os::unix::fs::symlink(bench.folder.path(), bench.path("link")).unwrap();
        fs::create_dir(bench.path("tree/sub")).unwrap();
        let mut command = bench.command(&["sh", "-c", "echo a > ../a && echo b > $TMPDIR/b && echo c > ~/c && pwd"]);
        command.work_tree = bench.path("link/tree");
        command.directory = bench.path("link/tree/sub");
        command.scratch = bench.path("link/scratch");
        let finished = bench.sandbox().run(&command, &CancellationToken::new()).await.unwrap();
        let real = bench.path("tree/sub").canonicalize().unwrap();
        assert_eq!((finished.exit, finished.output), (Exit::Code(0), format!("{}\n", real.display())));
        assert!(bench.path("tree/a").exists());
    }
}

#[tokio::test]
async fn the_network_is_out_of_reach() {
    if !has_python() {
        return;
    }
    for bench in benches(WALLS).await {
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.set_nonblocking(true).unwrap();
        let named = std::os::unix::net::UnixListener::bind(bench.path("home/socket")).unwrap();
        let datagram = std::os::unix::net::UnixDatagram::bind(bench.path("home/datagram")).unwrap();
        datagram.set_nonblocking(true).unwrap();
        let program = format!(
            "import socket\n\
             def tries(family, kind, *address):\n\
             \x20try:\n\
             \x20 s = socket.socket(family, kind); s.settimeout(1)\n\
             \x20 s.sendto(b'x', *address) if kind == socket.SOCK_DGRAM else s.connect(*address)\n\
             \x20 print('reached', address)\n\
             \x20except OSError: pass\n\
             tries(socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', {tcp}))\n\
             tries(socket.AF_INET, socket.SOCK_STREAM, ('169.254.169.254', 80))\n\
             tries(socket.AF_UNIX, socket.SOCK_STREAM, '{home}/socket')\n\
             tries(socket.AF_UNIX, socket.SOCK_STREAM, '/var/run/docker.sock')\n\
             try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {udp}))\n\
             except OSError: pass\n\
             tries(socket.AF_UNIX, socket.SOCK_DGRAM, '{home}/datagram')\n\
             for family, kind in (40, 1), (17, 3), (16, 3), (2, 3), (38, 5):\n\
             \x20try: socket.socket(family, kind, 0 if family != 16 else 12); print('socket', family)\n\
             \x20except OSError: pass\n\
             print('yes')",
            tcp = tcp.local_addr().unwrap().port(),
            udp = udp.local_addr().unwrap().port(),
            home = bench.path("home").display(),
        );
        bench.python(&program).await;
        assert!(udp.recv(&mut [0; 1]).is_err() && datagram.recv(&mut [0; 1]).is_err(), "{:?}", bench.level);
        drop((tcp, named));
    }
}

#[tokio::test]
async fn the_network_of_the_machine_is_there_for_who_may_fetch_and_its_sockets_are_not() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};
    if !has_python() {
        return;
    }
    for bench in benches(WALLS).await {
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let named = UnixListener::bind(bench.path("home/socket")).unwrap();
        let name = bench.path("abstract").display().to_string();
        let unnamed = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let program = format!(
            "import socket\n\
             socket.create_connection(('127.0.0.1', {port}), 5).close()\n\
             open('/etc/resolv.conf').read()\n\
             for place in '{home}/socket', '\\0{name}':\n\
             \x20try: socket.socket(socket.AF_UNIX).connect(place); print('reached', place)\n\
             \x20except OSError: pass\n\
             a, b = socket.socketpair(); a.send(b'x')\n\
             try: open('{home}/.netrc'); print('read')\n\
             except OSError: pass\n\
             print('yes')",
            port = tcp.local_addr().unwrap().port(),
            home = bench.path("home").display(),
        );
        let mut command = bench.command(&["python3", "-c", &program]);
        command.network = Network::Machine;
        let finished = bench.sandbox().run(&command, &CancellationToken::new()).await.unwrap();
        assert_eq!(finished.output, "yes\n", "{:?}", bench.level);
        drop((named, unnamed));
    }
}

#[tokio::test]
async fn the_own_loopback_works_in_namespaces() {
    if !has_python() {
        return;
    }
    for bench in benches(&[Level::Namespaces]).await {
        let program = "import socket\n\
                       for host in '127.0.0.1', '::1', 'localhost', socket.gethostname():\n\
                       \x20family = socket.AF_INET6 if ':' in host else socket.AF_INET\n\
                       \x20s = socket.create_server((host, 0), family=family)\n\
                       \x20socket.create_connection((host, s.getsockname()[1])).close()\n\
                       print('yes')";
        bench.python(program).await;
        let path = "import socket, os\n\
                    for place in '/tmp/s', os.environ['HOME'] + '/s', os.getcwd() + '/s', '\\0s':\n\
                    \x20s = socket.socket(socket.AF_UNIX); s.bind(place); s.listen()\n\
                    \x20socket.socket(socket.AF_UNIX).connect(place)\n\
                    print('yes')";
        bench.python(path).await;
    }
}

#[tokio::test]
async fn honest_tests_find_what_they_need() {
    if !has_python() {
        return;
    }
    for bench in benches(ALL).await {
        let pool = "import multiprocessing, operator\n\
                    with multiprocessing.Pool(4) as p: assert p.map(operator.neg, range(9)) == [-n for n in range(9)]\n\
                    print('yes')";
        bench.python(pool).await;
        let rest = "import socket, subprocess, tempfile, os, random, getpass\n\
                    a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'\n\
                    assert subprocess.run(['sh', '-c', 'echo x'], capture_output=True).stdout == b'x\\n'\n\
                    tempfile.NamedTemporaryFile().write(os.urandom(9)); os.openpty()\n\
                    open('/dev/null', 'w').write('x'); os.cpu_count(); os.mkfifo('f'); os.symlink('f', 'l')\n\
                    os.chmod('f', 0o600); os.rename('l', 'm'); os.makedirs('d/e'); os.rename('m', 'd/e/m')\n\
                    print('yes')";
        bench.python(rest).await;
    }
}

#[tokio::test]
async fn dangerous_calls_are_denied() {
    if !has_python() {
        return;
    }
    for bench in benches(WALLS).await {
        let program = "import ctypes, os\n\
                       libc = ctypes.CDLL(None, use_errno=True)\n\
                       CLONE_NEWUSER, PTRACE_ATTACH = 0x10000000, 16\n\
                       assert libc.unshare(CLONE_NEWUSER) == -1\n\
                       assert libc.mount(b'none', b'/', b'tmpfs', 0, None) == -1\n\
                       assert libc.ptrace(PTRACE_ATTACH, os.getppid(), 0, 0) == -1\n\
                       assert libc.chroot(b'/') == -1\n\
                       child = os.fork()\n\
                       if child == 0: os._exit(3)\n\
                       assert os.waitpid(child, 0)[1] == 3 << 8\n\
                       print('yes')";
        bench.python(program).await;
    }
}

#[tokio::test]
async fn limits_end_the_command() {
    for mut bench in benches(ALL).await {
        bench.limits.file_bytes = 1 << 20;
        let finished = bench.run(&["head", "-c", "3000000", "/dev/zero"]).await;
        assert_eq!(finished.exit, Exit::Code(0), "output is not a file");
        fs::write(bench.path("tree/write.sh"), "exec head -c 3000000 /dev/zero > big").unwrap();
        assert_eq!(bench.run(&["sh", "write.sh"]).await.exit, Exit::Signal(nix::libc::SIGXFSZ), "{:?}", bench.level);
        assert_eq!(fs::metadata(bench.path("tree/big")).unwrap().len(), 1 << 20);

        bench.limits.processes = 40;
        let pipe = bench.pipe();
        let many = "exec 3>pipe; i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i + 1)); done; wait";
        assert_eq!(bench.shell(many).await.exit, Exit::TooManyProcesses, "{:?}", bench.level);
        read_to_the_end(pipe, bench.level);
    }
}

#[tokio::test]
async fn processor_time_is_limited_over_all_processes() {
    for mut bench in benches(ALL).await {
        bench.limits.cpu = Duration::from_secs(1);
        let two = "(while :; do :; done) & (while :; do :; done) & wait";
        assert_eq!(bench.shell(two).await.exit, Exit::OutOfCpu, "{:?}", bench.level);
        assert_eq!(bench.shell("sleep 2").await.exit, Exit::Code(0), "{:?}", bench.level);
    }
}

#[tokio::test]
async fn a_burst_of_processes_is_ended_to_the_last() {
    for mut bench in benches(ALL).await {
        bench.limits.processes = 200;
        let pipe = bench.pipe();
        let burst = "exec 3>pipe; b() { if [ $1 -gt 0 ]; then b $(($1 - 1)) & b $(($1 - 1)) & wait; else sleep 1000; fi; }; b 10";
        assert_eq!(bench.shell(burst).await.exit, Exit::TooManyProcesses, "{:?}", bench.level);
        read_to_the_end(pipe, bench.level);
    }
}

#[tokio::test]
async fn memory_is_counted_over_all_processes_but_shared_memory_once() {
    if !has_python() {
        return;
    }
    for mut bench in benches(ALL).await {
        bench.limits.memory_bytes = 400 << 20;
        let hogs = "import os, signal\nfor i in range(3): os.fork()\nx = bytearray(100 << 20); signal.pause()";
        assert_eq!(bench.run(&["python3", "-c", hogs]).await.exit, Exit::OutOfMemory, "{:?}", bench.level);
        let sharing = "import os, time\n\
                       x = bytearray(100 << 20)\n\
                       children = [os.fork() for i in range(3)]\n\
                       time.sleep(0.5)\n\
                       if 0 in children: os._exit(0)\n\
                       print('yes')";
        bench.python(sharing).await;
        let workers = "import os, time\n\
                       x = bytearray(200 << 20); me = os.getpid()\n\
                       for i in range(4):\n\
                       \x20if os.getpid() == me: os.fork()\n\
                       time.sleep(0.5)\n\
                       if os.getpid() == me: print('yes')";
        bench.python(workers).await;
    }
}
