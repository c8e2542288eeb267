from gevent.pool import Pool

two = Pool(2)


def hello_from(n):
    print("Size of pool %s" % len(two))


two.map(hello_from, range(3))
