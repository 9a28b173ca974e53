"""Keepalive every second, to a process that is stopped. (Linux: the names of the options.)"""
import os, select, signal, socket

listener = socket.create_server(("127.0.0.1", 0))
child = os.fork()
if child == 0:
    peer = listener.accept()[0]
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(0)
client = socket.create_connection(listener.getsockname())
# ANCHOR: keepalive
client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)  # the first probe
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)  # those after it
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2)  # how many
# ANCHOR_END: keepalive
os.waitpid(child, os.WUNTRACED)  # it is stopped now
try:
    # ANCHOR: wait
    print("after 4 s of keepalive:", select.select([client], [], [], 4)[0] or "still there")
    client.send(b"ping\n")
    print("after a ping and 1 s:", select.select([client], [], [], 1)[0] or "no pong")
    # ANCHOR_END: wait
finally:
    os.kill(child, signal.SIGKILL)
