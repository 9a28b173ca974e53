"""An IPv4 client of a listener for both families."""
import ipaddress, socket

listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
client = socket.create_connection(("127.0.0.1", listener.getsockname()[1]))
# ANCHOR: who
peer = listener.accept()[1][0]
print(peer, peer == "127.0.0.1")
print(ipaddress.ip_address(peer).ipv4_mapped)
# ANCHOR_END: who
