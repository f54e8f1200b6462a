//! qlance: arguments, runtime, exit code.

use std::process::ExitCode;

use clap::Parser as _;
use qlance::cli::Cli;

fn main() -> ExitCode {
    if let Err(error) = color_eyre::install() {
        eprintln!("qlance: panics will be plain: {error}");
    }
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("qlance: no threads to work with: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(qlance::commands::run(cli));
    // Blocking work that outlives the command (a fsync, a model's pass) must not hold the exit back.
    runtime.shutdown_background();
    code
}
