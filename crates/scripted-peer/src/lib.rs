//! A peer that follows a script against a program and tells what it saw
