//! What the walls of the sandbox hold, and what they cost: `cargo bench --bench walls`.
//!
//! For each level that this kernel offers: attacks by test code on secrets, processes, network, limits and files, each with
//! a twin of the same shape and honest content that has to work; then the time of one command against a plain spawn, in the
//! same run. It ends with 1 when an attack got through or a twin was blocked.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::exit,
    reason = "a bench: it reads the environment and the clock, starts programs and prints"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use prentice::sandbox::{
    Command, Exit, Finished, HostEnvironment, Level, Limits, LinuxSandbox, Network, Sandbox, Unconfined, probe,
};
use tokio_util::sync::CancellationToken;

const HELPER: &str = env!("CARGO_BIN_EXE_prentice");
const CANARY: &str = "canary-71b3";

/// A machine with secrets around a work tree.
struct Stage {
    folder: tempfile::TempDir,
    level: Level,
}

impl Stage {
    fn new(level: Level) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secrets = [
            "home/.netrc",
            "home/.config/gh/hosts.yml",
            "home/.cargo/credentials.toml",
            "home/.docker/config.json",
            "runner/_github_workflow/event.json",
            "runner/_runner_file_commands/set_env",
            "repo/.git/config",
            "repo/.git/hooks/post-commit",
            "home/.cargo/bin/tool",
        ];
        for name in secrets {
            let place = folder.path().join(name);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            // Programs of toolchains may be read.
            fs::write(place, if name.ends_with("bin/tool") { "a program" } else { CANARY }).unwrap();
        }
        for name in ["tree", "scratch"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        Self { folder, level }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn sandbox(&self) -> Box<dyn Sandbox> {
        let mut variables: BTreeMap<String, String> =
            std::env::vars().filter(|(name, _)| ["PATH", "PYENV_ROOT"].contains(&name.as_str())).collect();
        if let Some(pyenv) = std::env::home_dir().map(|home| home.join(".pyenv")).filter(|folder| folder.is_dir()) {
            variables.entry("PYENV_ROOT".to_owned()).or_insert(pyenv.display().to_string());
        }
        variables.insert("HOME".to_owned(), self.at("home").display().to_string());
        variables.insert("GITHUB_TOKEN".to_owned(), CANARY.to_owned());
        variables.insert("RUNNER_TEMP".to_owned(), self.at("runner").display().to_string());
        let host = HostEnvironment::new(variables);
        match self.level {
            Level::Off => Box::new(Unconfined::new(host, HELPER.into())),
            level => Box::new(LinuxSandbox::new(host, HELPER.into(), level)),
        }
    }

    fn command(&self, argv: &[&str], limits: Limits) -> Command {
        Command {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            directory: self.at("tree"),
            work_tree: self.at("tree"),
            scratch: self.at("scratch"),
            readable: Vec::new(),
            links: Vec::new(),
            network: Network::Own,
            environment: BTreeMap::new(),
            limits,
        }
    }

    async fn run(&self, argv: &[&str], limits: Limits) -> Finished {
        self.sandbox().run(&self.command(argv, limits), &CancellationToken::new()).await.unwrap()
    }

    async fn python(&self, program: &str) -> Finished {
        let program = program.replace("OUTSIDE", &self.at("").display().to_string());
        self.run(&["python3", "-c", &program], short()).await
    }

    /// The bytes of every file outside of the work tree and its private folder.
    fn outside(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        for name in ["home", "runner", "repo"] {
            collect(&self.at(name), &mut found);
        }
        found
    }
}

fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            collect(&entry.path(), found);
        } else {
            found.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
}

fn short() -> Limits {
    Limits { wall: Duration::from_secs(30), ..Limits::default() }
}

