//! The files of the deployment say what the program does: figures, variables, ports, the way to each service; and what they run.

use crate::world::{World, folder, free_port, send};
use castor_server::config::{Config, Secret, Service};
use castor_server::error::ErrorCode;
use castor_server::role::Role;
use castor_server::routes;
use castor_server::running::Running;
use reqwest::Method;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use uuid::Uuid;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every name that begins so, outside of lines of comment.
fn names(text: &str, beginning: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(|line| line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')))
        .filter(|name| name.starts_with(beginning))
        .map(ToOwned::to_owned)
        .collect()
}

#[test]
fn rules_and_panels_speak_of_figures_that_there_are() {
    let described = names(&text("crates/castor-server/src/figures.rs"), "castor_");
    let rules = text("deploy/prometheus/objectives.yml");
    let panels = text("deploy/grafana/dashboards/objectives.json");
    let recorded: BTreeSet<String> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- record: ").map(ToOwned::to_owned))
        .collect();
    for (file, text) in [("objectives.yml", &rules), ("objectives.json", &panels)] {
        let used = names(text, "castor_");
        assert!(!used.is_empty(), "{file}");
        for name in used {
            let whole = ["_bucket", "_count", "_sum"]
                .iter()
                .find_map(|part| name.strip_suffix(part))
                .unwrap_or(&name);
            assert!(
                described.contains(whole),
                "{file} speaks of {name}, which the server does not have"
            );
        }
        for name in names(text, "castor:") {
            assert!(
                recorded.contains(&name),
                "{file} speaks of {name}, which no rule records"
            );
        }
    }
    assert!(recorded.len() > 5, "{recorded:?}");
}

#[test]
fn a_host_elsewhere_that_does_not_answer_is_nobodys_fault_and_a_reading_is_no_slow_answer() {
    let rules = text("deploy/prometheus/objectives.yml");
    let faults: Vec<&str> = rules.lines().filter(|line| line.contains("status=~\"5..\"")).collect();
    assert!(faults.len() > 1, "{faults:?}");
    for line in faults {
        assert!(line.contains("status!=\"502\""), "{line}");
    }
    let (_, rule) = rules.split_once("record: castor:request_seconds:p95").unwrap();
    let rule = rule.lines().nth(1).unwrap();
    assert!(rule.contains("|e14/(process.*|"), "{rule}");
    let table = routes(&Service::ALL.into()).table();
    assert!(table.iter().any(|route| route.path.starts_with("/api/e14/process")));
}

/// `x-…` blocks and services of the compose file: their lines without what stands before them.
fn blocks(compose: &str) -> BTreeMap<String, Vec<String>> {
    let mut blocks: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut part, mut block) = (String::new(), String::new());
    for line in compose.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let depth = line.len() - line.trim_start().len();
        let inner = if part.starts_with("x-") { 2 } else { 4 };
        match line.trim_end().split_once(':') {
            Some((name, _)) if depth == 0 => {
                name.clone_into(&mut part);
                name.clone_into(&mut block);
            }
            Some((name, "")) if depth == 2 && part == "services" => name.trim().clone_into(&mut block),
            _ if depth >= inner => blocks.entry(block.clone()).or_default().push(line[inner..].to_owned()),
            _ => {}
        }
    }
    blocks
}

/// What is set beside the compose file.
type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The variables that a service is given, as they are where nobody sets more than what must be set.
fn given(blocks: &BTreeMap<String, Vec<String>>, service: &str) -> BTreeMap<String, String> {
    given_with(blocks, service, &|_| None)
}

/// The variables that a service is given.
fn given_with(blocks: &BTreeMap<String, Vec<String>>, service: &str, set: Environment<'_>) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    let own = blocks[service]
        .iter()
        .skip_while(|line| *line != "environment:")
        .skip(1);
    for line in own.take_while(|line| line.starts_with("  ")) {
        let (name, value) = line.trim().split_once(": ").unwrap();
        if name == "<<" {
            for shared in value
                .split(|c: char| !c.is_ascii_lowercase())
                .filter(|name| !name.is_empty())
            {
                let lines = &blocks[&format!("x-{shared}")];
                let pairs = lines.iter().filter_map(|line| line.split_once(": "));
                variables.extend(pairs.map(|(name, value)| (name.to_owned(), filled(value, set))));
            }
        } else {
            variables.insert(name.to_owned(), filled(value, set));
        }
    }
    variables
}

