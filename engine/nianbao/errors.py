"""The exceptions of nianbao; each says what is wrong, where, and what to do.

::

    NianbaoError
    ├── PackError       a pack is missing or broken
    ├── TemplateError   a Word template is broken or not allowed
    ├── InputError      a file cannot be read at all
    ├── RenderError     a value that the template cannot place
    └── OutputError     a file or folder cannot be written

Problems in the data of a report are never exceptions: they are `Finding` values.
"""

from __future__ import annotations


class NianbaoError(Exception):
    """Something about the setup is wrong; the message is one sentence for the user."""

    def __init__(self, message: str, *, file: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.file)


def _rebuild(kind: type[NianbaoError], message: str, file: str | None) -> NianbaoError:
    return kind(message, file=file)


class PackError(NianbaoError):
    """A pack is missing, or one of its files is broken."""


class TemplateError(NianbaoError):
    """A Word template is broken, or holds something that is not allowed."""


class InputError(NianbaoError):
    """A file cannot be read at all; other files of the batch are not affected."""


class RenderError(NianbaoError):
    """A value cannot be placed in the document without loss."""


class OutputError(NianbaoError):
    """A file or a folder cannot be written."""
