//! The peer played against a program with many ways to behave. One test program, so that the waits
//! of one file's tests are the work of another's.

mod activation;
mod broker;
mod browser;
mod common;
mod datagrams;
mod drip;
mod endings;
mod files;
mod gate;
mod hosts;
mod kernel;
mod machine;
mod notify;
mod pictures;
mod programs;
mod rooms;
mod stream;
mod surroundings;
mod verbs;
mod verdicts;
mod watchdog;