/// `${NAME:-what stands there without it}`, `${NAME:+what stands there with it}`; what must be set is long enough for a secret.
fn filled(value: &str, set: Environment<'_>) -> String {
    let Some((before, rest)) = value.split_once("${") else {
        return value.trim_matches('"').to_owned();
    };
    let (variable, after) = rest.split_once('}').unwrap();
    let name = variable.split(':').next().unwrap();
    let inner = match (variable.split_once(":-"), variable.split_once(":+")) {
        (Some((_, otherwise)), _) => set(name).unwrap_or_else(|| otherwise.to_owned()),
        (None, Some((_, with))) => set(name).map_or_else(String::new, |_| with.to_owned()),
        (None, None) => set(name).unwrap_or_else(|| "0123456789012345678901234567890123456789".to_owned()),
    };
    format!("{before}{inner}{after}")
}

/// The variables that the program reads.
fn read() -> BTreeSet<String> {
    let asked = RefCell::new(BTreeSet::new());
    let variable = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        // The variables of a store are read where there is one.
        (name == "E14_OBJECTS_URL").then(|| "s3://actas".to_owned())
    };
    Config::from_variables(Service::ALL.into(), variable).unwrap();
    let elsewhere = [
        "CASTOR_LOG",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "CASTOR_HOME",
        "CASTOR_MODEL",
    ];
    let mut asked = asked.into_inner();
    asked.extend(elsewhere.map(ToOwned::to_owned));
    asked
}

#[test]
fn services_are_given_variables_that_the_program_reads_and_can_use() {
    let (blocks, read) = (blocks(&text("docker-compose.yml")), read());
    let runs = [
        ("core", "core"),
        ("e14", "e14"),
        ("dashboard", "dashboard"),
        ("worker", "e14"),
        ("tools", "core,e14,dashboard"),
    ];
    let of_castor = |lines: &&Vec<String>| lines.contains(&"<<: *castor".to_owned());
    assert_eq!(blocks.values().filter(of_castor).count(), runs.len());
    for (service, runs) in runs {
        let given = given(&blocks, service);
        assert!(given.len() > 8, "{service}: {given:?}");
        for name in given.keys() {
            assert!(
                read.contains(name),
                "{service} is given {name}, which the program does not read"
            );
        }
        let config = Config::from_variables(Service::parse_list(runs).unwrap(), |name| given.get(name).cloned());
        let config = config.unwrap_or_else(|error| panic!("{service}: {error}"));
        for runs in &config.services {
            assert!(
                config.databases.of(*runs).is_some(),
                "{service} has no database of {}",
                runs.name()
            );
        }
    }
    for line in text("Dockerfile").lines().filter(|line| line.starts_with("ENV ")) {
        for (name, _) in line.split(' ').filter_map(|pair| pair.split_once('=')) {
            assert!(
                read.contains(name),
                "the image sets {name}, which the program does not read"
            );
        }
    }
}

