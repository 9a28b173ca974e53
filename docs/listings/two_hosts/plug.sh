# Two hosts on one machine, left and right, with a cable between them. As root, on Linux.
# Afterwards: ip netns delete left; ip netns delete right; rm -r /etc/netns/left /etc/netns/right
set -e
# ANCHOR: hosts
for host in left right; do
    ip netns add $host
    ip -n $host link set lo up
    mkdir -p /etc/netns/$host
    printf '%s\n' '127.0.0.1 localhost' '10.77.0.1 left' 'fd77::1 left' \
        '10.77.0.2 right' 'fd77::2 right' >/etc/netns/$host/hosts
done
# ANCHOR_END: hosts
# ANCHOR: cable
ip -n left link add cable type veth peer name cable netns right
ip -n left addr add 10.77.0.1/24 dev cable
ip -n left addr add fd77::1/64 dev cable nodad
ip -n right addr add 10.77.0.2/24 dev cable
ip -n right addr add fd77::2/64 dev cable nodad
ip -n left link set cable up
ip -n right link set cable up
# ANCHOR_END: cable
