import gevent
from gevent.event import Event

done = Event()


def setter():
    print("A: Hey wait for me, I have to do something")
    gevent.sleep(3)
    print("Ok, I'm done")
    done.set()


def waiter():
    print("I'll wait for you")
    done.wait()
    print("It's about time")


gevent.joinall([gevent.spawn(setter)] + [gevent.spawn(waiter) for _ in range(5)])
