# SPDX-License-Identifier: MIT
"""A node that is stored as A1 and becomes B2 with its next registration."""

from support.liar import Liar, answer, node

OLD = node("A1")
NEW = node("B2", filler="x" * 9000)


class RenamingMaster(Liar):
    def truth(self, request):
        return answer(200, NEW) if request.kind == "register" else answer(204)
