import time

import gevent

start = time.time()


def tic():
    return time.time() - start


def poll():
    print("Started Polling: at %1.1f seconds" % tic())
    gevent.sleep(2)
    print("Ended Polling: at %1.1f seconds" % tic())


def work():
    print(
        "Hey lets do some stuff while the greenlets poll, at %1.1f seconds" % tic()
    )
    gevent.sleep(1)


gevent.joinall([gevent.spawn(poll), gevent.spawn(poll), gevent.spawn(work)])
