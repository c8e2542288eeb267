import gevent
from gevent.event import AsyncResult


def setter(result):
    gevent.sleep(3)
    result.set("Hello!")


def waiter(result):
    print(result.get())


def failure():
    result = AsyncResult()
    gevent.spawn(lambda: result.set_exception(RuntimeError("no answer")))
    try:
        result.get()
    except RuntimeError as error:
        print(error)


greeting = AsyncResult()
gevent.joinall([gevent.spawn(setter, greeting), gevent.spawn(waiter, greeting)])
failure()
