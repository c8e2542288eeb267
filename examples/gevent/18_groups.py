import gevent
from gevent.pool import Group


def talk(message):
    for _ in range(3):
        print(message)


bar = gevent.spawn(talk, "bar")
foo = gevent.spawn(talk, "foo")
fizz = gevent.spawn(talk, "fizz")

together = Group()
together.add(bar)
together.add(foo)
together.join()

together.add(fizz)
together.join()