/// One row: the attack's name, whether it was held off, whether its honest twin worked; `None` where the level says that it
/// does not offer that.
type Row = (&'static str, bool, Option<bool>);

/// Shows its secrets in clear, backwards or encoded.
fn leaks(output: &str) -> bool {
    let backwards: String = CANARY.chars().rev().collect();
    [CANARY, &backwards, "Y2FuYXJ5LTcxYjM", "63616e6172792d37316233"].iter().any(|form| output.contains(form))
}

async fn secrets(stage: &Stage) -> Vec<Row> {
    let print = "import os, base64\n\
                 for k, v in os.environ.items(): print(k, v, v[::-1], base64.b64encode(v.encode()).decode(), v.encode().hex())";
    let honest = "import os; print(os.environ['CI'], bool(os.environ['PATH'] and os.environ['HOME']))";
    // What is looked for in the output must not stand in the program: its own command line is part of what it prints.
    let processes = "import glob\n\
                     for p in glob.glob('/proc/*/environ') + glob.glob('/proc/*/cmdline') + glob.glob('/proc/*/maps'):\n\
                     \x20try: print(open(p, 'rb').read())\n\
                     \x20except OSError: pass\n\
                     import os\n\
                     for p in os.listdir('/proc') if os.access('/proc', os.R_OK) else []:\n\
                     \x20if p.isdigit():\n\
                     \x20 try:\n\
                     \x20  own = not open('/proc/%s/cmdline' % p, 'rb').read().startswith(b'/proc/self/exe')\n\
                     \x20  open('/proc/%s/mem' % p, 'rb'); print('own' if own else 'mem of a ' + 'helper')\n\
                     \x20 except OSError: pass";
    let files = "import os\n\
                 for top in ('OUTSIDEhome', 'OUTSIDErunner', 'OUTSIDErepo', '/etc/shadow', '/root', '/var/run/docker.sock'):\n\
                 \x20for folder, _, names in os.walk(top):\n\
                 \x20 for name in names:\n\
                 \x20  try: print(open(os.path.join(folder, name), 'rb').read())\n\
                 \x20  except OSError: pass\n\
                 \x20try: print(open(top, 'rb').read())\n\
                 \x20except OSError: pass";
    let own = "import os, tempfile\n\
               open('own.cfg', 'w').write('x'); f = tempfile.NamedTemporaryFile(); f.write(b'y')\n\
               print(open('own.cfg').read(), os.path.exists(f.name))";
    let trace = "import ctypes, os\n\
                 libc = ctypes.CDLL(None, use_errno=True)\n\
                 print(libc.ptrace(16, os.getppid(), 0, 0) == 0, libc.process_vm_readv(os.getppid(), 0, 0, 0, 0, 0) == 0)";
    let child = "import subprocess, signal\n\
                 p = subprocess.Popen(['sleep', '60']); p.send_signal(signal.SIGTERM); print(p.wait() == -15)";
    let held = async |program: &str| !leaks(&stage.python(program).await.output);
    let says = async |program: &str, word: &str| {
        let finished = stage.python(program).await;
        finished.exit == Exit::Code(0) && finished.output.trim() == word
    };
    let mem = !stage.python(processes).await.output.contains("mem of a helper");
    vec![
        ("F01 prints its environment", held(print).await, Some(says(honest, "true True").await)),
        (
            "F02 reads /proc of others",
            held(processes).await && mem,
            Some(says("import os; print(os.cpu_count() > 0)", "True").await),
        ),
        ("F03 reads credentials, runner files, .git, sockets", held(files).await, Some(says(own, "x True").await)),
        ("F04 traces its parent", says(trace, "False False").await, Some(says(child, "True").await)),
    ]
}

async fn network(stage: &Stage) -> Vec<Row> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let six = std::net::TcpListener::bind("[::1]:0").ok();
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_nonblocking(true).unwrap();
    let name = stage.at("abstract").display().to_string();
    let named = UnixListener::bind(stage.at("home/socket")).unwrap();
    let unnamed = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let program = format!(
        "import socket as s\n\
         def t(f, k, a, p=0):\n\
         \x20try:\n\
         \x20 c = s.socket(f, k, p); c.settimeout(0.5)\n\
         \x20 c.sendto(b'x', a) if k != s.SOCK_STREAM else c.connect(a)\n\
         \x20 print('reached', a)\n\
         \x20except OSError: pass\n\
         t(s.AF_INET, s.SOCK_STREAM, ('127.0.0.1', {tcp})); t(s.AF_INET6, s.SOCK_STREAM, ('::1', {six}))\n\
         t(s.AF_INET, s.SOCK_STREAM, ('169.254.169.254', 80)); t(s.AF_INET, s.SOCK_STREAM, ('1.1.1.1', 443))\n\
         t(s.AF_INET, s.SOCK_RAW, ('127.0.0.1', 0), 1)\n\
         t(s.AF_UNIX, s.SOCK_STREAM, '{home}/socket'); t(s.AF_UNIX, s.SOCK_STREAM, '\\0{name}')\n\
         t(s.AF_UNIX, s.SOCK_STREAM, '/var/run/docker.sock')\n\
         try: print('resolved', s.getaddrinfo('example.com', 80))\n\
         except OSError: pass\n\
         try: s.socket(s.AF_INET, s.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {udp}))\n\
         except OSError: pass",
        tcp = tcp.local_addr().unwrap().port(),
        six = six.as_ref().map_or(1, |six| six.local_addr().unwrap().port()),
        udp = udp.local_addr().unwrap().port(),
        home = stage.at("home").display(),
    );
    let finished = stage.python(&program).await;
    let held = finished.output.trim().is_empty() && udp.recv(&mut [0; 1]).is_err();
    drop((named, unnamed));
    fs::remove_file(stage.at("home/socket")).unwrap();
    let honest = "import socket, tempfile, os\n\
                  l = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(l.getsockname()); c.send(b'x')\n\
                  p = os.path.join(tempfile.mkdtemp(), 's'); u = socket.socket(socket.AF_UNIX); u.bind(p); u.listen()\n\
                  socket.socket(socket.AF_UNIX).connect(p); print('talked')";
    let twin = match stage.level {
        Level::Landlock => None,
        _ => Some(stage.python(honest).await.output.trim() == "talked"),
    };
    vec![("F05 TCP, UDP, DNS, raw, IPv6, unix, abstract, metadata", held, twin)]
}

