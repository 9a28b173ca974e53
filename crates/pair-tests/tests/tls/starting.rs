//! A server that cannot be one says why, in one line.

use super::harness::{file, server_program};

#[test]
fn what_does_not_fit_is_one_line_that_names_the_file_and_what_to_do() {
    let (certificate, key) = (file("server.pem"), file("server.key"));
    let (other, none) = (file("client.key"), file("make.sh"));
    let (c, k) = ("--tls-cert", "--tls-key");
    for (arguments, names, advises) in [
        (vec![c, &certificate], &certificate, k),
        (vec![k, &key], &key, c),
        (vec!["--tls-client-ca", &certificate], &certificate, c),
        (vec![c, &certificate, k, &other], &other, k),
        (vec![c, &none, k, &key], &none, c),
        (vec![c, &certificate, k, &none], &none, k),
        (vec![c, "/nowhere", k, &key], &"/nowhere".to_owned(), c),
        (vec![c, &key, k, &key], &key, c),
        (
            vec![c, &certificate, k, &key, "--tls-client-ca", &none],
            &none,
            "--tls-client-ca",
        ),
    ] {
        let server = server_program(&arguments);
        server.exits_with(2).now();
        let told = server.stderr();
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(
            told.contains(names.as_str()) && told.contains(advises),
            "{told}"
        );
        assert_eq!(server.stdout(), "");
    }
}

#[test]
fn who_leaves_tls_off_builds_none_of_it() {
    for package in ["tcp-server", "tcp-client", "unix-server", "shared-server"] {
        let mut tree = std::process::Command::new(env!("CARGO"));
        tree.args(["tree", "--offline", "--locked", "--edges", "normal,build"]);
        let output = tree.args(["--package", package]).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(
            told.starts_with(package),
            "{output:?}",
            output = output.stderr
        );
        for name in ["rustls", "ring", "webpki", "shared-tls"] {
            assert!(!told.contains(name), "{package} builds {name}:\n{told}");
        }
    }
}
