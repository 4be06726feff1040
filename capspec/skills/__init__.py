"""Skills in the Agent Skills convention: written as SKILL.md, packed, and put where agents read them."""