async fn leftovers(stage: &Stage) -> Vec<Row> {
    let mark = format!("{}", std::process::id() + 7_000_000);
    let daemon = format!(
        "import os, time\n\
         if os.fork() == 0:\n\
         \x20os.setsid()\n\
         \x20if os.fork() == 0:\n\
         \x20 os.close(1); os.close(2); os.execvp('sleep', ['sleep', '{mark}'])\n\
         \x20os._exit(0)\n\
         time.sleep(0.3); os.system('crontab -l 2>/dev/null; echo true | at now 2>/dev/null')"
    );
    stage.python(&daemon).await;
    let still = fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        fs::read(entry.path().join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(&mark))
    });
    let helper = "import subprocess\np = subprocess.Popen(['sh', '-c', 'sleep 0.1; echo done'], stdout=subprocess.PIPE)\nprint(p.communicate()[0].decode())";
    let twin = stage.python(helper).await.output.trim() == "done";
    vec![("F06 daemon, double fork, setsid, cron, at", !still, Some(twin))]
}

async fn limits(stage: &Stage) -> Vec<Row> {
    let run = async |script: &str, change: fn(&mut Limits)| {
        let mut limits = short();
        change(&mut limits);
        stage.run(&["python3", "-c", script], limits).await
    };
    let bomb =
        run("import os\nwhile True:\n try: os.fork()\n except OSError: pass", |limits| limits.processes = 150).await;
    let memory =
        run("x = []\nwhile True: x.append(bytearray(1 << 24))", |limits| limits.memory_bytes = 300 << 20).await;
    let file =
        run("f = open('big', 'wb')\nwhile True: f.write(b'x' * (1 << 20))", |limits| limits.file_bytes = 8 << 20).await;
    let log = run("for _ in range(300000): print('noise ' * 10)", |limits| limits.output_bytes = 1 << 16).await;
    let sleep = run("import time; time.sleep(1000)", |limits| limits.wall = Duration::from_secs(1)).await;
    let spin = run("while True: pass", |limits| limits.cpu = Duration::from_secs(1)).await;
    let held = bomb.exit == Exit::TooManyProcesses
        && memory.exit == Exit::OutOfMemory
        && file.exit != Exit::Code(0)
        && log.dropped_bytes > 0
        && sleep.exit == Exit::TimedOut
        && spin.exit == Exit::OutOfCpu;
    let honest = "import multiprocessing as m, sys\n\
                  with m.get_context('fork').Pool(4) as p: p.map(abs, range(99))\n\
                  x = bytearray(150 << 20); open('f', 'wb').write(b'x' * (4 << 20)); print('fine')";
    let twin = run(honest, |limits| {
        (limits.processes, limits.memory_bytes, limits.file_bytes) = (150, 600 << 20, 8 << 20);
    });
    let twin = twin.await.output.trim() == "fine";
    fs::remove_file(stage.at("tree/big")).ok();
    vec![("F07 fork bomb, memory, file, log, sleep, processor", held, Some(twin))]
}

async fn writes(stage: &Stage) -> Vec<Row> {
    let before = stage.outside();
    let program = "import os\n\
                   for p in ('repo/.git/hooks/post-commit', 'repo/.git/config', 'runner/_runner_file_commands/set_env', 'home/.cargo/bin/tool', 'home/.bashrc'):\n\
                   \x20for how in ('w', 'a'):\n\
                   \x20 try: open('OUTSIDE' + p, how).write('taken')\n\
                   \x20 except OSError: pass\n\
                   \x20try: os.remove('OUTSIDE' + p)\n\
                   \x20except OSError: pass\n\
                   \x20try: os.symlink('OUTSIDE' + p, 'l%d' % len(p)); open('l%d' % len(p), 'w').write('taken')\n\
                   \x20except OSError: pass";
    stage.python(program).await;
    let held = stage.outside() == before;
    let honest = "import os\nos.makedirs('build/cache'); open('build/cache/a.o', 'w').write('x')\n\
                  os.makedirs(os.path.expanduser('~/.cache/tool')); open(os.path.expanduser('~/.cache/tool/b'), 'w').write('y'); print('built')";
    let twin = stage.python(honest).await.output.trim() == "built";
    vec![("F08 writes hooks, command files, programs", held, Some(twin))]
}