/// The variables of the handbook's table, with those that it names beside others.
fn of_the_handbook() -> BTreeSet<String> {
    let handbook = text("docs/SERVER.md");
    let (_, table) = handbook.split_once("## Variables").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let is_variable = |name: &&str| {
        name.contains('_')
            && name
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    let named = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    named.filter(is_variable).map(ToOwned::to_owned).collect()
}

/// What the compose file decides itself, since its other parts depend on it.
const DECIDED: [&str; 19] = [
    "CASTOR_DATA",
    "CASTOR_HOST",
    "CASTOR_PORT",
    "CASTOR_POSTGRES_BIN",
    "CASTOR_TRUSTED_PROXIES",
    "CASTOR_UI",
    "CORE_DATABASE_URL",
    "CORE_SERVICE_PORT",
    "CORE_SERVICE_URL",
    "DASHBOARD_DATABASE_URL",
    "DASHBOARD_SERVICE_PORT",
    "DASHBOARD_SERVICE_URL",
    "DATABASE_URL",
    "E14_DATABASE_URL",
    "E14_SERVICE_PORT",
    "E14_SERVICE_URL",
    "E14_SOURCE",
    "E14_WORKERS",
    "REDIS_URL",
];

/// Who reads the others.
const READ_BY: [(&str, &[&str]); 7] = [
    (
        "core",
        &[
            "JWT_SECRET_KEY",
            "JWT_PRIVATE_KEY_FILE",
            "JWT_REFRESH_TOKEN_EXPIRES",
            "CASTOR_REGISTRATION",
        ],
    ),
    (
        "core e14 dashboard",
        &[
            "JWT_ACCESS_TOKEN_EXPIRES",
            "RATE_LIMIT_DEFAULT",
            "RATE_LIMIT_AUTH",
            "RATE_LIMIT_WORK",
            "CASTOR_BODY_LIMIT",
            "CASTOR_BODY_TIMEOUT",
            "CASTOR_REQUEST_TIMEOUT",
        ],
    ),
    (
        "core e14 dashboard worker tools",
        &[
            "CASTOR_DATABASE_CONNECTIONS",
            "CASTOR_LOG",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ],
    ),
    (
        "e14 worker tools",
        &[
            "E14_OBJECTS_URL",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_REGION",
            "AWS_ENDPOINT",
            "AWS_ALLOW_HTTP",
        ],
    ),
    (
        "e14 worker",
        &[
            "E14_FILE_LIMIT",
            "E14_PAGE_LIMIT",
            "E14_READERS",
            "E14_QUEUE_LIMIT",
            "E14_ATTEMPTS",
            "E14_RETRY_PAUSE",
            "E14_LEASE",
            "E14_AGEING",
            "E14_SECOND_PERCENT",
            "E14_SECOND_SEED",
        ],
    ),
    ("e14", &["E14_FETCH_HOSTS", "E14_FETCH_TIMEOUT", "RATE_LIMIT_READ"]),
    (
        "dashboard",
        &[
            "ANTHROPIC_API_KEY",
            "OPENAI_API_KEY",
            "TWITTER_BEARER_TOKEN",
            "OPENAI_MODEL",
            "OPENAI_EMBEDDING_MODEL",
            "OLLAMA_BASE_URL",
            "TWITTER_DAILY_LIMIT",
            "TWITTER_MONTHLY_LIMIT",
            "TWITTER_CACHE_TTL",
            "SENTIMENT_CACHE_TTL",
            "TRENDING_CACHE_TTL",
        ],
    ),
];

#[test]
fn what_is_set_beside_the_compose_file_reaches_who_reads_it_and_nobody_else() {
    let blocks = blocks(&text("docker-compose.yml"));
    let services = ["core", "e14", "dashboard", "worker", "tools"];
    let set = |name: &str| Some(format!("set-{name}"));
    let given: BTreeMap<&str, _> = services
        .map(|service| (service, given_with(&blocks, service, &set)))
        .into();
    let mut known: BTreeSet<&str> = DECIDED.into();
    for (readers, variables) in READ_BY {
        for variable in variables {
            known.insert(variable);
            for service in services {
                let due = readers
                    .split(' ')
                    .any(|reader| reader == service)
                    .then(|| format!("set-{variable}"));
                assert_eq!(given[service].get(*variable), due.as_ref(), "{variable} of {service}");
            }
        }
    }
    assert_eq!(given["e14"]["E14_SOURCE"], "/source");
    assert!(blocks["e14"].contains(&"  - ${E14_SOURCE:-source}:/source:ro".to_owned()));
    for variable in of_the_handbook() {
        assert!(known.contains(&*variable), "nobody has said who is given {variable}");
    }
}

#[test]
fn the_image_is_built_once_and_no_service_fills_the_disk_with_what_it_says() {
    let compose = text("docker-compose.yml");
    let blocks = blocks(&compose);
    let built = |lines: &&Vec<String>| lines.contains(&"build: .".to_owned());
    assert_eq!(
        blocks.values().filter(built).count(),
        1,
        "two builds of one name disturb each other"
    );
    let has = |block: &str, line: &str| blocks[block].iter().any(|known| known == line);
    assert!(has("x-castor", "logging: *logging"));
    assert!(has("x-logging", "options: { max-size: 50m, max-file: \"5\" }"));
    let (_, services) = compose.split_once("\nservices:\n").unwrap();
    let (services, _) = services.split_once("\nnetworks:\n").unwrap();
    let is_service = |line: &&str| line.starts_with("  ") && line.trim_end().ends_with(':') && !line.starts_with("   ");
    let services: Vec<&str> = services.lines().filter(is_service).collect();
    assert!(services.len() > 8, "{services:?}");
    for service in services {
        let service = service.trim().trim_end_matches(':');
        let limited = has(service, "logging: *logging") || has(service, "<<: *castor");
        assert!(limited, "{service}");
        let ours = has(service, "<<: *castor") || has(service, "image: castor:latest");
        let fetched = ours && !has(service, "<<: *castor") && !has(service, "pull_policy: never");
        assert!(!fetched, "{service} would be looked for elsewhere");
    }
}

#[tokio::test]
async fn the_core_alone_can_sign_tokens_and_the_others_start_without_its_key() {
    let blocks = blocks(&text("docker-compose.yml"));
    for (service, runs) in [
        ("core", "core"),
        ("e14", "e14"),
        ("dashboard", "dashboard"),
        ("worker", "e14"),
    ] {
        let given = given(&blocks, service);
        let mut config =
            Config::from_variables(Service::parse_list(runs).unwrap(), |name| given.get(name).cloned()).unwrap();
        let data = folder();
        config.data = data.path().to_owned();
        config.redis = None;
        let running = Running::open(config)
            .await
            .unwrap_or_else(|error| panic!("{service}: {error}"));
        let token = running
            .server
            .keys
            .access(Uuid::nil(), Uuid::nil(), Role::Admin, Duration::from_secs(60));
        assert_eq!(token.is_ok(), service == "core", "{service}");
        assert_eq!(data.path().join("keys").exists(), service == "core", "{service}");
    }
    let with_secret =
        |name: &str| (name == "JWT_SECRET_KEY").then(|| "0123456789012345678901234567890123456789".to_owned());
    let given = given_with(&blocks, "core", &with_secret);
    let config = Config::from_variables([Service::Core].into(), |name| given.get(name).cloned()).unwrap();
    assert_eq!(
        config.jwt_secret.as_ref().map(Secret::reveal),
        with_secret("JWT_SECRET_KEY").as_deref()
    );
    // The folder with the key is nobody else's.
    let has_keys = |lines: &&Vec<String>| lines.iter().any(|line| line.contains("core:/data"));
    assert!(has_keys(&&blocks["core"]));
    assert_eq!(blocks.values().filter(has_keys).count(), 1);
}

#[test]
fn what_the_gateway_answers_itself_has_the_form_of_the_services_answers() {
    let nginx = text("deploy/nginx.conf");
    let mut told = BTreeMap::new();
    for (_, answer) in nginx
        .lines()
        .filter_map(|line| line.split_once("{ return ").or(line.split_once("internal; return ")))
    {
        let Some((status, body)) = answer.split_once(" '") else {
            continue;
        };
        let body: serde_json::Value = serde_json::from_str(body.split_once("';").unwrap().0).unwrap();
        assert_eq!(body["ok"], false);
        assert!(body["error"]["message"].as_str().unwrap().len() > 10);
        let name = body["error"]["code"].as_str().unwrap();
        let code = ErrorCode::ALL.into_iter().find(|code| code.name() == name);
        assert_eq!(
            code.unwrap_or_else(|| panic!("{name}")).status().as_str(),
            status,
            "{name}"
        );
        told.insert(status.to_owned(), name.to_owned());
    }
    for line in nginx.lines().filter_map(|line| line.trim().strip_prefix("error_page ")) {
        let (_, place) = line.trim_end_matches(';').split_once(" = ").unwrap();
        let location = |line: &str| {
            line.contains(&format!("location {place} {{")) || line.contains(&format!("location = {place} {{"))
        };
        assert!(nginx.lines().any(location), "{place}");
    }
    for status in ["413", "429", "502", "503", "504"] {
        assert!(
            nginx
                .lines()
                .any(|line| line.contains("error_page ") && line.contains(status)),
            "{status} of nginx is a page of its own"
        );
    }
    assert_eq!(told["429"], "RATE_LIMITED");
    assert_eq!(told["503"], "UPSTREAM_UNAVAILABLE");
    let waits = nginx.lines().find(|line| line.contains("$own_wait {")).unwrap();
    assert!(waits.contains("\" 429\" 1") && waits.contains("\" 503\" 5"), "{waits}");
}

#[test]
fn probes_and_figures_are_asked_for_at_the_ports_of_the_services() {
    let (blocks, scraped) = (
        blocks(&text("docker-compose.yml")),
        text("deploy/prometheus/prometheus.yml"),
    );
    for service in Service::ALL {
        let (name, port) = (service.name(), service.port());
        let lines = blocks[name].join("\n");
        assert!(
            lines.contains(&format!("command: [\"serve\", \"--services\", \"{name}\"]")),
            "{lines}"
        );
        assert!(
            lines.contains(&format!("[\"CMD\", \"castor-probe\", \"{port}\"]")),
            "{lines}"
        );
        assert!(scraped.contains(&format!("targets: [{name}:{port}]")), "{scraped}");
    }
    let worker = blocks["worker"].join("\n");
    assert!(worker.contains("\"--listen\", \"0.0.0.0:5004\"") && worker.contains("\"castor-probe\", \"5004\""));
    assert!(scraped.contains("names: [worker]") && scraped.contains("port: 5004"));
}

/// What the gateway does with a path: the service that it goes to, or none where the gateway answers itself.
type Way = Option<String>;

/// The locations of the server behind TLS.
#[derive(Default)]
struct Gateway {
    exact: Vec<(String, Way)>,
    /// In their order; a path that ends there where the last is true.
    patterns: Vec<(String, bool, Way)>,
    prefixes: Vec<(String, Way)>,
}

impl Gateway {
    fn read(text: &str) -> Self {
        let mut gateway = Self::default();
        let text: String = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .collect();
        for location in text.split_once("listen 443").unwrap().1.split("location ").skip(1) {
            let (head, body) = location.split_once('{').unwrap();
            let body = body.split_once('}').unwrap().0;
            let passed = body
                .split_once("proxy_pass $")
                .map(|(_, rest)| rest.split_once(';').unwrap().0);
            let way = passed.map(ToOwned::to_owned);
            match head.trim().split_once(' ') {
                None => gateway.prefixes.push((head.trim().to_owned(), way)),
                Some(("=", path)) => gateway.exact.push((path.to_owned(), way)),
                Some(("~", pattern)) => {
                    for path in expanded(pattern.strip_prefix('^').unwrap()) {
                        let (path, ends) = path.strip_suffix('$').map_or((&*path, false), |path| (path, true));
                        gateway.patterns.push((path.to_owned(), ends, way.clone()));
                    }
                }
                Some((kind, _)) => panic!("this test does not know locations with {kind}"),
            }
        }
        gateway
    }

    /// As nginx chooses: the exact one, else the first pattern, else the longest beginning.
    fn way(&self, path: &str) -> &Way {
        let exact = self.exact.iter().find(|(exact, _)| exact == path).map(|(_, way)| way);
        let fits =
            |(known, ends, _): &&(String, bool, Way)| if *ends { known == path } else { path.starts_with(known) };
        let pattern = || self.patterns.iter().find(fits).map(|(.., way)| way);
        let prefix = || {
            let fitting = self.prefixes.iter().filter(|(prefix, _)| path.starts_with(prefix));
            fitting.max_by_key(|(prefix, _)| prefix.len()).map(|(_, way)| way)
        };
        exact.or_else(pattern).or_else(prefix).unwrap()
    }
}

/// `a(b|c(d|e))` as `ab`, `acd`, `ace`.
fn expanded(pattern: &str) -> Vec<String> {
    let Some(open) = pattern.find('(') else {
        return vec![pattern.to_owned()];
    };
    let (mut depth, mut cuts) = (0, vec![open]);
    for (at, c) in pattern.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 1 && c == '|' || depth == 0 && c == ')' {
            cuts.push(at);
        }
        if depth == 0 && c == ')' {
            break;
        }
    }
    let (before, after) = (&pattern[..open], &pattern[cuts[cuts.len() - 1] + 1..]);
    cuts.windows(2)
        .flat_map(|cut| expanded(&format!("{before}{}{after}", &pattern[cut[0] + 1..cut[1]])))
        .collect()
}

