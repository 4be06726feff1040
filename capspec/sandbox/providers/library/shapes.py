"""The answers of the library's imitation, field by field: all of it was made up for the tutorial."""

from __future__ import annotations

from capspec.sandbox.fidelity import Note, Shape, Source, invented

AUTHOR = Shape(name="Author", fields={"name": invented("string"), "born": invented("integer")})
SHELF = Shape(name="Shelf", fields={"branch": invented("string"), "mark": invented("string")})
COPIES = Shape(name="Copies", fields={"owned": invented("integer"), "available": invented("integer")})
BOOK = Shape(
    name="Book",
    fields={
        "id": invented("string"),
        "title": invented("string"),
        "author": invented("object", AUTHOR),
        "first_published": invented("integer"),
        "subjects": invented("array"),
        "shelf": invented("object", SHELF),
        "copies": invented("object", COPIES),
    },
)
BOOKS = Shape(name="Books", fields={"total": invented("integer"), "items": invented("array", BOOK)})
HOURS = Shape(name="Hours", fields={"opens": invented("string"), "closes": invented("string")})
BRANCH = Shape(
    name="Branch",
    fields={
        "code": invented("string"),
        "name": invented("string"),
        "street": invented("string"),
        "hours": invented("object", HOURS),
    },
)
BRANCHES = Shape(name="Branches", fields={"branches": invented("array", BRANCH)})
PLACE = Shape(name="Place", fields={"id": invented("string"), "place": invented("integer")})
HOLD = Shape(
    name="Hold",
    fields={"hold": invented("object", PLACE), "book": invented("string"), "pickup": invented("string")},
)
ERROR = Shape(name="Error (catalogue)", fields={"error": invented("string")})
ORDERED = Shape(name="Ordered", fields={"scan": invented("string"), "state": invented("string")})
SCAN = Shape(
    name="Scan",
    fields={
        "scan": invented("string"),
        "book": invented("string"),
        "page": invented("integer"),
        "percent": invented("integer"),
        "state": invented("string"),
        "picture": invented("string", required=False),
        "message": invented("string", required=False),
    },
)
SCAN_ERROR = Shape(name="Error (scans)", fields={"message": invented("string")})

CATALOGUE_NOTES = (
    Note(
        text="branches are for everybody; all else needs `Authorization: Bearer cat_…`",
        source=Source.INVENTED,
    ),
    Note(text="and `Catalogue-Version: 2026-01`", source=Source.INVENTED),
)
LOANS_NOTES = (
    Note(text="XML; the key goes in `X-Loans-Key: loans_…`", source=Source.INVENTED),
    Note(text="a book that was taken out of the catalogue can still be lent", source=Source.INVENTED),
)
SCANS_NOTES = (
    Note(text="the key goes in the query: `api_key=scans_…`, for the picture too", source=Source.INVENTED),
    Note(text="states `waiting`, `scanning`, `ready`, `failed`", source=Source.INVENTED),
    Note(text="a fragile book fails", source=Source.INVENTED),
)
