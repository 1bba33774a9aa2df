//! `castor serve --check` and `castor user add`, as a person who sets a server up runs them.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const CASTOR: &str = env!("CARGO_BIN_EXE_castor");

fn check(data: &Path, variables: &[(&str, &str)]) -> Output {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let mut command = Command::new(CASTOR);
    command.args(["serve", "--check"]).env("CASTOR_DATA", data);
    command.env("CASTOR_PORT", port).envs(variables.iter().copied());
    command.output().unwrap()
}

#[test]
fn a_check_refuses_what_serve_would_refuse_and_makes_nothing() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let wrong = [
        ("CASTOR_LOG", "no=such=filter"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[nowhere"),
        ("RATE_LIMIT_READ", "many"),
    ];
    for (variable, value) in wrong {
        let refused = check(&data, &[(variable, value)]);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{variable}: {said}");
        assert!(said.contains(&format!("{variable}: ")), "{said}");
        assert!(!data.exists(), "{variable}");
    }
    let looked = check(&data, &[]);
    let said = String::from_utf8_lossy(&looked.stdout);
    assert!(looked.status.success(), "{said}");
    assert!(said.contains("signing key") && said.contains("serve makes"), "{said}");
    assert!(!data.exists());
}

/// On a terminal of its own, which shows what is typed unless it is told not to.
#[cfg(target_os = "linux")]
#[test]
fn a_password_that_is_typed_is_not_shown() {
    let place = tempfile::tempdir().unwrap();
    let add = format!("{CASTOR} user add --email a@example.org --role ADMIN --first-name A --last-name B");
    let mut terminal = Command::new("script")
        .args(["--quiet", "--return", "--command", &add, "/dev/null"])
        .env("CASTOR_DATA", place.path())
        // Nobody is there: the command ends after the password.
        .env("CORE_DATABASE_URL", "postgres://castor@127.0.0.1:1/castor")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut keys, mut screen) = (terminal.stdin.take().unwrap(), terminal.stdout.take().unwrap());
    let (mut shown, mut piece) = (String::new(), [0; 256]);
    while !shown.contains("password: ") {
        let count = screen.read(&mut piece).unwrap();
        assert!(count > 0, "{shown}");
        shown.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    // It asks first and then turns the showing off.
    std::thread::sleep(Duration::from_secs(3));
    keys.write_all(b"una frase secreta\r").unwrap();
    screen.read_to_string(&mut shown).unwrap();
    assert_eq!(terminal.wait().unwrap().code(), Some(1), "{shown}");
    assert!(shown.contains("castor: "), "it went on with the password: {shown}");
    assert!(!shown.contains("secreta"), "{shown}");
}