/// Attacks on what is judged: they need the whole program.
fn judged() -> Vec<Row> {
    let check = "echo 1..2; sh t.sh && echo ok 1 - works || echo not ok 1 - works; test -f src && echo ok 2 - there\n";
    let verdict = |files: &[(&str, &str)]| -> String {
        let folder = tempfile::tempdir().unwrap();
        let repo = folder.path().join("repo");
        fs::create_dir(&repo).unwrap();
        let git = |words: &[&str]| {
            let name = ["-c", "user.name=t", "-c", "user.email=t@t.invalid"];
            let done = std::process::Command::new("git").args(name).args(words).current_dir(&repo).output().unwrap();
            assert!(done.status.success(), "git {words:?}");
        };
        git(&["init", "-q", "-b", "main"]);
        let base =
            [("check.sh", check), ("src", "wrong\n"), ("t.sh", "true\n"), (".prentice.yml", "checks: [sh check.sh]\n")];
        for (commit, files) in [("base", &base[..]), ("change", files)] {
            for (name, text) in files {
                fs::write(repo.join(name), text).unwrap();
            }
            git(&["add", "-A"]);
            git(&["commit", "-q", "-m", commit]);
        }
        let mut command = std::process::Command::new(HELPER);
        command.args(["certify", "HEAD~1..HEAD", "--tests", "t.sh", "--json"]).current_dir(&repo);
        let output = command.output().unwrap();
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        told["verdict"].as_str().unwrap_or_default().to_owned()
    };
    let honest = [("src", "right\n"), ("t.sh", "grep -q right src\n")];
    let proven = verdict(&honest) == "proven";
    let edits = verdict(&[("t.sh", "echo right > src; grep -q right src\n")]);
    let forges = verdict(&[("t.sh", "echo 'ok 1 - works' > report; echo ok 1 - works; exit 0\n")]);
    let policy = verdict(&[("t.sh", "printf 'checks: [\"true\"]\\n' > .prentice.yml; false\n")]);
    vec![
        (
            "F09 edits the source or the results while it is judged",
            edits != "proven" && forges != "proven",
            Some(proven),
        ),
        ("F10 rewrites the settings for the next command", policy == "refused", Some(proven)),
    ]
}

/// The median time of one command, in milliseconds.
async fn cost(level: Option<Level>) -> f64 {
    const TIMES: usize = 60;
    let mut all = Vec::new();
    let stage = Stage::new(level.unwrap_or(Level::Off));
    let sandbox = stage.sandbox();
    let command = stage.command(&["/bin/true"], short());
    for _ in 0..TIMES {
        let start = Instant::now();
        match level {
            Some(_) => drop(sandbox.run(&command, &CancellationToken::new()).await.unwrap()),
            None => assert!(std::process::Command::new("/bin/true").status().unwrap().success()),
        }
        all.push(start.elapsed());
    }
    all.sort();
    all[TIMES / 2].as_secs_f64() * 1000.0
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let host = HostEnvironment::new(std::env::vars().collect());
    let mut failed = false;
    let mut rows: Vec<(Level, Row)> = Vec::new();
    let mut levels = Vec::new();
    for level in [Level::Namespaces, Level::Landlock] {
        let found = probe(&host, Path::new(HELPER), level).await;
        if !found.holds() {
            println!("{level:?}: not on this machine: {}", found.failed.join(", "));
            continue;
        }
        levels.push(level);
        for group in [0, 1, 2, 3, 4] {
            let stage = Stage::new(level);
            let found = match group {
                0 => secrets(&stage).await,
                1 => network(&stage).await,
                2 => leftovers(&stage).await,
                3 => limits(&stage).await,
                _ => writes(&stage).await,
            };
            rows.extend(found.into_iter().map(|row| (level, row)));
        }
    }
    if let Some(level) = levels.first() {
        rows.extend(judged().into_iter().map(|row| (*level, row)));
    }
    println!("{:<12} {:<58} {:<9} twin", "level", "attack", "held off");
    for (level, (name, held, twin)) in &rows {
        let twin_words = match twin {
            Some(true) => "works",
            Some(false) => "BLOCKED",
            None => "not offered, and said",
        };
        println!("{:<12} {name:<58} {:<9} {twin_words}", format!("{level:?}"), if *held { "yes" } else { "NO" });
        failed |= !held || *twin == Some(false);
    }
    let plain = cost(None).await;
    println!("\n{:<12} {plain:.2} ms", "plain spawn");
    for level in levels.into_iter().chain([Level::Off]) {
        let time = cost(Some(level)).await;
        println!("{:<12} {time:.2} ms, {:.2} ms more", format!("{level:?}"), time - plain);
    }
    std::process::exit(i32::from(failed));
}
