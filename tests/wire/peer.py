#!/usr/bin/python3
"""The other end of the tests, in pyzmq and msgpack.

    peer.py has                  exits with 77 when modules are missing
    peer.py client ENDPOINT      asks a served account, side by side too
    peer.py server               prints its endpoint; answers five asks
    peer.py news ENDPOINT        subscribes, prints one price; publishes none
    peer.py push ENDPOINT        pushes three jobs
"""

import sys

try:
    import msgpack
    import zmq
except ImportError:
    sys.exit(77)

PATIENCE = 60_000  # milliseconds


def connected(kind, endpoint):
    socket = zmq.Context.instance().socket(kind)
    socket.RCVTIMEO = socket.SNDTIMEO = PATIENCE
    socket.connect(endpoint)
    return socket


def client(endpoint):
    account = connected(zmq.REQ, endpoint)

    def ask(*request):
        account.send(msgpack.packb(request))
        return msgpack.unpackb(account.recv())

    assert ask("deposit", [5]) == ["ok", None]
    assert ask("deposit", [2**40]) == ["ok", None]
    assert ask("balance", []) == ["ok", 2**40 + 5]
    status, text = ask("deposit", ["much"])
    assert status == "bad_message", status
    assert "deposit field 1: expected an integer, found text" in text, text
    assert ask("nonsense", [])[0] == "bad_message"
    several = connected(zmq.DEALER, endpoint)
    for number in range(10):
        body = msgpack.packb(["later", [number]])
        several.send_multipart([b"%d" % number, b"", body])
    for number in range(9):
        name, empty, body = several.recv_multipart()
        assert name == b"%d" % number, name
        assert msgpack.unpackb(body) == ["ok", number], body
    assert ask("fail", ["no luck"]) == ["failed", "no luck"]
    assert ask("balance", [])[0] == "dead"


def server():
    account = zmq.Context.instance().socket(zmq.REP)
    account.RCVTIMEO = PATIENCE
    port = account.bind_to_random_port("tcp://127.0.0.1")
    print(f"tcp://127.0.0.1:{port}", flush=True)
    total = 0
    for _ in range(5):
        name, content = msgpack.unpackb(account.recv())
        reply = ["ok", None]
        if name == "deposit":
            total += content[0]
        elif name == "balance":
            reply = ["ok", total]
        elif name == "fail":
            reply = ["failed", content[0]]
        else:
            reply = ["bad_message", "unknown " + name]
        account.send(msgpack.packb(reply))


def news(endpoint):
    prices = connected(zmq.SUB, endpoint)
    prices.subscribe("prices")
    name, body = prices.recv_multipart()
    assert name == b"prices", name
    print(msgpack.unpackb(body))


def push(endpoint):
    jobs = connected(zmq.PUSH, endpoint)
    for number in range(3):
        jobs.send(msgpack.packb(["job", {"number": number, "unknown": [1]}]))
    jobs.send(msgpack.packb(["job", [3]]))


if sys.argv[1] != "has":
    globals()[sys.argv[1]](*sys.argv[2:])
    zmq.Context.instance().destroy(linger=PATIENCE)  # until all is sent
