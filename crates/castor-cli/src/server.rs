//! `castor serve`, `castor worker`, `castor user`, `castor migrate`: one line each over castor-server.

use anyhow::{Context, Result, bail};
use castor_server::role::Role;
use castor_server::user::NewUser;
use castor_server::{Config, Service, State, add_user, check, logs, migrate, serve, work};
use clap::{Args, Subcommand};
use std::collections::BTreeSet;
use std::future::Future;
use std::io::{BufRead, IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

/// What `castor serve` takes; docs/SERVER.md lists the variables.
#[derive(Args)]
pub(crate) struct ServeArguments {
    /// Services, such as `core,e14`; all by default.
    #[arg(long, value_parser = Service::parse_list)]
    services: Option<BTreeSet<Service>>,
    /// Reads the configuration, looks at what the server depends on, says what it would make, makes and changes nothing, ends.
    #[arg(long)]
    check: bool,
    /// Folder of the built interface, to serve its console at `/`; CASTOR_UI.
    #[arg(long, value_name = "DIR")]
    ui: Option<String>,
}

/// What `castor worker` takes.
#[derive(Args)]
pub(crate) struct WorkerArguments {
    /// Forms read at a time; as many as there are cores by default.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Where it answers for its health and figures (`/api/health`, `/api/metrics`); nowhere by default.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

/// Accounts of the server.
#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Makes an account; the first administrator is made this way. The password is read from the
    /// standard input; a terminal does not show it.
    Add(AddArguments),
}

/// Who.
#[derive(Args)]
pub(crate) struct AddArguments {
    /// E-mail address.
    #[arg(long)]
    email: String,
    /// ADMIN, ANALYST, OPERATOR, VALIDATOR, AUDITOR, OBSERVER or VIEWER.
    #[arg(long)]
    role: String,
    /// First name.
    #[arg(long)]
    first_name: String,
    /// Last name.
    #[arg(long)]
    last_name: String,
}

fn run<T>(task: impl Future<Output = T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(task);
    // A reading that hangs has a thread that nothing ends.
    runtime.shutdown_background();
    Ok(done)
}

pub(crate) fn config(services: Option<&BTreeSet<Service>>) -> Result<Config> {
    Ok(Config::from_env(
        services.cloned().unwrap_or_else(|| Service::ALL.into()),
    )?)
}

/// The environment, and what the command says beside it.
fn serving(arguments: &ServeArguments) -> Result<Config> {
    let services = arguments.services.clone().unwrap_or_else(|| Service::ALL.into());
    let variable = |name: &str| match (name, &arguments.ui) {
        ("CASTOR_UI", Some(folder)) => Some(folder.clone()),
        _ => std::env::var(name).ok(),
    };
    Ok(Config::from_variables(services, variable)?)
}

/// Serves until it is ended, or checks alone.
pub(crate) fn run_server(arguments: &ServeArguments) -> Result<ExitCode> {
    let config = serving(arguments)?;
    if arguments.check {
        logs::look().map_err(anyhow::Error::msg)?;
        let checks = run(check(config))??;
        for check in &checks {
            let reason = check.reason.as_deref().unwrap_or_default();
            println!(
                "{:<10} {} {} ms {reason}",
                format!("{:?}", check.state),
                check.name,
                check.milliseconds
            );
        }
        let well = checks.iter().all(|check| check.state != State::Down);
        return Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(2) });
    }
    let _logs = logs::begin().map_err(anyhow::Error::msg)?;
    let console = config.ui.is_some() && config.runs(Service::Core);
    let ready = |address| {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "CASTOR server: http://{address}/api/docs");
        if console {
            let _ = writeln!(out, "CASTOR console: http://{address}/");
        }
    };
    run(serve(config, ready, castor_server::serve::signalled()))??;
    Ok(ExitCode::SUCCESS)
}

/// Reads queued forms until it is ended.
pub(crate) fn run_worker(arguments: &WorkerArguments) -> Result<ExitCode> {
    let mut config = config(Some(&[Service::E14].into()))?;
    let places = arguments.jobs.map_or(config.work.readers, usize::from);
    config.work.workers = places;
    config.work.readers = places;
    let _logs = logs::begin().map_err(anyhow::Error::msg)?;
    let ready = |places| {
        let _ = writeln!(std::io::stdout().lock(), "CASTOR worker: {places} forms at a time");
    };
    run(work(config, arguments.listen, ready, castor_server::serve::signalled()))??;
    Ok(ExitCode::SUCCESS)
}

/// Makes an account.
pub(crate) fn add(arguments: AddArguments) -> Result<ExitCode> {
    let Some(role) = Role::parse(&arguments.role) else {
        let names: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
        bail!(
            "there is no role \"{}\"; there are {}",
            arguments.role,
            names.join(", ")
        );
    };
    let password = password()?;
    let new = NewUser {
        email: arguments.email,
        password: password.trim_end_matches(['\r', '\n']).to_owned(),
        first_name: arguments.first_name,
        last_name: arguments.last_name,
        ..NewUser::default()
    };
    let user = run(add_user(config(Some(&[Service::Core].into()))?, new, role))??;
    println!("{} {} {}", user.id, user.email, role.name());
    Ok(ExitCode::SUCCESS)
}

/// From a terminal unseen, from a pipe as its first line.
fn password() -> Result<String> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password("password: ").context("no password on the terminal");
    }
    let mut password = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut password)
        .context("no password on the standard input")?;
    Ok(password)
}

/// Brings the databases up to date.
pub(crate) fn bring_up_to_date() -> Result<ExitCode> {
    run(migrate(config(None)?))??;
    Ok(ExitCode::SUCCESS)
}
