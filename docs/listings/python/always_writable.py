"""Chapter 12: a server on `selectors` that asks for both, always. It answers, and it never sleeps."""

import selectors
import socket

selector = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", 7878))
listener.setblocking(False)
selector.register(listener, selectors.EVENT_READ)
print("listening on 127.0.0.1:7878", flush=True)

# ANCHOR: loop
while True:
    for key, ready in selector.select():
        if key.fileobj is listener:
            client, _ = listener.accept()
            client.setblocking(False)
            both = selectors.EVENT_READ | selectors.EVENT_WRITE
            selector.register(client, both, bytearray())
            continue
        client, replies = key.fileobj, key.data
        if ready & selectors.EVENT_READ:
            if data := client.recv(1024):
                replies += b"accepted\n" * data.count(b"\n")
            else:
                selector.unregister(client)
                client.close()
                continue
        if ready & selectors.EVENT_WRITE and replies:
            del replies[: client.send(replies)]
# ANCHOR_END: loop
