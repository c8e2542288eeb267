import gevent


def log(text):
    print("[%s] %s" % (gevent.getcurrent().spawn_tree_locals["request"], text))


def look_up(what):
    gevent.sleep(0.1)
    log(what)


def serve(name):
    gevent.getcurrent().spawn_tree_locals["request"] = name
    log("accepted")
    gevent.joinall([gevent.spawn(look_up, "found the user"),
                    gevent.spawn(look_up, "found the orders")])
    log("answered")


started = []
gevent.Greenlet.add_spawn_callback(started.append)
gevent.joinall([gevent.spawn(serve, "request 1"),
                gevent.spawn(serve, "request 2")])
gevent.Greenlet.remove_spawn_callback(started.append)
print("%d greenlets were started" % len(started))
