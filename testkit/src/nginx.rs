//! nginx with the configuration that the repository documents, in front of two processes.

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::ports::free_port;
use crate::prerequisites::{require, workspace};
use crate::process::{self, Directory, Service};

const START_BOUND: Duration = Duration::from_secs(30);

/// How often other ports are tried when the one chosen was taken meanwhile.
const PORTS_TRIED: usize = 5;

/// The directories in which nginx keeps bodies and answers that are too large for memory; the system's own are root's.
const TEMPORARY: [&str; 5] = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/// A running nginx on 127.0.0.1. It ends when dropped.
#[derive(Debug)]
pub struct Nginx {
    // Dropped in this order: the server first, then its directory.
    service: Service,
    _directory: Directory,
    address: SocketAddr,
}

impl Nginx {
    /// Starts `docs/deploy/nginx.conf`, with these two processes behind it, and the static files from `statics/static`.
    ///
    /// # Panics
    /// When it can't be started; with its log, or with what to install.
    pub fn start(upstreams: [SocketAddr; 2], statics: &Path) -> Self {
        // Debian has it where ordinary users do not look.
        let program =
            ["/usr/sbin/nginx", "/usr/local/sbin/nginx"].into_iter().map(Path::new).find(|path| path.is_file());
        let program = program.map_or_else(|| require("nginx", "nginx-light"), Path::to_path_buf);
        let directory = Directory::new("nginx", None);
        // Its workers are somebody else where this process is root's.
        for shown in [directory.path(), statics] {
            fs::set_permissions(shown, Permissions::from_mode(0o755)).expect("a directory of ours can be opened");
        }
        for _ in 0..PORTS_TRIED {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
            let configuration = directory.join("nginx.conf");
            fs::write(&configuration, placed(upstreams, statics, directory.path(), address))
                .expect("it can be written");
            let mut command = process::command(&program, Signal::SIGKILL, None);
            command.env_clear().arg("-c").arg(&configuration).arg("-p").arg(directory.path());
            command.args(["-e", "stderr", "-g", "daemon off;"]);
            let mut service = Service::spawn("nginx", command, directory.join("nginx.log"));
            if service.wait_until(START_BOUND, || TcpStream::connect(address).is_ok()) {
                return Self { service, _directory: directory, address };
            }
            let log = service.log_tail();
            assert!(log.contains("Address already in use"), "nginx ended at its start; its log ends:\n{log}");
        }
        panic!("nginx found its port taken {PORTS_TRIED} times, one after the other")
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it by themselves, which a kill would not let them know of at once.
        self.service.stop(Signal::SIGTERM);
    }
}

/// The documented configuration at the places of a test.
fn placed(upstreams: [SocketAddr; 2], statics: &Path, directory: &Path, address: SocketAddr) -> String {
    let documented =
        fs::read_to_string(workspace().join("docs/deploy/nginx.conf")).expect("the configuration is there");
    let (statics, directory) = (statics.display(), directory.display());
    let temporary: String =
        TEMPORARY.iter().map(|kind| format!("    {kind}_temp_path {directory}/{kind};\n")).collect();
    let places = [
        ("server api:8080", format!("server {}", upstreams[0])),
        ("server api-2:8080", format!("server {}", upstreams[1])),
        ("listen 80;", format!("listen {address};")),
        ("root /var/lib/orders;", format!("root {statics};")),
        ("/var/cache/nginx/", format!("{directory}/")),
        ("pid /run/nginx.pid;", format!("pid {directory}/nginx.pid;")),
        ("worker_processes auto;", "worker_processes 2;".to_owned()),
        // Whoever runs the tests may not raise it.
        ("worker_rlimit_nofile 16384;", String::new()),
        ("worker_connections 4096;", "worker_connections 512;".to_owned()),
        ("http {\n", format!("http {{\n{temporary}")),
    ];
    places.iter().fold(documented, |text, (documented, here)| {
        assert!(text.contains(documented), "docs/deploy/nginx.conf has no `{documented}`");
        text.replace(documented, here)
    })
}