fn paths(document: &str) -> BTreeSet<String> {
    let document: serde_json::Value = serde_json::from_str(document).unwrap();
    document["paths"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_gateway_sends_every_path_to_a_service_that_has_it() {
    assert_eq!(expanded("a(b|c(d|e))f"), ["abf", "acdf", "acef"]);
    let nginx = text("deploy/nginx.conf");
    let gateway = Gateway::read(&nginx);
    let of: BTreeMap<&str, BTreeSet<String>> = Service::ALL
        .into_iter()
        .map(|service| {
            assert!(nginx.contains(&format!("set ${0} http://{0}:{1};", service.name(), service.port())));
            let document = routes(&[service].into()).openapi().to_json().unwrap();
            (service.name(), paths(&document))
        })
        .collect();
    for path in paths(&text("docs/openapi.json")) {
        match gateway.way(&path) {
            None => assert_eq!(path, "/api/metrics", "the gateway keeps it to itself"),
            Some(service) => assert!(
                of[&**service].contains(&path),
                "{path} goes to {service}, which does not have it"
            ),
        }
    }
    assert_eq!(gateway.way("/").as_deref(), Some("core"), "the console");
}

#[tokio::test]
async fn the_probe_of_the_image_says_whether_the_server_can_work() {
    let mut world = World::new().await;
    let probe = async |port: &str, path: &str| {
        let mut command = tokio::process::Command::new("bash");
        command.arg(root().join("deploy/probe.sh")).args([port, path]);
        command.output().await.unwrap().status.success()
    };
    let port = world.url.rsplit_once(':').unwrap().1.to_owned();
    assert!(probe(&port, "").await, "ready by itself");
    assert!(probe(&port, "/api/health/live").await);
    assert!(!probe(&port, "/api/nothing").await);
    world.stop().await;
    assert!(!probe(&port, "").await);
}

#[cfg(unix)]
#[test]
fn a_certificate_is_made_where_there_is_none_and_left_alone_where_there_is() {
    use std::os::unix::fs::PermissionsExt;
    let place = folder();
    let tls = place.path().join("tls");
    let make = || {
        let mut command = std::process::Command::new("sh");
        command
            .arg(root().join("deploy/certificate.sh"))
            .arg(&tls)
            .arg("actas.example.org");
        command.output().unwrap().status.success()
    };
    assert!(make());
    let (cert, key) = (tls.join("cert.pem"), tls.join("key.pem"));
    let (made, secret) = (std::fs::read(&cert).unwrap(), std::fs::read_to_string(&key).unwrap());
    assert!(secret.contains("PRIVATE KEY"));
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(make());
    assert_eq!(std::fs::read(&cert).unwrap(), made);
    let said = |from: &[u8]| String::from_utf8_lossy(from).into_owned();
    let again = || {
        let mut command = std::process::Command::new("sh");
        command.arg(root().join("deploy/certificate.sh")).arg(&tls);
        said(&command.output().unwrap().stderr)
    };
    assert_eq!(again(), "");
    let mut short = std::process::Command::new("openssl");
    short.args([
        "req",
        "-x509",
        "-key",
        key.to_str().unwrap(),
        "-days",
        "20",
        "-subj",
        "/CN=x",
        "-out",
    ]);
    let short = short.arg(&cert).output().unwrap();
    assert!(short.status.success(), "{}", said(&short.stderr));
    assert!(again().contains("ends within 30 days"), "{}", again());
    std::fs::remove_file(&key).unwrap();
    assert!(!make(), "one of two is a mistake that somebody must know of");
}

async fn page(world: &World) -> String {
    let page = send(world.request(Method::GET, "/api/metrics")).await.body;
    page.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_reads_the_figures_hears_of_dependencies_that_nobody_else_asked() {
    let nowhere = format!("redis://127.0.0.1:{}", free_port());
    // With another name for this machine nobody waits for the server to be ready.
    let url = crate::world::database().await.replace("127.0.0.1", "localhost");
    let world = World::with(&[("DATABASE_URL", &url), ("REDIS_URL", &nowhere)]).await;
    let began = Instant::now();
    while !page(&world)
        .await
        .contains("castor_dependency_up{name=\"shared:redis\"} 0")
    {
        assert!(began.elapsed() < Duration::from_secs(90), "{}", page(&world).await);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn counters_are_there_before_their_first_event() {
    let page = page(&World::new().await).await;
    let source = text("crates/castor-server/src/audit.rs");
    let mut actions = 0;
    for line in source.lines().filter_map(|line| line.split_once("=> \"")) {
        let action = line.1.trim_end_matches("\",");
        assert!(
            page.contains(&format!("castor_audit_events_total{{action=\"{action}\"}} ")),
            "{action}"
        );
        actions += 1;
    }
    assert!(actions > 10);
    for other in [
        "castor_auth_attempts_total{outcome=\"refused\"}",
        "castor_sync_events_total{outcome=\"refused\"}",
        "castor_sync_files_total{outcome=\"whole\"}",
        "castor_corrections_total",
        "castor_forms_processed_total",
    ] {
        assert!(page.contains(&format!("\n{other} ")), "{other}: {page}");
    }
}

#[tokio::test]
async fn what_clients_make_up_makes_no_figures() {
    let world = World::new().await;
    for n in 0..5 {
        let made_up = Method::from_bytes(format!("MADEUP{n}").as_bytes()).unwrap();
        send(world.request(made_up.clone(), "/api/health")).await;
        send(world.request(made_up, "/api/nothing")).await;
        for path in [
            "/madeup/",
            "/api/madeup/",
            "/api/docs/madeup",
            "/api/leads/madeup",
            "/assets/madeup",
        ] {
            send(world.request(Method::GET, &format!("{path}{n}"))).await;
        }
    }
    let page = page(&world).await;
    let about: Vec<&str> = page
        .lines()
        .filter(|line| line.to_lowercase().contains("madeup"))
        .collect();
    assert!(about.is_empty(), "{about:?}");
    assert!(page.contains("castor_http_requests_total{method=\"other\",route=\"/api/health\",status=\"405\"}"));
    assert!(page.contains("castor_http_requests_total{method=\"other\",route=\"(none)\",status=\"404\"}"));
}

#[tokio::test]
async fn what_desks_send_is_counted_once_it_is_kept() {
    use castor_testkit::review::{begun, says};
    use castor_wire::event::{id_text, to_text};
    use serde_json::json;
    let world = World::new().await;
    let user = world.user(Role::Validator).await;
    let names = [
        "castor_sync_events_total{outcome=\"accepted\"}",
        "castor_sync_events_total{outcome=\"refused\"}",
        "castor_forms_received_total",
        "castor_corrections_total",
        "castor_sync_files_total{outcome=\"differs\"}",
        "castor_db_write_duration_seconds_count",
    ];
    let figures = async || {
        let page = page(&world).await;
        let value = |name: &str| {
            let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            // Times begin with the first of them.
            let line = line.or(name.ends_with("_count").then_some("0"));
            line.unwrap_or_else(|| panic!("{name}: {page}")).parse::<u64>().unwrap()
        };
        names.map(value)
    };
    let before = figures().await;
    let form = "d1".repeat(32);
    let taken = begun(700_000).into_iter().chain([says(700_005, 1, 4)]);
    let mut events: Vec<_> = taken
        .map(|one| (id_text(one.id), one.at.0, one.by, to_text(&one.event).unwrap()))
        .collect();
    // What is no event is refused.
    events.push((Uuid::new_v4().to_string(), 1, "Ana".to_owned(), "{}".to_owned()));
    let count = u64::try_from(events.len()).unwrap();
    let events: Vec<_> = (1..)
        .zip(events)
        .map(|(counter, (id, at, by, body))| {
            json!({ "counter": counter, "id": id, "form": form, "at": at, "by": by, "body": body })
        })
        .collect();
    let push = json!({ "protocol": 1, "client": Uuid::new_v4(), "events": events });
    for _ in 0..2 {
        let answer = world.post("/api/sync/push", &user.access, push.clone()).await.data();
        assert_eq!(answer["settled"].as_array().unwrap().len(), events.len());
    }
    let piece = world
        .request(Method::POST, &format!("/api/blobs/{form}?offset=0&total=3&kind=file"))
        .bearer_auth(&user.access)
        .header("content-type", "application/octet-stream")
        .body("abc");
    assert_eq!(send(piece).await.code(), "CONFLICT");
    let after = figures().await;
    // Other tests count into the same figures.
    for (n, least) in [count - 1, 1, 1, 1, 1, 1].into_iter().enumerate() {
        assert!(
            after[n] >= before[n] + least,
            "{}: {}, then {}",
            names[n],
            before[n],
            after[n]
        );
    }
}
