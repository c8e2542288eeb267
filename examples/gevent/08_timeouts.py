import gevent
from gevent import Timeout


class TooLong(Exception):
    pass


def wait():
    gevent.sleep(2)


def by_hand():
    limit = Timeout(10)
    limit.start()
    try:
        gevent.spawn(lambda: gevent.sleep(10)).join()
    except Timeout:
        print("Could not complete")


def with_own_exception():
    try:
        with Timeout(5, TooLong):
            gevent.sleep(10)
    except TooLong:
        print("TooLong")


def three_ways():
    first = gevent.spawn(wait)
    try:
        with Timeout(1):
            first.join()
    except Timeout:
        print("Thread 1 timed out")

    second = gevent.spawn(wait)
    try:
        second.get(timeout=Timeout(1))
    except Timeout:
        print("Thread 2 timed out")

    try:
        gevent.with_timeout(1, wait)
    except Timeout:
        print("Thread 3 timed out")


by_hand()
with_own_exception()
three_ways()
