"""Reports of files to one report of them all: as an object of JSON, and as tables in Markdown."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from capspec.corpus.checking import FileReport
from capspec.corpus.findings import KINDS, TOLD
from capspec.corpus.oddities import TITLES
from capspec.corpus.served import Served
from capspec.values import Json

_MOST = 20
"""How many findings of a kind are shown in the table."""


@dataclass(frozen=True, slots=True)
class CorpusReport:
    """Everything about some files. `seconds` is how long it took, `peak_bytes` the memory of the process."""

    files: Sequence[FileReport]
    seconds: float = 0.0
    peak_bytes: int = 0
    served: Served | None = None
    _kinds: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._kinds.update(finding.kind for file in self.files for finding in file.findings)

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(file.outcome for file in self.files)

    @property
    def kinds(self) -> Mapping[str, int]:
        """How many findings of each kind there are."""
        return {kind: self._kinds[kind] for kind in KINDS}

    @property
    def failed(self) -> bool:
        """Whether something is wrong that is not the files' own fault."""
        faults = sum(count for kind, count in self.kinds.items() if kind not in TOLD)
        astray = any(file.astray for file in self.files)
        return bool(faults or self.outcomes["crashed"] or astray or (self.served and self.served.wrong))

    def percentile(self, share: float) -> float:
        """The seconds within which that share of the files was loaded."""
        times = sorted(file.seconds for file in self.files if file.outcome == "loaded")
        return times[min(int(share * len(times)), len(times) - 1)] if times else 0.0

    def total(self, name: str) -> int:
        return sum(getattr(file.probed, name) for file in self.files)

    # -- JSON -------------------------------------------------------------------------------------------

    def facts(self) -> dict[str, Json]:
        """The report as an object of JSON."""
        return {
            "summary": self._summary(),
            "findings": dict(self.kinds),
            "served": self.served.facts if self.served is not None else None,
            "oddities": [*self._oddities()],
            "files": [_facts(file) for file in self.files],
        }

    def _summary(self) -> dict[str, Json]:
        return {
            "files": len(self.files),
            "outcomes": dict(self.outcomes),
            "operations": sum(file.operations for file in self.files),
            "flows": self.total("flows"),
            "sent": self.total("sent"),
            "unavailable": self.total("unavailable"),
            "mocked": self.total("mocked"),
            "unanswered": self.total("unanswered"),
            "astray": sum(len(file.astray) for file in self.files),
            "load_seconds": {
                "p50": round(self.percentile(0.5), 4),
                "p95": round(self.percentile(0.95), 4),
                "max": round(self.percentile(1.0), 4),
            },
            "seconds": round(self.seconds, 2),
            "peak_bytes": self.peak_bytes,
        }

    def _oddities(self) -> Iterator[dict[str, Json]]:
        """Each oddity with the files that have it, and what was found in these."""
        found: dict[str, list[FileReport]] = defaultdict(list)
        for file in self.files:
            for oddity, _ in file.oddities:
                found[oddity].append(file)
        for oddity, title in TITLES.items():
            files = found[oddity]
            if files:
                yield {
                    "id": oddity,
                    "title": title,
                    "files": len(files),
                    "occurrences": sum(dict(file.oddities)[oddity] for file in files),
                    "flows": sum(file.probed.flows for file in files),
                    "sent": sum(file.probed.sent for file in files),
                    "findings": sum(1 for file in files for item in file.findings if item.kind not in TOLD),
                }

    # -- Markdown ---------------------------------------------------------------------------------------

    def markdown(self) -> str:
        """The report as tables for people."""
        parts = [self._heading(), self._load_table(), self._finding_table(), self._oddity_table()]
        parts += [*self._details(), *self._refusals()]
        return "\n\n".join(parts) + "\n"

    def _heading(self) -> str:
        memory = f", {self.peak_bytes / 1e6:.0f} MB at most" if self.peak_bytes else ""
        return f"# Capability files: {len(self.files)}\n\n{self.seconds:.1f} s{memory}"

    def _load_table(self) -> str:
        counted = [(outcome, str(count)) for outcome, count in sorted(self.outcomes.items())]
        times = [
            (f"load, {name}", f"{1000 * self.percentile(share):.1f} ms")
            for name, share in (("p50", 0.5), ("p95", 0.95), ("max", 1.0))
        ]
        names = ("flows", "sent", "unavailable", "mocked", "unanswered")
        flows = [(f"flows, {name}" if name != "flows" else name, str(self.total(name))) for name in names]
        return _table(("What", "How many"), [*counted, *flows, *times])

    def _finding_table(self) -> str:
        rows = [(kind, str(self.kinds[kind]), meaning) for kind, meaning in KINDS.items()]
        return "## Findings\n\n" + _table(("Kind", "Count", "Meaning"), rows)

    def _oddity_table(self) -> str:
        rows = [
            (
                item["id"],
                item["title"],
                *(str(item[key]) for key in ("files", "occurrences", "flows", "findings")),
            )
            for item in self._oddities()
        ]
        header = ("Oddity", "What it is", "Files", "Times", "Flows", "Findings")
        return "## Oddities\n\n" + _table(header, rows)

    def _details(self) -> Iterator[str]:
        for kind in KINDS:
            items = [(file.path, item) for file in self.files for item in file.findings if item.kind == kind]
            if items:
                rows = [(path, item.listener, item.flow, item.subject) for path, item in items[:_MOST]]
                more = f"\n\nand {len(items) - _MOST} more" if len(items) > _MOST else ""
                yield f"## {kind}\n\n" + _table(("File", "Adapter", "Flow", "Subject"), rows) + more

    def _refusals(self) -> Iterator[str]:
        rows = [
            (file.outcome, file.crash or str(file.problems[0])) for file in self.files if not _is_loaded(file)
        ]
        if rows:
            yield "## Not loaded\n\n" + _table(("Outcome", "What was said first"), rows)


def _is_loaded(file: FileReport) -> bool:
    return file.outcome == "loaded"


def _facts(file: FileReport) -> dict[str, Json]:
    return {
        "file": file.path,
        "outcome": file.outcome,
        "bytes": file.bytes,
        "load_seconds": round(file.seconds, 4),
        "operations": file.operations,
        "routes": file.routes,
        "tools": file.tools,
        "sent": file.probed.sent,
        "unavailable": file.probed.unavailable,
        "warnings": file.warnings,
        "oddities": dict(file.oddities),
        "findings": [finding.facts for finding in file.findings],
        "problems": [dict(problem.facts) for problem in file.problems],
        "crash": file.crash,
        "astray": list(file.astray),
    }


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" | ".join(header), " | ".join("---" for _ in header)]
    lines += [" | ".join(_cell(cell) for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
