import gevent
from gevent.lock import BoundedSemaphore
from gevent.pool import Pool

two_at_a_time = BoundedSemaphore(2)


def by_hand(number):
    two_at_a_time.acquire()
    print("Worker %i acquired semaphore" % number)
    gevent.sleep(0)
    two_at_a_time.release()
    print("Worker %i released semaphore" % number)


def guarded(number):
    with two_at_a_time:
        print("Worker %i acquired semaphore" % number)
        gevent.sleep(0)
    print("Worker %i released semaphore" % number)


everybody = Pool()
everybody.map(by_hand, [0, 1])
everybody.map(guarded, [3, 4, 5])
