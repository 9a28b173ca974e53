//! The peer played against a program with many ways to behave. One test program, so that the waits
//! of one file's tests are the work of another's.

mod browser;
mod common;
mod drip;
mod endings;
mod machine;
mod pictures;
mod programs;
mod rooms;
mod surroundings;
mod verbs;
mod verdicts;
mod watchdog;
