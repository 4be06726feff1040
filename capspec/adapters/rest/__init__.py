"""The REST adapter: flows as routes, jobs as resources, errors as problem documents."""
