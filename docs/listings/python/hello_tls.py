"""A TLS server that says hello to the client by the name in its certificate, and sends close_notify."""

import os
import socket
import ssl

folder = os.path.join(os.path.dirname(__file__), "../tls/")

# ANCHOR: client
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder + "ca.pem")
context.load_cert_chain(folder + "server.pem", folder + "server.key")
context.verify_mode = ssl.CERT_OPTIONAL
# ANCHOR_END: client

listener = socket.create_server(("127.0.0.1", 7878))
print("listening", flush=True)
while True:
    connection, _ = listener.accept()
    # ANCHOR: who
    with context.wrap_socket(connection, server_side=True) as tls:
        tls.recv(100)
        names = (tls.getpeercert() or {}).get("subjectAltName", [("DNS", "nobody")])
        tls.sendall(f"hello, {names[0][1]}\n".encode())
        tls.unwrap()
    # ANCHOR_END: who
