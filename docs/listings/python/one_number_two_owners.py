"""A descriptor is a number, and two objects may believe that it is theirs."""

import os
import socket

# ANCHOR: owners
listener = socket.create_server(("127.0.0.1", 0))
copy = socket.socket(fileno=listener.fileno())  # the same number, and no copy at all
copy.close()
diary = open("diary", "w")
print("the diary got the listener's number:", diary.fileno() == listener.fileno(), flush=True)
listener.close()
# ANCHOR_END: owners
diary.write("Dear diary")
try:
    diary.flush()
except OSError as error:
    print("and can't be written:", error, flush=True)
os._exit(0)  # or the interpreter would close it once more
