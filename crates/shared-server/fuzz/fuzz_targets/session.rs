//! Any bytes from a client, on any schedule, held against the simulation's oracle: the replies, the
//! deadlines, the end. Run it with `RUSTC_BOOTSTRAP=1 cargo fuzz run session`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, Vec<u8>)| {
    let (seed, bytes) = input;
    shared_server::fuzz(seed, bytes);
});
