//! What a server says of an installation on which forms cannot be read.

use crate::command::castor_in;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The E-14 service alone, without libraries and models, in a folder of its own; its database and the core are away.
fn variables(folder: &str) -> [(&'static str, &str); 4] {
    [
        ("CASTOR_HOME", folder),
        ("CASTOR_DATA", folder),
        ("E14_DATABASE_URL", "postgresql://castor@127.0.0.1:1/e14"),
        ("CORE_SERVICE_URL", "http://127.0.0.1:1"),
    ]
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn the_check_says_when_forms_cannot_be_read_here() {
    let empty = tempfile::tempdir().unwrap();
    let port = free_port().to_string();
    let mut variables = variables(empty.path().to_str().unwrap()).to_vec();
    variables.push(("CASTOR_PORT", &port));
    let run = castor_in(&variables, ["serve", "--check", "--services", "e14"]);
    assert_eq!(run.code, Some(2), "its database is down: {run:?}");
    for (name, state) in [
        ("reader", "Degraded"),
        ("service:core", "Degraded"),
        ("database:e14", "Down"),
    ] {
        let line = run.out.lines().find(|line| line.contains(&format!(" {name} ")));
        assert!(line.is_some_and(|line| line.starts_with(state)), "{name}: {run:?}");
    }
}

/// Ends with the test, however it ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The answer to a GET, once somebody listens.
fn get(port: u16, path: &str) -> String {
    let began = Instant::now();
    loop {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
            write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            return answer;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "nobody listens");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_server_says_when_forms_cannot_be_read_here_and_lives() {
    let empty = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut command = Command::new(env!("CARGO_BIN_EXE_castor"));
    command
        .args(["serve", "--services", "e14"])
        .envs(variables(empty.path().to_str().unwrap()))
        .env("CASTOR_PORT", port.to_string());
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _server = Server(quiet.spawn().unwrap());
    assert!(get(port, "/api/health/live").starts_with("HTTP/1.1 200"));
    let told = get(port, "/api/health/dependencies");
    let reader = r#""name":"reader","state":"degraded","reason":"a library or a model is missing"#;
    assert!(told.contains(reader), "{told}");
}
