"""Links in answers that callers cannot use, or not for long: made our own, fetched or kept, and served.

`shelf.Shelf` finds and replaces the links of an answer, `serving.asset_app` answers requests for ours.
"""
