import gevent
from gevent import Greenlet


def foo(message, time):
    gevent.sleep(time)
    print(message)


first = Greenlet.spawn(foo, "Hello", 1)
second = gevent.spawn(foo, "I live!", 2)
third = gevent.spawn(lambda x: x + 1, 2)
gevent.joinall([first, second, third])
print(third.value)
