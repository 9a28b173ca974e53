//! Does the program tell good servers from bad ones?

mod gallery;

use gallery::{bad, good, visit};

#[test]
fn the_good_ones_are_good() {
    visit(good::manners());
}

#[test]
fn the_splitter_is_found() {
    visit(bad::splitters());
}

#[test]
fn the_forgetful_is_found() {
    visit(bad::forgetful());
}

#[test]
fn the_careless_is_found() {
    visit(bad::careless());
}

#[test]
fn the_lonely_is_found() {
    visit(bad::lonely());
}

#[test]
fn the_silent_is_found() {
    visit(bad::silent());
}

#[test]
fn the_promise_is_an_argument() {
    visit(
        good::of_another_promise()
            .into_iter()
            .chain(bad::of_another_promise()),
    );
}

#[test]
fn twice_is_the_same() {
    gallery::crowd(good::plain(), 10);
    gallery::crowd(bad::splitter(), 10);
}
