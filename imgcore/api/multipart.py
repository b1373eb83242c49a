"""Uploads as they arrive: files go to disk piece by piece, the fields beside them stay in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException

from imgcore.domain.records import Refused
from imgcore.errors import ImgcoreError, Invalid, TooLarge, UnsupportedType
from imgcore.services.intake import Incoming, Intake
from imgcore.services.uploads import refusal
from imgcore.texts import _, ngettext

MOST_FIELDS_BYTES = 2 * 1024 * 1024
_FIELD_COSTS = 100  # bytes of memory that even an empty field takes


class Form:
    """One multipart form; the bytes of each file go to an intake, those of one that fails are dropped."""

    def __init__(
        self, content_type: str, open_file: Callable[[str], Intake], most_files: int, name: str = "images"
    ) -> None:
        """Refuse what is no multipart form; ``open_file`` is given the name of each file that begins.

        ``name`` is the field that holds the files.
        """
        self.files: list[Incoming | Refused] = []
        self.fields: dict[str, list[str]] = defaultdict(list)
        self._files_name = name
        self._open_file = open_file
        self._most_files = most_files
        self._header = (bytearray(), bytearray())
        self._name, self._file_name = "", ""
        self._intake: Intake | None = None
        self._failure: Refused | None = None
        self._value = bytearray()
        self._fields_bytes = 0
        self._is_whole = False
        self._parser = self._parse(content_type)

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the request; slow, since they are hashed and written."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise HTTPException(400) from error

    def finish(self) -> None:
        """Say that no more bytes come; a form that is cut short is refused."""
        if not self._is_whole:
            raise HTTPException(400)

    def discard(self) -> None:
        """Remove every file that was received; harmless for those that were taken over."""
        if self._intake is not None:
            self._intake.discard()
        for file in self.files:
            if isinstance(file, Incoming):
                file.path.unlink(missing_ok=True)

    def one(self, name: str) -> str | None:
        """Return a field that is sent once for all files, or None when it is absent or empty."""
        values = self.fields.pop(name, [])
        if len(values) > 1:
            raise Invalid(_("{field} is given once, for all files.").format(field=name))
        return values[0].strip() or None if values else None

    def of_each(self, name: str) -> list[str | None]:
        """Return a field that is repeated for the files in their order; what is not given is None."""
        values = [value.strip() or None for value in self.fields.pop(name, [])]
        if len(values) > len(self.files):
            raise Invalid(_("There are more {field} than images.").format(field=name))
        return values + [None] * (len(self.files) - len(values))

    def _parse(self, content_type: str) -> MultipartParser:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data":
            text = _("Images are sent as multipart/form-data, in the field {name}.")
            raise UnsupportedType(text.format(name=self._files_name))
        boundary = options.get(b"boundary", b"")
        if not boundary:
            raise HTTPException(400)
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._data,
                    "on_part_end": self._end,
                    "on_end": self._finished,
                },
            )
        except FormParserError as error:
            raise HTTPException(400) from error

    def _begin(self) -> None:
        self._name, self._file_name = "", ""
        self._value.clear()
        self._failure = None

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _header_end(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            options = parse_options_header(value.decode("latin-1"))[1]
            self._name = _text(options.get(b"name", b""))
            self._file_name = _text(options.get(b"filename", b""))
        self._header = (bytearray(), bytearray())

    def _headers_finished(self) -> None:
        if self._name != self._files_name:
            self._count(_FIELD_COSTS)
            return
        if len(self.files) >= self._most_files:
            raise TooLarge(
                ngettext(
                    "At most {count} image can be sent at once.",
                    "At most {count} images can be sent at once.",
                    self._most_files,
                ),
                hint=_("Send the rest in a second upload."),
            )
        try:
            self._intake = self._open_file(self._file_name)
        except ImgcoreError as error:
            self._failure = refusal(self._file_name, error)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._name != self._files_name:
            self._count(end - start)
            self._value.extend(data[start:end])
        elif self._intake is not None and self._failure is None:
            try:
                self._intake.write(data[start:end])
            except ImgcoreError as error:  # this file is lost, those beside it may do better
                self._failure = refusal(self._intake.name, error)

    def _end(self) -> None:
        if self._name != self._files_name:
            self.fields[self._name].append(_text(bytes(self._value)))
            return
        intake, self._intake = self._intake, None
        if self._failure is None and intake is not None:
            try:
                self.files.append(intake.finish())
                return
            except ImgcoreError as error:
                self._failure = refusal(intake.name, error)
        if self._failure is not None:
            self.files.append(self._failure)

    def _count(self, size: int) -> None:
        self._fields_bytes += size
        if self._fields_bytes > MOST_FIELDS_BYTES:
            raise TooLarge(_("The texts beside the images are too long."))

    def _finished(self) -> None:
        self._is_whole = True


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="replace")
