# SPDX-License-Identifier: MIT
"""What a power cut may leave of a series of system calls, by the least that file systems promise:

- what was written to a file is on the disk after its fsync; before, any of it may be: nothing, zeroes, a part, all;
- a change of a directory (a file made, renamed over another, removed) is on the disk whole or not at all, and for sure
  only after the directory's fsync; before, any of the changes may be there without the others, in whatever order they
  were made. To sync a file does not sync its name.
"""

import itertools
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Call:
    name: str  # "make", "make-directory", "write", "sync", "rename", "remove", or "send": the world is told something
    path: str = ""
    target: str = ""
    size: int = 0


FD = r"(?:\d+|AT_FDCWD)<(?P<{0}>[^>]*)>"
PATTERNS = [(re.compile(pattern), make) for pattern, make in (
    (r'openat\(' + FD.format("at") + r', "(?P<name>[^"]*)", [^)]*O_CREAT',
     lambda at, name: Call("make", f"{at}/{name}")),
    (r'mkdirat\(' + FD.format("at") + r', "(?P<name>[^"]*)"',
     lambda at, name: Call("make-directory", f"{at}/{name}")),
    (r'write\(' + FD.format("path") + r', .*= (?P<size>\d+)$', lambda path, size: Call("write", path, size=int(size))),
    (r'f(data)?sync\(' + FD.format("path"), lambda path: Call("sync", path)),
    (r'renameat2?\(' + FD.format("at") + r', "(?P<name>[^"]*)", ' + FD.format("to") + r', "(?P<new>[^"]*)"',
     lambda at, name, to, new: Call("rename", f"{at}/{name}", f"{to}/{new}")),
    (r'unlinkat\(' + FD.format("at") + r', "(?P<name>[^"]*)"', lambda at, name: Call("remove", f"{at}/{name}")),
    (r'send(to|msg)\(.*"PUT /', lambda: Call("send")))]
TRACED = "openat,mkdirat,write,pwrite64,writev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat," \
         "symlinkat,unlink,unlinkat,rmdir,sync,syncfs,sendto,sendmsg"


def read_trace(path, root):
    """The calls of an strace (-f -y) that succeeded and changed something below `root`, or sent a report."""
    calls = []
    for line in Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
        text = line.split(" ", 1)[1].strip()
        if re.search(r"= -1 E[A-Z]+ ", text):
            continue
        found = next(((match, make) for pattern, make in PATTERNS if (match := pattern.match(text))), None)
        if found:
            call = found[1](**found[0].groupdict())
            if call.name == "send" or call.path.startswith(f"{root}/") or call.path == str(root) \
                    or call.path == str(Path(root).parent):
                calls.append(call)
        else:
            known = text.startswith(("openat(", "write(", "sendto(", "sendmsg(", "+++", "---"))
            assert known or str(root) not in text, f"a call that the model does not know: {text}"
    return calls


class File:
    def __init__(self, content=b"", is_synced=False):
        self.content = content
        self.synced = content if is_synced else b""

    def may_hold(self):
        """What a power cut may leave."""
        if self.content == self.synced:
            return {self.content}
        return {self.synced, b"", bytes(len(self.content)), self.content[:len(self.content) // 2], self.content}


DIRECTORY = File(is_synced=True)


class Disk:
    """Follows the calls; `before` are the files that there are ({path: bytes}), all of them synced."""

    def __init__(self, before, directories):
        self.synced = {path: DIRECTORY for path in directories} | {
            path: File(content, is_synced=True) for path, content in before.items()}
        self.now = dict(self.synced)
        self.unsynced = []  # changes of names, oldest first: {path: File, or None for gone}

    def do(self, call, written):
        """`written`: the bytes of which the calls of "write" write one part after the other."""
        if call.name == "make" and call.path not in self.now:
            self._change({call.path: File()})
        elif call.name == "make-directory":
            self._change({call.path: DIRECTORY})
        elif call.name == "write":
            file = self.now[call.path]
            file.content += written[len(file.content):][:call.size]
        elif call.name == "rename":
            self._change({call.path: None, call.target: self.now[call.path]})
        elif call.name == "remove":
            self._change({call.path: None})
        elif call.name == "sync":
            self._sync(call.path)

    def _change(self, names):
        self.unsynced.append(names)
        self._apply(self.now, names)

    @staticmethod
    def _apply(tree, names):
        tree.update(names)
        for path in [path for path, file in names.items() if file is None]:
            del tree[path]

    def _sync(self, path):
        if self.now.get(path) is not DIRECTORY:
            self.now[path].synced = self.now[path].content
            return
        for names in [names for names in self.unsynced if str(Path(next(iter(names))).parent) == path]:
            self._apply(self.synced, {name: file for name, file in names.items() if file or name in self.synced})
            self.unsynced.remove(names)

    def after_power_cut(self):
        """Every tree that may be there ({path: bytes, or None for a directory})."""
        for count in range(len(self.unsynced) + 1):
            for kept in itertools.combinations(self.unsynced, count):
                tree = dict(self.synced)
                for names in kept:
                    self._apply(tree, {name: file for name, file in names.items() if file or name in tree})
                yield from self._contents(tree)

    @staticmethod
    def _contents(tree):
        reachable = [path for path in tree
                     if all(str(parent) in tree for parent in Path(path).parents if len(parent.parts) > 1)]
        files = [path for path in reachable if tree[path] is not DIRECTORY]
        directories = {path: None for path in reachable if tree[path] is DIRECTORY}
        for contents in itertools.product(*(tree[path].may_hold() for path in files)):
            yield directories | dict(zip(files, contents))


@dataclass
class Moment:
    """What may be there if the power goes right after this call."""
    call: Call
    trees: list
    is_announced: bool  # the new object


def moments(calls, before, directories, written):
    disk, is_announced = Disk(before, directories), False
    for call in calls:
        disk.do(call, written)
        is_announced = is_announced or call.name == "send"
        yield Moment(call, list(disk.after_power_cut()), is_announced)
