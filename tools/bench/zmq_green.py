"""zmq.green: nanoseconds for each of COUNT messages, or round trips.

    zmq_green.py push|req inproc|tcp COUNT
"""

import sys
import time

import gevent
import zmq.green as zmq

KIND, TRANSPORT, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
PAYLOAD = b"sixteen bytes..."

context = zmq.Context()
server = context.socket(zmq.PULL if KIND == "push" else zmq.REP)
client = context.socket(zmq.PUSH if KIND == "push" else zmq.REQ)
server.bind("inproc://bench" if TRANSPORT == "inproc" else "tcp://127.0.0.1:*")
client.connect(server.last_endpoint)


def push():
    for _ in range(COUNT):
        client.send(PAYLOAD)


def pull():
    for _ in range(COUNT):
        server.recv()


def ask():
    for _ in range(COUNT):
        client.send(PAYLOAD)
        client.recv()


def answer():
    for _ in range(COUNT):
        server.send(server.recv())


begin = time.monotonic()
work = (push, pull) if KIND == "push" else (ask, answer)
gevent.joinall([gevent.spawn(each) for each in work], raise_error=True)
print((time.monotonic() - begin) / COUNT * 1e9)
context.destroy(linger=0)
