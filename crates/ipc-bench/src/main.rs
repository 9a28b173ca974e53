//! Measures the ways to send bytes between processes on your own machine. How much latency does the
//! network stack add, for which message sizes, and where does it add none?
//!
//! The way through the files: [`plan`] says which [`case`]s are measured, [`run`] has two processes
//! ([`children`] holds them, [`child`] is what they do) measure them in shuffled slices,
//! [`summary`] turns the slices into figures and ratios, [`environment`] reads what machine it was,
//! and [`report`] writes the report. [`serve_vs`] and [`surprises`] are separate programs. Before
//! all that, [`places`] finds out where files can go, and [`quota`] whether a CPU quota applies;
//! [`units`] and [`output`] format and print.

#[cfg(target_os = "linux")]
mod arguments;
#[cfg(target_os = "linux")]
mod case;
#[cfg(target_os = "linux")]
mod channel;
#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod children;
#[cfg(target_os = "linux")]
mod environment;
#[cfg(target_os = "linux")]
mod exchange;
#[cfg(target_os = "linux")]
mod interrupt;
#[cfg(target_os = "linux")]
mod output;
#[cfg(target_os = "linux")]
mod places;
#[cfg(target_os = "linux")]
mod plan;
#[cfg(target_os = "linux")]
mod processors;
#[cfg(target_os = "linux")]
mod quota;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod serve_vs;
#[cfg(target_os = "linux")]
mod stats;
#[cfg(target_os = "linux")]
mod summary;
#[cfg(target_os = "linux")]
mod surprises;
#[cfg(target_os = "linux")]
mod units;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    arguments::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!(
        "ipc-bench: this program needs Linux: it pins processes to CPUs, compares Unix seqpacket \
         sockets, and reads the machine's state from /proc. A virtual machine or WSL 2 will do."
    );
    std::process::ExitCode::FAILURE
}
