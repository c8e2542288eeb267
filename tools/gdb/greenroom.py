"""gdb commands for programs that use Greenroom, live or as a core file.

    (gdb) source tools/gdb/greenroom.py
    (gdb) greenlets
    (gdb) greenlet-bt all
    (gdb) greenlet-core FILE

Nothing of the program is called. The library must have debug information.
"""

import struct

import gdb
import gdb.unwinder

# What greenlet_state calls them, for a greenlet that waits on nothing.
STATES = ["is not started", "is about to begin", "runs", "waits for mail",
          "is dead"]
RUNNING = 2
PAGE = 4096


def pointers(table):
    """The addresses in a std::array of pointers that are not null."""
    element = table.type.strip_typedefs().template_argument(0)
    first = table.address.cast(element.pointer())
    count = table.type.sizeof // element.sizeof
    return [first[i] for i in range(count) if int(first[i]) != 0]


def text_of(string):
    """A std::string's bytes, without a pretty printer."""
    try:
        length = int(string["_M_string_length"])
        return string["_M_dataplus"]["_M_p"].string(length=length)
    except gdb.error:
        return string.format_string().strip('"')


def at(address, type_name):
    """The object there; for gdb to follow a pointer to it would make it look
    for the class derived from it, and warn when it finds none."""
    object_type = gdb.lookup_type(type_name)
    memory = gdb.selected_inferior().read_memory(address, object_type.sizeof)
    return gdb.Value(memory.tobytes(), object_type)


class Greenlet:
    """One greenlet, as the debugged program's memory tells it."""

    def __init__(self, hub, address):
        self.hub = hub
        self.address = address
        self.value = at(address, "greenroom::greenlet_base")
        self.number = int(self.value["id_"])
        self.id = f"{hub.number}.{self.number}"
        self.name = self.find_name()

    def find_name(self):
        # A unique_ptr is a pointer: cheaper than knowing its insides.
        extras = gdb.lookup_type("greenroom::greenlet_base::extras")
        offset = self.value.type["extras_"].bitpos // 8
        holder = gdb.Value(self.address + offset)
        pointer = holder.cast(extras.pointer().pointer()).dereference()
        name = text_of(pointer["name"]) if int(pointer) else ""
        return name or f"Greenlet-{self.number}"

    def context(self):
        """Where its saved registers are, or None when it is not suspended."""
        fiber = self.value["suspended_on"]
        return int(fiber["context"]) if int(fiber) else None

    def runs(self):
        return int(self.hub.value["running_"]) == self.address

    def state(self, names):
        try:
            return self.readable_state(names)
        except gdb.MemoryError:
            return "waits; on what is not in the core file"

    def readable_state(self, names):
        wait = self.value["wait_"]
        if not int(wait):
            state = int(self.value["state_"])
            if state == RUNNING and not self.runs():
                return "is ready to run"
            return STATES[state]
        text = "waits in " + wait["what"].string()
        on = int(wait["on"])
        if on in names:
            text += f" on '{names[on]}'"
        elif on:
            text += f" on {on:#x}"
        return text

    def answers_to(self, word):
        return word in ("all", self.id, str(self.number), self.name)


class Hub:
    def __init__(self, number, value):
        self.number = number  # its place among the hubs that exist
        self.value = value
        self.thread_id = int(value["thread_"])

    def greenlets(self):
        address = int(self.value["first_"])
        while address:
            each = Greenlet(self, address)
            yield each
            address = int(each.value["next_"])

    def thread(self):
        for thread in gdb.selected_inferior().threads():
            if self.thread_id in thread.ptid[1:]:
                return thread
        return None


def hubs():
    symbol = gdb.lookup_global_symbol("greenroom_hubs")
    if symbol is None:
        symbol = gdb.lookup_static_symbol("greenroom_hubs")
    if symbol is None:
        raise gdb.GdbError("no symbol greenroom_hubs: this program does not "
                           "use Greenroom, or has no debug information")
    if not gdb.selected_thread():
        raise gdb.GdbError("no process and no core file")
    return [Hub(number, pointer.dereference())
            for number, pointer in enumerate(pointers(symbol.value()))]


class FiberUnwinder(gdb.unwinder.Unwinder):
    """While `context` is set, the innermost frame of the selected thread
    seems to have been called by the code suspended there."""

    def __init__(self):
        super().__init__("greenroom")
        self.context = None
        self.innermost = None  # the thread's real stack pointer

    def __call__(self, frame):
        stack_pointer = frame.read_register("rsp")
        if self.context is None or int(stack_pointer) != self.innermost:
            return None
        # The identity must lie in the greenlet's stack, or gdb finds that
        # the frames are in the wrong order and gives up.
        identity = FrameIdentity(self.context, frame.read_register("rip"))
        info = frame.create_unwind_info(identity)
        for register, value in saved_registers(self.context).items():
            info.add_saved_register(register, value)
        return info

    def show(self, context, command):
        """What `command` prints about the stack suspended at `context`."""
        gdb.newest_frame().select()
        self.innermost = int(gdb.newest_frame().read_register("rsp"))
        self.context = context
        gdb.invalidate_cached_frames()
        try:
            return gdb.execute(command, to_string=True)
        finally:
            self.context = None
            gdb.invalidate_cached_frames()


