"""`call` words to operations: exact, by ordinal where a name is ambiguous, or with the nearest name said."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from capspec.compiler.operations import CompiledOperation


class UnknownTarget(LookupError):
    """No operation has this name; `hint` says which is nearest."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint


class AbsentTarget(UnknownTarget):
    """The operation would be in another file: its import failed, which is reported, or this file is itself
    there to be imported from."""


@dataclass(slots=True)
class Targets:
    """The operations of a capability, by `namespace.name`.

    Some public files declare one name many times in a namespace, and call it as many times: there the
    k-th caller of an adapter means the k-th declaration. `begin` starts a new count for an adapter.
    """

    operations: dict[str, list[CompiledOperation]] = field(default_factory=lambda: defaultdict(list))
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    totals: dict[str, int] = field(default_factory=dict)
    lost: Collection[str] = ()
    shared: bool = False
    paired: set[str] = field(default_factory=set)
    """Names that are declared many times, and called as many times."""

    @classmethod
    def of(
        cls, operations: Iterable[CompiledOperation], *, lost: Collection[str] = (), shared: bool = False
    ) -> Targets:
        """`lost` are namespaces that could not be imported; `shared` says that the file is there to be
        imported from."""
        targets = cls(lost=lost, shared=shared)
        for operation in operations:
            targets.operations[operation.operation.id].append(operation)
        return targets

    def begin(self, words: Iterable[str]) -> None:
        """Start an adapter that makes these calls, in this order."""
        self.calls = defaultdict(int)
        self.totals = defaultdict(int)
        for word in words:
            self.totals[word] += 1

    def find(self, word: str) -> CompiledOperation:
        """Raises UnknownTarget."""
        name = self._name(word.strip())
        found = self.operations[name]
        if len(found) == 1 or self.totals.get(word) != len(found):
            return found[0]
        self.paired.add(name)
        ordinal = self.calls[word]
        self.calls[word] += 1
        return found[ordinal]

    def doubles(self) -> list[tuple[str, CompiledOperation, CompiledOperation]]:
        """Names that mean their first declaration, though there are more: each with the first two."""
        several = ((name, found) for name, found in self.operations.items() if len(found) > 1)
        return [(name, found[0], found[1]) for name, found in several if name not in self.paired]

    def _name(self, word: str) -> str:
        if word in self.operations:
            return word
        namespace, _, rest = word.partition(".")
        last = f"{namespace}.{rest.rpartition('.')[2]}"
        if rest and last in self.operations:
            return last
        alone = [name for name in self.operations if name.partition(".")[2] == word]
        if len(alone) == 1:
            return alone[0]
        lost = next((name for name in self.lost if word.startswith(f"{name}.")), None)
        if lost is not None:
            raise AbsentTarget(f"'{lost}' could not be imported")
        explained = self._explain(word, namespace, rest)
        raise AbsentTarget(*explained) if self.shared and not self.operations else UnknownTarget(*explained)

    def _explain(self, word: str, namespace: str, rest: str) -> tuple[str, str]:
        if not word:
            return "the call names no operation", "write namespace.operation"
        elsewhere = [name for name in self.operations if rest and name.endswith(f".{rest}")]
        near = elsewhere or difflib.get_close_matches(word, list(self.operations), 1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else ""
        namespaces = {name.partition(".")[0] for name in self.operations}
        if rest and namespace not in namespaces:
            hint = hint or (
                f"there are: {', '.join(sorted(namespaces))}" if namespaces else "add it to 'consumes'"
            )
            return f"nothing is consumed under the namespace '{namespace}'", hint
        return f"there is no operation '{word}'", hint
