//! The `castor` command.
#![expect(clippy::print_stdout, reason = "a command line prints its results")]

mod bench;
mod check;
mod desk;
mod e14;
mod former;
mod keeping;
mod load;
mod model;
mod ordered;
mod overlay;
mod report;
mod server;
mod table;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Reads Colombian E-14 forms and checks what they say.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Read and check E-14 forms.
    #[command(subcommand)]
    E14(E14),
    /// The review desk over HTTP, for a browser.
    Desk(desk::DeskArguments),
    /// Train and judge the symbol model.
    #[command(subcommand)]
    Model(model::Model),
    /// The server: accounts, queue, sync; everything on one port or one service alone.
    Serve(server::ServeArguments),
    /// Read the forms that the server has queued; as many workers as there are machines for.
    Worker(server::WorkerArguments),
    /// Accounts of the server.
    #[command(subcommand)]
    User(server::UserCommand),
    /// Measure the server, on a scratch cluster that is removed afterwards.
    #[command(subcommand)]
    Bench(load::Bench),
    /// Bring the server's databases up to date.
    Migrate,
    /// Write a backup of the server's databases, or of the desk of this computer.
    Backup(keeping::BackupArguments),
    /// Bring a backup back: into empty databases, or into a data folder that is not there yet.
    Restore(keeping::BackupArguments),
    /// Look through the data of the desk of this computer: database, log, files.
    Integrity(keeping::IntegrityArguments),
    /// Bring the data of a desk, or of a SQLite database of the former services, into the server's databases.
    ImportSqlite(former::ImportArguments),
    /// Draw synthetic sample forms, marked EJEMPLO, one of each family in each set.
    Sample {
        /// Folder to write them to.
        folder: PathBuf,
        /// Sets.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
        sets: u8,
    },
}

#[derive(Subcommand)]
enum E14 {
    /// Read forms: a PDF, an image, or a folder of page images is one form.
    Read(e14::ReadArguments),
    /// Run the checks alone, on readings that `castor e14 read --json` wrote.
    Check(check::CheckArguments),
    /// Measure reading: pages a second, time of the stages, memory.
    Bench(bench::BenchArguments),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            // Plain words: where in the program it happened helps nobody who reads this.
            eprintln!("castor: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::E14(E14::Read(arguments)) => e14::read(&arguments),
        Command::E14(E14::Check(arguments)) => check::check(&arguments),
        Command::E14(E14::Bench(arguments)) => bench::bench(&arguments),
        Command::Desk(arguments) => desk::serve(&arguments),
        Command::Model(command) => model::run(command),
        Command::Serve(arguments) => server::run_server(&arguments),
        Command::Worker(arguments) => server::run_worker(&arguments),
        Command::User(server::UserCommand::Add(arguments)) => server::add(arguments),
        Command::Bench(bench) => load::run(bench),
        Command::Migrate => server::bring_up_to_date(),
        Command::Backup(arguments) => keeping::backup(&arguments),
        Command::Restore(arguments) => keeping::restore(&arguments),
        Command::Integrity(arguments) => keeping::integrity(&arguments),
        Command::ImportSqlite(arguments) => former::import(&arguments),
        Command::Sample { folder, sets } => {
            castor_testkit::corpus::sample_forms(&folder, sets)?;
            println!("{}", folder.display());
            Ok(ExitCode::SUCCESS)
        }
    }
}
