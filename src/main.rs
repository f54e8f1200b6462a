//! qlance: arguments, runtime, exit code.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use qlance::cli::Cli;

fn main() -> ExitCode {
    if let Err(error) = tell_panics() {
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

/// Panics are told on stderr. Where nobody hears that any more it must not become a second panic: that would abort, and a
/// panic of one task leaves the others to end cleanly.
fn tell_panics() -> Result<(), color_eyre::Report> {
    let (panics, errors) = color_eyre::config::HookBuilder::default().try_into_hooks()?;
    errors.install()?;
    std::panic::set_hook(Box::new(move |panic| {
        let _ = writeln!(std::io::stderr(), "{}", panics.panic_report(panic));
    }));
    Ok(())
}
