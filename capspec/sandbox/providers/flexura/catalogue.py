"""The sandbox's origin to Flexura's model catalogue and install script."""

from __future__ import annotations

MODELS = {"nvidia-flux": "image", "sandbox-film": "video", "sandbox-tune": "audio"}
AGENTS = ("codex", "cursor", "windsurf", "claude", "aider", "cline")
_DESCRIPTIONS = {
    "nvidia-flux": "Fast pictures from a prompt",
    "sandbox-film": "Short films from a prompt",
    "sandbox-tune": "Short tunes from a prompt",
}


def catalogue(base: str) -> dict[str, object]:
    """``/api/agent/models``, its addresses below ``base``."""
    models = []
    for name, kind in MODELS.items():
        inputs: dict[str, object] = {"prompt": "string"}
        if kind == "image":
            inputs["options"] = {"width": "number", "height": "number"}
        models.append(
            {
                "id": name,
                "type": kind,
                "endpoint_url": f"{base}/api/generate/{kind}",
                "description": _DESCRIPTIONS[name],
                "status": "active",
                "input": inputs,
            }
        )
    search = {
        "endpoint_url": f"{base}/api/search",
        "method": "POST",
        "description": "Search the web",
    }
    return {"platform": "Flexura", "capabilities": {"search": search}, "models": models}


def install_script(base: str) -> str:
    """A script that only tells what the real one would do."""
    return f"""#!/usr/bin/env bash
set -euo pipefail
target=codex
while [ $# -gt 0 ]; do
  case "$1" in
    --target) target="${{2:?--target needs one of: {" ".join(AGENTS)}}}"; shift 2 ;;
    *) echo "unknown option: $1" >&2; exit 2 ;;
  esac
done
case "$target" in
  {"|".join(AGENTS)}) ;;
  *) echo "unknown agent: $target" >&2; exit 2 ;;
esac
echo "sandbox: would install the Flexura skill for $target, with {base} as its service; nothing was changed"
"""
