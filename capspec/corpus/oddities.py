def oddities_of(capability):
    return {}