class FrameIdentity:
    def __init__(self, stack_pointer, pc):
        self.sp = word(stack_pointer)
        self.pc = pc


def word(number):
    return gdb.Value(number).cast(gdb.lookup_type("unsigned long"))


def saved_registers(context):
    """What Boost.Context's jump_fcontext saved, on x86-64: r12, r13, r14,
    r15, rbx, rbp and the return address are the last seven words."""
    size = frame_size()
    words = word(context + size - 0x30).cast(
        gdb.lookup_type("unsigned long").pointer())
    names = ["r12", "r13", "r14", "r15", "rbx", "rbp", "rip"]
    registers = {name: words[i] for i, name in enumerate(names)}
    registers["rsp"] = word(context + size + 8)
    return registers


def frame_size():
    """Bytes below the return address; releases of Boost differ. It stands in
    jump_fcontext's first instruction, lea -size(%rsp), %rsp."""
    start = int(gdb.parse_and_eval("(unsigned long)&jump_fcontext"))
    code = bytes(gdb.selected_inferior().read_memory(start, 16))
    if code.startswith(b"\xf3\x0f\x1e\xfa"):  # endbr64
        code = code[4:]
    if not code.startswith(b"\x48\x8d\x64\x24"):
        raise gdb.GdbError("unknown jump_fcontext: only Boost.Context for "
                           "x86-64 Linux is understood")
    return 256 - code[4]


unwinder = FiberUnwinder()
gdb.unwinder.register_unwinder(None, unwinder, replace=True)


class Greenlets(gdb.Command):
    """List the greenlets of every hub: ID, name, and what each waits on."""

    def __init__(self):
        super().__init__("greenlets", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        lists = [(hub, list(hub.greenlets())) for hub in hubs()]
        names = {each.address: each.name
                 for _, greenlets in lists for each in greenlets}
        for hub, greenlets in lists:
            print(f"hub {hub.number}, thread {hub.thread_id}, "
                  f"{len(greenlets)} greenlets")
            for each in greenlets:
                print(f"  {each.id:<6} '{each.name}' {each.state(names)}")
        if not lists:
            print("no hub")


class GreenletBacktrace(gdb.Command):
    """Show the stack of a greenlet: greenlet-bt ID|NAME|all [OPTION]...

ID is as `greenlets` prints it; options are those of `backtrace`, as -full."""

    def __init__(self):
        super().__init__("greenlet-bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if not words:
            raise gdb.GdbError("greenlet-bt ID|NAME|all [OPTION]...")
        chosen = [each for hub in hubs() for each in hub.greenlets()
                  if each.answers_to(words[0])]
        if not chosen:
            raise gdb.GdbError(f"no greenlet {words[0]}; see greenlets")
        command = " ".join(["backtrace"] + words[1:])
        for each in chosen:
            print(f"greenlet {each.id} '{each.name}'")
            try:
                print(self.stack(each, command))
            except gdb.MemoryError:
                print("(the stack is not in the core file)\n")

    def stack(self, greenlet, command):
        context = greenlet.context()
        if context is not None:
            text = unwinder.show(context, command)
            # Frame 0 is the thread's own, which only stands in.
            return "#1 " + text.split("\n#1 ", 1)[-1]
        if greenlet.runs() and greenlet.hub.thread():
            return self.thread_stack(greenlet.hub.thread(), command)
        return "(no stack)\n"

    def thread_stack(self, thread, command):
        before = gdb.selected_thread()
        thread.switch()
        try:
            return gdb.execute(command, to_string=True)
        finally:
            before.switch()


class GreenletCore(gdb.Command):
    """Save a core file of the running program: greenlet-core FILE

As generate-core-file, which leaves out the stacks of greenlets: it gives up
on a mapping at the first page that cannot be read, and theirs begin with one,
the guard."""

    def __init__(self):
        super().__init__("greenlet-core", gdb.COMMAND_FILES)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if len(words) != 1:
            raise gdb.GdbError("greenlet-core FILE")
        gdb.execute(f"generate-core-file {words[0]}", to_string=True)
        contexts = [each.context() for hub in hubs()
                    for each in hub.greenlets()]
        with open(words[0], "r+b") as core:
            for begin, size, offset in segments(core):
                if any(c and begin <= c < begin + size for c in contexts):
                    fill(core, begin, size, offset)
        print(f"saved {words[0]}")


def segments(core):
    """Address, size and place in the file of all that an ELF core holds."""
    header = core.read(64)
    table, = struct.unpack_from("<Q", header, 32)
    size, count = struct.unpack_from("<HH", header, 54)
    core.seek(table)
    entries = core.read(size * count)
    for i in range(count):
        kind, _, offset, address, _, length = struct.unpack_from(
            "<IIQQQQ", entries, i * size)
        if kind == 1:  # PT_LOAD
            yield address, length, offset


def fill(core, begin, size, offset):
    """Copies what can be read of a mapping, page by page."""
    inferior = gdb.selected_inferior()
    for at_byte in range(0, size, PAGE):
        try:
            memory = inferior.read_memory(begin + at_byte, PAGE).tobytes()
        except gdb.MemoryError:
            continue  # a guard
        if any(memory):
            core.seek(offset + at_byte)
            core.write(memory)


Greenlets()
GreenletBacktrace()
GreenletCore()
