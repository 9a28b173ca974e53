#!/bin/sh
# Makes chapter 20's test certificates, with OpenSSL 3, in the folder of this script. They are good for a
# hundred years, and they protect nothing: everybody has their keys.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
: >"$work/issued"
cat >"$work/config" <<END
[req]
distinguished_name = name
[name]
[ca]
default_ca = test
[test]
database = $work/issued
new_certs_dir = $work
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
END

# key FILE SUBJECT: a key, and a request to sign a certificate for it.
key() {
    openssl req -config "$work/config" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
        -subj "/CN=$2" -keyout "$1.key" -out "$work/request"
}

# ANCHOR: signs
# signs KEY CERTIFICATE FROM UNTIL EXTENSIONS: the owner of the key signs what is requested.
signs() {
    printf '%s\n' "$5" 'subjectKeyIdentifier = hash' >"$work/extensions"
    openssl ca -batch -notext -config "$work/config" $1 -in "$work/request" -out "$2" \
        -startdate "$3" -enddate "$4" -extfile "$work/extensions"
}
# ANCHOR_END: signs

begin=20250101000000Z
end=21250101000000Z
names='subjectAltName = DNS:pocket.test, DNS:localhost, IP:127.0.0.1, IP:::1'
authority='basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign'
server='basicConstraints = critical, CA:FALSE
authorityKeyIdentifier = keyid
extendedKeyUsage = serverAuth'
client='basicConstraints = critical, CA:FALSE
authorityKeyIdentifier = keyid
extendedKeyUsage = clientAuth'

# The authority that is trusted, and one that only calls itself the same.
for name in ca impostor; do
    key "$work/$name" 'Pocket Sockets test authority'
    signs "-selfsign -keyfile $work/$name.key" "$work/$name.pem" $begin $end "$authority"
done
cp "$work/ca.pem" ca.pem
# A file of two authorities.
key "$work/another" 'Another test authority'
signs "-selfsign -keyfile $work/another.key" "$work/another.pem" $begin $end "$authority"
cat "$work/another.pem" "$work/ca.pem" >authorities.pem
by_ca="-keyfile $work/ca.key -cert $work/ca.pem"
by_impostor="-keyfile $work/impostor.key -cert $work/impostor.pem"

key server pocket.test
signs "$by_ca" server.pem $begin $end "$names
$server"
key expired pocket.test
signs "$by_ca" expired.pem 20200101000000Z 20210101000000Z "$names
$server"
# The subject is not what counts.
key other pocket.test
signs "$by_ca" other.pem $begin $end "subjectAltName = DNS:other.test
$server"
key client alice
signs "$by_ca" client.pem $begin $end "subjectAltName = DNS:alice
$client"
key impostor pocket.test
signs "$by_impostor" impostor.pem $begin $end "$names
$server"
key stranger pocket.test
signs '-selfsign -keyfile stranger.key' stranger.pem $begin $end "$names
basicConstraints = critical, CA:FALSE"
