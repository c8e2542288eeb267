import gevent
from gevent.pool import Group

seen = []


def hello_from(n):
    me = gevent.getcurrent()
    if me not in seen:
        seen.append(me)
    print("Size of group %s" % len(everybody))
    print("Hello from Greenlet %s" % seen.index(me))


def intensive(n):
    gevent.sleep(3 - n)
    return "task", n


everybody = Group()
everybody.map(hello_from, range(3))

print("Ordered")
for each in Group().imap(intensive, range(3)):
    print(each)

print("Unordered")
for each in Group().imap_unordered(intensive, range(3)):
    print(each)
