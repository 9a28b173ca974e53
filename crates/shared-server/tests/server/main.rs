//! The engine with services of other people: one test program, so that one test can wait while
//! another works.

mod dispatcher;
mod flood;
mod own_service;
mod watchdog;
