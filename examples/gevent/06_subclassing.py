import gevent
from gevent import Greenlet


class MyGreenlet(Greenlet):
    def __init__(self, message, time):
        Greenlet.__init__(self)
        self.message = message
        self.time = time

    def _run(self):
        print(self.message)
        gevent.sleep(self.time)


g = MyGreenlet("Hi there!", 3)
g.start()
g.join()
