//! A pgbouncer in transaction mode before the PostgreSQL of this run.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use reqwest::Url;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::World;
use super::world::name;

/// Connections to PostgreSQL that all clients share: few, so that each is passed from hand to hand.
const CONNECTIONS: usize = 6;

/// A running pgbouncer.
pub struct Pooler {
    program: Child,
    folder: PathBuf,
    /// Where it listens.
    pub port: u16,
}

impl Pooler {
    /// Starts one; none where the program is missing or the world has no PostgreSQL, which the run says.
    pub async fn start() -> Option<Self> {
        let World::Production(stores) = World::current() else {
            println!("skipped: it is about the production world");
            return None;
        };
        let found = [
            "/usr/sbin/pgbouncer",
            "/usr/bin/pgbouncer",
            "/opt/homebrew/bin/pgbouncer",
        ];
        let Some(binary) = found
            .iter()
            .find(|path| std::path::Path::new(path).exists())
        else {
            println!("skipped: there is no pgbouncer (apt-get install pgbouncer)");
            return None;
        };
        let server: Url = stores.app.parse().expect("it is the address of a database");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let address = listener.and_then(|listener| listener.local_addr());
        let port = address.expect("a port is free").port();
        let folder = std::env::temp_dir().join(format!("balance-pgbouncer-{}", name()));
        std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
        let users = folder.join("users.txt");
        std::fs::write(&users, format!("\"{}\" \"\"\n", server.username())).expect("it is written");
        let mut settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\n\
             default_pool_size = {CONNECTIONS}\nmax_client_conn = 200\n",
            server.port().unwrap_or(5432),
            users.display(),
        );
        // it refuses to be root
        if std::fs::metadata("/proc/self").is_ok_and(|own| is_root(&own)) {
            settings += "user = postgres\n";
        }
        let file = folder.join("pgbouncer.ini");
        std::fs::write(&file, settings).expect("it is written");
        let program = Command::new(binary)
            .arg("-q")
            .arg(&file)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("pgbouncer starts");
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Some(Self {
                    program,
                    folder,
                    port,
                });
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("pgbouncer does not listen on port {port}");
    }

    /// Ends it.
    pub async fn stop(mut self) {
        self.program.kill().await.expect("it can be killed");
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

#[cfg(unix)]
fn is_root(own: &std::fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(own) == 0
}

#[cfg(not(unix))]
fn is_root(_: &std::fs::Metadata) -> bool {
    false
}

/// The same database through a pooler.
pub fn through(url: &str, port: u16) -> String {
    let mut url: Url = url.parse().expect("it is the address of a database");
    url.set_port(Some(port)).expect("it has a host");
    url.into()
}
