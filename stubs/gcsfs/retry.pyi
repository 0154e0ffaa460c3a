class HttpError(Exception):
    code: int | None
